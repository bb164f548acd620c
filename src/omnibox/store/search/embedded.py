"""The index on SQLite: two FTS5 tables without contents, read from their newest row on.

FTS5 wants to be told the old contents of a row that goes; they are made again from `search_document`. The option that
spares that, `contentless_delete`, is newer than the SQLite of Debian 12.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from omnibox.store.search.index import BREAK, Document, Hit, Mode, Stretch, indexed_words
from omnibox.store.search.queries import Query, Term
from omnibox.store.search.schema import document
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


class EmbeddedIndex:
    def put(self, tx: Transaction, documents: Sequence[Document]) -> None:
        if not documents:
            return
        self.remove(tx, [each.id for each in documents])
        rows = [{"id": each.id, "conversation_id": each.conversation_id, "text": each.text} for each in documents]
        tx.execute(sa.insert(document), rows)
        run = tx.connection.exec_driver_sql
        run(ADD_WORDS, [(each.id, _marked(each.words, each.conversation_id)) for each in documents])
        run(ADD_PARTS, [(each.id, str(each.text)) for each in documents])

    def remove(self, tx: Transaction, ids: Collection[int]) -> None:
        old = tx.execute(sa.select(document).where(document.c.id.in_(ids))).all() if ids else []
        if not old:
            return
        run = tx.connection.exec_driver_sql
        run(TAKE_WORDS, [(row.id, _marked(indexed_words(row.text), row.conversation_id)) for row in old])
        run(TAKE_PARTS, [(row.id, str(row.text)) for row in old])
        tx.execute(sa.delete(document).where(document.c.id.in_([row.id for row in old])))

    def clear(self, tx: Transaction) -> None:
        for statement in CLEAR:
            tx.connection.exec_driver_sql(statement)

    def prepare(self, tx: Reader) -> None:
        """Nothing to learn: SQLite has what we need, or the tables could not be made."""

    def can(self, query: Query, mode: Mode) -> bool:
        return {"word": bool(query.terms), "beginning": query.has_beginnings, "part": query.has_parts}[mode]

    def stretch(self, tx: Reader, query: Query, mode: Mode, below: int | None, most: int, step: int) -> Stretch:
        table, condition, values = _condition(query, mode)
        statement = sa.text(
            f"SELECT d.id, d.conversation_id FROM {table} CROSS JOIN search_document d ON d.id = {table}.rowid"  # noqa: S608
            f" WHERE {condition}{'' if below is None else f' AND {table}.rowid < :below'}"
            f" ORDER BY {table}.rowid DESC LIMIT :most"
        )
        bounds = {"most": most} if below is None else {"most": most, "below": below}
        hits = [Hit(row.id, row.conversation_id) for row in tx.execute(statement, values | bounds)]
        return Stretch(hits, hits[-1].id if len(hits) == most else None)

    def found_in(self, tx: Reader, query: Query, mode: Mode, conversations: Collection[int], since: int) -> set[int]:
        if not conversations:
            return set()
        table, condition, values = _condition(query, mode)
        places = " OR ".join(f'"{BREAK}{each}"' for each in conversations)
        values["words"] = f"({places}) AND {values['words']}" if mode != "part" else f"({places})"
        inside = (
            ""
            if mode != "part"
            else (" AND search_part.rowid IN (SELECT rowid FROM search_word WHERE search_word MATCH :words)")
        )
        statement = sa.text(
            f"SELECT DISTINCT d.conversation_id FROM {table} CROSS JOIN search_document d"  # noqa: S608
            f" ON d.id = {table}.rowid"
            f" WHERE {condition}{inside} AND {table}.rowid >= :since"
        )
        return set(tx.execute(statement, values | {"since": since}).scalars())


def _marked(words: Sequence[str], conversation_id: int) -> str:
    """A document's words as the tokenizer takes them; the last names its conversation."""
    return " ".join([*words, f"{BREAK}{conversation_id}"])


def _condition(query: Query, mode: Mode) -> tuple[str, str, dict[str, object]]:
    """Table, condition and values. Only words of our own cutting and quoted triples reach FTS5's language."""
    if mode != "part":
        return "search_word", "search_word MATCH :words", {"words": _phrases(query.terms, mode)}
    parts = [term for term in query.terms if term.is_part]
    others = [term for term in query.terms if not term.is_part]
    condition = ["search_part MATCH :triples"]
    values: dict[str, object] = {"triples": " AND ".join(_triples(term.text) for term in parts), "words": ""}
    for number, term in enumerate(parts):
        condition.append(f"instr(d.text, :part{number}) > 0")
        values[f"part{number}"] = term.text
    if others:
        condition.append(
            "EXISTS (SELECT 1 FROM search_word WHERE search_word MATCH :others AND search_word.rowid = d.id)"
        )
        values["others"] = _phrases(others, mode)
    return "search_part", " AND ".join(condition), values


def _phrases(terms: Sequence[Term], mode: Mode) -> str:
    return " AND ".join(f'"{" ".join(term.words)}"{" *" if term.is_open and mode != "word" else ""}' for term in terms)


def _triples(text: str) -> str:
    """Every three characters in a row, or as many of them as are needed, spread over the text."""
    found = list(dict.fromkeys(text[place : place + 3] for place in range(len(text) - 2)))
    if len(found) > MOST_TRIPLES:
        found = [found[place * (len(found) - 1) // (MOST_TRIPLES - 1)] for place in range(MOST_TRIPLES)]
    return " AND ".join('"' + each.replace('"', '""') + '"' for each in found)
