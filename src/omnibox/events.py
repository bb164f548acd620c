"""The event log as its readers see it: dense numbers, in commit order, from any cursor on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from omnibox.bus import Bus
from omnibox.model import Event, Seq
from omnibox.store import Store
from omnibox.store.tables import event, installation
from omnibox.store.transaction import Reader

MOST = 200  # events in one batch
AFTER = sa.select(event).where(event.c.seq > sa.bindparam("after")).order_by(event.c.seq).limit(MOST)

HEAD = sa.select(installation, sa.select(sa.func.min(event.c.seq)).scalar_subquery().label("oldest"))
SEQ = sa.select(installation.c.seq)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the log stands. `epoch` names the log: a restored backup has another."""

    epoch: str
    seq: Seq
    installation: str
    oldest: Seq


def read_head(tx: Reader) -> Head:
    row = tx.execute(HEAD).one()
    return Head(row.epoch, Seq(row.seq), row.name, Seq(row.oldest if row.oldest is not None else row.seq + 1))


def read_seq(tx: Reader) -> Seq:
    """The number of the last event."""
    return Seq(tx.execute(SEQ).scalar_one())


def events_after(tx: Reader, after: int) -> list[Event]:
    """At most `MOST` events, oldest first, all of them strictly after `after`."""
    return [Event(**row) for row in tx.execute(AFTER, {"after": after}).mappings()]


async def follow(store: Store, bus: Bus, after: int) -> AsyncIterator[list[Event]]:
    """Batches of events after `after`, for ever; each is yielded once, and none is missed, whatever rings are lost."""
    while True:
        rung = bus.heard("events")
        batch = await store.read(partial(events_after, after=after))
        if batch:
            after = batch[-1].seq
            yield batch
        else:
            await bus.wait("events", rung)
