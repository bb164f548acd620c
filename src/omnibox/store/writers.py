"""The group-commit writers: one task or thread runs whatever is queued in one transaction and commits once.

A caller's future resolves only then. There is no timer: while one commit runs the next batch gathers, and what the
event loop brings at one go is handed over together.
"""

from __future__ import annotations

import asyncio
import queue
import random
import threading
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.clock import Clock
from omnibox.store.batch import ALONE, Job, commit_batch, settle
from omnibox.store.engine import has_room, postgres_writer, sqlite_writer
from omnibox.store.trouble import RERUN, StoreUnavailable, trouble_of

MOST_ITEMS = 256  # handed over together; a commit takes less than twice as many
MOST_QUEUED = 10_000  # waiting; more is refused, so that callers say 503 instead of filling memory
QUIET_TURNS = 2  # of the loop, which bring nothing more; a request comes from its socket to here within two


class _Gathering:
    """Keeps what is submitted until the loop brings nothing more, or a whole batch is there; then gives it to `take`.

    A commit costs as much as ten messages, so 64 requests that are on their way together shall not make four of them.
    And they are given in one piece: each piece wakes the writer, and two threads that wake each other share one lock.
    """

    def __init__(self, take: Callable[[list[Job]], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._take = take
        self._jobs: list[Job] = []

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._loop.call_soon(self._look, 1, QUIET_TURNS)

    def _look(self, seen: int, turns: int) -> None:
        here = len(self._jobs)
        turns = QUIET_TURNS if here > seen else turns - 1
        if here < MOST_ITEMS and turns:
            self._loop.call_soon(self._look, here, turns)
        else:
            self.flush()

    def flush(self) -> None:
        jobs, self._jobs = self._jobs, []
        for first in range(0, len(jobs), MOST_ITEMS):
            self._take(jobs[first : first + MOST_ITEMS])


# ── SQLite: a thread with a synchronous engine


class ThreadWriter:
    def __init__(self, url: sa.URL, clock: Clock, ring: Callable[[set[str]], None]) -> None:
        self._engine = sqlite_writer(url)
        self._clock = clock
        self._ring = ring
        self.trouble = ""
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._handed = 0  # jobs that the thread has, or will get
        self._coming = _Gathering(self._put)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="store writer", daemon=True)
        self._stopped = self._loop.create_future()

    async def start(self) -> None:
        self._thread.start()

    @property
    def queued(self) -> int:
        return len(self._coming) + self._handed

    def submit(self, fn: Callable[..., Any], brought: Any = ALONE) -> asyncio.Future[Any]:
        if self.queued >= MOST_QUEUED or self._stopped.done():
            raise StoreUnavailable("the queue of writes is full")
        job = Job(fn, self._loop.create_future(), brought)
        self._coming.add(job)
        return job.future

    def _put(self, jobs: list[Job]) -> None:
        self._handed += len(jobs)
        self._queue.put(jobs)

    async def stop(self) -> None:
        self._coming.flush()
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

    def _gather(self) -> list[Job] | None:
        jobs = self._queue.get()
        while jobs is not None and len(jobs) < MOST_ITEMS:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                self._queue.put(None)  # finish this batch first
                break
            jobs += more
        return jobs

    def _finish(self, jobs: list[Job], seq: int, words: set[str], failure: BaseException | None) -> None:
        self._handed -= len(jobs)
        settle(jobs, seq, failure)  # before anything that may fail; its callers go on when this has ended
        if words:
            self._ring(words)
        if failure is not None:
            self.trouble = trouble_of(failure)
        elif seq and (self.trouble != "full" or has_room(self._engine.url)):
            self.trouble = ""  # not by a batch that wrote nothing, nor by a small one that still fits on a full disk


# ── PostgreSQL: a task with one connection


class TaskWriter:
    def __init__(self, url: sa.URL, clock: Clock, ring: Callable[[set[str]], None]) -> None:
        self._engine = postgres_writer(url)
        self._clock = clock
        self._ring = ring
        self.trouble = ""
        self._queue: asyncio.Queue[list[Job] | None] = asyncio.Queue()
        self._handed = 0  # jobs that the task has, or will get
        self._coming = _Gathering(self._put)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store writer")

    @property
    def queued(self) -> int:
        return len(self._coming) + self._handed

    def submit(self, fn: Callable[..., Any], brought: Any = ALONE) -> asyncio.Future[Any]:
        if self.queued >= MOST_QUEUED or self._task is None or self._task.done():
            raise StoreUnavailable("the queue of writes is full")
        job = Job(fn, asyncio.get_running_loop().create_future(), brought)
        self._coming.add(job)
        return job.future

    def _put(self, jobs: list[Job]) -> None:
        self._handed += len(jobs)
        self._queue.put_nowait(jobs)

    async def stop(self) -> None:
        self._coming.flush()
        self._queue.put_nowait(None)
        if self._task is not None:
            await self._task
        await greenlet_spawn(self._engine.dispose)

    async def _run(self) -> None:
        while (jobs := await self._gather()) is not None:
            await self._commit(jobs)
            self._handed -= len(jobs)

    async def _gather(self) -> list[Job] | None:
        jobs = await self._queue.get()
        while jobs is not None and len(jobs) < MOST_ITEMS and not self._queue.empty():
            more = self._queue.get_nowait()
            if more is None:
                self._queue.put_nowait(None)  # finish this batch first
                break
            jobs += more
        return jobs

    async def _commit(self, jobs: list[Job]) -> None:
        try:
            async with asyncio.timeout(30):
                seq, words = await self._repeated(jobs)
        except Exception as error:
            self.trouble = trouble_of(error)
            settle(jobs, 0, error)
            return
        self.trouble = "" if seq else self.trouble
        settle(jobs, seq, None)
        if words:
            self._ring(words)

    def _commit_once(self, jobs: list[Job]) -> tuple[int, set[str]]:
        with self._engine.connect() as connection:
            return commit_batch(connection, jobs, self._clock)

    async def _repeated(self, jobs: list[Job]) -> tuple[int, set[str]]:
        for attempt in range(5):
            try:
                return await greenlet_spawn(self._commit_once, jobs)
            except sa.exc.DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in RERUN:
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
        raise StoreUnavailable("the same rows stayed in use")
