"""What holds on SQLite alone: durability settings, locks, a full disk."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.store.test_contract import names, note

from omnibox.store import Store, StoreUnavailable
from omnibox.store.engine import sqlite_writer
from omnibox.store.migrations import migrate


async def test_a_disk_that_cannot_be_asked_for_its_room_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(url: sa.URL) -> bool:
        raise OSError(errno.EIO, "cannot be asked")

    url = f"sqlite:///{tmp_path}/omnibox.db"
    await migrate(url)
    store = Store(url)
    await store.start()
    store._writer.trouble = "full"  # type: ignore[union-attr]
    monkeypatch.setattr("omnibox.store.writers.has_room", fails)
    async with asyncio.timeout(20):
        await store.write(lambda tx: tx.announce("settings.changed"))
    await store.stop()


async def test_the_writer_is_durable_and_forgets_erased_bytes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/omnibox.db"
    await migrate(url)
    engine = sqlite_writer(sa.make_url(url))
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 5000}
    with engine.connect() as connection:
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
    engine.dispose()
    assert found == wanted


async def test_a_locked_database_is_unavailable_and_heals_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the write lock: nothing is acknowledged, readers go on, and afterwards writes do."""
    path = tmp_path / "omnibox.db"
    await migrate(f"sqlite:///{path}")
    store = Store(f"sqlite:///{path}")
    await store.start()
    await store.write(note("before"))
    with store._writer._engine.connect() as connection:  # type: ignore[union-attr]
        connection.exec_driver_sql("PRAGMA busy_timeout=50")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        await store.write(note("meanwhile"))
    assert await store.read(names) == {"before"}
    holder.execute("ROLLBACK")
    holder.close()
    await store.write(note("after"))
    assert await store.read(names) == {"before", "after"}
    await store.stop()


async def test_a_slow_commit_does_not_hold_the_loop(tmp_path: Path) -> None:
    """While another connection keeps the lock, the event loop turns; the writer waits in its own thread."""
    path = tmp_path / "omnibox.db"
    await migrate(f"sqlite:///{path}")
    store = Store(f"sqlite:///{path}")
    await store.start()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    writing = asyncio.create_task(store.write(note("waits")))
    for _ in range(200):
        await asyncio.sleep(0)
    assert not writing.done()
    holder.execute("COMMIT")
    holder.close()
    await writing
    await store.stop()
