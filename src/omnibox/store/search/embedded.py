"""The index on SQLite: two FTS5 tables without contents, read from their newest row on.

FTS5 wants to be told the old contents of a row that goes; they are made again from `search_document`. The option that
spares that, `contentless_delete`, is newer than the SQLite of Debian 12.

FTS5 gives the hits of a word in their order, as fast as they are read. Two things it does to their end before the first
answer, and nothing can interrupt it: it looks for words of which each is common but all are never in one message, or
not next to each other; and it merges all words that begin alike. So it is weighed beforehand how much a question would
touch, and what is heavy is asked by «eras» of ids: each row has a mark of its era, so no question goes further.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.store.search.index import BREAK, ERA, Document, Hit, Mode, Pace, Stretch, indexed_words
from omnibox.store.search.queries import Query, Term
from omnibox.store.search.schema import document, state
from omnibox.store.search.weighing import INDEXED, Range, begun, pages_of, whole
from omnibox.store.transaction import Reader, Transaction

ADD_WORDS = "INSERT INTO search_word (rowid, words) VALUES (?, ?)"
ADD_PARTS = "INSERT INTO search_part (rowid, text) VALUES (?, ?)"
TAKE_WORDS = "INSERT INTO search_word (search_word, rowid, words) VALUES ('delete', ?, ?)"
TAKE_PARTS = "INSERT INTO search_part (search_part, rowid, text) VALUES ('delete', ?, ?)"
CLEAR = (
    "INSERT INTO search_word (search_word) VALUES ('delete-all')",
    "INSERT INTO search_part (search_part) VALUES ('delete-all')",
    "DELETE FROM search_document",
)
MOST_TRIPLES = 12  # of a term: enough to leave few candidates, which are then read
MOST_READ = 4000  # candidates in one statement: 10 ms
LAST_ID = (1 << 63) - 1
LIGHT = 400  # pages that are gone through in 20 ms
SELDOM = 200  # rows of a word with which the others are looked up one by one, however common they are
LIGHT_TO_MERGE = 200  # pages that are merged in 20 ms
PRIVATE = 0xE000  # characters that nobody writes
PRIVATES = 4096


class EmbeddedIndex:
    version = 2

    def __init__(self) -> None:
        self._looks: dict[Mode, _Look] = {}
        self._pace = Pace()

    def put(self, tx: Transaction, documents: Sequence[Document]) -> None:
        if not documents:
            return
        self.remove(tx, [each.id for each in documents])
        rows = [{"id": each.id, "conversation_id": each.conversation_id, "text": each.text} for each in documents]
        tx.execute(sa.insert(document), rows)
        run = tx.connection.exec_driver_sql
        run(ADD_WORDS, [(each.id, _marked(each.words, each.conversation_id, each.id)) for each in documents])
        run(ADD_PARTS, [(each.id, _marked_text(each.text, each.id)) for each in documents])

    def remove(self, tx: Transaction, ids: Collection[int]) -> None:
        old = tx.execute(sa.select(document).where(document.c.id.in_(ids))).all() if ids else []
        if not old:
            return
        run = tx.connection.exec_driver_sql
        run(TAKE_WORDS, [(row.id, _marked(indexed_words(row.text), row.conversation_id, row.id)) for row in old])
        run(TAKE_PARTS, [(row.id, _marked_text(row.text, row.id)) for row in old])
        tx.execute(sa.delete(document).where(document.c.id.in_([row.id for row in old])))

    def clear(self, tx: Transaction) -> None:
        for statement in CLEAR:
            tx.connection.exec_driver_sql(statement)

    def prepare(self, tx: Reader) -> bool:
        return tx.execute(sa.select(state.c.below)).scalar() == 0

    def can(self, query: Query, mode: Mode) -> bool:
        return {"word": bool(query.terms), "beginning": query.has_beginnings, "part": query.has_parts}[mode]

    def stretch(self, tx: Reader, query: Query, mode: Mode, below: int | None, most: int, step: int) -> Stretch:
        if mode not in self._looks:
            self._looks[mode], self._pace = _look(tx, query, mode), Pace()
        look = self._looks[mode]
        if look.is_light:
            return _read(tx, look, look.match, below or LAST_ID, most, 0)
        below = below or _next_id(tx)
        last = (below - 1) // ERA
        first = max(last - self._pace.eras + 1, 0)
        with self._pace.timed():
            return _read(tx, look, look.within(range(first, last + 1)), below, most, first * ERA)

    def found_in(self, tx: Reader, query: Query, mode: Mode, conversations: Collection[int], since: int) -> set[int]:
        if not conversations:
            return set()
        look = _look_inside(query, mode, conversations)
        statement = sa.text(
            "SELECT d.conversation_id, d.text FROM search_word CROSS JOIN search_document d"  # noqa: S608
            " ON d.id = search_word.rowid"
            f" WHERE search_word MATCH :match AND search_word.rowid >= :since{look.conditions}"
        )
        found: set[int] = set()
        for row in tx.execute(statement, look.values | {"match": look.match, "since": since}):
            if row.conversation_id not in found and look.fits(row.text):
                found.add(row.conversation_id)
        return found


def _marked(words: Sequence[str], conversation_id: int, number: int) -> str:
    """A document's words as the tokenizer takes them; the last name its conversation and its era."""
    return " ".join([*words, f"{BREAK}{conversation_id}", f"{BREAK}{BREAK}{number // ERA}"])


