"""A channel's limits per minute and hour: more waits, nothing is dropped, and several processes share one limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import Capabilities, Outbound, Pace, Rejected, Sent, Temporary
from omnibox.inbox.delivery import BELL, Delivery
from omnibox.inbox.origin import Origin
from omnibox.inbox.replies import Leaving, queue_parts
from omnibox.inbox.way import Way
from omnibox.masking import mask
from omnibox.store import Store, Transaction
from omnibox.store import tables as t
from omnibox.store.migrations import migrate

SOON_S = 45.0
MINUTE, HOUR = Pace("per_minute", 60), Pace("per_hour", 3600)


@dataclass(slots=True)
class Post:
    """A connector that notes by the warped clock when each part left, and refuses what it is told to."""

    clock: Any
    name: str = "post"
    capabilities: Capabilities = field(default_factory=lambda: Capabilities(paces=(MINUTE, HOUR)))
    settings: tuple[Any, ...] = ()
    left: list[datetime] = field(default_factory=list)
    refuses: list[Exception] = field(default_factory=list)
    answer: Callable[[Outbound], Awaitable[Sent]] | None = None

    async def send(self, part: Outbound) -> Sent:
        if self.answer is not None:
            return await self.answer(part)
        if self.refuses:
            raise self.refuses.pop()
        self.left.append(self.clock())
        return Sent(part.id)


@dataclass(slots=True)
class Desk:
    """A queue with one channel; `shift` moves the clock of all who send."""

    store: Store
    bus: LocalBus
    folder: Path
    post: Post = field(init=False)
    settings: dict[str, Any] = field(default_factory=dict)
    shift: timedelta = field(default_factory=timedelta)

    def __post_init__(self) -> None:
        self.post = Post(self.clock)

    def clock(self) -> datetime:
        return now() + self.shift

    def later(self, **passed: float) -> None:
        """So much later than when the test began; whoever sends looks at the queue."""
        self.shift = timedelta(**passed)
        self.bus.ring({BELL})

    def way(self, channel_id: int) -> Way:
        origin = Origin(1, self.post.capabilities, {}, lambda token: None)
        connector: Any = self.post
        return Way(channel_id, "us", self.settings, connector, origin, str)

    def worker(self) -> Delivery:
        return Delivery(self.store, self.bus, Folder(self.folder), self.way, alone=False, clock=self.clock)

    async def queue(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            await self.store.write(lambda tx, number=number: _queue_one(tx, self.way(1), number))

    async def until(self, left: int) -> None:
        """Until so many have left and that is recorded: a mail counts from then on."""
        async with asyncio.timeout(SOON_S):
            while await self.store.read(lambda tx: _count(tx, t.delivery.c.state == "sent")) < left:
                await asyncio.sleep(0.01)
        assert len(self.post.left) == left

    async def settled(self) -> None:
        """Until whoever sends has found that no more may leave."""
        async with asyncio.timeout(SOON_S):
            while not await self.store.read(_is_held):
                await asyncio.sleep(0.01)

    async def waiting(self) -> int:
        return await self.store.read(lambda tx: _count(tx, t.delivery.c.state == "queued"))


def _count(tx: Any, wanted: sa.ColumnElement[bool]) -> int:
    return int(tx.execute(sa.select(sa.func.count()).select_from(t.delivery).where(wanted)).scalar_one())


def _is_held(tx: Any) -> bool:
    return bool(tx.execute(sa.select(t.channel.c.held_until.is_not(None)).where(t.channel.c.id == 1)).scalar_one())


def _open_channel(tx: Transaction) -> None:
    at = tx.clock()
    tx.execute(
        sa.insert(t.connection),
        {
            "connector": "post",
            "name": mask("Post"),
            "hook_key": "k",
            "settings": "{}",
            "state": "active",
            "created_at": at,
        },
    )
    row = {"connection_id": 1, "address": "us", "key": "s", "name": mask("Us"), "settings": "{}", "state": "active"}
    tx.execute(sa.insert(t.channel), row | {"created_at": at})


def _queue_one(tx: Transaction, way: Way, number: int) -> None:
    at = tx.clock()
    contact = tx.execute(sa.insert(t.contact).returning(t.contact.c.id), {"created_at": at, "rev": 0}).scalar_one()
    person = {"contact_id": contact, "kind": "id", "scope": "channel:1", "address": f"p{number}", "created_at": at}
    identity = tx.execute(sa.insert(t.identity).returning(t.identity), person).one()
    opened = {"channel_id": 1, "contact_id": contact, "identity_id": identity.id, "state": "open", "last_at": at}
    opened |= {"opened_at": at}
    conversation = tx.execute(sa.insert(t.conversation).returning(t.conversation.c.id), opened).scalar_one()
    said = {"conversation_id": conversation, "channel_id": 1, "identity_id": identity.id, "kind": "outbound"}
    said |= {"author_kind": "agent", "text": mask("Hi"), "at": at, "created_at": at}
    message = tx.execute(sa.insert(t.message).returning(t.message.c.id), said).scalar_one()
    queue_parts(tx, Leaving(message, conversation, way, identity, mask("Hi")))


BOTH = pytest.mark.parametrize("desk", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    is_embedded = getattr(request, "param", "sqlite") == "sqlite"
    url = f"sqlite:///{tmp_path}/omnibox.db" if is_embedded else str(request.getfixturevalue("postgres_url"))
    await migrate(url)
    bus = LocalBus()
    store = Store(url, ring=bus.ring)
    desk = Desk(store, bus, tmp_path / "files")
    store._clock = desk.clock
    await store.start()
    await store.write(_open_channel)
    yield desk
    await store.stop()


class Workers:
    """Several processes' workers, until the end of the block."""

    def __init__(self, desk: Desk, count: int) -> None:
        self.all = [desk.worker() for _ in range(count)]

    async def __aenter__(self) -> None:
        self.tasks = [asyncio.create_task(worker.run()) for worker in self.all]

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def most_within(left: list[datetime], period: timedelta) -> int:
    """The most that left in any stretch of `period`."""
    return max(sum(at <= each < at + period for each in left) for at in left)


