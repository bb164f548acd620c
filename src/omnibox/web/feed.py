"""Live updates: one follower of the log per process, each batch joined and encoded once, handed to every socket.

A socket that comes with a cursor reads what it missed and then joins the live ones, with nothing between: the step
from reading to joining has no await in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from omnibox.bus import Bus
from omnibox.events import MOST, Head, events_after, read_head
from omnibox.inbox.views import Json, Sight, contacts_by_id, lengths_by_id, messages_by_id, moment, rows_by_id
from omnibox.logs import get_logger
from omnibox.model import Event
from omnibox.store import Reader, Store, StoreUnavailable
from omnibox.visitors.history import VisitorSight, visitor_events
from omnibox.web.shared import Shared
from omnibox.web.sockets import Socket, framed
from omnibox.web.websocket import Framed, text_frame

HINTS_S = 0.05
MOST_HINTS_BYTES = 1 << 16  # in one piece
FEW = 4  # events that may be as long as they are
MOST_TEXT = 200_000  # characters of more than that in one frame: a slow line has ten seconds to take it
TOO_FAR = 10_000  # events; a client further behind takes a new snapshot
WITH_MESSAGE = frozenset({"message.added", "message.changed", "delivery.changed"})
WITH_ROW = WITH_MESSAGE | {
    "conversation.opened",
    "conversation.changed",
    "conversation.read",
    "conversation.rearranged",
}
log = get_logger("omnibox.feed")

View = Callable[[Reader, Collection[int]], Mapping[int, Json]]


class Reset(Exception):
    """The cursor cannot be served: the client takes a new snapshot."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class News:
    """A batch of events up to `upto`: one frame for all agents, and what each visitor may see."""

    upto: int
    whole: Framed | None
    seen: Mapping[int, Sequence[VisitorSight]]


@dataclass(slots=True)
class Feed:
    """`sight` gives what rows are joined with now; `agents_view` and `channels_view` join those two."""

    store: Store
    bus: Bus
    sight: Callable[[], Sight]
    agents_view: View
    channels_view: View
    build: str
    head: Head = field(init=False)
    position: int = field(init=False)
    agents: set[Socket] = field(default_factory=set)
    visitors: dict[int, set[Socket]] = field(default_factory=dict)
    shared: Shared = field(default_factory=Shared)
    _hints: bytearray = field(default_factory=bytearray)  # frames

    async def start(self) -> None:
        self.head = await self.store.read(read_head)
        self.position = self.head.seq

    async def run(self) -> None:
        """Follow the log for ever; while nobody listens, nothing is read."""
        while True:
            rung = self.bus.heard("events")
            try:
                while (self.agents or self.visitors) and await self._tell_next():
                    pass
            except StoreUnavailable:
                log.warning("the feed waits for the store")
            await self.bus.wait("events", rung)

    async def _tell_next(self) -> bool:
        """Hand out one batch; returns whether there was one."""
        before = self.position
        news = await self.store.read(partial(self._news, after=before))
        if news is not None:
            self._tell(news, before)
        return news is not None

    def _news(self, tx: Reader, after: int) -> News | None:
        """What comes next in the log, as those who listen now shall hear it; one snapshot."""
        found = events_after(tx, after)
        if not found:
            return None
        batch = _fitting(tx, found)
        whole = text_frame(self._joined(tx, batch, goes_on=len(batch) < len(found))) if self.agents else None
        return News(batch[-1].seq, whole, visitor_events(tx, batch) if self.visitors else {})

    def _tell(self, news: News, before: int) -> None:
        # Nothing waits here, so that a socket joins before or after a batch, never inside.
        if self.position != before:
            return  # the last listener went and a new one came meanwhile
        self.position = news.upto
        self._tell_hints()  # who typed has done so before they wrote
        for socket in tuple(self.agents):
            if socket.cursor == before and news.whole is not None:
                socket.push(news.whole)
                socket.cursor = news.upto
            else:
                socket.abort()  # it joined while this batch was read without it; it resumes at once
        self._tell_visitors(news.seen)

    async def wake(self) -> None:
        """Know where the log stands, before anybody's cursor is compared with it."""
        if not self.agents and not self.visitors:
            seq = (await self.store.read(read_head)).seq
            if not self.agents and not self.visitors:
                self.position = max(self.position, seq)

    def _tell_visitors(self, seen: Mapping[int, Sequence[VisitorSight]]) -> None:
        for identity_id, sights in seen.items():
            for socket in tuple(self.visitors.get(identity_id, ())):
                events = [sight.event for sight in sights if sight.event["seq"] > socket.cursor]
                if events:
                    push_events(socket, events, upto=self.position, live=True)

    def hint(self, **hint: Any) -> None:
        """Tell all agents something that may be lost. What is told within a moment leaves as one piece: when everybody
        comes at once, everybody is told of everybody."""
        if not self._hints:
            asyncio.get_running_loop().call_later(HINTS_S, self._tell_hints)
        self._hints += framed({"t": "hint"} | hint)
        if len(self._hints) > MOST_HINTS_BYTES:
            self._tell_hints()

    def _tell_hints(self) -> None:
        whole = Framed(bytes(self._hints))
        self._hints.clear()
        for socket in tuple(self.agents) if whole else ():
            socket.push(whole)

    def hint_visitor(self, identity_id: int, **hint: Any) -> None:
        whole = framed({"t": "hint"} | hint)
        for socket in tuple(self.visitors.get(identity_id, ())):
            socket.push(whole)

    # ── Coming back

    def check(self, epoch: object, cursor: object) -> int:
        """The cursor as a number; raises `Reset` where it cannot be served."""
        if epoch != self.head.epoch:
            raise Reset("unknown_epoch")
        if not isinstance(cursor, int) or isinstance(cursor, bool) or cursor < 0:
            raise Reset("unknown_epoch")
        if self.position - cursor > TOO_FAR or cursor < self.head.oldest - 1:
            raise Reset("too_far")
        return cursor

    async def join(self, socket: Socket, cursor: int) -> None:
        """Send an agent's socket what it missed, with the live events right behind. Raises `Reset`."""
        await self.reach(cursor)
        socket.hold()
        goal = socket.cursor = self.position
        self.agents.add(socket)
        while cursor < goal:
            frame, cursor = await self.missed(cursor, goal)
            socket.push_now(text_frame(frame))
            await socket.drained()
        await socket.release()

    async def reach(self, cursor: int) -> None:
        """Wait until this process has read as far as a client has seen; `Reset` where there is no such event."""
        for _ in range(250):
            if cursor <= self.position:
                return
            if cursor > (await self.store.read(read_head)).seq:
                break
            await asyncio.sleep(0.02)
        raise Reset("ahead")

    async def missed(self, after: int, upto: int) -> tuple[bytes, int]:
        """One frame of events in (after, upto], and the cursor behind it. Screens that were lost together miss the
        same: it is read once for them."""
        read = partial(self.store.read, partial(self._missed, after=after, upto=upto))
        return await self.shared.answer((after, upto), read)

    def _missed(self, tx: Reader, after: int, upto: int) -> tuple[bytes, int]:
        found = [event for event in events_after(tx, after) if event.seq <= upto]
        batch = _fitting(tx, found)
        return self._joined(tx, batch, goes_on=len(batch) < len(found)), batch[-1].seq

    async def moved(self, rung: int, timeout_s: float) -> None:
        """Sleep until something has happened since ring number `rung`, or the time is over."""
        await self.bus.wait("events", rung, min(timeout_s, 2.0))
        await self.wake()

    # ── Joining

    def _joined(self, tx: Reader, batch: Sequence[Event], *, goes_on: bool) -> bytes:
        """The frame of `batch`; `goes_on`: more is there already, though the batch is not full."""
        sight = self.sight()
        wanted = _messages_in(batch)
        rows = {
            event.conversation_id for event in batch if event.type in WITH_ROW and event.conversation_id is not None
        }
        joins = Joins(
            messages=messages_by_id(tx, wanted),
            rows=rows_by_id(tx, rows, sight),
            contacts=contacts_by_id(tx, _ids(batch, "contact.changed", "contact_id")),
            agents=self._seldom(self.agents_view, tx, _ids(batch, "agent.changed", "agent_id")),
            channels=self._seldom(self.channels_view, tx, _ids(batch, "channel.changed", "channel_id")),
        )
        upto = batch[-1].seq
        frame = {
            "t": "events",
            "after": batch[0].seq - 1,
            "upto": upto,
            "live": len(batch) < MOST and not goes_on,
            "events": [joins.event(each) for each in batch],
        }
        return _encoder.encode(frame)

    @staticmethod
    def _seldom(view: View, tx: Reader, ids: set[int]) -> Mapping[int, Json]:
        return view(tx, ids) if ids else {}


