"""How a table is read so that both databases give the same rows: columns, order, pieces, hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from omnibox.store.columns import Json
from omnibox.store.tables import metadata

PIECE = 5_000  # keys; the unit that is copied, remembered and compared
ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table. With `by_number` its one key is a number, and pieces are ranges of it; else it is one piece, 0."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    text_keys: frozenset[str]
    by_number: bool
    numbered: str  # the column that a sequence fills, or none
    flags: tuple[int, ...]
    documents: tuple[int, ...]

    def clean(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Rows as both databases mean them: flags as bool, documents as one spelling of their JSON."""
        if not self.flags and not self.documents:
            return [tuple(row) for row in rows]
        return [self._clean(list(row)) for row in rows]

    def _clean(self, row: list[Any]) -> Row:
        for place in self.flags:
            row[place] = None if row[place] is None else bool(row[place])
        for place in self.documents:
            row[place] = None if row[place] is None else _spell(row[place])
        return tuple(row)


@lru_cache(maxsize=10_000)  # most of them are the same few: no references, no recipients
def _spell(document: str) -> str:
    return ENCODER.encode(json.loads(document))


def shape_of(table: sa.Table) -> Shape:
    key = tuple(table.primary_key.columns)
    columns = tuple(table.columns)
    by_number = len(key) == 1 and isinstance(key[0].type, sa.Integer)
    return Shape(
        name=table.name,
        columns=tuple(each.name for each in columns),
        key=tuple(each.name for each in key),
        text_keys=frozenset(each.name for each in key if isinstance(each.type, sa.Text)),
        by_number=by_number,
        numbered=key[0].name if by_number and key[0].autoincrement is not False else "",
        flags=tuple(place for place, each in enumerate(columns) if isinstance(each.type, sa.Boolean)),
        documents=tuple(place for place, each in enumerate(columns) if isinstance(each.type, Json)),
    )


def all_shapes() -> list[Shape]:
    """Every table of this release. A new one is carried without another word, since it stands in the metadata."""
    return [shape_of(table) for table in metadata.sorted_tables]


class Digest:
    """A hash over rows in their order, and how many they were."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        self._hash.update("".join(map(repr, rows)).encode("utf-8", "surrogatepass"))
        self.rows += len(rows)

    def __str__(self) -> str:
        return self._hash.hexdigest()


def digest_of(batches: Iterable[Sequence[Row]]) -> Digest:
    digest = Digest()
    for rows in batches:
        digest.add(rows)
    return digest