async def test_no_more_leave_than_the_channel_allows_and_none_is_lost(desk: Desk) -> None:
    desk.settings = {"per_minute": 5}
    await desk.queue(12)
    async with Workers(desk, 1):
        for seconds, left in ((0, 5), (61, 10), (122, 12)):
            desk.later(seconds=seconds)
            await desk.until(left)
            if left < 12:
                await desk.settled()
                assert await desk.waiting() == 12 - left
    assert most_within(desk.post.left, timedelta(minutes=1)) == 5


@BOTH
async def test_several_processes_share_the_limit(desk: Desk) -> None:
    desk.settings = {"per_minute": 4}
    await desk.queue(10)
    async with Workers(desk, 3):
        for seconds, left in ((0, 4), (61, 8), (122, 10)):
            desk.later(seconds=seconds)
            await desk.until(left)
            if left < 10:
                await desk.settled()
                assert len(desk.post.left) == left
    assert most_within(desk.post.left, timedelta(minutes=1)) == 4


async def test_a_restart_does_not_begin_anew(desk: Desk) -> None:
    desk.settings = {"per_hour": 3}
    await desk.queue(3)
    async with Workers(desk, 1):
        await desk.until(3)
    desk.later(minutes=30)
    await desk.queue(2, first=3)
    async with Workers(desk, 1):
        await desk.settled()
        assert len(desk.post.left) == 3
        desk.later(minutes=61)
        await desk.until(5)


@BOTH
async def test_both_limits_hold(desk: Desk) -> None:
    desk.settings = {"per_minute": 3, "per_hour": 4}
    await desk.queue(6)
    async with Workers(desk, 1):
        await desk.until(3)
        desk.later(seconds=61)
        await desk.until(4)
        desk.later(minutes=5)
        await desk.settled()
        assert len(desk.post.left) == 4
        desk.later(minutes=65)
        await desk.until(6)


async def test_what_did_not_leave_does_not_count(desk: Desk) -> None:
    desk.settings = {"per_minute": 3}
    desk.post.refuses = [Temporary("no_connection", 1), Rejected("refused")]
    await desk.queue(5)
    async with Workers(desk, 1):
        await desk.until(1)
        await desk.settled()
        desk.later(seconds=7)
        await desk.until(3)
    assert most_within(desk.post.left, timedelta(minutes=1)) == 3


@pytest.mark.parametrize("settings", [{}, {"per_minute": None}, {"per_minute": 0}, {"per_minute": ""}])
async def test_a_channel_without_a_limit_waits_for_nothing(desk: Desk, settings: Mapping[str, Any]) -> None:
    desk.settings = dict(settings)
    await desk.queue(70)
    async with Workers(desk, 1):
        await desk.until(70)
    assert await desk.store.read(lambda tx: tx.execute(sa.select(t.departure)).all()) == []


async def test_a_full_channel_holds_up_no_other(desk: Desk) -> None:
    desk.settings = {"per_minute": 1}
    await desk.store.write(_second_channel)
    await desk.queue(100)
    await desk.store.write(lambda tx: _queue_one(tx, replace(desk.way(2), settings={}), 500))
    limited = desk.way

    def way(channel_id: int) -> Way:
        return limited(1) if channel_id == 1 else replace(limited(2), settings={})

    worker = Delivery(desk.store, desk.bus, Folder(desk.folder), way, alone=False, clock=desk.clock)
    task = asyncio.create_task(worker.run())
    await desk.until(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(desk.post.left) == 2


def _second_channel(tx: Transaction) -> None:
    row = {"connection_id": 1, "address": "them", "key": "t", "name": mask("Them"), "settings": "{}", "state": "active"}
    tx.execute(sa.insert(t.channel), row | {"created_at": tx.clock()})
