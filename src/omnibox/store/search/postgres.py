"""The index on PostgreSQL: one GIN index over words and, where pg_trgm is there, triples of letters.

GIN knows no order: it gives all hits or none, and a very common word has hundreds of thousands. So the newest rows are
read first, which hold enough hits of a common word, and one after the other as long as much of what is read has all the
words. Then history is asked for in stretches of «eras» of ids: each row has a lexeme that names its era, so GIN passes
over all others. Where the newest rows, or the first eras, show that something is seldom, the index is asked for all
hits at once, up to a cap that says «too many»: for a common word this would cost 80 ms among a million messages.
Several beginnings, and parts of words, are looked for by eras alone: what has their triples is not yet a hit, so no cap
would hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from omnibox.store.columns import MaskedText
from omnibox.store.hot import Hot
from omnibox.store.search.index import BREAK, ERA, Document, Hit, Mode, Pace, Stretch
from omnibox.store.search.queries import SHORTEST_PART, Query, Term
from omnibox.store.search.schema import document
from omnibox.store.transaction import Reader, Transaction, ask

LAST_ID = (1 << 63) - 1
ROWS = 1000  # that are read one by one before the index is asked
COMMON = 8  # of what one row in so many is a candidate, rows are read one by one
MOST_ERAS = {"word": 4, "beginning": 2, "part": 4}  # in one statement
ABOUND = 8000  # candidates in several eras: then one era has enough
MOST_INSIDE = 3  # words of which the triples are asked for
SELDOM_ROWS, SELDOM = 2, 16  # among the newest rows, in an era: of fewer, all are found sooner than enough era by era
MANY = 500  # candidates that are read and sorted at once: 0.5 ms, as long as four eras
SHORT = 2  # words for which all history takes no longer than 40 ms, however common they are there
AT_ONCE_MS = 50  # for more
MOST_PLACES = 255  # of one word in a tsvector
LAST_PLACE = 16_383
TIMEOUT_MS = 5000

# Its planner guesses from a sample how common a word is and may prefer to read the whole table, or, from the sixth time
# on, plans without looking at the words. Here the index is always right: `id + 0` hides the primary key from it.
PREPARE = Hot(
    sa.text(
        "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),"
        " set_config('plan_cache_mode', 'force_generic_plan', true), set_config('statement_timeout', :timeout, true),"
        " to_regclass('search_document_parts') IS NOT NULL AS has_parts,"
        " (SELECT datctype NOT IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()) AS knows_letters,"
        " (SELECT below FROM search_state) AS below"
    )
)
SAVE, GO_BACK = sa.text("SAVEPOINT at_once"), sa.text("ROLLBACK TO SAVEPOINT at_once")  # which ends the hurry as well
HURRY = sa.text(f"SELECT set_config('statement_timeout', '{AT_ONCE_MS}', true)")
CANCELLED = "57014"
PUT = sa.text(
    "INSERT INTO search_document (id, conversation_id, text, words)"
    " SELECT id, conversation_id, text, CAST(words AS tsvector) FROM unnest(CAST(:ids AS bigint[]),"
    " CAST(:conversations AS bigint[]), CAST(:texts AS text[]), CAST(:words AS text[]))"
    " AS given (id, conversation_id, text, words)"
    " ON CONFLICT (id) DO UPDATE SET conversation_id = excluded.conversation_id, text = excluded.text,"
    " words = excluded.words"
)


class PostgresIndex:
    version = 1

    def __init__(self) -> None:
        self._pace = Pace()
        self._is_common = self._is_seldom = False  # what is looked for, as the last stretch showed
        self._was_at_once = False
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

    def prepare(self, tx: Reader) -> bool:
        *_, self._has_parts, self._knows_letters, below = ask(tx, PREPARE, {"timeout": str(TIMEOUT_MS)}).first()
        return bool(below == 0)

    def can(self, query: Query, mode: Mode) -> bool:
        parts = bool(self._parts_of(query))
        return {"word": bool(query.terms), "beginning": query.has_beginnings, "part": parts}[mode]

    def _parts_of(self, query: Query) -> list[Term]:
        return [each for each in query.terms if each.is_part and self._has_triples(each.text)]

    def _has_triples(self, text: str) -> bool:
        return self._has_parts and len(text) >= SHORTEST_PART and (self._knows_letters or text.isascii())

    def stretch(self, tx: Reader, query: Query, mode: Mode, below: int | None, most: int, step: int) -> Stretch:
        below = LAST_ID if below is None else below
        look = self._look(query, mode)
        look.values.update(below=below, most=most)
        if step == 0:
            self._pace, self._is_common, self._is_seldom, self._was_at_once = Pace(), True, False, False
        words = sum(len(each.words) for each in query.terms)
        # Of several words GIN goes through all rows of each, so eras say first how seldom they are together.
        if self._is_seldom and look.at_once and not self._was_at_once and (words == 1 or step > 1):
            self._was_at_once = True
            if found := _at_once(tx, look, most, is_long=words > SHORT):
                return found
        with self._pace.timed():
            return self._walk(tx, look, most) if self._is_common else self._ask(tx, look, most, MOST_ERAS[mode])

    def _walk(self, tx: Reader, look: _Look, most: int) -> Stretch:
        """Row by row."""
        look.values["rows"] = ROWS * self._pace.eras
        found = _find(
            tx,
            look,
            f"SELECT id, conversation_id, CASE WHEN {look.has} THEN {look.fits} END AS fits FROM search_document"  # noqa: S608
            " WHERE id < :below ORDER BY id DESC LIMIT :rows",
        )
        self._is_seldom = found.counted(look) < SELDOM_ROWS
        self._is_common = found.candidates * COMMON >= found.rows
        return found.stretch(most, found.oldest)

    def _ask(self, tx: Reader, look: _Look, most: int, most_eras: int) -> Stretch:
        """By the index, an era or more."""
        below, eras = look.values["below"], min(self._pace.eras, most_eras)
        last = (below - 1) // ERA
        first = max((below - ERA // 2) // ERA - eras + 1, 0)  # of the last era at least a half: more than chance
        look.values["eras"] = " | ".join(f"'#{era}'" for era in range(first, last + 1))
        cap = f"LIMIT {ABOUND + 1}" if eras > 1 else ""
        found = _find(tx, look, _candidates(look, f"{_words('eras')} AND {look.has}", cap))
        if cap and found.rows > ABOUND:
            return self._ask(tx, look, most, 1)
        self._is_seldom = found.counted(look) < SELDOM
        self._is_common = found.candidates * COMMON >= (last + 1 - first) * ERA
        return found.stretch(most, first * ERA)

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
        others = [term for term in query.terms if term not in parts]
        # For a beginning GIN gathers all rows of all words with it before anything else, and nothing interrupts it;
        # its triples are looked up row by row.
        begun = [each for each in others if each.is_open and mode != "word" and self._has_triples(each.words[-1])]
        inside = sorted([each.text for each in parts] + [each.words[-1] for each in begun], key=len, reverse=True)
        values: dict[str, Any] = {f"part{number}": _pattern(text) for number, text in enumerate(inside)}
        likes = [f"text LIKE :{name}" for name in values]
        has, fits = likes[:MOST_INSIDE], likes[MOST_INSIDE:]
        whole = [_phrase(each, mode, " & ") for each in others if each not in begun]
        whole += [f"'{word}'" for each in begun for word in each.words[:-1]]
        if whole:
            has.append(_words("lexemes"))
            values["lexemes"] = " & ".join(whole)
        if begun or any(len(each.words) > 1 for each in others):
            fits.append(_words("phrases"))
            values["phrases"] = " & ".join(_phrase(each, mode, " <-> ") for each in others)
        at_once = " AND ".join(has)
        if mode != "word":
            at_once = _words("begun") if others == list(query.terms) and len(others) == 1 else ""
            values["begun"] = " & ".join(_phrase(each, mode, " & ") for each in others)
        return _Look(" AND ".join(has), " AND ".join(fits) or "true", at_once, values)


@dataclass(frozen=True, slots=True)
class _Look:
    """A query as conditions on a document.

    GIN knows what a document `has`, but not where: whether words follow each other, or letters begin one, as they must
    for what is looked for to `fit`, only the document says. So phrases of common words have many candidates that have
    to be read.
    """

    has: str
    fits: str
    at_once: str  # what all history may be asked for; empty where that could take long whatever is found
    values: dict[str, Any]


class _Found(NamedTuple):
    hits: list[Hit]
    rows: int
    candidates: int  # rows that had what was looked for, fit or not
    oldest: int | None

    def counted(self, look: _Look) -> int:
        """How many there are of what `at_once` would gather."""
        return self.candidates if look.at_once == look.has else len(self.hits)

    def stretch(self, most: int, reached: int | None) -> Stretch:
        """`reached` where these are all the hits there are."""
        return Stretch(self.hits, self.hits[-1].id if len(self.hits) == most else reached or None)


def _find(tx: Reader, look: _Look, rows: str) -> _Found:
    """The newest hits among rows that say whether they fit."""
    *found, (_, seen, candidates, oldest) = ask(tx, _finding(rows), look.values).all()
    return _Found([Hit(number, conversation_id) for number, conversation_id, *_ in found], seen, candidates, oldest)


@lru_cache(maxsize=64)
def _finding(rows: str) -> Hot:
    return Hot(
        sa.text(
            f"WITH seen AS MATERIALIZED ({rows}),"  # noqa: S608
            " hit AS (SELECT id, conversation_id FROM seen WHERE fits ORDER BY id DESC LIMIT :most)"
            " SELECT id, conversation_id, NULL AS candidates, NULL AS oldest FROM hit"
            " UNION ALL SELECT NULL, count(*), count(fits), min(id) FROM seen ORDER BY id DESC NULLS LAST"
        )
    )


def _candidates(look: _Look, condition: str, cap: str = "") -> str:
    return (
        f"SELECT id, conversation_id, {look.fits} AS fits FROM search_document"  # noqa: S608
        f" WHERE {condition} AND id + 0 < :below {cap}"
    )


def _at_once(tx: Reader, look: _Look, most: int, *, is_long: bool) -> Stretch | None:
    """The newest hits of all history; None where these are too many to be sorted, or take too long to be gathered."""
    rows = _candidates(look, look.at_once, f"LIMIT {MANY + 1}")
    found = _in_a_hurry(tx, look, rows) if is_long else _find(tx, look, rows)
    return None if found is None or found.rows > MANY else found.stretch(most, None)


def _in_a_hurry(tx: Reader, look: _Look, rows: str) -> _Found | None:
    """As `_find`; None where it took too long."""
    tx.execute(SAVE)
    tx.execute(HURRY)
    try:
        found = _find(tx, look, rows)
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != CANCELLED:
            raise
        found = None
    tx.execute(GO_BACK)
    return found


def _words(name: str) -> str:
    return f"words @@ CAST(CAST(:{name} AS text) AS tsquery)"


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
