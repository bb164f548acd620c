"""Who runs query functions: many at once, each on one snapshot, beside the writer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import cast

import aiosqlite
import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.store.engine import postgres_readers, sqlite_reader
from omnibox.store.transaction import T

MOST = 8  # connections to an embedded database

Query = Callable[[sa.Connection], T]


class FileReaders:
    """SQLite: connections of aiosqlite, opened as they are needed, the one used last first."""

    def __init__(self, url: sa.URL) -> None:
        self._url = url
        self._free: list[_Reader] = []
        self._room = asyncio.Semaphore(MOST)

    async def run(self, fn: Query[T]) -> T:
        async with self._room:
            reader = self._free.pop() if self._free else await self._open()
            try:
                return await reader.run(fn)
            finally:
                self._free.append(reader)

    async def _open(self) -> _Reader:
        reader = _Reader(self._url)
        await reader
        return reader

    async def stop(self) -> None:
        """Close them; nobody may be reading."""
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

    async def run(self, fn: Query[T]) -> T:
        try:
            return await self._try(fn)
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return await self._try(fn)

    async def _try(self, fn: Query[T]) -> T:
        return cast("T", await greenlet_spawn(_in_one_snapshot, self._engine, fn))

    async def stop(self) -> None:
        await greenlet_spawn(self._engine.dispose)


def _in_one_snapshot(engine: sa.Engine, fn: Query[T]) -> T:
    with engine.connect() as connection, connection.begin():
        return fn(connection)
