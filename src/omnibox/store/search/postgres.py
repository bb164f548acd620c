"""The index on PostgreSQL: one GIN index over words and, where pg_trgm is there, triples of letters.

GIN knows no order: it gives all hits or none, and a very common word has hundreds of thousands. So the newest rows are
read first, which hold enough hits of a common word; then history is looked through in stretches of «eras» of ids. Each
row has a lexeme that names its era, so GIN passes over all others. Where the first era shows that a word is seldom, the
index is asked for all hits at once, up to a cap that says «too many»: for a common word this would cost 80 ms among a
million messages. Parts of words are looked for by eras alone: what has the triples is not yet a hit, so no cap would
hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.store.columns import MaskedText
from omnibox.store.search.index import BREAK, Document, Hit, Mode, Stretch
from omnibox.store.search.queries import Query, Term
from omnibox.store.search.schema import document
from omnibox.store.transaction import Reader, Transaction

LAST_ID = (1 << 63) - 1
ERA = 1 << 14  # ids
NEWEST = 1000  # rows that are read one by one before the index is asked
SELDOM = 16  # candidates in an era: of a word with fewer all are found sooner than enough of them era by era
MANY = 2000  # candidates that are read and sorted at once
MOST_ERAS = {
    "word": 2,
    "beginning": 2,
    "part": 8,
}  # of one stretch: as many hits as there are messages, or triples to be looked at
MOST_PLACES = 255  # of one word in a tsvector
LAST_PLACE = 16_383
TIMEOUT_MS = 5000

# Its planner guesses from a sample how common a word is and may prefer to read the whole table, or, from the sixth time
# on, plans without looking at the words. Here the index is always right: `id + 0` hides the primary key from it.
PREPARE = sa.text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true), set_config('statement_timeout', :timeout, true),"
    " to_regclass('search_document_parts') IS NOT NULL AS has_parts,"
    " (SELECT datctype NOT IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()) AS knows_letters"
)
PUT = sa.text(
    "INSERT INTO search_document (id, conversation_id, text, words)"
    " SELECT id, conversation_id, text, CAST(words AS tsvector) FROM unnest(CAST(:ids AS bigint[]),"
    " CAST(:conversations AS bigint[]), CAST(:texts AS text[]), CAST(:words AS text[]))"
    " AS given (id, conversation_id, text, words)"
    " ON CONFLICT (id) DO UPDATE SET conversation_id = excluded.conversation_id, text = excluded.text,"
    " words = excluded.words"
)


class PostgresIndex:
    def __init__(self) -> None:
        self._is_seldom = False  # what is looked for, as the last stretch showed
        self._has_parts = False
        self._knows_letters = False  # of all scripts; under the locale C pg_trgm sees those of ASCII only

    def put(self, tx: Transaction, documents: Sequence[Document]) -> None:
        if documents:
            tx.execute(
                PUT,
                {
                    "ids": [each.id for each in documents],
                    "conversations": [each.conversation_id for each in documents],
                    "texts": [
                        MaskedText.to_column(each.text) for each in documents
                    ],  # which refuses what is not masked
                    "words": [_vector(each) for each in documents],
                },
            )

    def remove(self, tx: Transaction, ids: Collection[int]) -> None:
        if ids:
            tx.execute(sa.delete(document).where(document.c.id.in_(ids)))

    def clear(self, tx: Transaction) -> None:
        tx.execute(sa.text("TRUNCATE search_document"))

    def prepare(self, tx: Reader) -> None:
        row = tx.execute(PREPARE, {"timeout": str(TIMEOUT_MS)}).one()
        self._has_parts, self._knows_letters = row.has_parts, row.knows_letters

    def can(self, query: Query, mode: Mode) -> bool:
        parts = bool(self._parts_of(query))
        return {"word": bool(query.terms), "beginning": query.has_beginnings, "part": parts}[mode]

    def _parts_of(self, query: Query) -> list[Term]:
        if not self._has_parts:
            return []
        return [each for each in query.terms if each.is_part and (self._knows_letters or each.text.isascii())]

    def stretch(self, tx: Reader, query: Query, mode: Mode, below: int | None, most: int, step: int) -> Stretch:
        below = LAST_ID if below is None else below
        look = self._look(query, mode)
        look.values.update(below=below, most=most)
        if step == 0:
            return _among_newest(tx, look, most)
        if step == 2 and mode != "part" and self._is_seldom:
            hits, candidates = _by_index(tx, look, f"LIMIT {MANY + 1}")
            if candidates <= MANY:
                return Stretch(hits, hits[-1].id if len(hits) == most else None)
        eras = min(1 << (step - 1), MOST_ERAS[mode])
        last = (below - 1) // ERA
        first = max((below - ERA // 2) // ERA - eras + 1, 0)  # of the last era at least a half: more than chance
        look.values["eras"] = " | ".join(f"'#{era}'" for era in range(first, last + 1))
        hits, candidates = _by_index(tx, look, "", "words @@ CAST(CAST(:eras AS text) AS tsquery) AND ")
        self._is_seldom = candidates < SELDOM
        return Stretch(hits, hits[-1].id if len(hits) == most else first * ERA or None)

    def found_in(self, tx: Reader, query: Query, mode: Mode, conversations: Collection[int], since: int) -> set[int]:
        if not conversations:
            return set()
        look = self._look(query, mode)
        statement = sa.text(
            "WITH candidate AS MATERIALIZED (SELECT conversation_id, text, words FROM search_document"  # noqa: S608
            " WHERE conversation_id = ANY(CAST(:conversations AS bigint[])) AND id >= :since)"
            f" SELECT DISTINCT conversation_id FROM candidate WHERE {look.has} AND {look.fits}"
        )
        return set(
            tx.execute(statement, look.values | {"conversations": list(conversations), "since": since}).scalars()
        )

    def _look(self, query: Query, mode: Mode) -> _Look:
        parts = self._parts_of(query) if mode == "part" else []
        values: dict[str, Any] = {f"part{number}": _pattern(term.text) for number, term in enumerate(parts)}
        conditions, fits = [f"text LIKE :{name}" for name in values], "true"
        if others := [term for term in query.terms if term not in parts]:
            conditions.append("words @@ CAST(CAST(:words AS text) AS tsquery)")
            values["words"] = " & ".join(_phrase(term, mode, " & ") for term in others)
            if any(len(term.words) > 1 for term in others):
                fits = "words @@ CAST(CAST(:phrases AS text) AS tsquery)"
                values["phrases"] = " & ".join(_phrase(term, mode, " <-> ") for term in others)
        return _Look(" AND ".join(conditions), fits, values)


@dataclass(frozen=True, slots=True)
class _Look:
    """A query as conditions on a document.

    GIN knows what a document `has`, but not where: whether words follow each other, as they must for what is looked for
    to `fit`, only the document says. So phrases of common words have many candidates that have to be read.
    """

    has: str
    fits: str
    values: dict[str, Any]


def _among_newest(tx: Reader, look: _Look, most: int) -> Stretch:
    statement = sa.text(
        "WITH newest AS MATERIALIZED (SELECT id, conversation_id, text, words FROM search_document"  # noqa: S608
        " WHERE id < :below"
        f" ORDER BY id DESC LIMIT {NEWEST}),"
        f" hit AS (SELECT id, conversation_id FROM newest WHERE {look.has} AND {look.fits}"
        " ORDER BY id DESC LIMIT :most)"
        " SELECT id, conversation_id, (SELECT min(id) FROM newest) AS reached FROM hit"
        " UNION ALL SELECT NULL, NULL, (SELECT min(id) FROM newest) ORDER BY id DESC NULLS LAST"
    )
    rows = tx.execute(statement, look.values).all()
    hits = [Hit(row.id, row.conversation_id) for row in rows[:-1]]
    return Stretch(hits, hits[-1].id if len(hits) == most else rows[-1].reached)


def _by_index(tx: Reader, look: _Look, cap: str, within: str = "") -> tuple[list[Hit], int]:
    """The newest hits, and how many documents had to be read for them."""
    statement = sa.text(
        f"WITH candidate AS MATERIALIZED (SELECT id, conversation_id, {look.fits} AS fits FROM search_document"  # noqa: S608
        f" WHERE {within}{look.has} AND id + 0 < :below {cap}),"
        " hit AS (SELECT id, conversation_id FROM candidate WHERE fits ORDER BY id DESC LIMIT :most)"
        " SELECT id, conversation_id, (SELECT count(*) FROM candidate) AS candidates FROM hit"
        " UNION ALL SELECT NULL, NULL, (SELECT count(*) FROM candidate) ORDER BY id DESC NULLS LAST"
    )
    rows = tx.execute(statement, look.values).all()
    return [Hit(row.id, row.conversation_id) for row in rows[:-1]], rows[-1].candidates


def _vector(given: Document) -> str:
    """A tsvector as PostgreSQL reads it: the words with their places, and the mark of the era."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(given.words, 1):
        if word != BREAK and len(places[word]) < MOST_PLACES:
            places[word].append(min(place, LAST_PLACE))
    lexemes = [f"'{word}':{','.join(map(str, at))}" for word, at in places.items()]
    return " ".join([*lexemes, f"'#{given.id // ERA}'"])


def _phrase(term: Term, mode: Mode, joined: str) -> str:
    """Words in PostgreSQL's language. They are letters and digits, so quotes hold them."""
    words = [f"'{word}'" for word in term.words]
    return f"({joined.join(words)}{':*' if term.is_open and mode != 'word' else ''})"


def _pattern(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
