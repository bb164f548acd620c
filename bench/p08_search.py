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
TURNS = 10  # each query, on one connection: PostgreSQL plans anew at the sixth
SAMPLE = 12  # queries whose whole first page is checked
PAGE = 25
WORD_MS, PART_MS, WORST_MS = 10.0, 60.0, 200.0
RAW_SQLITE = "SELECT rowid FROM search_word WHERE search_word MATCH '\"{word}\"' ORDER BY rowid DESC LIMIT 25"
RAW_POSTGRES = (
    "WITH hit AS MATERIALIZED (SELECT id FROM search_document WHERE words @@ CAST('''{word}''' AS tsquery))"
    " SELECT id FROM hit ORDER BY id DESC LIMIT 25"
)
Queries = dict[str, list[str]]


def run(*, long: bool = False) -> Iterator[Figure]:
    count = MANY if long else MESSAGES
    for database in DATABASES:
        with house(database, conversations=count, messages=count, is_indexed=True) as found:
            yield from _figures(found, f"{database}, {count:,} messages", thin=1 if long else 4)


def queries_of(words: Sequence[str], thin: int) -> Queries:
    """What is looked for, by kind; every `thin`-th of it."""
    rng = random.Random(8)
    size = len(words)
    rare, middling = range(size // 2, size), range(200, 2000)
    long_words = [word for word in words[1000:] if len(fold(word)) >= 6]
    wanted = {
        "rare word": [words[place] for place in rng.sample(rare, 60)],
        "middling word": [words[place] for place in rng.sample(middling, 40)],
        "very common word": list(words[:20]),
        "beginning": [word[:4] for word in rng.sample(long_words, 40)],
        "two words": [
            f"{words[a]} {words[b]}" for a, b in zip(rng.sample(range(50, 1000), 20), range(5, 25), strict=True)
        ],
        "part of words": [word[1:5] for word in rng.sample(long_words, 30)],
    }
    return {kind: found[::thin] for kind, found in wanted.items()}


def _figures(found: House, name: str, thin: int) -> Iterator[Figure]:
    wanted = queries_of(found.filled.words, thin)
    if reason := _mistake(found, wanted):
        yield wrong("P08", f"search, {name}", reason)
        return
    waits: dict[str, list[float]] = {}
    raw: dict[str, list[float]] = {}
    began_s, asked = found.hub.server.cpu_s(), 0
    with closing(bare_of(found)) as bare:
        for kind, asked_for in wanted.items():
            for query in asked_for:
                path = f"/api/search?q={quote(query)}"
                waits.setdefault(kind, []).extend(found.client.ask(path)[0] for _ in range(TURNS))
                asked += TURNS
                if kind in ("rare word", "middling word"):
                    raw.setdefault(kind, []).extend(_raw_ms(bare, found, query) for _ in range(3))
    cpu_ms = (found.hub.server.cpu_s() - began_s) * 1000 / asked
    for kind, took in waits.items():
        limit = percentile(raw[kind], 0.95) if kind in raw else 0.0
        most = PART_MS if kind == "part of words" else WORD_MS
        note = f"median {percentile(took, 0.5):.1f} ms"
        yield Figure(
            "P08", f"{kind}, {name}, p95", "ms", ((limit, percentile(took, 0.95)),), Goal(most, of="ours"), note=note
        )
    everything = [each for took in waits.values() for each in took]
    note = f"{cpu_ms:.1f} ms CPU a search"
    yield Figure("P08", f"worst search, {name}", "ms", ((0.0, max(everything)),), Goal(WORST_MS, of="ours"), note=note)


def _raw_ms(bare: Bare, found: House, query: str) -> float:
    statement = RAW_SQLITE if found.is_embedded else RAW_POSTGRES
    return bare.timed(statement.format(word=fold(query)))[0]


def _mistake(found: House, wanted: Queries) -> str:
    """What is wrong with the answers to a sample, held against texts made anew; empty if nothing is."""
    sample = [
        *wanted["rare word"][: SAMPLE // 2],
        *wanted["middling word"][: SAMPLE // 3],
        *wanted["very common word"][:2],
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
