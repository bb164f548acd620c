"""The two ways into the database: `read` on one snapshot, `write` until it is durable."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from omnibox.clock import Clock, now
from omnibox.store import tables
from omnibox.store.conflict import insert
from omnibox.store.engine import has_room
from omnibox.store.hot import Hot, Row
from omnibox.store.readers import FileReaders, ServerReaders
from omnibox.store.transaction import T, Transaction, Written
from omnibox.store.trouble import StoreUnavailable, is_of_the_store, trouble_of
from omnibox.store.writers import TaskWriter, ThreadWriter

STOP_S = 5
B = TypeVar("B")


class Store:
    """One database. `read` and `write` are the only ways in.

    `ring(words)` is called in the event loop after every commit that announced or rang something.
    """

    def __init__(self, url: str, *, ring: Callable[[set[str]], None] = set.clear, clock: Clock = now) -> None:
        self.url = sa.make_url(url)
        self.is_embedded = self.url.get_backend_name() == "sqlite"
        self._ring = ring
        self._clock = clock
        self._readers = (FileReaders if self.is_embedded else ServerReaders)(self.url)
        self._writer: ThreadWriter | TaskWriter | None = None
        self._reading: set[asyncio.Task[object]] = set()
        self._is_over = False

    async def start(self) -> None:
        """Open the writer. The tables must be there (see `store.migrations`)."""
        self._writer = (ThreadWriter if self.is_embedded else TaskWriter)(self.url, self._clock, self._ring)
        await self._writer.start()

    @property
    def trouble(self) -> str:
        """Why the last write was not stored, as in `StoreUnavailable`; empty when it was."""
        return "" if self._writer is None else self._writer.trouble

    async def prove(self) -> None:
        """Show that something can be stored; raises `StoreUnavailable`. No trouble is left afterwards."""
        await self.write(_touch)
        if self.trouble == "full" and self.is_embedded and not has_room(self.url):
            raise StoreUnavailable("full")
        if self._writer is not None:
            self._writer.trouble = ""

    async def stop(self) -> None:
        """Finish what is queued and what is being read, then close for good. What is asked of it meanwhile is refused:
        a write that came behind the last would wait for ever, and a read would open what nobody closes."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.stop()
        self._is_over = True
        if self._reading:
            await asyncio.wait(self._reading, timeout=STOP_S)
        await self._readers.stop()

    @property
    def queued(self) -> int:
        """How many writes wait for a commit."""
        return 0 if self._writer is None else self._writer.queued

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run a query function on one snapshot; raises `StoreUnavailable`."""
        self._refuse_if_over()
        return await self._to_its_end(self._readers.run(fn))

    async def look_up(self, statement: Hot, values: Row) -> list[Any]:
        """The rows of one statement, which is a snapshot by itself; raises `StoreUnavailable`."""
        self._refuse_if_over()
        return await self._to_its_end(self._readers.look_up(statement, values))

    def _refuse_if_over(self) -> None:
        if self._is_over:
            raise StoreUnavailable("stopped")

    async def _to_its_end(self, read: Coroutine[Any, Any, T]) -> T:
        """It runs on when its caller leaves: a driver that is cut off in the middle loses its connection."""
        reading: asyncio.Task[object] = asyncio.ensure_future(read)
        self._reading.add(reading)
        reading.add_done_callback(self._end_of_reading)
        try:
            return cast("T", await asyncio.shield(reading))
        except Exception as error:
            if is_of_the_store(error):
                raise StoreUnavailable(trouble_of(error)) from None
            raise

    def _end_of_reading(self, reading: asyncio.Task[object]) -> None:
        self._reading.discard(reading)
        if not reading.cancelled():
            reading.exception()  # whoever asked may have left; then nobody else looks at it

    async def write(self, fn: Callable[[Transaction], T]) -> Written[T]:
        """Run `fn` in a transaction; returns once that is durable. Raises what `fn` raises, then undone, or
        `StoreUnavailable`."""
        if self._writer is None:
            raise StoreUnavailable("not started, or stopped")
        return cast("Written[T]", await self._writer.submit(fn))

    async def write_together(self, fn: Callable[[Transaction, Sequence[B]], Sequence[T]], brought: B) -> Written[T]:
        """As `write`, for what many callers do at once: `fn` takes what all bring that share a commit, and gives the
        result of each. It is run for each alone where it raises."""
        if self._writer is None:
            raise StoreUnavailable("not started, or stopped")
        return cast("Written[T]", await self._writer.submit(fn, brought))


def _touch(tx: Transaction) -> None:
    """Change a row that nobody reads. The same value again would be no write: SQLite leaves the page alone."""
    row = {"purpose": "store", "subject": "probe", "since": tx.clock(), "tries": 0}
    statement = insert(tables.throttle)
    newer = {"since": statement.excluded.since}
    tx.execute(statement.on_conflict_do_update(index_elements=["purpose", "subject"], set_=newer), row)


def new_epoch() -> str:
    return secrets.token_hex(4)
