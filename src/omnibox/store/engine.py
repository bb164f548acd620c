"""The engines, their pragmas, and the group-commit writer: the only file that knows which database it is.

Writers hand in plain functions over a `Transaction`. One task or thread runs whatever is queued in one transaction and
commits once; a caller's future resolves only then. There is no timer: while one commit runs the next batch gathers.
A batch runs without savepoints first; if an item raises, everything is rolled back and runs again with a savepoint
each, so that the bad item alone fails. So an item must be a pure function of the transaction, safe to run twice.
"""

from __future__ import annotations

import asyncio
import queue
import random
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox import crash
from omnibox.clock import Clock, now
from omnibox.model import Seq
from omnibox.store import tables
from omnibox.store.conflict import insert as insert
from omnibox.store.hot import Hot

T = TypeVar("T")
MOST_ITEMS = 256  # in one commit
MOST_QUEUED = 10_000  # waiting; more is refused, so that callers say 503 instead of filling memory
ADVANCE = Hot(
    sa.update(tables.installation)
    .values(seq=tables.installation.c.seq + sa.bindparam("count"))
    .returning(tables.installation.c.seq)
)
APPEND = Hot(sa.insert(tables.event))
RERUN = frozenset({"40P01", "40001"})  # PostgreSQL: deadlock, serialization failure


class StoreUnavailable(Exception):
    """The store cannot take or give anything now; whether a write happened is unknown. Ask again with the same keys."""


@dataclass(slots=True)
class Transaction:
    """What an item of the writer sees: the connection, and what it announces."""

    connection: sa.Connection
    clock: Clock
    events: list[dict[str, Any]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def execute(self, statement: sa.Executable | Hot, parameters: Any = None) -> sa.CursorResult[Any]:
        if isinstance(statement, Hot):
            return cast("sa.CursorResult[Any]", statement.run(self.connection, parameters))
        return cast("sa.CursorResult[Any]", self.connection.execute(statement, parameters))

    def announce(self, type: str, *, conversation: int | None = None, message: int | None = None,
                 contact: int | None = None, channel: int | None = None, agent: int | None = None,
                 word: str | None = None) -> None:  # fmt: skip
        """Append an event with this transaction. Ids and words of the code only, never text."""
        self.events.append(
            {
                "type": type,
                "at": self.clock(),
                "conversation_id": conversation,
                "message_id": message,
                "contact_id": contact,
                "channel_id": channel,
                "agent_id": agent,
                "word": word,
            }
        )

    def ring(self, word: str) -> None:
        """Wake whoever waits for `word` once this transaction is durable."""
        self.words.add(word)


class Reader(Protocol):
    """What a query function needs: `sa.Connection` and `Transaction` both are one."""

    def execute(self, statement: sa.Executable, parameters: Any = None) -> sa.CursorResult[Any]: ...


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """What a durable write gave; `seq` is the log's head at its commit, 0 if the batch announced nothing."""

    result: T
    seq: Seq


@dataclass(slots=True)
class _Job:
    item: Callable[[Transaction], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Store:
    """One database. `read` and `write` are the only ways in.

    `ring(words)` is called in the event loop after every commit that announced or rang something.
    """

    def __init__(self, url: str, *, ring: Callable[[set[str]], None] = set.clear, clock: Clock = now) -> None:
        self.url = sa.make_url(url)
        self.is_embedded = self.url.get_backend_name() == "sqlite"
        self._ring = ring
        self._clock = clock
        self._readers = _sqlite_readers(self.url) if self.is_embedded else _postgres_readers(self.url)
        self._writer: _ThreadWriter | _TaskWriter | None = None

    async def start(self) -> None:
        """Open the writer. The tables must be there (see `store.migrations`)."""
        self._writer = (_ThreadWriter if self.is_embedded else _TaskWriter)(self.url, self._clock, self._ring)
        await self._writer.start()

    async def stop(self) -> None:
        """Finish what is queued, then close."""
        if self._writer is not None:
            await self._writer.stop()
        await greenlet_spawn(self._readers.dispose)

    async def read(self, fn: Callable[[sa.Connection], T]) -> T:
        """Run a query function on one snapshot; raises `StoreUnavailable`."""
        try:
            return cast("T", await greenlet_spawn(_in_one_snapshot, self._readers, fn))
        except Exception as error:
            if _is_of_the_store(error):
                raise StoreUnavailable(type(error).__name__) from None
            raise

    async def write(self, fn: Callable[[Transaction], T]) -> Written[T]:
        """Run `fn` in a transaction; returns once that is durable. Raises what `fn` raises, then undone, or
        `StoreUnavailable`."""
        if self._writer is None:
            raise StoreUnavailable("not started")
        return cast("Written[T]", await self._writer.submit(fn))


def _in_one_snapshot(engine: sa.Engine, fn: Callable[[sa.Connection], T]) -> T:
    with engine.connect() as connection, connection.begin():
        return fn(connection)


# ── One batch, the same on every database


def commit_batch(connection: sa.Connection, jobs: Sequence[_Job], clock: Clock) -> tuple[int, set[str]]:
    """Run and commit `jobs`; leaves result or error in each. Raises where nothing of it may be believed."""
    try:
        return _attempt(connection, jobs, clock, _run_all)
    except Exception as error:
        if isinstance(error, _Undone) or _is_of_the_store(error):
            raise
        if len(jobs) == 1:
            jobs[0].error = error
            return 0, set()
        return _attempt(connection, jobs, clock, _run_each)


def _is_of_the_store(error: BaseException) -> bool:
    """Whether the database failed, rather than the item that was running."""
    if isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or getattr(error.orig, "sqlstate", None) in RERUN
    ):
        return True
    return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.InternalError, OSError))


