"""Statements of the hot path: compiled once for each kind of database, then run by their text.

Building parameters and results through SQLAlchemy costs three times what SQLite itself needs for a message
(bench/store.py: 150 µs against 60), and of a page of 25 rows on PostgreSQL four times what the driver takes. A `Hot`
statement keeps the SQL and the conversion of each parameter, so that a column still refuses what its type refuses, and
the conversion of each result column that needs one.
"""

from __future__ import annotations

import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import sqlalchemy as sa

from omnibox.store.columns import Direct

Row = Mapping[str, Any]
MOST_AT_ONCE = 256  # rows in one INSERT; databases take some 32,000 parameters
VALUES = re.compile(r"VALUES (\([?, ]*\))")


class Result:
    """The part of SQLAlchemy's result that hot statements need. SQLite's cursor must be read to its end."""

    __slots__ = ("_cursor", "_make", "rowcount")

    def __init__(self, cursor: sqlite3.Cursor | sa.CursorResult[Any], make: Callable[[Sequence[Any]], Any]) -> None:
        self._cursor = cursor
        self._make = make
        self.rowcount = cursor.rowcount

    def first(self) -> Any:
        rows = self._cursor.fetchall()
        return self._make(rows[0]) if rows else None

    def all(self) -> list[Any]:
        return [self._make(row) for row in self._cursor.fetchall()]

    def scalar(self) -> Any:
        rows = self._cursor.fetchall()
        return rows[0][0] if rows else None

    def scalar_one(self) -> Any:
        return self._cursor.fetchall()[0][0]


@dataclass(frozen=True, slots=True)
class _Plan:
    sql: str
    arrange: Callable[[Row], tuple[Any, ...]]  # a row's values, converted, in the statement's order
    make: Callable[[Sequence[Any]], Any]


