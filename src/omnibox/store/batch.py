"""One batch of writes, the same on every database: run, numbered, committed once, its callers told.

A batch runs without savepoints first; if an item raises, everything is rolled back and runs again with a savepoint
each, so that the bad item alone fails. So an item must be a pure function of the transaction, safe to run twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import sqlalchemy as sa

from omnibox import crash
from omnibox.clock import Clock
from omnibox.metrics import BATCH, COMMIT_SECONDS, STORE_FAILURES
from omnibox.model import Seq
from omnibox.store import tables
from omnibox.store.hot import Hot
from omnibox.store.transaction import Transaction, Written
from omnibox.store.trouble import StoreUnavailable, Undone, is_of_the_store, trouble_of

ADVANCE = Hot(
    sa.update(tables.installation)
    .values(seq=tables.installation.c.seq + sa.bindparam("count"))
    .returning(tables.installation.c.seq)
)
APPEND = Hot(sa.insert(tables.event))
ALONE = object()


@dataclass(slots=True)
class Job:
    """What one caller wants done; `brought`, where the item takes what several callers bring at once."""

    item: Callable[..., Any]
    future: asyncio.Future[Any]
    brought: Any = ALONE
    result: Any = None
    error: BaseException | None = None


def commit_batch(connection: sa.Connection, jobs: Sequence[Job], clock: Clock) -> tuple[int, set[str]]:
    """Run and commit `jobs`; leaves result or error in each. Raises where nothing of it may be believed."""
    try:
        return _attempt(connection, jobs, clock, _run_all)
    except Exception as error:
        if isinstance(error, Undone) or is_of_the_store(error):
            raise
        if len(jobs) == 1:
            jobs[0].error = error
            return 0, set()
        return _attempt(connection, jobs, clock, _run_each)


def _attempt(
    connection: sa.Connection,
    jobs: Sequence[Job],
    clock: Clock,
    run: Callable[[Transaction, Sequence[Job]], None],
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
    crash.point("before commit")
    began = perf_counter()
    try:
        transaction.commit()
    except Exception as error:
        raise Undone(type(error).__name__) from error
    COMMIT_SECONDS.observe(perf_counter() - began)
    BATCH.observe(len(jobs))
    crash.point("after commit")
    return seq, tx.words | ({"events"} if tx.events else set())


def _run_all(tx: Transaction, jobs: Sequence[Job]) -> None:
    together: dict[Callable[..., Any], list[Job]] = {}
    for job in jobs:
        if job.brought is ALONE:
            job.result = job.item(tx)
        else:
            together.setdefault(job.item, []).append(job)
    for item, those in together.items():
        results = item(tx, [job.brought for job in those])
        for job, result in zip(those, results, strict=True):
            job.result = result


def _run_each(tx: Transaction, jobs: Sequence[Job]) -> None:
    for job in jobs:
        mine = Transaction(tx.connection, tx.clock)
        try:
            with tx.connection.begin_nested():
                _run_all(mine, [job])
        except Exception as error:
            if is_of_the_store(error):
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
    at = tx.clock()
    for seq, event in enumerate(tx.events, first):
        event["seq"], event["at"] = seq, at
    APPEND.run_all(tx.connection, tx.events)
    return last


def settle(jobs: Sequence[Job], seq: int, failure: BaseException | None) -> None:
    if failure is not None:
        STORE_FAILURES.add()
    for job in jobs:
        if job.future.done():
            continue
        if failure is not None:
            job.future.set_exception(StoreUnavailable(trouble_of(failure)))
        elif job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(Written(job.result, Seq(seq)))
