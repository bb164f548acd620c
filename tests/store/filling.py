"""Rows in every table, made from the tables themselves: a new one is filled without another word."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from omnibox.store.columns import Instant, Json
from omnibox.store.tables import metadata

TEXTS = ("plain", "“quoted” – ñ 𝒳 \\ ' \"", "two\nlines\ttab", "", "Z", "a", "É", "_", "10", "9")


def rows_of(table: sa.Table, count: int) -> list[tuple[Any, ...]]:
    return [tuple(_value(column, number) for column in table.columns) for number in range(1, count + 1)]


def _value(column: sa.Column[Any], number: int) -> Any:
    if column.nullable and number % 3 == 0:
        return None
    if column.foreign_keys or column.name in ("id", "seq"):
        return number
    if isinstance(column.type, Json):
        return ['{"b": 1, "a": [true, null, "ñ"]}', "[]", '"x"', "{}"][number % 4]
    if isinstance(column.type, Instant):
        return 1_760_000_000_000_000 + number
    if isinstance(column.type, sa.Boolean):
        return number % 2
    if isinstance(column.type, sa.Integer):
        return number * 3
    only_once: list[sa.Constraint | sa.Index] = [*column.table.constraints, *column.table.indexes]
    is_key = column.primary_key or any(
        column.name in each.columns
        for each in only_once
        if isinstance(each, sa.UniqueConstraint) or (isinstance(each, sa.Index) and each.unique)
    )
    text = TEXTS[number % len(TEXTS)]
    return f"{text}{number}" if is_key else text


def fill(path: Path, count: int = 40, *, messages: int = 0, many: Collection[str] = ("message", "event")) -> None:
    """Into a migrated SQLite file; with `messages`, so many of them in each of the tables `many`."""
    with closing(sqlite3.connect(path)) as link, link:
        for table in metadata.sorted_tables:
            link.execute(f"DELETE FROM {table.name}")
            rows = rows_of(table, 1 if table.name == "installation" else count)
            if messages and table.name in many:
                narrow = {"conversation_id": count, "channel_id": count, "identity_id": count, "connection_id": count}
                rows = [
                    tuple(
                        (value - 1) % narrow[name] + 1 if name in narrow and isinstance(value, int) else value
                        for name, value in zip(table.columns.keys(), row, strict=True)
                    )
                    for row in rows_of(table, messages)
                ]
            names, places = ", ".join(table.columns.keys()), ", ".join("?" * len(table.columns))
            link.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)
        link.execute("UPDATE installation SET seq = (SELECT max(seq) FROM event)")  # what is announced next follows
        link.execute("UPDATE sqlite_sequence SET seq = 500000 WHERE name = 'conversation'")  # a later one was erased