def _marked_text(text: str, number: int) -> str:
    return f"{text}\n{_era_triple(number // ERA)}"


def _era_triple(era: int) -> str:
    return f"{BREAK}{chr(PRIVATE + era // PRIVATES)}{chr(PRIVATE + era % PRIVATES)}"


# ── A query in FTS5's language


@dataclass(frozen=True, slots=True)
class _Look:
    """What FTS5 is asked, and what must then be seen in the texts. Only words of our own cutting and quoted triples
    reach FTS5's language."""

    mode: Mode
    match: str  # empty: no word of it can be asked for
    is_light: bool = True  # no need to go by eras
    inside: Sequence[Term] = ()  # to be seen anywhere in the text
    read: Sequence[Term] = ()  # to be seen there as words

    @property
    def table(self) -> str:
        return "search_part" if self.mode == "part" else "search_word"

    def within(self, eras: Iterable[int]) -> str:
        marks = " OR ".join(_quoted(_era_triple(e) if self.mode == "part" else f"{BREAK}{BREAK}{e}") for e in eras)
        return f"({self.match}) AND ({marks})" if self.match else marks

    @property
    def conditions(self) -> str:
        return "".join(f" AND instr(d.text, :{name}) > 0" for name in self.values)

    @property
    def values(self) -> dict[str, Any]:
        sought = [term.text for term in self.inside] + [word for term in self.read for word in term.words]
        return {f"sought{place}": each for place, each in enumerate(dict.fromkeys(sought))}

    def fits(self, text: str) -> bool:
        words = indexed_words(text) if self.read else []
        return all(_follow(words, term, is_open=_is_open(term, self.mode)) for term in self.read)


def _look(tx: Reader, query: Query, mode: Mode) -> _Look:
    if mode == "part":
        return _look_for_parts(tx, query)
    ranges = [each for term in query.terms for each in _ranges(term, mode)]
    if len(ranges) == 1 and not _is_merged(query.terms[0], mode):
        return _Look(mode, _phrase(query.terms[0].words, is_open=_is_open(query.terms[0], mode)))
    pages = dict(zip(ranges, pages_of(tx, "search_word", ranges), strict=True))
    match, read, weight, merged = [], [], 0, 0
    for term in query.terms:
        own = [pages[each] for each in _ranges(term, mode)]
        if _is_merged(term, mode) and merged + own[-1] > LIGHT_TO_MERGE:
            match += _shortened(term)
            read.append(term)
            weight += LIGHT + 1
        else:
            match.append(_phrase(term.words, is_open=_is_open(term, mode)))
            merged += own[-1] if _is_merged(term, mode) else 0
            weight += sum(own)
    exact = [word for term in query.terms for word in (term.words[:-1] if _is_open(term, mode) else term.words)]
    is_light = weight <= LIGHT or _is_seldom(tx, "search_word", exact, [pages[whole(word)] for word in exact])
    return _Look(mode, " AND ".join(match), is_light, read=read)


def _look_for_parts(tx: Reader, query: Query) -> _Look:
    inside, others = _divided(query)
    triples = [each for term in inside for each in _triples(term.text)]
    pages = pages_of(tx, "search_part", [whole(each) for each in triples])
    is_light = sum(pages) <= LIGHT or _is_seldom(tx, "search_part", triples, pages)
    return _Look("part", " AND ".join(map(_quoted, triples)), is_light, inside, others)


def _is_seldom(tx: Reader, table: str, words: Sequence[str], pages: Sequence[int]) -> bool:
    """Whether the lightest of these words is in few rows."""
    if not words:
        return False
    word = _quoted(words[min(range(len(words)), key=pages.__getitem__)])
    rows = sa.text(f"SELECT count(*) FROM (SELECT rowid FROM {table} WHERE {table} MATCH :word LIMIT {SELDOM + 1})")  # noqa: S608
    return bool(tx.execute(rows, {"word": word}).scalar_one() <= SELDOM)


