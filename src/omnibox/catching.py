"""Catching up: asking a platform that calls us for what it said while nobody listened, or while its calls were lost.

The moment up to which all is known of a channel outlives the process. What is found is taken like anything else that
arrives, so that what had arrived all the same is one message; it is marked as late.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa

from omnibox.clock import Clock
from omnibox.connections import Live
from omnibox.connector import BadSettings, Echo, Envelope, Inbound, Missed, SendError
from omnibox.inbox.intake import Intake
from omnibox.logs import get_logger
from omnibox.store import Reader, Store, Transaction, insert
from omnibox.store.tables import channel, memory

SETTLING = timedelta(minutes=2)  # what is newer may be on its way to us
OVERLAP = timedelta(minutes=10)  # clocks differ, and calls overtake each other
JUMP = timedelta(days=1)
WAIT_S = 300.0  # where the platform names no time
MOST_AT_ONCE = 100
FOR_EVER = timedelta(days=36_500)
log = get_logger("omnibox.catching")


@dataclass(frozen=True, slots=True)
class Catching:
    """`find` gives a live connection by its id, `running` those that are in use."""

    store: Store
    intake: Intake
    find: Callable[[int], Live | None]
    running: Callable[[], Sequence[Live]]
    clock: Clock

    def connections(self) -> list[int]:
        """Those whose platform can be asked."""
        return [live.id for live in self.running() if isinstance(live.connector, Missed)]

    async def catch_up(self, connection_id: int) -> float | None:
        """Take what every channel of a connection missed; returns seconds to wait where one could not be asked."""
        live = self.find(connection_id)
        if live is None or live.state != "active" or not isinstance(live.connector, Missed):
            return None
        waits = [await self._catch_up_one(live, live.connector, channel_id) for channel_id in live.ways]
        return max((wait_s for wait_s in waits if wait_s is not None), default=None)

    async def _catch_up_one(self, live: Live, connector: Missed, channel_id: int) -> float | None:
        address, until = live.ways[channel_id].address, self.clock() - SETTLING
        asked = partial(_ask_since, connection_id=live.id, channel_id=channel_id, until=until)
        since = await self.store.read(asked)
        if since is None:
            return None  # a draft, or switched off
        found = 0
        try:
            async for envelopes in _batches(connector.missed(address, since), until):
                results = await self.intake.receive(live.origin, envelopes)
                found += sum(result.outcome == "stored" for result in results)
        except (SendError, BadSettings) as error:
            code = getattr(error, "code", "bad_settings")
            log.warning("what was missed cannot be asked for", connection_id=live.id, channel_id=channel_id, code=code)
            return getattr(error, "retry_after", 0.0) or WAIT_S
        finally:
            if found:
                log.warning("messages were missed and found", connection_id=live.id, channel_id=channel_id, count=found)
        await self.store.write(partial(_know_until, connection_id=live.id, channel_id=channel_id, until=until))
        return None


async def _batches(given: AsyncIterator[Sequence[Envelope]], until: datetime) -> AsyncIterator[list[Envelope]]:
    """As `given`, in batches that fit a transaction, marked as late and without what may be on its way."""
    async for envelopes in given:
        late = [_late(item) for item in envelopes if not isinstance(item, Inbound | Echo) or item.sent_at <= until]
        for at in range(0, len(late), MOST_AT_ONCE):
            yield late[at : at + MOST_AT_ONCE]


def _late(item: Envelope) -> Envelope:
    return replace(item, late=True) if isinstance(item, Inbound | Echo) else item


# ── Rows


def _ask_since(tx: Reader, connection_id: int, channel_id: int, until: datetime) -> datetime | None:
    """From when on to ask, for a channel that is in use: what was said before it was added is none of ours."""
    added = sa.select(channel.c.created_at).where(channel.c.id == channel_id, channel.c.state != "disabled")
    began: datetime | None = tx.execute(added).scalar()
    kept = sa.select(memory.c.value).where(memory.c.connection_id == connection_id, memory.c.key == _key(channel_id))
    found = tx.execute(kept).scalar()
    if began is None or found is None:
        return began
    known = datetime.fromtimestamp(float(found), UTC)
    if known > until:  # the clock has gone back since: nobody knows by how much it was wrong
        known = until - JUMP
    return max(began, known - OVERLAP)


def _know_until(tx: Transaction, connection_id: int, channel_id: int, until: datetime) -> None:
    row = {
        "connection_id": connection_id,
        "key": _key(channel_id),
        "value": str(until.timestamp()),
        "until": tx.clock() + FOR_EVER,
    }
    statement = insert(memory)
    newer = {"value": statement.excluded.value, "until": statement.excluded.until}
    tx.execute(statement.on_conflict_do_update(index_elements=["connection_id", "key"], set_=newer), row)


def _key(channel_id: int) -> str:
    return f"caught up {channel_id}"
