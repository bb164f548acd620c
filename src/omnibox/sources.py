"""Running the sources: one reader per connection in the whole installation, held by a lease row that runs out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from omnibox.connector import BadSettings, ChannelDown, Envelope, SendError, Source, Temporary
from omnibox.inbox import channels
from omnibox.inbox.intake import Intake
from omnibox.inbox.origin import Origin
from omnibox.inbox.retries import backoff
from omnibox.logs import get_logger
from omnibox.metrics import SOURCE_ERRORS, SOURCE_LAG_SECONDS
from omnibox.store import Store, StoreUnavailable, Transaction, insert
from omnibox.store.tables import arrival, lease, quarantine, source

HEALTHY_S = 45.0  # a reader that ran this long has a working line: what was wrong is over
MOST_ASKED = 500  # values of one IN
log = get_logger("omnibox.connections")


class LeaseGone(Exception):
    """Another process reads this connection now, or may."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The readers of this process, which `holder` names."""

    store: Store
    intake: Intake
    holder: str
    lease_s: float
    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per connection: what its platform holds of what was to be read, and what of that is missing here."""

    async def clear(self) -> None:
        """Take every lease away: for a process that is the only one, they are a dead one's."""
        await self.store.write(lambda tx: tx.execute(sa.delete(lease)))

    async def leave(self) -> None:
        """Let go of all that was read here, so that another process need not wait until it runs out."""
        try:
            await self.store.write(lambda tx: tx.execute(sa.delete(lease).where(lease.c.holder == self.holder)))
        except StoreUnavailable:
            log.warning("the leases were not given back; they run out by themselves")

    async def read(self, connection_id: int, connector: Source, origin: Origin) -> None:
        """Run a source for ever, whenever this process may. Ends where a person or a probe has to act first."""
        tries = 0
        while True:
            wait_s = 0.0
            try:
                if not await self._hold(connection_id):
                    await asyncio.sleep(self.lease_s / 4)
                    continue
                tries = await self._run(connection_id, connector, origin, tries)
            except ChannelDown as error:
                if await self._note(connection_id, error):
                    return  # a probe or new settings start it again
                tries += 1  # nobody knows that it is paused: nobody would start it again
            except BadSettings as error:
                log.warning("a source cannot start", connection_id=connection_id, setting=error.field)
                if await self._note(connection_id, ChannelDown("bad_settings", resumes=False)):
                    return
                tries += 1
            except SendError as error:
                tries += 1
                wait_s = getattr(error, "retry_after", 0.0)
                await self._note(connection_id, error)
            except StoreUnavailable:
                tries += 1
            except LeaseGone:
                log.info("another process reads now", connection_id=connection_id)
            except Exception as error:
                tries += 1
                log.error("a source failed", connection_id=connection_id, error=type(error).__name__)
            await asyncio.sleep(max(wait_s, backoff(tries)))

    async def _run(self, connection_id: int, connector: Source, origin: Origin, tries: int) -> int:
        """Run until it ends by itself; returns the number of tries the next pause counts from."""
        cursor = await self.store.read(lambda tx: _cursor(tx, connection_id))
        receiver = Receiver(self.intake, origin, cursor, self._note, self.counts)
        try:
            async with asyncio.TaskGroup() as group:
                keeping = group.create_task(self._keep_lease(connection_id))
                healthy = group.create_task(self._call_healthy(connection_id, receiver))
                try:
                    await connector.run(receiver)
                finally:
                    keeping.cancel()
                    healthy.cancel()
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from None  # its class is the decision; a group of one has none
        return 0 if receiver.has_received else tries

    async def _hold(self, connection_id: int) -> bool:
        name = f"source {connection_id}"
        return (await self.store.write(lambda tx: _take_lease(tx, name, self.holder, self.lease_s))).result

    async def _keep_lease(self, connection_id: int) -> None:
        """Renew for ever; raises `LeaseGone` when it is another's, or could be by now."""
        now = asyncio.get_running_loop().time
        ends_at = now() + self.lease_s
        while True:
            await asyncio.sleep(self.lease_s / 4)
            asked_at = now()
            try:
                async with asyncio.timeout_at(ends_at):
                    is_held = await self._hold(connection_id)
            except TimeoutError:
                is_held = False
            except StoreUnavailable:
                log.warning("a source's lease was not renewed", connection_id=connection_id)
                is_held = now() + self.lease_s / 4 < ends_at
            else:
                ends_at = asked_at + self.lease_s
            if not is_held:
                raise LeaseGone

    async def _call_healthy(self, connection_id: int, receiver: Receiver) -> None:
        await asyncio.sleep(HEALTHY_S)
        if not receiver.alarm:
            await self._note(connection_id, None)

    async def _note(self, connection_id: int, error: SendError | None) -> bool:
        """Show on the connection what is wrong, or that it is over; returns whether that is stored."""
        if error is not None:
            SOURCE_ERRORS.add(error.code)
        try:
            await self.store.write(lambda tx: channels.note_fault(tx, connection_id, error))
        except StoreUnavailable:
            log.warning("a connection's health was not stored", connection_id=connection_id)
            return False
        return True


