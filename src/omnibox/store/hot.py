"""Statements of the hot path: compiled once, then run by their text.

Building parameters and results through SQLAlchemy costs three times what SQLite itself needs for a message
(bench/store.py: 150 µs against 60). A `Hot` statement keeps the SQL and the conversion of each parameter, so that a
column still refuses what its type refuses. Its result columns must need no conversion: ids, states, addresses.
"""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, cast

import sqlalchemy as sa

Row = Mapping[str, Any]


class Result:
    """The part of SQLAlchemy's result that hot statements need. SQLite's cursor must be read to its end."""

    __slots__ = ("_cursor", "_make", "rowcount")

    def __init__(self, cursor: sqlite3.Cursor, make: Callable[[Sequence[Any]], Any]) -> None:
        self._cursor = cursor
        self._make = make
        self.rowcount = cursor.rowcount

    def first(self) -> Any:
        rows = self._cursor.fetchall()
        return self._make(rows[0]) if rows else None

    def scalar(self) -> Any:
        rows = self._cursor.fetchall()
        return rows[0][0] if rows else None

    def scalar_one(self) -> Any:
        return self._cursor.fetchall()[0][0]


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    constants: Row  # every name of the statement, with the value it has where a row does not give one
    pick: Callable[[Row], tuple[Any, ...]]  # the values in the statement's order
    converts: tuple[tuple[int, Callable[[Any], Any]], ...]  # by place
    make: Callable[[Sequence[Any]], Any]

    def values(self, row: Row) -> list[Any]:
        values = list(self.pick({**self.constants, **row}))
        for place, convert in self.converts:
            values[place] = convert(values[place])
        return values


class Hot:
    """A statement that is always run with the same names of parameters."""

    __slots__ = ("_plan", "statement")

    def __init__(self, statement: sa.Executable) -> None:
        self.statement = statement
        self._plan: _Plan | None = None

    def run(self, connection: sa.Connection, row: Row) -> Any:
        """Execute once; on PostgreSQL in the ordinary way."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self.statement, row)
        plan = self._plan or self._prepare(connection, row)
        return Result(_raw(connection).execute(plan.sql, plan.values(row)), plan.make)

    def run_each(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Execute once per row; no results."""
        if connection.dialect.name != "sqlite":
            connection.execute(self.statement, rows)
            return
        plan = self._plan or self._prepare(connection, rows[0])
        _raw(connection).executemany(plan.sql, [plan.values(row) for row in rows])

    def _prepare(self, connection: sa.Connection, row: Row) -> _Plan:
        dialect = connection.dialect
        compiled = cast("Any", self.statement).compile(dialect=dialect, column_keys=sorted(row))
        # One name may stand for several parameters, of which only some know the column's type.
        converts = {
            compiled.bind_names[bind]: convert
            for bind in compiled.bind_names
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        names = compiled.positiontup
        places = tuple((place, converts[name]) for place, name in enumerate(names) if name in converts)
        columns = [column.key for column in getattr(self.statement, "exported_columns", ())]
        row_type: Any = namedtuple("Row", columns) if columns else None  # made at run time, so not a NamedTuple
        self._plan = _Plan(
            compiled.string, compiled.params, _picker(names), places, row_type._make if row_type else tuple
        )
        return self._plan


def _picker(names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda row: (row[names[0]],)
    return itemgetter(*names)


def _raw(connection: sa.Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)
