"""A clock that goes back must not make anybody wait longer: waits that were set by the later time are ended.

Waits are times in rows, since they outlive the process. A row that says it was written in the future was written
before the clock went back; what it waits for would else come late by the whole jump.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import sqlalchemy as sa

from omnibox.clock import Clock
from omnibox.logs import get_logger
from omnibox.store import Store, StoreUnavailable, Transaction
from omnibox.store.tables import channel, delivery, job

LOOK_S = 1.0
JUMP_S = 30.0
SKEW = timedelta(minutes=1)  # by which clocks of several machines may differ
LONGEST_REST = timedelta(hours=1)  # of a channel, and of a job between two tries
log = get_logger("omnibox.waits")


async def watch_clock(store: Store, clock: Clock) -> None:
    """At the start, and whenever the clock has gone back, end what would wait too long; for ever."""
    loop = asyncio.get_running_loop()
    is_due = True
    at, turn = clock(), loop.time()
    while True:
        before, began = at, turn
        at, turn = clock(), loop.time()
        lost_s = (turn - began) - (at - before).total_seconds()
        if lost_s > JUMP_S:
            log.warning("the clock went back", seconds=round(lost_s))
            is_due = True
        if is_due:
            try:
                await store.write(end_waits)
                is_due = False
            except StoreUnavailable:
                log.warning("waits are not looked through; the store does not answer")
        await asyncio.sleep(LOOK_S)


def end_waits(tx: Transaction) -> None:
    """Let go at once what a later clock made wait. Where the clock was always right, this changes nothing."""
    now = tx.clock()
    impossible = now + SKEW
    queued = delivery.c.state == "queued", delivery.c.not_before > now, delivery.c.state_at > impossible
    tx.execute(sa.update(delivery).where(*queued).values(not_before=now, state_at=now))
    doubtful = delivery.c.state == "uncertain", delivery.c.uncertain_at > impossible
    tx.execute(sa.update(delivery).where(*doubtful).values(uncertain_at=now))
    tx.execute(sa.update(channel).where(channel.c.held_until > now + LONGEST_REST).values(held_until=now))
    tx.execute(sa.update(job).where(job.c.due_at > now + LONGEST_REST).values(due_at=now + SKEW))
    tx.ring("deliveries")
    tx.ring("jobs")