@dataclass(frozen=True, slots=True)
class Joins:
    """What the events of one batch point at, as it is now."""

    messages: Mapping[int, Json]
    rows: Mapping[int, Json]
    contacts: Mapping[int, Json]
    agents: Mapping[int, Json]
    channels: Mapping[int, Json]

    def event(self, event: Event) -> Json:
        joined: Json = {"seq": event.seq, "type": event.type, "at": moment(event.at)}
        if event.type in WITH_MESSAGE and event.message_id is not None:
            joined["message"] = self.messages.get(event.message_id)
        if event.type in WITH_ROW and event.conversation_id is not None:
            joined["conversation"] = self.rows.get(event.conversation_id)
        match event.type:
            case "contact.changed":
                joined["contact"] = self.contacts.get(event.contact_id or 0)
            case "agent.changed":
                joined["agent"] = self.agents.get(event.agent_id or 0)
            case "channel.changed":
                joined |= {"channel": self.channels.get(event.channel_id or 0), "id": event.channel_id}
            case "settings.changed":
                joined["area"] = event.word
        return joined


def _fitting(tx: Reader, batch: Sequence[Event]) -> Sequence[Event]:
    """As many of `batch`, from the first on, as go into one frame: 200 long mails at once would be 20 MB for each
    screen, which a slow line takes too long for."""
    if len(batch) <= FEW:
        return batch
    lengths, room = lengths_by_id(tx, _messages_in(batch)), MOST_TEXT
    for place, event in enumerate(batch):
        room -= lengths.get(event.message_id or 0, 0) if event.type in WITH_MESSAGE else 0
        if room < 0 and place:
            return batch[:place]
    return batch


def _messages_in(batch: Sequence[Event]) -> set[int]:
    """The messages that go along."""
    return {event.message_id for event in batch if event.type in WITH_MESSAGE and event.message_id is not None}


def _ids(batch: Sequence[Event], types: Collection[str], name: str) -> set[int]:
    return {getattr(each, name) for each in batch if each.type in types and getattr(each, name) is not None}


def push_events(socket: Socket, events: Sequence[Json], *, upto: int, live: bool) -> None:
    """Hand a socket events that follow its cursor, and move the cursor."""
    socket.say(t="events", after=socket.cursor, upto=upto, live=live, events=events)
    socket.cursor = upto


_encoder = msgspec.json.Encoder(enc_hook=str)
