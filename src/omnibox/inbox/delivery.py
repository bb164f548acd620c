"""The worker that sends: claims what is due, sends outside any transaction, records what became of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from omnibox import crash
from omnibox.blobs import Blobs
from omnibox.bus import Bus
from omnibox.clock import Clock, now
from omnibox.connector import BadSettings, ChannelDown, Evidence, Outbound, SendError, Sent, Temporary, Uncertain
from omnibox.inbox import queue, states
from omnibox.inbox.replies import outgoing_file
from omnibox.inbox.way import Way, Ways
from omnibox.logs import get_logger
from omnibox.store import Store, StoreUnavailable
from omnibox.store.tables import agent, attachment, delivery, message

import sqlalchemy as sa  # isort: skip

MOST_AT_ONCE = 64
RENEW_S = 15.0
log = get_logger("omnibox.delivery")


class LeaseLost(Exception):
    """Another process holds the delivery now: nothing may be sent or recorded."""


@dataclass(slots=True)
class Delivery:
    """One worker of this process. `alone`: no other process sends, so what is in `sending` at start is nobody's."""

    store: Store
    bus: Bus
    blobs: Blobs
    ways: Ways
    alone: bool = True
    clock: Clock = now
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Send until cancelled. What is being sent then is given ten seconds to end."""
        await self._sweep(all_of_them=self.alone)
        try:
            while True:
                rung = self.bus.heard("deliveries")
                pause_s = await self._round()
                if pause_s > 0:
                    await self.bus.wait("deliveries", rung, min(pause_s, 2.0))
        finally:
            if self._sending:
                await asyncio.wait(self._sending, timeout=10)
            for task in self._sending:
                task.cancel()

    async def _round(self) -> float:
        """Claim and start what may go; returns seconds to sleep."""
        try:
            await self._sweep()
            due_s = await self.store.read(lambda tx: queue.due_in_s(tx, self.clock()))
            free = MOST_AT_ONCE - len(self._sending)
            if due_s is None or due_s > 0 or free <= 0:
                return due_s if due_s and free > 0 else 2.0
            claimed = (await self.store.write(lambda tx: queue.claim(tx, self.holder, free))).result
        except StoreUnavailable:
            log.warning("delivery waits for the store")
            return 2.0
        for each in claimed:
            task = asyncio.create_task(self._send(each), name=f"send {each.row.id}")
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return 0.0 if claimed else 2.0

    async def _sweep(self, *, all_of_them: bool = False) -> None:
        if not all_of_them:
            now_ = self.clock()
            expired = (
                sa.select(delivery.c.id).where(delivery.c.state == "sending", delivery.c.lease_until < now_).limit(1)
            )
            if await self.store.read(lambda tx: tx.execute(expired).first()) is None:
                return
        swept = (await self.store.write(lambda tx: queue.sweep(tx, self.ways, all_of_them=all_of_them))).result
        if swept:
            log.info("interrupted deliveries settled", count=swept)

    async def _send(self, claimed: queue.Claimed) -> None:
        way = self.ways(claimed.row.channel_id)
        if way is None:
            return  # the connection is being changed; the lease runs out and the sweep settles it
        renewing = asyncio.create_task(self._renew(claimed))
        try:
            outcome = await self._outcome(claimed, way)
        except LeaseLost:
            log.warning("lease lost", delivery_id=claimed.row.id)
            return
        finally:
            renewing.cancel()
        await self._record(claimed, way, outcome)

    async def _outcome(self, claimed: queue.Claimed, way: Way) -> Sent | SendError:
        left = not way.capabilities.marks_leaving

        async def leaving() -> None:
            nonlocal left
            if not (await self.store.write(lambda tx: queue.mark_leaving(tx, claimed))).result:
                raise LeaseLost
            left = True

        try:
            part = await self._outbound(claimed.row, claimed.files, way, leaving)
            crash.point()
            async with asyncio.timeout(way.capabilities.send_timeout_s):
                return await way.connector.send(part)
        except SendError as error:
            return error
        except BadSettings:
            return ChannelDown("bad_settings", resumes=False)
        except (TimeoutError, StoreUnavailable):
            return Uncertain("timeout") if left else Temporary("timeout")
        except LeaseLost:
            raise
        except Exception as error:
            log.error("a connector failed", delivery_id=claimed.row.id, error=type(error).__name__)
            return Uncertain("internal") if left else Temporary("internal")

    async def _outbound(self, row: sa.Row[Any], files: Sequence[sa.Row[Any]], way: Way, leaving: Any) -> Outbound:
        return Outbound(
            id=row.part_id,
            address=row.address,
            channel=way.address,
            written_at=row.written_at,
            text=row.text,
            html=row.html,
            subject=row.subject,
            files=tuple(outgoing_file(file, partial(self.blobs.get, file.blob)) for file in files),
            refs=tuple(row.refs),
            tokens=(way.token(row.conversation_id),),
            mode=row.mode,
            author=await self._author(row.message_id),
            leaving=leaving,
        )

    async def _author(self, message_id: int) -> str:
        name = (
            sa.select(agent.c.name)
            .join(message, sa.and_(message.c.author_id == agent.c.id, message.c.author_kind == "agent"))
            .where(message.c.id == message_id)
        )
        return str(await self.store.read(lambda tx: tx.execute(name).scalar()) or "")

    async def _renew(self, claimed: queue.Claimed) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self.store.write(lambda tx: queue.renew(tx, claimed))
            except StoreUnavailable:
                log.warning("lease not renewed", delivery_id=claimed.row.id)

    async def _record(self, claimed: queue.Claimed, way: Way, outcome: Sent | SendError) -> None:
        """Commit the outcome; while the store is away, keep trying as long as the process lives."""
        while True:
            try:
                await self.store.write(lambda tx: queue.record(tx, claimed, way, outcome))
            except StoreUnavailable:
                await asyncio.sleep(1)
            else:
                return

    async def look_up(self, delivery_id: int) -> Literal["sent", "absent", "unknown"]:
        """Ask the connector whether an uncertain part left, and settle it where it knows."""
        row = await self.store.read(
            lambda tx: tx.execute(sa.select(delivery).where(delivery.c.id == delivery_id)).first()
        )
        way = self.ways(row.channel_id) if row is not None else None
        if row is None or row.state != "uncertain" or way is None or not isinstance(way.connector, Evidence):
            return "unknown"
        file_rows = sa.select(attachment).where(attachment.c.id.in_(row.files))
        files = await self.store.read(lambda tx: tx.execute(file_rows).all())
        try:
            async with asyncio.timeout(60):
                found = await way.connector.look_up(await self._outbound(row, files, way, None))
        except (SendError, TimeoutError, BadSettings):
            return "unknown"
        if isinstance(found, Sent):
            await self.store.write(lambda tx: _settle_sent(tx, delivery_id, way, found))
            return "sent"
        if found == "absent":
            await self.store.write(lambda tx: queue.send_again(tx, delivery_id))
        return found


def _settle_sent(tx: Any, delivery_id: int, way: Way, found: Sent) -> None:
    row = states.lock_delivery(tx, delivery_id)
    if row is not None:
        states.record_sent(tx, row, way.id_scope, found.external_id, found.aliases)
