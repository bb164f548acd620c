"""Who runs query functions: many at once, each on one snapshot, beside the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, cast

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.store.engine import postgres_readers, sqlite_reader
from omnibox.store.hot import Hot, Row
from omnibox.store.transaction import T

MOST = 8  # connections to an embedded database

Query = Callable[[sa.Connection], T]


class FileReaders:
    """SQLite: connections of aiosqlite, opened as they are needed, the one used last first."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._free: list[_Reader] = []
        self._room = asyncio.Semaphore(MOST)
        self._is_over = False

    async def run(self, fn: Query[T]) -> T:
        async with self._room:
            reader = self._free.pop() if self._free else await self._open()
            try:
                return await reader.run(fn)
            finally:
                self._free.append(reader)
                if self._is_over:
                    await self._close_free()

    async def look_up(self, statement: Hot, values: Row) -> list[Any]:
        return await self.run(lambda connection: statement.run(connection, values).all())

    async def _open(self) -> _Reader:
        reader = _Reader(self._url)
        await reader
        return reader

    async def stop(self) -> None:
        """Close them; whoever still reads closes theirs, or its thread would keep the process."""
        self._is_over = True
        await self._close_free()

    async def _close_free(self) -> None:
        while self._free:
            await self._free.pop().close()


class _Reader(aiosqlite.Connection):
    """One connection and its thread, in which a whole query function runs.

    SQLAlchemy's own use of aiosqlite goes to the thread and back four times for each statement, which costs more than
    the statement does.
    """

    def __init__(self, url: sa.URL) -> None:
        self._engine = sqlite_reader(url)
        super().__init__(self._open, iter_chunk_size=1)

    def _open(self) -> sqlite3.Connection:
        with self._engine.connect() as connection:
            return cast("sqlite3.Connection", connection.connection.driver_connection)

    async def run(self, fn: Query[T]) -> T:
        return cast("T", await self._execute(_in_one_snapshot, self._engine, fn))  # type: ignore[no-untyped-call]


class ServerReaders:
    """PostgreSQL: a pool of asyncpg connections.

    One that the server ended while it lay in the pool is noticed when it is used, and the query runs again on a new
    one: to ask before each query whether it still lives costs as much as the query.
    """

    def __init__(self, url: sa.URL) -> None:
        self._engine = postgres_readers(url)
        self._plain = self._engine.execution_options(isolation_level="AUTOCOMMIT")

    async def run(self, fn: Query[T]) -> T:
        return await _twice(_in_one_snapshot, self._engine, fn)

    async def look_up(self, statement: Hot, values: Row) -> list[Any]:
        """Without BEGIN and COMMIT, each of which goes to the server and back."""
        return await _twice(_rows_of, self._plain, statement, values)

    async def stop(self) -> None:
        await greenlet_spawn(self._engine.dispose)


async def _twice(read: Callable[..., T], *arguments: Any) -> T:
    try:
        return cast("T", await greenlet_spawn(read, *arguments))
    except sa.exc.DBAPIError as error:
        if not error.connection_invalidated:
            raise
    return cast("T", await greenlet_spawn(read, *arguments))


def _rows_of(engine: sa.Engine, statement: Hot, values: Row) -> list[Any]:
    with engine.connect() as connection:
        return cast("list[Any]", statement.run(connection, values).all())


def _in_one_snapshot(engine: sa.Engine, fn: Query[T]) -> T:
    with engine.connect() as connection, connection.begin():
        return fn(connection)
