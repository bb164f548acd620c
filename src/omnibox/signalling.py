"""Telling a customer that somebody types, or has read: where the platform takes that, never in the way of anything.

It is a courtesy: what cannot be told at once is not told, and no failure of it is anybody's trouble.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from omnibox.clock import Clock, now
from omnibox.connector import BadSettings, SendError, Signal, Signals
from omnibox.inbox.policy import allowed
from omnibox.inbox.way import Ways
from omnibox.logs import get_logger
from omnibox.store import Reader, Store, StoreUnavailable
from omnibox.store.tables import conversation, identity

AGAIN_S = 10.0  # so long a platform shows one at least
TIMEOUT_S = 10.0
MOST = 32  # under way at once; more are dropped
MOST_REMEMBERED = 1_000
log = get_logger("omnibox.signals")


@dataclass(slots=True)
class Signalling:
    """What agents do, on its way to customers. `stop()` it."""

    store: Store
    ways: Ways
    clock: Clock = now
    _told_at: dict[tuple[int, Signal], float] = field(default_factory=dict)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    def tell(self, conversation_id: int, signal: Signal) -> None:
        """Tell the contact of a conversation, soon or not at all."""
        at = asyncio.get_running_loop().time()
        told = (conversation_id, signal)
        if at - self._told_at.get(told, -AGAIN_S) < AGAIN_S or len(self._under_way) >= MOST:
            return
        if len(self._told_at) >= MOST_REMEMBERED:
            self._told_at.clear()
        self._told_at[told] = at
        task = asyncio.get_running_loop().create_task(self._tell(conversation_id, signal), name=f"signal {signal}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def stop(self) -> None:
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _tell(self, conversation_id: int, signal: Signal) -> None:
        try:
            row = await self.store.read(lambda tx: _whom(tx, conversation_id))
            way = self.ways(row.channel_id) if row is not None else None
            if row is None or way is None or not isinstance(way.connector, Signals):
                return
            windows = way.capabilities.windows
            if allowed(windows, row.last_inbound_at, "agent", self.clock(), way.settings).allowed:
                async with asyncio.timeout(TIMEOUT_S):
                    await way.connector.signal(row.address, way.address, signal)
        except (SendError, BadSettings, StoreUnavailable, TimeoutError) as error:
            log.info("a signal was not told", conversation_id=conversation_id, error=type(error).__name__)
        except Exception as error:
            log.error("a connector failed to signal", conversation_id=conversation_id, error=type(error).__name__)


def _whom(tx: Reader, conversation_id: int) -> sa.Row[Any] | None:
    wanted = (
        sa.select(conversation.c.channel_id, conversation.c.last_inbound_at, identity.c.address)
        .join(identity, identity.c.id == conversation.c.identity_id)
        .where(conversation.c.id == conversation_id, identity.c.unreachable_at.is_(None))
    )
    return tx.execute(wanted).first()
