"""The worker that sends: claims what is due, sends outside any transaction, records what became of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa

from omnibox import crash
from omnibox.blobs import Blobs
from omnibox.bus import Bus
from omnibox.clock import Clock, now
from omnibox.connector import (
    BadSettings,
    ChannelDown,
    Offer,
    Outbound,
    Quoted,
    Recipients,
    Rejected,
    SendError,
    Sent,
    Temporary,
    Uncertain,
)
from omnibox.inbox import offers, outcomes, queue, recording
from omnibox.inbox.policy import allowed
from omnibox.inbox.replies import outgoing_file
from omnibox.inbox.way import Way, Ways
from omnibox.logs import get_logger
from omnibox.metrics import SENDS
from omnibox.store import Store, StoreUnavailable, Transaction
from omnibox.store.transaction import Written

MOST_AT_ONCE = 64
SWEEP_S = 5.0
IDLE_S = 2.0  # then the queue is looked at without being asked: a bus may lose rings
AWAY_S = 1.0  # between two tries while the store is away
STOP_S = 10.0
FRESH = timedelta(minutes=1)  # what was written just now was looked at just now
BELL = "deliveries"
NOBODY = Recipients()
log = get_logger("omnibox.delivery")


class LeaseLost(Exception):
    """Another process holds the delivery now: nothing may be sent or recorded."""


@dataclass(slots=True)
class Delivery:
    """One worker of this process. `alone`: no other process sends, so what is in `sending` at start is nobody's.

    It works in turns: each records, in one transaction, all that has ended meanwhile and claims as many. While a turn
    is being committed the sends go on, so turns grow with the load and nothing waits for a timer.
    """

    store: Store
    bus: Bus
    blobs: Blobs
    ways: Ways
    alone: bool = True
    lease_s: float = queue.LEASE.total_seconds()
    clock: Clock = now
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    # By id and fence: who lost a lease in a stall may be sending the same part twice, until the first try notices.
    _sending: dict[tuple[int, int], tuple[recording.Claimed, asyncio.Task[None]]] = field(default_factory=dict)
    _ended: list[recording.Ended] = field(default_factory=list)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _is_rung: bool = True
    _swept_at: float | None = None  # by the loop's clock
    _may_hold_strays: bool = False

    async def run(self) -> None:
        """Send until cancelled. What is being sent then is given ten seconds to end."""
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(self._listen(), name="delivery bell"),
                group.create_task(self._renew(), name="delivery leases"),
            ]
            try:
                await self._work()
            finally:
                for task in beside:
                    task.cancel()
                await self._finish()

    async def _work(self) -> None:
        pause_s = 0.0
        while True:
            await self._sleep(pause_s)
            pause_s = IDLE_S
            try:
                if self._ended or await self._is_due():
                    pause_s = await self._turn()
            except StoreUnavailable:
                log.warning("delivery waits for the store")
                await asyncio.sleep(AWAY_S)
                pause_s = 0.0

    async def _sleep(self, most_s: float) -> None:
        try:
            async with asyncio.timeout(most_s):
                await self._woken.wait()
        except TimeoutError:
            pass
        self._woken.clear()

    async def _listen(self) -> None:
        rung = self.bus.heard(BELL)
        while True:
            await self.bus.wait(BELL, rung)
            if (heard := self.bus.heard(BELL)) != rung:
                rung = heard
                self._is_rung = True
                self._woken.set()

    async def _is_due(self) -> bool:
        """Whether a turn would find something to do, though nothing has ended."""
        if len(self._sending) >= MOST_AT_ONCE:
            return self._is_rung and self._must_sweep()  # where there is no room, whatever rang waits for an end
        if self._is_rung:
            return True
        at = self.clock()
        is_due = await self.store.read(lambda tx: queue.has_work(tx, at))
        if is_due and self._swept_at is not None:
            self._swept_at = -SWEEP_S  # nobody rang: it may be something that only a sweep settles
        return is_due

    def _must_sweep(self) -> bool:
        return self._swept_at is None or asyncio.get_running_loop().time() - self._swept_at >= SWEEP_S

    # ── Turns

    async def _turn(self) -> float:
        """Record what has ended, claim and start what may go; returns seconds to sleep. Raises `StoreUnavailable`."""
        self._is_rung = False
        ended, self._ended = self._ended, []
        turning = asyncio.create_task(self.store.write(self._one_turn(ended)), name="delivery turn")
        try:
            turn = (await asyncio.shield(turning)).result
        except asyncio.CancelledError:
            self._ended += await _end_of(turning, ended)
            raise
        except StoreUnavailable:
            self._ended[:0] = ended  # recording twice does no harm
            self._is_rung = self._may_hold_strays = True
            raise
        except Exception as error:
            if not ended:
                raise
            log.error("outcomes cannot be stored together", error=type(error).__name__)
            await self._record_each(ended)
            self._is_rung = True
            return 0.0
        self._take_note(turn)
        for each in turn.claimed:
            self._start(each)
        return IDLE_S if turn.due_s is None else min(turn.due_s, IDLE_S)

    def _one_turn(self, ended: Sequence[recording.Ended]) -> Callable[[Transaction], queue.Turn]:
        sweeps: Literal["", "expired", "all"] = ""
        if self._swept_at is None:
            sweeps = "all" if self.alone else "expired"
        elif self._must_sweep():
            sweeps = "expired"
        return partial(
            queue.take_turn,
            ways=self.ways,
            ended=ended,
            holder=self.holder,
            lease=timedelta(seconds=self.lease_s),
            most=MOST_AT_ONCE - len(self._sending),
            sweeps=sweeps,
            known={delivery_id for delivery_id, _ in self._sending} if self._may_hold_strays else None,
        )

    def _take_note(self, turn: queue.Turn) -> None:
        self._may_hold_strays = False
        if self._must_sweep():
            self._swept_at = asyncio.get_running_loop().time()
        if turn.swept:
            log.info("interrupted deliveries settled", count=turn.swept)
        for delivery_id in turn.lost:
            log.warning("lease lost", delivery_id=delivery_id)

    async def _record_each(self, ended: Sequence[recording.Ended]) -> None:
        """One by one, so that an outcome no database takes holds up no other: it becomes a doubt."""
        for each in ended:
            try:
                await self.store.write(partial(recording.record, ended=[each]))
            except StoreUnavailable:
                self._ended.append(each)
            except Exception as error:
                log.error("an outcome cannot be stored", delivery_id=each.claimed.row.id, error=type(error).__name__)
                if not isinstance(each.outcome, Uncertain):
                    self._ended.append(replace(each, outcome=Uncertain("internal")))

    async def _finish(self) -> None:
        """Let what is being sent end, and record it; what does not end in time is settled by its lease."""
        tasks = [task for _, task in self._sending.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)
        for task in tasks:
            task.cancel()
        if self._ended:
            try:
                async with asyncio.timeout(STOP_S):
                    await self.store.write(partial(recording.record, ended=self._ended))
            except Exception as error:
                log.error("outcomes not stored at the end", count=len(self._ended), error=type(error).__name__)
            self.bus.ring({BELL})

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.lease_s / 4)
            claimed = [each for each, _ in self._sending.values()]
            lease = timedelta(seconds=self.lease_s)
            try:
                if claimed:
                    await self.store.write(partial(queue.renew, claimed=claimed, lease=lease))
            except StoreUnavailable:
                log.warning("leases not renewed", count=len(claimed))

    # ── One delivery

    def _start(self, claimed: recording.Claimed) -> None:
        way = self.ways(claimed.row.channel_id)
        if way is None:  # the connection is being changed, or this process has not heard of it yet
            self._end(recording.Ended(claimed, None, None))
            return
        task = asyncio.create_task(self._send(claimed, way), name=f"send {claimed.row.id}")
        self._sending[claimed.row.id, claimed.fence] = claimed, task

    async def _send(self, claimed: recording.Claimed, way: Way) -> None:
        try:
            outcome = await self._outcome(claimed, way)
        except LeaseLost:
            log.warning("lease lost", delivery_id=claimed.row.id)
            self._woken.set()
        else:
            SENDS.add(way.connector.name, type(outcome).__name__.lower(), getattr(outcome, "code", ""))
            self._end(recording.Ended(claimed, way, outcome))
        finally:
            del self._sending[claimed.row.id, claimed.fence]

    def _end(self, ended: recording.Ended) -> None:
        self._ended.append(ended)
        self._woken.set()

    async def _outcome(self, claimed: recording.Claimed, way: Way) -> Sent | SendError:
        left = not way.capabilities.marks_leaving

        async def leaving() -> None:
            nonlocal left
            if not (await self.store.write(lambda tx: queue.mark_leaving(tx, claimed))).result:
                raise LeaseLost
            left = True

        try:
            part = await self._within_window(self.outbound(claimed, way, leaving), claimed.row, way)
            crash.point("before send")
            async with asyncio.timeout(way.capabilities.send_timeout_s):
                sent = await way.connector.send(part)
            crash.point("after send")
            return sent if _is_storable(sent) else Uncertain("internal")
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

    async def _within_window(self, part: Outbound, row: Any, way: Way) -> Outbound:
        """The part as it may leave now: while it waited, the platform's window may have passed. Raises `Rejected`."""
        if not way.capabilities.windows or self.clock() - row.written_at < FRESH:
            return part
        heard_at = await self.store.read(partial(queue.last_inbound_at, conversation_id=row.conversation_id))
        policy = allowed(way.capabilities.windows, heard_at, row.author_kind, self.clock(), way.settings)
        if not policy.allowed:
            raise Rejected(policy.code or "window_closed")
        return replace(part, mode=policy.mode)

    def outbound(self, claimed: recording.Claimed, way: Way, leaving: Callable[[], Awaitable[None]]) -> Outbound:
        """A part as its connector takes it, the same at each try."""
        row = claimed.row
        # Only whoever threads by what a mail says can bring a token back.
        by_refs = way.capabilities.threads_by == "refs"
        return Outbound(
            id=row.part_id,
            address=row.address,
            channel=way.address,
            written_at=row.written_at,
            text=row.text,
            html=row.html,
            subject=row.subject,
            files=tuple(outgoing_file(file, partial(_read_file, self.blobs, file.blob)) for file in claimed.files),
            recipients=named(row.recipients),
            only=outcomes.waiting(row.outcomes) if outcomes.has_left(row.outcomes) else (),
            quoted=_quoted(claimed.quoted),
            refs=tuple(queue.listed(row.refs)),
            tokens=(way.token(row.conversation_id),) if by_refs else (),
            mode=row.mode,
            author=row.author or "",
            signature=row.signature or "",
            picture=row.picture or "",
            offer=_offered(row),
            leaving=leaving,
        )


