"""P08: search over HTTP, words and parts of words from rare to very common, against the bare statement."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import quote

from bench.bare_sql import Bare, bare_of
from bench.data import STEP, texts
from bench.filled import DATABASES, House, house
from bench.report import Figure, Goal, percentile, wrong
from omnibox.store.search import fold

MESSAGES, MANY = 10_000, 1_000_000
TURNS = 11  # each query, on one connection: PostgreSQL plans anew at the sixth; the first is told apart
RAW_TURNS, MOST_RAW = 2, 12  # of the bare statement, for the first queries of a class
SAMPLE = 12  # queries whose whole first page is checked
PAGE = 25
WORD_MS, PART_MS, WORST_MS = 10.0, 60.0, 200.0
GOALS = {"rare": WORD_MS, "middling": WORD_MS, "common": WORD_MS, "pairs": WORD_MS, "substring": PART_MS}
RAW_SQLITE = "SELECT rowid FROM {table} WHERE {table} MATCH '{match}' ORDER BY rowid DESC LIMIT 25"
RAW_POSTGRES = (
    "WITH hit AS MATERIALIZED (SELECT id FROM search_document WHERE {condition})"
    " SELECT id FROM hit ORDER BY id DESC LIMIT 25"
)
Queries = dict[str, list[str]]


def run(*, long: bool = False) -> Iterator[Figure]:
    count = MANY if long else MESSAGES
    for database in DATABASES:
        with house(database, conversations=count, messages=count, is_indexed=True) as found:
            found.warm()
            yield from _figures(found, f"{database}, {count:,} messages", thin=1 if long else 4)


def queries_of(words: Sequence[str], thin: int) -> Queries:
    """What is looked for, by class; every `thin`-th of it."""
    rng = random.Random(8)
    size = len(words)
    rare, middling = range(size // 2, size), range(200, 2000)
    long_words = [word for word in words[1000:] if len(fold(word)) >= 6]
    wanted = {
        "rare": [words[place] for place in rng.sample(rare, 60)],
        "middling": [words[place] for place in rng.sample(middling, 40)],
        "common": list(words[:20]),
        "prefix": [word[:4] for word in rng.sample(long_words, 40)],
        "pairs": [f"{words[a]} {words[b]}" for a, b in zip(rng.sample(range(50, 1000), 20), range(5, 25), strict=True)],
        "substring": [word[1:5] for word in rng.sample(long_words, 30)],
        "phrases": [f'"{" ".join(rng.sample(words[:40], 2 + place % 5))}"' for place in range(20)],
        "odd": _odd(words, long_words, rng),
    }
    return {kind: found[::thin] for kind, found in wanted.items()}


def _odd(words: Sequence[str], long_words: Sequence[str], rng: random.Random) -> list[str]:
    """What nobody made an index for: many words, short beginnings, what is nowhere, signs and accents."""
    return [
        " ".join(words[:12]),
        words[0][0],
        words[60][:3],
        f"{words[60][:3]} {words[90][:3]} {words[120][:3]}",
        f'"{words[0]} {words[1]} {words[2][:1]}',
        f"{words[3]} xylophone",
        "xylophone",
        f'"{words[0]} xylophone"',
        words[2000].upper(),
        "".join(f"{letter}\u0301" for letter in words[300]),
        f"{words[10]}@{words[20]}.{words[30]}",
        "person4711@example.org",
        "person47",
        "example.org",
        "(((",
        "東京",
        " ".join(word[:4] for word in rng.sample(long_words, 6)),
        " ".join(word[1:5] for word in rng.sample(long_words, 3)),
        f"{words[0]} {rng.choice(long_words)}",
        f"{words[1]} {words[-1]} {words[-2]}",
    ]


def _figures(found: House, name: str, thin: int) -> Iterator[Figure]:
    wanted = queries_of(found.filled.words, thin)
    if reason := _mistake(found, wanted):
        yield wrong("P08", f"search, {name}", reason)
        return
    everything: list[float] = []
    began_s = found.hub.server.cpu_s()
    with closing(bare_of(found)) as bare:
        for kind, queries in wanted.items():
            asked = [_asked(found, query) for query in queries]
            raw = [_raw_ms(bare, found, kind, query) for query in queries[:MOST_RAW] for _ in range(RAW_TURNS)]
            took = [each for _, *again in asked for each in again]
            everything += [each for turns in asked for each in turns]
            p95, limit = percentile(took, 0.95), percentile([each for each in raw if each is not None] or [0.0], 0.95)
            first = [turns[0] for turns in asked]
            note = f"median {percentile(took, 0.5):.1f} ms, worst {max(took):.1f}"
            note += f"; first asks, as the disk has it: p95 {percentile(first, 0.95):.1f}, worst {max(first):.1f}"
            goal = Goal(GOALS.get(kind, WORST_MS), of="ours")
            yield Figure("P08", f"{kind}, {name}, p95", "ms", ((limit, p95),), goal, note=note)
    cpu_ms = (found.hub.server.cpu_s() - began_s) * 1000 / len(everything)
    note = f"{cpu_ms:.1f} ms CPU a search"
    yield Figure("P08", f"worst, {name}", "ms", ((0.0, max(everything)),), Goal(WORST_MS, of="ours"), note=note)


def _asked(found: House, query: str) -> list[float]:
    path = f"/api/search?q={quote(query)}"
    return [found.client.ask(path)[0] for _ in range(TURNS)]


def _raw_ms(bare: Bare, found: House, kind: str, query: str) -> float | None:
    """The plainest statement for it; None for what has none."""
    text = fold(query).strip('"')
    words = text.split()
    if kind == "odd":
        return None
    if not found.is_embedded:
        if kind == "substring":
            condition = f"text LIKE '%{text}%'"
        else:
            joined = (" <-> " if kind == "phrases" else " & ").join(f"''{word}''" for word in words)
            condition = f"words @@ CAST('{joined}{':*' if kind == 'prefix' else ''}' AS tsquery)"
        return bare.timed(RAW_POSTGRES.format(condition=condition))[0]
    if kind == "substring":
        return bare.timed(RAW_SQLITE.format(table="search_part", match=f'"{text[:3]}" AND "{text[1:]}"'))[0]
    match = f'"{text}"' if kind == "phrases" else " AND ".join(f'"{word}"' for word in words)
    return bare.timed(RAW_SQLITE.format(table="search_word", match=match + (" *" if kind == "prefix" else "")))[0]


def _mistake(found: House, wanted: Queries) -> str:
    """What is wrong with the answers to a sample, held against texts made anew; empty if nothing is."""
    sample = [
        *wanted["rare"][: SAMPLE // 2],
        *wanted["middling"][: SAMPLE // 3],
        *wanted["common"][:2],
    ]
    newest = _newest(found, sample)
    for query in sample:
        time.sleep(0)
        answer = found.client.ask(f"/api/search?q={quote(query)}")[1]
        if not answer["is_complete"]:
            return "the index is not complete"
        shown = [hit["message"] for hit in answer["hits"] if hit["match"] == "word"]
        if shown != newest[query][:PAGE]:
            return f"{len(shown)} hits of {len(newest[query][:PAGE])} for one word, or others"
    return ""


def _newest(found: House, sample: Sequence[str]) -> dict[str, list[int]]:
    """The newest message of each conversation with the word, newest first."""
    filled = found.filled
    wanted = {query: fold(query) for query in sample}
    heads = {folded[:2] for folded in wanted.values()}
    known = {word: fold(word) for word in filled.words}
    fits: dict[str, list[str]] = {}
    for word, folded in known.items():
        if folded[:2] in heads:
            fits[word] = [query for query, sought in wanted.items() if folded == sought]
    last: dict[str, dict[int, int]] = {query: {} for query in sample}
    for number, text in enumerate(itertools.islice(texts(filled.words), filled.messages)):
        conversation = number * STEP % filled.conversations
        for word in (*text.split(), *_name(filled.words, conversation)):
            for query in fits.get(word, ()):
                last[query][conversation] = filled.first_message + number
    return {query: sorted(places.values(), reverse=True) for query, places in last.items()}


def _name(words: Sequence[str], number: int) -> tuple[str, str]:
    """The name of a conversation's contact, as the data has it."""
    return words[number * 31 % len(words)], words[number * 17 % len(words)]