Note = Callable[[int, SendError | None], Awaitable[bool]]


class Receiver:
    """`Receive` for one run of a source."""

    def __init__(
        self,
        intake: Intake,
        origin: Origin,
        cursor: Mapping[str, Any],
        note: Note,
        counts: dict[int, tuple[int, int]],
    ) -> None:
        self._intake = intake
        self._origin = origin
        self._note = note
        self._counts = counts
        self.cursor = cursor
        self.has_received = False
        self.alarm = ""

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        results = await self._intake.receive(self._origin, items, cursor)
        self.cursor = cursor
        self.has_received = True
        return [result.outcome for result in results]

    async def missing(self, positions: Sequence[str]) -> list[str]:
        connection_id = self._origin.connection_id
        known = await self._intake.store.read(lambda tx: _arrived(tx, connection_id, positions))
        return [position for position in positions if position not in known]

    async def counted(self, there: int, missing: int, code: str = "") -> None:
        connection_id = self._origin.connection_id
        self._counts[connection_id] = there, missing
        if missing:
            log.error("a source holds what was not taken", connection_id=connection_id, missing=missing)
        elif not self.alarm:
            return
        self.alarm = code if missing else ""
        await self._note(connection_id, Temporary(code) if missing else None)

    def waited(self, seconds: float) -> None:
        SOURCE_LAG_SECONDS.observe(seconds)


# ── Rows


def _cursor(tx: sa.Connection, connection_id: int) -> Mapping[str, Any]:
    found = tx.execute(sa.select(source.c.cursor).where(source.c.connection_id == connection_id)).scalar()
    return cast("Mapping[str, Any]", found or {})


def _arrived(tx: sa.Connection, connection_id: int, positions: Sequence[str]) -> set[str]:
    """Those of `positions` at which something was taken or put aside."""
    known: set[str] = set()
    for table, column in ((arrival, arrival.c.position), (quarantine, quarantine.c.place)):
        for start in range(0, len(positions), MOST_ASKED):
            asked = sa.and_(table.c.connection_id == connection_id, column.in_(positions[start : start + MOST_ASKED]))
            known.update(tx.execute(sa.select(column).where(asked)).scalars())
    return known


def _take_lease(tx: Transaction, name: str, holder: str, lease_s: float) -> bool:
    statement = insert(lease)
    newer = {"holder": statement.excluded.holder, "until": statement.excluded.until}
    free = sa.or_(lease.c.holder == holder, lease.c.until < tx.clock())
    taken = tx.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=newer, where=free).returning(lease.c.name),
        {"name": name, "holder": holder, "until": tx.clock() + timedelta(seconds=lease_s)},
    )
    return taken.first() is not None