class _Undone(Exception):
    """COMMIT failed or its answer was lost: the callers must hear that nobody knows."""


def _attempt(
    connection: sa.Connection,
    jobs: Sequence[_Job],
    clock: Clock,
    run: Callable[[Transaction, Sequence[_Job]], None],
) -> tuple[int, set[str]]:
    for job in jobs:
        job.result = job.error = None
    transaction = connection.begin()
    try:
        tx = Transaction(connection, clock)
        run(tx, jobs)
        seq = _append(tx)
    except BaseException:
        transaction.rollback()
        raise
    crash.point()
    try:
        transaction.commit()
    except Exception as error:
        raise _Undone(type(error).__name__) from error
    crash.point()
    return seq, tx.words | ({"events"} if tx.events else set())


def _run_all(tx: Transaction, jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.result = job.item(tx)


def _run_each(tx: Transaction, jobs: Sequence[_Job]) -> None:
    for job in jobs:
        mine = Transaction(tx.connection, tx.clock)
        try:
            with tx.connection.begin_nested():
                job.result = job.item(mine)
        except Exception as error:
            if _is_of_the_store(error):
                raise
            job.error = error
        else:
            tx.events += mine.events
            tx.words |= mine.words


def _append(tx: Transaction) -> int:
    """Number and store the announced events as the last statements before COMMIT: dense and in order."""
    if not tx.events:
        return 0
    last: int = tx.execute(ADVANCE, {"count": len(tx.events)}).scalar_one()
    first = last - len(tx.events) + 1
    APPEND.run_each(tx.connection, [{"seq": first + i, **event} for i, event in enumerate(tx.events)])
    return last


def _settle(jobs: Sequence[_Job], seq: int, failure: BaseException | None) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if failure is not None:
            job.future.set_exception(StoreUnavailable(type(failure).__name__))
        elif job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(Written(job.result, Seq(seq)))


# ── SQLite: a thread with a synchronous engine


class _ThreadWriter:
    def __init__(self, url: sa.URL, clock: Clock, ring: Callable[[set[str]], None]) -> None:
        self._engine = _sqlite_writer(url)
        self._clock = clock
        self._ring = ring
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._stopped = self._loop.create_future()

    async def start(self) -> None:
        self._thread.start()

    async def submit(self, fn: Callable[[Transaction], Any]) -> Any:
        if self._queue.qsize() >= MOST_QUEUED or self._stopped.done():
            raise StoreUnavailable("the queue of writes is full")
        job = _Job(fn, self._loop.create_future())
        self._queue.put(job)
        return await job.future

    async def stop(self) -> None:
        self._queue.put(None)
        await self._stopped
        self._engine.dispose()

    def _run(self) -> None:
        connection: sa.Connection | None = None
        while (jobs := self._gather()) is not None:
            seq, words, failure = 0, set[str](), None
            try:
                connection = connection or self._engine.connect()
                seq, words = commit_batch(connection, jobs, self._clock)
            except Exception as error:
                failure = error
                if connection is not None:
                    connection.invalidate()
                    connection = None
            self._loop.call_soon_threadsafe(self._finish, jobs, seq, words, failure)
        if connection is not None:
            connection.close()
        self._loop.call_soon_threadsafe(self._stopped.set_result, None)

    def _gather(self) -> list[_Job] | None:
        first = self._queue.get()
        if first is None:
            return None
        jobs = [first]
        while len(jobs) < MOST_ITEMS:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._queue.put(None)  # finish this batch first
                break
            jobs.append(job)
        return jobs

    def _finish(self, jobs: list[_Job], seq: int, words: set[str], failure: BaseException | None) -> None:
        _settle(jobs, seq, failure)
        if words:
            self._ring(words)


# ── PostgreSQL: a task with one connection


class _TaskWriter:
    def __init__(self, url: sa.URL, clock: Clock, ring: Callable[[set[str]], None]) -> None:
        self._engine = sa.create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0, pool_pre_ping=True)
        self._clock = clock
        self._ring = ring
        self._queue: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store writer")

    async def submit(self, fn: Callable[[Transaction], Any]) -> Any:
        if self._queue.qsize() >= MOST_QUEUED or self._task is None or self._task.done():
            raise StoreUnavailable("the queue of writes is full")
        job = _Job(fn, asyncio.get_running_loop().create_future())
        self._queue.put_nowait(job)
        return await job.future

    async def stop(self) -> None:
        self._queue.put_nowait(None)
        if self._task is not None:
            await self._task
        await greenlet_spawn(self._engine.dispose)

    async def _run(self) -> None:
        while True:
            job = await self._queue.get()
            jobs: list[_Job] = []
            while job is not None:
                jobs.append(job)
                if len(jobs) == MOST_ITEMS or self._queue.empty():
                    break
                job = self._queue.get_nowait()
            if jobs:
                await self._commit(jobs)
            if job is None:
                return

    async def _commit(self, jobs: list[_Job]) -> None:
        try:
            async with asyncio.timeout(30):
                seq, words = await self._repeated(jobs)
        except Exception as error:
            _settle(jobs, 0, error)
            return
        _settle(jobs, seq, None)
        if words:
            self._ring(words)

    def _commit_once(self, jobs: list[_Job]) -> tuple[int, set[str]]:
        with self._engine.connect() as connection:
            return commit_batch(connection, jobs, self._clock)

    async def _repeated(self, jobs: list[_Job]) -> tuple[int, set[str]]:
        for attempt in range(5):
            try:
                return await greenlet_spawn(self._commit_once, jobs)
            except sa.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in RERUN:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
        raise StoreUnavailable("the same rows stayed in use")


# ── Engines
#
# The drivers of readers, and of PostgreSQL, are asynchronous; `greenlet_spawn` runs synchronous functions over them, as
# SQLAlchemy's AsyncEngine does. That class is left out because its package loads the whole ORM: 60 ms at each start.


def _sqlite_writer(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url.set(drivername="sqlite"), hide_parameters=True, connect_args={"check_same_thread": False}, pool_size=1
    )
    pragmas = "journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON", "secure_delete=ON"
    _prepare(engine, pragmas, "BEGIN IMMEDIATE")
    return engine


def _sqlite_readers(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url.set(drivername="sqlite+aiosqlite"), hide_parameters=True, pool_size=8, max_overflow=0)
    _prepare(engine, ("busy_timeout=5000", "query_only=ON"), "BEGIN")
    return engine


def _prepare(engine: sa.Engine, pragmas: Sequence[str], begin: str) -> None:
    """The driver must open no transactions of its own: for a SELECT it opens none, and two of them see two states."""

    @sa.event.listens_for(engine, "connect")
    def connect(database: Any, _: Any) -> None:
        database.isolation_level = None
        cursor = database.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)


def _postgres_readers(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
    )


def new_epoch() -> str:
    return secrets.token_hex(4)
