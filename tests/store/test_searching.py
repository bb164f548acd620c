"""The search index alone: whatever way it takes through its history, it finds what a plain reading finds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from omnibox.masking import mask
from omnibox.store import Reader, Store, Transaction
from omnibox.store.search import MODES, Document, Mode, Query, Term, embedded, index, index_of, indexed_words, parse
from omnibox.store.search import postgres as server
from omnibox.store.search.weighing import begun, pages_of, whole

ERA = 32
STEMS = ["order", "orders", "ordering", "ordinary", "or", "reorder", "invoice", "in", "müller", "注文書", "東京", "7ab"]
ENDS = ["", "", "s", "ing", "land", "1", "12", "125"]
CONVERSATIONS = 9
QUERIES = 40
COUNT = 3200


def texts(count: int, seed: int) -> list[str]:
    """Words of every frequency; some end in the middle of the history, some begin there, two are never together."""
    rng = random.Random(seed)
    words = [f"{stem}{end}" for stem in STEMS for end in ENDS]
    rng.shuffle(words)
    found = []
    for number in range(count):
        known = words[:60] if number < count // 2 else words[20:]
        some = rng.choices(known, [1 / (place + 1) for place in range(len(known))], k=rng.randint(1, 9))
        some.insert(rng.randrange(len(some) + 1), "even" if number % 2 else "odd")
        if rng.random() < 0.3:
            some.insert(rng.randrange(len(some)), "\n")
        found.append(" ".join(some))
    return found


def queries(said: Sequence[str], count: int, seed: int) -> Iterator[str]:
    """What somebody would type who remembers some of it: words, beginnings, parts, phrases, and what was never said."""
    rng = random.Random(seed)
    yield from ("even odd", "odd ordering even", "nowhere", "odd nowhere", "or", "注", "文書", '"even odd"')
    for _ in range(count):
        words = rng.choice(said).split() or ["x"]
        terms = []
        for _ in range(rng.choice((1, 1, 2, 3, 5))):
            word = rng.choice(words)
            start, end = sorted((rng.randrange(len(word) + 1), rng.randrange(len(word) + 1)))
            phrase = rng.randrange(len(words))
            shapes = word, word[:end], word[start:end], f'"{" ".join(words[phrase : phrase + 3])}"'
            terms.append(rng.choice((*shapes, f'"{" ".join(words[phrase : phrase + 2])[:-1]}')))
        yield " ".join(terms)


def reading(documents: Mapping[int, str], query: Query, mode: Mode) -> list[int]:
    """The same question, answered by reading everything."""
    return [
        number
        for number in sorted(documents, reverse=True)
        if all(_has(documents[number], term, mode) for term in query.terms)
    ]


def _has(text: str, term: Term, mode: Mode) -> bool:
    if mode == "part" and term.is_part:
        return term.text in text
    words, count = indexed_words(text), len(term.words)
    for place in range(len(words) - count + 1):
        *others, last = words[place : place + count]
        is_last = last.startswith(term.words[-1]) if term.is_open and mode != "word" else last == term.words[-1]
        if is_last and tuple(others) == term.words[:-1]:
            return True
    return False


async def filled(store: Store, said: Sequence[str]) -> dict[int, str]:
    documents = dict(enumerate(said, 1))

    def put(tx: Transaction) -> None:
        made = [
            Document(each, each % CONVERSATIONS, mask(text), indexed_words(text)) for each, text in documents.items()
        ]
        index_of(store.is_embedded).put(tx, made)

    await store.write(put)
    return documents


async def ask(store: Store, query: Query, mode: Mode, most: int) -> tuple[list[int], list[int]]:
    """All hits, and the conversations of those under the middle of the history that an index finds again."""

    def look(tx: Reader) -> tuple[list[int], list[int]]:
        found, below, step, asked = [], None, 0, index_of(store.is_embedded)
        asked.prepare(tx)
        if not asked.can(query, mode):
            return [], []
        while step == 0 or below is not None:
            stretch = asked.stretch(tx, query, mode, below, most, step)
            found += [hit.id for hit in stretch.hits]
            assert below is None or stretch.reached is None or stretch.reached < below
            below, step = stretch.reached, step + 1
        return found, sorted(asked.found_in(tx, query, mode, range(0, CONVERSATIONS, 2), found[0] - 20 if found else 1))

    return await store.read(look)


WAYS: list[dict[str, dict[str, Any]]] = [
    {},
    {
        "embedded": {"LIGHT": -1, "SELDOM": -1},
        "server": {"COMMON": 1, "SELDOM_ROWS": 0, "SELDOM": 0, "ABOUND": 5},
    },  # by eras
    {"embedded": {"LIGHT_TO_MERGE": -1, "MOST_READ": 7}, "server": {"ROWS": 3, "COMMON": 100_000}},  # row by row
    {
        "embedded": {"LIGHT": -1, "LIGHT_TO_MERGE": -1, "SELDOM": 3},
        "server": {"ROWS": 1, "SELDOM_ROWS": 9, "SELDOM": 100_000, "MANY": 30, "SHORT": 1},
    },  # at once
]


@pytest.mark.parametrize("way", range(len(WAYS)))
async def test_every_way_through_the_history_finds_what_a_plain_reading_finds(
    store: Store, way: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, module in {"embedded": embedded, "server": server}.items():
        monkeypatch.setattr(module, "ERA", ERA)
        for constant, value in WAYS[way].get(name, {}).items():
            monkeypatch.setattr(module, constant, value)
    monkeypatch.setattr(index, "SLOW_S", 0.0 if way == 1 else index.SLOW_S)
    said = texts(300, seed=way)
    documents = await filled(store, said)
    for typed in queries(said, count=QUERIES, seed=way):
        query = parse(typed)
        for mode in MODES:
            wanted = reading(documents, query, mode) if index_of(True).can(query, mode) else []
            found, again = await ask(store, query, mode, most=51)
            assert found == wanted, (typed, mode)
            since = wanted[0] - 20 if wanted else 1
            inside = {each % CONVERSATIONS for each in wanted if each >= since} & set(range(0, CONVERSATIONS, 2))
            assert again == sorted(inside), (typed, mode)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_what_is_heavy_is_never_asked_of_the_whole_history(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """FTS5 cannot be interrupted: each of its statements must be held to some eras, and only by all of them to all."""
    monkeypatch.setattr(embedded, "ERA", ERA)
    monkeypatch.setattr(embedded, "LIGHT", -1)
    monkeypatch.setattr(embedded, "SELDOM", -1)
    await filled(store, [f"{'even' if number % 2 else 'odd'} order{number}" for number in range(COUNT)])
    asked: list[str] = []

    class Heard:
        def __init__(self, tx: Reader) -> None:
            self.tx = tx

        def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]:
            asked.extend([parameters["match"]] if parameters and "match" in parameters else [])
            return self.tx.execute(statement, parameters)

    def look(tx: Reader) -> None:
        below, step, weighed = None, 0, embedded.EmbeddedIndex()
        while step == 0 or below is not None:
            stretch = weighed.stretch(Heard(tx), parse("even odd"), "word", below, 51, step)
            below, step = stretch.reached, step + 1

    await store.read(look)
    eras = [match.count("¶¶") for match in asked]
    assert sum(eras) == COUNT // ERA + 1
    assert max(eras) <= index.MOST_ERAS


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_words_are_weighed_by_how_much_the_index_keeps_of_them(store: Store) -> None:
    """A common word is heavy, a rare one is not, and a beginning weighs what all its words do together."""
    heavy = " ".join(["order", "orders"] * 100)
    await filled(store, [f"{heavy} rare{number}" if number % 2 else "other" for number in range(1500)])

    def look(tx: Reader) -> list[int]:
        return pages_of(
            tx, "search_word", [whole("order"), whole("orders"), begun("order"), whole("rare7"), whole("zzz")]
        )

    order, orders, beginning, rare, nothing = await store.read(look)
    assert 15 <= order <= 80
    assert 15 <= orders <= 80
    assert abs(beginning - order - orders) <= 8
    assert rare <= 1
    assert nothing <= 1
