"""Getting mails off a line: in batches bounded in number and in bytes, big ones in steps, one ahead of the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from omnibox.connector import Envelope
from omnibox_email import intake
from omnibox_email.abreast import Steps, abreast
from omnibox_email.faults import Lost, NotServed
from omnibox_email.intake import Ours, Place
from omnibox_email.mailbox.imap_words import Folder, Size

if TYPE_CHECKING:
    from omnibox_email.mailbox.imap import Line

MOST_MAILS = 200  # in two transactions
MOST_BYTES_AT_ONCE = 16 << 20
# Read side by side in one go of a thread: what the processor's cache holds. A hop to it costs as much as a small mail.
MOST_BYTES_PARSED_AT_ONCE = 300_000
BIG_MAIL = 5_000_000
BIGGEST_MAIL = 35 << 20
PARSERS = 2  # memory: a parse holds about three times its mail
ROOM = 80 << 20  # bytes of raw mail that all mailboxes of this process together hold at once
TRIES = 3


@dataclass(frozen=True, slots=True)
class Raw:
    """One mail as the server gave it; a word instead of its bytes says why it did not."""

    body: bytes | str = field(repr=False)
    place: Place
    size: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Mails that are taken together: what they mean, which they were, and the last UID that they settle."""

    items: list[Envelope]
    places: Mapping[int, Place]
    last: int


class Room:
    """A budget of bytes that readers share, first come first served."""

    def __init__(self, most: int) -> None:
        self._free = self._most = most
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def take(self, weight: int) -> int:
        """Wait until there is room; returns what to give back. What is larger than all of it takes all of it."""
        weight = min(weight, self._most)
        if self._waiting or weight > self._free:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((weight, turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self.give(weight)
                self._waiting = [one for one in self._waiting if one[1] is not turn]
                raise
        else:
            self._free -= weight
        return weight

    def give(self, weight: int) -> None:
        self._free += weight
        while self._waiting and self._waiting[0][0] <= self._free:
            wanted, turn = self._waiting.pop(0)
            if not turn.done():
                self._free -= wanted
                turn.set_result(None)


@dataclass(frozen=True, slots=True)
class Shared:
    """What all mailboxes of a process share."""

    room: Room = field(default_factory=lambda: Room(ROOM))
    parsers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PARSERS))


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, Shared] = WeakKeyDictionary()


def shared() -> Shared:
    loop = asyncio.get_running_loop()
    if loop not in _shared:
        _shared[loop] = Shared()
    return _shared[loop]


