"""Jobs over several processes: each is done, whoever dies, and by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.jobs import Handler, Jobs, enqueue
from omnibox.store import Store
from omnibox.store.tables import job

SOON_S = 20.0


@asynccontextmanager
async def working(*runners: Jobs) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(runner.run()) for runner in runners]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON_S):
        while not holds():
            await asyncio.sleep(0.01)


def noting(done: list[str]) -> Handler:
    async def do(subject: str, attempt: int) -> None:
        done.append(subject)

    return do


async def rows(store: Store) -> list[sa.Row[Any]]:
    return list(await store.read(lambda tx: tx.execute(sa.select(job)).all()))


async def put(store: Store, *subjects: str) -> None:
    await store.write(lambda tx: [enqueue(tx, "errand", subject) for subject in subjects])


async def hold(store: Store, until_at: datetime) -> None:
    """As a process that was killed in the middle leaves it."""
    held = {"holder": "dead", "lease_until": until_at, "attempts": 1}
    await store.write(lambda tx: tx.execute(sa.update(job).where(job.c.subject == "left behind").values(held)))


async def test_each_job_is_done_once_however_many_there_are_to_do_it(store: Store, bus: LocalBus) -> None:
    done: list[str] = []
    runners = [Jobs(store, bus, {"errand": noting(done)}, alone=False) for _ in range(4)]
    async with working(*runners):
        await put(store, *(str(number) for number in range(40)))
        await until_empty(store)
    assert sorted(done, key=int) == [str(number) for number in range(40)]


async def test_what_a_dead_process_held_is_taken_over_when_its_lease_is_over(store: Store, bus: LocalBus) -> None:
    done: list[str] = []
    await put(store, "left behind")
    await hold(store, now() + timedelta(hours=1))
    async with working(Jobs(store, bus, {"errand": noting(done)}, alone=False)):
        await put(store, "new")
        await until(lambda: done == ["new"])
        await hold(store, now() - timedelta(seconds=1))
        bus.ring({"jobs"})
        await until(lambda: done == ["new", "left behind"])


async def test_the_only_process_does_not_wait_for_the_lease_of_a_dead_one(store: Store, bus: LocalBus) -> None:
    done: list[str] = []
    await put(store, "left behind")
    await hold(store, now() + timedelta(hours=1))
    async with working(Jobs(store, bus, {"errand": noting(done)}, alone=True)):
        await until(lambda: done == ["left behind"])


async def test_a_long_job_keeps_its_lease_while_it_runs(store: Store, bus: LocalBus) -> None:
    begun: list[str] = []
    may_end = asyncio.Event()

    async def take_long(subject: str, attempt: int) -> None:
        begun.append(subject)
        await may_end.wait()

    await put(store, "long")
    runners = [Jobs(store, bus, {"errand": take_long}, alone=False, lease_s=0.8) for _ in range(2)]
    async with working(*runners):
        await until(lambda: begun)
        seen = {(await rows(store))[0].lease_until}
        async with asyncio.timeout(SOON_S):
            while len(seen) < 8:  # longer than a lease
                bus.ring({"jobs"})
                await asyncio.sleep(0.02)
                seen.add((await rows(store))[0].lease_until)
        assert begun == ["long"]
        may_end.set()
        await until_empty(store)


async def until_empty(store: Store) -> None:
    async with asyncio.timeout(SOON_S):
        while await rows(store):
            await asyncio.sleep(0.01)


async def test_a_job_that_is_told_to_stop_is_anybodys_at_once(store: Store, bus: LocalBus) -> None:
    begun: list[int] = []

    async def hang(subject: str, attempt: int) -> None:
        begun.append(attempt)
        await asyncio.get_running_loop().create_future()

    await put(store, "interrupted")
    async with working(Jobs(store, bus, {"errand": hang}, alone=False)):
        await until(lambda: begun)
    (row,) = await rows(store)
    assert (row.lease_until, row.attempts) == (None, 0)
    done: list[str] = []
    async with working(Jobs(store, bus, {"errand": noting(done)}, alone=False)):
        await until(lambda: done == ["interrupted"])