def _look_inside(query: Query, mode: Mode, conversations: Collection[int]) -> _Look:
    """Of a few conversations. Word by word: a phrase would be followed beyond them, to where it is next in history."""
    inside, others = _divided(query) if mode == "part" else ([], query.terms)
    match = ["(" + " OR ".join(_quoted(f"{BREAK}{each}") for each in conversations) + ")"]
    for term in others:
        is_open = _is_open(term, mode)
        match += [_quoted(word) for word in (term.words[:-1] if is_open else term.words)]
        match += _beginning(term.words[-1]) if is_open else []
    read = [term for term in others if len(term.words) > 1 or _is_merged(term, mode)]
    return _Look("word" if mode == "word" else "beginning", " AND ".join(match), inside=inside, read=read)


def _divided(query: Query) -> tuple[list[Term], list[Term]]:
    """The terms that may stand inside words, and those that are too short for it."""
    return [each for each in query.terms if each.is_part], [each for each in query.terms if not each.is_part]


def _is_open(term: Term, mode: Mode) -> bool:
    return term.is_open and mode != "word"


def _is_merged(term: Term, mode: Mode) -> bool:
    """Whether its last word is a beginning without an index, so that FTS5 merges all words that begin so."""
    return _is_open(term, mode) and len(term.words[-1]) not in INDEXED


def _ranges(term: Term, mode: Mode) -> list[Range]:
    *others, last = term.words
    return [*map(whole, others), begun(last) if _is_open(term, mode) else whole(last)]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _phrase(words: Sequence[str], *, is_open: bool) -> str:
    return _quoted(" ".join(words)) + (" *" if is_open else "")


def _shortened(term: Term) -> list[str]:
    """The term with less of its last word, to which an index leads; without that word where it has too few letters."""
    *others, last = term.words
    if len(last) > INDEXED[-1]:
        return [_phrase([*others, last[: INDEXED[-1]]], is_open=True)]
    return [_phrase(others, is_open=False)] if others else []


def _beginning(word: str) -> list[str]:
    return [_phrase([word[: INDEXED[-1]]], is_open=True)] if len(word) >= INDEXED[0] else []


def _follow(words: Sequence[str], term: Term, *, is_open: bool) -> bool:
    """Whether the words of a term follow each other among these."""
    *others, last = term.words
    for place, word in enumerate(words[len(others) :]):
        is_last = word.startswith(last) if is_open else word == last
        if is_last and list(words[place : place + len(others)]) == others:
            return True
    return False


def _triples(text: str) -> list[str]:
    """Every three characters in a row, or as many of them as are needed, spread over the text."""
    found = list(dict.fromkeys(text[place : place + 3] for place in range(len(text) - 2)))
    if len(found) > MOST_TRIPLES:
        found = [found[place * (len(found) - 1) // (MOST_TRIPLES - 1)] for place in range(MOST_TRIPLES)]
    return found


# ── What it finds


def _read(tx: Reader, look: _Look, match: str, below: int, most: int, done: int) -> Stretch:
    """The newest hits of `match`; `done` is reached where there are no more."""
    values = look.values | {"match": match, "below": below, "most": most}
    if not values.keys() - {"match", "below", "most"}:
        statement = sa.text(
            f"SELECT d.id, d.conversation_id FROM {look.table} CROSS JOIN search_document d"  # noqa: S608
            f" ON d.id = {look.table}.rowid WHERE {look.table} MATCH :match AND {look.table}.rowid < :below"
            f" ORDER BY {look.table}.rowid DESC LIMIT :most"
        )
        hits = [Hit(row.id, row.conversation_id) for row in tx.execute(statement, values).all()]
        return Stretch(hits, hits[-1].id if len(hits) == most else done or None)
    candidates = (
        f"SELECT rowid AS id FROM {look.table} WHERE {look.table} MATCH :match AND rowid < :below"  # noqa: S608
        " ORDER BY rowid DESC"
    )
    statement = sa.text(
        # In the order of the candidates, of which no more are looked for than are needed.
        f"SELECT d.id, d.conversation_id, d.text FROM ({candidates} LIMIT {MOST_READ}) AS candidate"  # noqa: S608
        f" CROSS JOIN search_document d ON d.id = candidate.id WHERE true{look.conditions} LIMIT :most"
    )
    rows = tx.execute(statement, values).all()
    hits = [Hit(row.id, row.conversation_id) for row in rows if look.fits(row.text)]
    if len(rows) == most:
        return Stretch(hits, rows[-1].id)
    last_read = sa.text(f"{candidates} LIMIT 1 OFFSET {MOST_READ - 1}")
    return Stretch(hits, tx.execute(last_read, {"match": match, "below": below}).scalar() or done or None)


def _next_id(tx: Reader) -> int:
    return (tx.execute(sa.select(sa.func.max(document.c.id))).scalar() or 0) + 1