class Fetcher:
    """Reads the mails of one account."""

    def __init__(self, ours: Ours) -> None:
        self._ours = ours
        self._refusals: dict[str, int] = {}

    async def read(
        self, line: Line, opened: Folder, uids: Sequence[int], *, is_sent: bool
    ) -> AsyncGenerator[Batch, None]:
        """Yields batch by batch; while one is parsed and stored, the next is fetched."""
        room = shared().room
        batches = self._fetch(line, opened, uids, is_sent=is_sent)
        fetching = asyncio.ensure_future(anext(batches, None))
        try:
            while (found := await fetching) is not None:
                fetching = asyncio.ensure_future(anext(batches, None))
                raws, last, weight = found
                try:
                    places = {raw.place.uid: raw.place for raw in raws}
                    items = await self._parse_all(raws)
                    del raws, found
                    yield Batch(items, places, last)
                finally:
                    room.give(weight)
        finally:
            await _end(fetching, room)

    async def _fetch(
        self, line: Line, opened: Folder, uids: Sequence[int], *, is_sent: bool
    ) -> AsyncIterator[tuple[list[Raw], int, int]]:
        """Yields (mails, last UID, room they hold)."""
        room = shared().room
        for chunk in _chunks(uids, MOST_MAILS):
            sizes = await self._sizes(line, opened, chunk)
            for batch in _batches(chunk, sizes):
                held = await room.take(sum(_weight(uid, sizes) for uid in batch))
                try:
                    bodies = await self._bodies(line, opened, batch, sizes)
                except BaseException:
                    room.give(held)
                    raise
                raws = []
                for uid, body in bodies.items():
                    size = sizes[uid]
                    place = Place(opened.name, opened.uidvalidity, uid, size.received_at, is_sent_folder=is_sent)
                    raws.append(Raw(body, place, size.size))
                del bodies
                yield raws, batch[-1], held

    async def _sizes(self, line: Line, opened: Folder, uids: Sequence[int]) -> dict[int, Size]:
        try:
            return await line.sizes(uids)
        except NotServed:
            if len(uids) == 1:
                self._refused(opened, uids[0])
                return {uids[0]: Size(0, datetime.now(UTC))}
            half = len(uids) // 2
            first = await self._sizes(line, opened, uids[:half])
            return first | await self._sizes(line, opened, uids[half:])

    async def _bodies(
        self, line: Line, opened: Folder, uids: Sequence[int], sizes: Mapping[int, Size]
    ) -> dict[int, bytes | str]:
        """The raw mails in order; a word instead of one says why not. Mails gone meanwhile are left out."""
        small = [uid for uid in uids if uid in sizes and sizes[uid].size <= BIG_MAIL]
        found = await self._small(line, opened, small) if small else {}
        for uid in uids:
            if uid in found or uid not in sizes:
                continue
            if sizes[uid].size > BIGGEST_MAIL:
                found[uid] = "too_big"
            elif sizes[uid].size > BIG_MAIL:
                try:
                    body = await line.body_in_steps(uid, sizes[uid].size)
                except NotServed:
                    self._refused(opened, uid)
                    body = None if not await line.search("UID", str(uid)) else b""
                if body is not None:
                    found[uid] = body or "not_served"
            elif await line.search("UID", str(uid)):
                found[uid] = "not_served"
        return {uid: found[uid] for uid in uids if uid in found}

    async def _small(self, line: Line, opened: Folder, uids: Sequence[int]) -> dict[int, bytes | str]:
        """As `_bodies`; where the server refuses many at once, the one at fault is looked for."""
        try:
            return dict(await line.bodies(uids))
        except NotServed:
            if len(uids) == 1:
                self._refused(opened, uids[0])
                return {}
            half = len(uids) // 2
            first = await self._small(line, opened, uids[:half])
            return first | await self._small(line, opened, uids[half:])

    def _refused(self, opened: Folder, uid: int) -> None:
        """Raise `Lost` the first times: a server in trouble refuses what it serves a minute later."""
        position = f"{opened.name}/{opened.uidvalidity}/{uid}"
        self._refusals[position] = self._refusals.get(position, 0) + 1
        if self._refusals[position] < TRIES:
            raise Lost("email.fetch_refused")

    async def _parse_all(self, mails: Sequence[Raw]) -> list[Envelope]:
        items: list[Envelope] = []
        for some in _portions(mails):
            async with shared().parsers:
                items += await asyncio.to_thread(_parse, some, self._ours)
        return items


async def _end(fetching: asyncio.Future[tuple[list[Raw], int, int] | None], room: Room) -> None:
    """Give up what was being fetched, and its room."""
    if not fetching.done():
        fetching.cancel()
        await asyncio.wait([fetching])
    if fetching.cancelled() or fetching.exception() is not None:  # asked for, so that nobody complains
        return
    if (found := fetching.result()) is not None:
        room.give(found[2])


def _parse(mails: Sequence[Raw], ours: Ours) -> list[Envelope]:
    return [item for items in abreast(_parse_one(mail, ours) for mail in mails) for item in items]


def _parse_one(mail: Raw, ours: Ours) -> Steps[list[Envelope]]:
    if isinstance(mail.body, str) or not mail.body:
        return [intake.unreadable(str(mail.body or "empty"), mail.place, size=mail.size)]
    return (yield from intake.taking_in(mail.body, mail.place, ours))


def _portions(mails: Sequence[Raw]) -> Iterator[list[Raw]]:
    """Mails in order, cut where a thread would be busy for long."""
    portion: list[Raw] = []
    weight = 0
    for mail in mails:
        if portion and weight + len(mail.body) > MOST_BYTES_PARSED_AT_ONCE:
            yield portion
            portion, weight = [], 0
        portion.append(mail)
        weight += len(mail.body)
    if portion:
        yield portion


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[i : i + size] for i in range(0, len(uids), size))


def _weight(uid: int, sizes: Mapping[int, Size]) -> int:
    size = sizes[uid].size if uid in sizes else 0
    return 0 if size > BIGGEST_MAIL else size


def _batches(uids: Sequence[int], sizes: Mapping[int, Size]) -> Iterator[list[int]]:
    """UIDs in order, cut where their mails together grow too big for memory."""
    batch: list[int] = []
    weight = 0
    for uid in uids:
        size = _weight(uid, sizes)
        if batch and weight + size > MOST_BYTES_AT_ONCE:
            yield batch
            batch, weight = [], 0
        batch.append(uid)
        weight += size
    if batch:
        yield batch
