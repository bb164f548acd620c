"""The engines and their pragmas.

PostgreSQL's driver is asynchronous; `greenlet_spawn` runs synchronous functions over it, as SQLAlchemy's AsyncEngine
does. That class is left out because its package loads the whole ORM: 60 ms at each start.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from omnibox.store.hot import Hot

ROOM_BYTES = 1 << 20  # free again on a disk that was full
WRITE_AHEAD = "journal_mode=WAL"
OF_WRITER = (
    "busy_timeout=5000",
    WRITE_AHEAD,
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",  # else a statement of many rows keeps the pages it changes in a file until it ends
    "wal_autocheckpoint=4000",  # pages: most are written anew soon, and are copied into the database once
)


def has_room(url: sa.URL) -> bool:
    return free_bytes(url) >= ROOM_BYTES


def free_bytes(url: sa.URL) -> int:
    """Of the disk that an embedded database lies on."""
    disk = os.statvfs(Path(url.database or "").parent)
    return disk.f_bavail * disk.f_frsize


def sqlite_writer(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="sqlite"),
        hide_parameters=True,
        connect_args={"check_same_thread": False, "cached_statements": 256},
        pool_size=1,
    )
    _prepare(engine, OF_WRITER, "BEGIN IMMEDIATE")
    return engine


def sqlite_reader(url: sa.URL) -> sa.Engine:
    """An engine of one connection, for one thread at a time."""
    engine = sa.create_engine(
        url.set(drivername="sqlite"),
        hide_parameters=True,
        connect_args={"check_same_thread": False},
        poolclass=sa.StaticPool,
    )
    _prepare(engine, ("busy_timeout=5000", "query_only=ON"), "BEGIN")
    return engine


def _prepare(engine: sa.Engine, pragmas: Sequence[str], begin: str) -> None:
    """The driver must open no transactions of its own: for a SELECT it opens none, and two of them see two states."""

    beginning = Hot(sa.text(begin))

    @sa.event.listens_for(engine, "connect")
    def connect(database: Any, _: Any) -> None:
        tell(database, pragmas)

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        beginning.run(connection, {})


def tell(database: Any, pragmas: Sequence[str]) -> None:
    """Give a new connection its pragmas, and no transactions of the driver's own."""
    database.isolation_level = None
    cursor = database.cursor()
    for pragma in pragmas:
        try:
            cursor.execute(f"PRAGMA {pragma}")
        except sqlite3.OperationalError as error:
            if pragma != WRITE_AHEAD or error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            _switch(cursor)
    cursor.close()


def _switch(cursor: Any) -> None:
    """Two processes open a new database at once: SQLite refuses one of them the log without waiting for the other."""
    from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

    patience = Retrying(
        retry=retry_if_exception_type(sqlite3.OperationalError),
        wait=wait_random(0.01, 0.05),
        stop=stop_after_delay(5),
        reraise=True,
    )
    patience(cursor.execute, f"PRAGMA {WRITE_AHEAD}")


def postgres_readers(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_use_lifo=True,  # the one used last knows the statements
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )


def postgres_writer(url: sa.URL) -> sa.Engine:
    return sa.create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0, pool_pre_ping=True)
