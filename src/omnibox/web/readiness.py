"""Whether this process can do its work now, and why not: by the names of its parts, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from omnibox.bus import Bus
from omnibox.connections import Connections
from omnibox.store import Store, StoreUnavailable
from omnibox.store.migrations import HEAD, revision_of
from omnibox.store.tables import installation
from omnibox.web.errors import NO_ANSWER, TROUBLES

READY_TIMEOUT_S = 2.0


@dataclass(slots=True)
class Readiness:
    """`tasks` are what this process has to keep running, by the names an operator reads."""

    store: Store
    bus: Bus
    connections: Connections
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    is_stopping: bool = False
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _found: list[str] = field(default_factory=list)
    _looked_at: float = -1.0

    async def problems(self) -> list[str]:
        """Why this process cannot do its work now, one line each; empty when it can."""
        now = asyncio.get_running_loop().time
        asked_at = now()
        async with self._looking:
            if self._looked_at < asked_at:  # else somebody looked meanwhile; a look costs a durable write
                self._looked_at = now()
                self._found = await self._look_at_database()
            return [*self._found, *await _look_at_threads(), *self._look_at_parts()]

    async def _look_at_database(self) -> list[str]:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                revision = await self.store.read(_look)
                await self.store.prove()
        except (StoreUnavailable, TimeoutError) as error:
            return [f"database: {TROUBLES.get(str(error), NO_ANSWER)[0]}"]
        if revision is None or revision < HEAD:
            return [f"migrations: the database is at revision {revision or 'none'}, this release needs {HEAD}"]
        return []

    def _look_at_parts(self) -> Iterator[str]:
        if self.is_stopping:
            yield "process: it is stopping"
        if self.connections.is_key_wrong:
            yield "secret key: a connection was stored with another key"
        for name, task in self.tasks.items():
            if task.done():
                yield f"{name}: has ended"

    def remarks(self) -> list[str]:
        """What is amiss without keeping the process from its work."""
        return [] if self.bus.is_whole() else ["bus: Redis does not answer; live updates come by polling"]


async def _look_at_threads() -> list[str]:
    """Files and names are looked up in threads; one that is stuck (a dead network folder) can take them all."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await asyncio.to_thread(int)
    except TimeoutError:
        return ["threads: all of them are stuck; look at the disk of the files and at the name server"]
    return []


def _look(tx: sa.Connection) -> str | None:
    """The release of the tables; fails where they are not there."""
    tx.execute(sa.select(installation.c.seq)).one()
    return revision_of(tx)
