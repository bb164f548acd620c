"""The durable job loop: work that must survive a restart is a row, not a task."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.bus import Bus
from omnibox.clock import Clock, now
from omnibox.logs import get_logger
from omnibox.store import Store, StoreUnavailable, Transaction, insert
from omnibox.store.tables import job

MOST_S = 290.0  # of one try
MOST_AT_ONCE = 8
MOST_TRIES = 12
log = get_logger("omnibox.jobs")

Handler = Callable[[str, int], Awaitable[None]]
"""Does the work for a subject; the number of the try counts from 1. Raises `Later` to be called again."""


def enqueue(tx: Transaction, kind: str, subject: str, wait_s: float = 0) -> None:
    """Work to be done surely, and soon or in `wait_s` seconds; the same work twice is done once, when it was due."""
    row = {"kind": kind, "subject": subject, "due_at": tx.clock() + timedelta(seconds=wait_s)}
    tx.execute(insert(job).on_conflict_do_nothing(), row)
    tx.ring("jobs")


def forget(tx: Transaction, kind: str, subject: str) -> None:
    """Work that is wanted no longer. What is running goes on to its end, and is not called again."""
    tx.execute(sa.delete(job).where(job.c.kind == kind, job.c.subject == subject))


class Later(Exception):
    """Not done yet: call again after `wait_s` seconds. Raised after the last try it is an ordinary failure."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class Again(Later):
    """As `Later`, but for work that goes on for as long as it takes: tries are not counted."""


@dataclass(slots=True)
class Jobs:
    """One runner of this process; `handlers` are keyed by the kind of job.

    A job is held by a lease, which is renewed while it runs. `alone`: no other process does jobs, so whatever is held
    at the start is nobody's.
    """

    store: Store
    bus: Bus
    handlers: Mapping[str, Handler]
    alone: bool = True
    lease_s: float = 60.0
    clock: Clock = now
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    async def run(self) -> None:
        if self.alone:
            await self._free_all()
        async with asyncio.TaskGroup() as running:
            free = asyncio.Semaphore(MOST_AT_ONCE)
            while True:
                rung = self.bus.heard("jobs")
                try:
                    claimed = await self._claim()
                except StoreUnavailable:
                    claimed = []
                for row in claimed:
                    await free.acquire()
                    running.create_task(self._do(row, free), name=f"job {row.kind} {row.id}")
                if not claimed:
                    await self.bus.wait("jobs", rung, 2.0)

    async def _free_all(self) -> None:
        try:
            await self.store.write(lambda tx: tx.execute(sa.update(job).values(lease_until=None)))
        except StoreUnavailable:
            log.warning("held jobs wait until their leases run out")

    async def _claim(self) -> list[sa.Row[Any]]:
        due = sa.select(job.c.id).where(job.c.due_at <= self.clock(), _is_free(self.clock)).limit(1)
        if await self.store.read(lambda tx: tx.execute(due).first()) is None:
            return []
        return (await self.store.write(lambda tx: _claim(tx, self.holder, self.lease_s))).result

    async def _do(self, row: sa.Row[Any], free: asyncio.Semaphore) -> None:
        wait_s: float | None = None
        counts = True
        renewing = asyncio.create_task(self._renew(row))
        try:
            async with asyncio.timeout(MOST_S):
                await self.handlers[row.kind](row.subject, row.attempts)
        except Later as later:
            wait_s, counts = later.wait_s, not isinstance(later, Again)
        except Exception as error:
            log.warning("a job failed", kind=row.kind, job_id=row.id, error=type(error).__name__)
            wait_s = min(3600.0, 5.0 * 2**row.attempts)
        except asyncio.CancelledError:
            await self._record(row, 0.0, counts=False)  # for whoever goes on
            raise
        finally:
            renewing.cancel()
            free.release()
        if wait_s is not None and counts and row.attempts >= MOST_TRIES:
            log.error("a job was given up", kind=row.kind, job_id=row.id)
            wait_s = None
        await self._record(row, wait_s, counts=counts)

    async def _record(self, row: sa.Row[Any], wait_s: float | None, *, counts: bool) -> None:
        try:
            await self.store.write(lambda tx: _settle(tx, row, wait_s, counts=counts))
        except StoreUnavailable:
            log.warning("a job's end was not stored; it runs again", kind=row.kind, job_id=row.id)

    async def _renew(self, row: sa.Row[Any]) -> None:
        while True:
            await asyncio.sleep(self.lease_s / 4)
            try:
                await self.store.write(
                    lambda tx: tx.execute(sa.update(job).where(_mine(row)).values(lease_until=_until(tx, self.lease_s)))
                )
            except StoreUnavailable:
                log.warning("a job's lease was not renewed", kind=row.kind, job_id=row.id)


def _is_free(clock: Clock) -> sa.ColumnElement[bool]:
    return sa.or_(job.c.lease_until.is_(None), job.c.lease_until < clock())


def _until(tx: Transaction, lease_s: float) -> datetime:
    return tx.clock() + timedelta(seconds=lease_s)


def _mine(row: sa.Row[Any]) -> sa.ColumnElement[bool]:
    """Only while nobody has claimed it since: each claim counts a try."""
    return sa.and_(job.c.id == row.id, job.c.attempts == row.attempts)


def _claim(tx: Transaction, holder: str, lease_s: float) -> list[sa.Row[Any]]:
    chosen = (
        sa.select(job.c.id)
        .where(job.c.due_at <= tx.clock(), _is_free(tx.clock))
        .order_by(job.c.due_at)
        .limit(MOST_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    ids = list(tx.execute(chosen).scalars())
    taken = {"holder": holder, "lease_until": _until(tx, lease_s), "attempts": job.c.attempts + 1}
    return list(tx.execute(sa.update(job).where(job.c.id.in_(ids)).values(taken).returning(job)).all()) if ids else []


def _settle(tx: Transaction, row: sa.Row[Any], wait_s: float | None, *, counts: bool) -> None:
    mine = _mine(row)
    if wait_s is None:
        tx.execute(sa.delete(job).where(mine))
        return
    values = {
        "due_at": tx.clock() + timedelta(seconds=wait_s),
        "lease_until": None,
        "attempts": row.attempts if counts else row.attempts - 1,
    }
    tx.execute(sa.update(job).where(mine).values(values))