def named(recipients: Mapping[str, Any] | None) -> Recipients:
    """Whom a reply names beside the contact, as the row holds it."""
    if not recipients:
        return NOBODY
    to, cc, bcc = (tuple(recipients.get(kind, ())) for kind in ("to", "cc", "bcc"))
    return Recipients(to=to, cc=cc, bcc=bcc)


def _offered(row: Any) -> Offer | None:
    """What the part carries to choose from; each choice names the part when it comes back."""
    offer = offers.decode(row.offer) if row.has_offer else None
    return offers.keyed(offer, row.part_id) if offer else None


def _quoted(row: sa.Row[Any] | None) -> Quoted | None:
    return None if row is None else Quoted(row.at, row.address, row.name, row.text, row.html)


def _is_storable(sent: Sent) -> bool:
    """Whether the platform's ids are text that every database takes; one that is not must not hold up the others."""
    try:
        return all("\0" not in each and each.encode() for each in (sent.external_id, *sent.aliases) if each != "")
    except (AttributeError, TypeError, UnicodeEncodeError):
        return False


async def no_leaving() -> None:
    """Looking something up commits nothing."""


async def _end_of(turning: asyncio.Task[Written[queue.Turn]], ended: list[recording.Ended]) -> list[recording.Ended]:
    """What is left to record of a turn that was under way when we were told to stop: what it claimed goes back."""
    try:
        async with asyncio.timeout(STOP_S):
            turn = (await turning).result
    except Exception:  # whatever it was, the outcomes are not recorded for sure
        return ended
    return [recording.Ended(each, None, None) for each in turn.claimed]


async def _read_file(blobs: Blobs, name: str) -> bytes:
    """A file's bytes for a connector. It reads before anything leaves, so a failure here is no doubt about the part."""
    try:
        return await blobs.get(name)
    except StoreUnavailable:
        raise Temporary("file_unavailable") from None
    except FileNotFoundError:
        raise Rejected("file_gone") from None
