"""Statements alone, through the driver of either database, timed."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from bench.filled import House


class Embedded:
    """The statement alone, through the driver."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)

    def all(self, statement: str) -> list[Any]:
        return self._database.execute(statement).fetchall()

    def timed(self, statement: str) -> tuple[float, list[int]]:
        began = time.perf_counter()
        rows = self._database.execute(statement).fetchall()
        return (time.perf_counter() - began) * 1000, [row[0] for row in rows]

    def close(self) -> None:
        self._database.close()


class Server:
    """The same on PostgreSQL."""

    def __init__(self, url: str) -> None:
        import asyncpg  # type: ignore[import-untyped]

        plain = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(asyncpg.connect(plain))

    def all(self, statement: str) -> list[Any]:
        return [tuple(row) for row in self._loop.run_until_complete(self._connection.fetch(statement))]

    def timed(self, statement: str) -> tuple[float, list[int]]:
        began = time.perf_counter()
        rows: Sequence[Any] = self._loop.run_until_complete(self._connection.fetch(statement))
        return (time.perf_counter() - began) * 1000, [row[0] for row in rows]

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())
        self._loop.close()


Bare = Embedded | Server


def bare_of(found: House) -> Bare:
    return Embedded(str(found.hub.database)) if found.is_embedded else Server(found.url)