class Hot:
    """A statement that is always run with the same names of parameters."""

    __slots__ = ("_plans", "statement")

    def __init__(self, statement: sa.Executable) -> None:
        self.statement = statement
        self._plans: dict[str, _Plan] = {}

    def run(self, connection: sa.Connection, row: Row) -> Any:
        """Execute once; on PostgreSQL by SQLAlchemy, which knows when its line is lost."""
        plan = self._plan(connection, row)
        if connection.dialect.name != "sqlite":
            return Result(connection.exec_driver_sql(plan.sql, plan.arrange(row)), plan.make)
        try:
            return Result(_raw(connection).execute(plan.sql, plan.arrange(row)), plan.make)
        except sqlite3.Error as error:
            raise _wrapped(error, plan) from error

    def run_each(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Execute once per row; no results."""
        if connection.dialect.name != "sqlite":
            connection.execute(self.statement, rows)
            return
        plan = self._plan(connection, rows[0])
        try:
            _raw(connection).executemany(plan.sql, [plan.arrange(row) for row in rows])
        except sqlite3.Error as error:
            raise _wrapped(error, plan) from error

    def run_all(self, connection: sa.Connection, rows: Sequence[Row]) -> list[Sequence[Any]]:
        """Execute an INSERT of all rows; what it returns of each that went in, in any order.

        On SQLite also where nothing is returned: row by row, the driver gives way to other threads at each.
        """
        if connection.dialect.name != "sqlite":
            result = connection.execute(self.statement, rows)
            return list(result) if result.returns_rows else []
        plan = self._plan(connection, rows[0])
        database, done = _raw(connection), 0
        made: list[Sequence[Any]] = []
        try:
            while done < len(rows):
                count = _so_many(len(rows) - done)
                values = [value for row in rows[done : done + count] for value in plan.arrange(row)]
                made += database.execute(_repeated(plan.sql, count), values).fetchall()
                done += count
        except sqlite3.Error as error:
            raise _wrapped(error, plan) from error
        return made

    def _plan(self, connection: sa.Connection, row: Row) -> _Plan:
        name = connection.dialect.name
        return self._plans.get(name) or self._plans.setdefault(name, self._prepare(connection.dialect, row))

    def _prepare(self, dialect: sa.Dialect, row: Row) -> _Plan:
        compiled = cast("Any", self.statement).compile(dialect=dialect, column_keys=sorted(row))
        # One name may stand for several parameters, of which only some know the column's type.
        converts = {
            compiled.bind_names[bind]: convert
            for bind in compiled.bind_names
            if (convert := _converter(bind.type, dialect)) is not None
        }
        names = compiled.positiontup
        constants = {name: compiled.params[name] for name in names if name not in row}
        make = _maker(list(getattr(self.statement, "exported_columns", ())), dialect)
        return _Plan(compiled.string, _arranger(names, constants, converts), make)


def _arranger(
    names: Sequence[str], constants: Row, converts: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Row], tuple[Any, ...]]:
    """Written out as one expression, as `namedtuple` does it: a loop over the names takes three times as long."""
    known = {f"convert{place}": converts[name] for place, name in enumerate(names) if name in converts}
    known |= {f"constant{place}": constants[name] for place, name in enumerate(names) if name in constants}
    members = []
    for place, name in enumerate(names):
        value = f"constant{place}" if name in constants else f"row[{name!r}]"
        members.append(f"convert{place}({value})," if name in converts else f"{value},")
    return cast("Callable[[Row], tuple[Any, ...]]", eval(f"lambda row: ({''.join(members)})", known))  # noqa: S307


def _maker(columns: Sequence[sa.ColumnElement[Any]], dialect: sa.Dialect) -> Callable[[Sequence[Any]], Any]:
    """Makes a named row of what the database returns; written out like `_arranger` where a column is converted."""
    if not columns:
        return tuple
    names = [column.key or "" for column in columns]
    make = cast("Any", namedtuple)("Row", names)._make  # made at run time, so not a NamedTuple
    reads = {place: read for place, column in enumerate(columns) if (read := _reader(column.type, dialect)) is not None}
    if not reads:
        return cast("Callable[[Sequence[Any]], Any]", make)
    members = [
        f"None if row[{place}] is None else read{place}(row[{place}])," if place in reads else f"row[{place}],"
        for place in range(len(columns))
    ]
    known = {f"read{place}": read for place, read in reads.items()} | {"make": make}
    return cast("Callable[[Sequence[Any]], Any]", eval(f"lambda row: make(({''.join(members)}))", known))  # noqa: S307


def _so_many(left: int) -> int:
    """How many of the rows that are left the next INSERT takes: few statements, and few texts that are prepared."""
    step = next(size for size in (64, 8, 1) if left >= size)
    return min(left - left % step, MOST_AT_ONCE)


@cache
def _repeated(sql: str, count: int) -> str:
    """The INSERT of one row as one of `count` rows."""
    row = VALUES.search(sql)
    if row is None:
        raise TypeError("only an INSERT of plain values takes several rows")
    return f"{sql[: row.start(1)]}{', '.join([row[1]] * count)}{sql[row.end(1) :]}"


def _wrapped(error: sqlite3.Error, plan: _Plan) -> Exception:
    """As SQLAlchemy would have raised it."""
    return cast("Exception", sa.exc.DBAPIError.instance(plan.sql, None, error, sqlite3.Error, hide_parameters=True))


def _converter(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """What a column makes of its values; ours say it themselves, since SQLAlchemy wraps theirs in three calls."""
    if isinstance(kind, Direct):
        return kind.to_column
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _reader(kind: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """What Python sees of a column's values, by the same rule."""
    if isinstance(kind, Direct):
        return kind.from_column
    return kind.dialect_impl(dialect).result_processor(dialect, None)


# ── Statements about several values


def room_for(count: int) -> int:
    """For how many values the statement is made that is used for `count`: a power of two, so that there are few."""
    return 1 << (count - 1).bit_length()


def names_in(room: int) -> list[sa.BindParameter[Any]]:
    return [sa.bindparam(f"b_{place}") for place in range(room)]


def values_in(room: int, values: Sequence[Any]) -> dict[str, Any]:
    """The parameters `names_in(room)`; the last value stands in the places that are left."""
    return {f"b_{place}": values[min(place, len(values) - 1)] for place in range(room)}


def rows_in(room: int, rows: Sequence[Row]) -> dict[str, Any]:
    """The parameters `b_NAME_PLACE` of several rows; the last row stands in the places that are left."""
    padded = [*rows, *[rows[-1]] * (room - len(rows))]
    return {f"b_{name}_{place}": value for place, row in enumerate(padded) for name, value in row.items()}


def _raw(connection: sa.Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.dbapi_connection)
