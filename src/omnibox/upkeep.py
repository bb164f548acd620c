"""Looking after connections: what is wrong is kept as rows, and set right where it can be. Names no channel."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import uniform

from omnibox.connections import Connections, Live
from omnibox.connector import Applies, BadSettings, SendError, Upkeep
from omnibox.inbox import problems
from omnibox.jobs import Again, Handler, enqueue
from omnibox.logs import get_logger
from omnibox.store import Transaction

LOOK_S = 120.0  # of one look at a connection
WHILE_WAITED_FOR_S = 20.0
DAY_S = 24 * 3600.0
SOON_S = 15 * 60.0
FIRST_PROBE_S = 15.0
log = get_logger("omnibox.upkeep")


async def tend(connections: Connections, connection_id: int, within_s: float = LOOK_S) -> bool | None:
    """Look after a connection now; whether all is well, None where there is nothing to look after.

    Where the platform does not answer, nothing is known and nothing changed: False.
    """
    live = await _active(connections, connection_id)
    if live is None or not isinstance(live.connector, Upkeep):
        return None
    try:
        async with asyncio.timeout(within_s):
            found = await live.connector.upkeep()
    except (SendError, BadSettings, TimeoutError) as error:
        log.warning("upkeep was not answered", connection_id=connection_id, error=type(error).__name__)
        return False
    except Exception as error:
        log.error("upkeep failed", connection_id=connection_id, error=type(error).__name__)
        return False
    await connections.store.write(partial(problems.record, connection_id=connection_id, found=found))
    await connections.refresh(connection_id)
    return not found.problems and not found.unknown


async def tend_now(connections: Connections, connection_id: int) -> None:
    """As `tend`, while a person waits for it; from now on it is done every day."""
    is_well = await tend(connections, connection_id, WHILE_WAITED_FOR_S)
    if is_well is not None:  # where it is not well, the next look has more time and comes at once
        wait_s = _about_a_day_s() if is_well else 0
        await connections.store.write(lambda tx: enqueue(tx, problems.UPKEEP, str(connection_id), wait_s))


def _about_a_day_s() -> float:
    """Spreads the looks over the day."""
    return DAY_S * uniform(0.9, 1)  # noqa: S311 # no secret


async def apply(connections: Connections, connection_id: int, address: str) -> None:
    """Tell the platform a channel's settings. Raises `BadSettings` for one that it does not take; what it does not
    answer is told again by the next upkeep."""
    live = await _active(connections, connection_id)
    if live is None or not isinstance(live.connector, Applies):
        return
    try:
        async with asyncio.timeout(WHILE_WAITED_FOR_S):
            await live.connector.apply(address)
    except (SendError, TimeoutError) as error:
        log.warning("settings wait for the platform", connection_id=connection_id, error=type(error).__name__)


def schedule(tx: Transaction, running: Iterable[Live]) -> None:
    """See to it that every connection that can be looked after is."""
    for live in running:
        if isinstance(live.connector, Upkeep):
            enqueue(tx, problems.UPKEEP, str(live.id))


@dataclass(slots=True)
class Looking:
    """The durable work of it."""

    connections: Connections
    asked: dict[int, tuple[datetime, float]] = field(default_factory=dict)
    """Per connection that is paused: not before when it is probed again, and the wait after that."""

    def handlers(self) -> Mapping[str, Handler]:
        return {problems.UPKEEP: self.look}

    async def look(self, subject: str, attempt: int) -> None:
        is_well = await tend(self.connections, int(subject))
        if is_well is not None:
            raise Again(_about_a_day_s() if is_well else SOON_S)

    async def probe(self, connection_id: int) -> bool:
        """Whether what paused a connection is over; asked of the platform at growing intervals."""
        live = self.connections.find(connection_id)
        if live is None or not isinstance(live.connector, Upkeep):
            return await self.connections.probe(connection_id)
        now = self.connections.clock()
        at, wait_s = self.asked.get(connection_id, (now, FIRST_PROBE_S))
        if now < at:
            return False
        is_well = await tend(self.connections, connection_id)
        if is_well is not False:
            self.asked.pop(connection_id, None)
            return True
        self.asked[connection_id] = (now + timedelta(seconds=wait_s), min(2 * wait_s, SOON_S))
        return False


async def _active(connections: Connections, connection_id: int) -> Live | None:
    await connections.refresh(connection_id)
    live = connections.find(connection_id)
    return live if live is not None and live.state == "active" else None
