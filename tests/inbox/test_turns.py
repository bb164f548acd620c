"""Turns of the delivery worker on both databases: an answer that is lost, an outcome nobody can store, an early end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import Capabilities, Outbound, Sent
from omnibox.inbox import states
from omnibox.inbox.delivery import Delivery
from omnibox.inbox.origin import Origin
from omnibox.inbox.queue import Turn
from omnibox.inbox.way import Way
from omnibox.masking import mask
from omnibox.store import Store, StoreUnavailable, Transaction
from omnibox.store import tables as t
from omnibox.store.migrations import migrate
from omnibox.store.transaction import T, Written

SOON_S = 45.0


class Taker:
    """A platform that takes everything; `answers` are by text, the gate lets nothing pass while it is shut."""

    name = "taker"
    capabilities = Capabilities(marks_leaving=True)
    settings = ()

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.answers: dict[str, Sent] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, part: Outbound) -> Sent:
        await self.gate.wait()
        await part.leaving()
        self.taken.append(part.text)
        return self.answers.get(part.text, Sent(f"taker-{part.id}"))


class ForgetfulStore(Store):
    """Commits, and then tells nobody: `loses` says of which results. The gate delays every answer. Counts turns."""

    loses: Callable[[Any], bool] = staticmethod(lambda result: False)
    gate: asyncio.Event | None = None
    turns = 0

    async def write(self, fn: Callable[[Transaction], T], **more: Any) -> Written[T]:
        written = await super().write(fn, **more)
        self.turns += isinstance(written.result, Turn)
        if self.gate is not None:
            await self.gate.wait()
        if self.loses(written.result):
            self.loses = lambda result: False
            raise StoreUnavailable("the line broke after COMMIT")
        return written


@dataclass
class Desk:
    """One channel on one store, and workers that send for it."""

    store: ForgetfulStore
    bus: LocalBus
    folder: Path
    taker: Taker = field(default_factory=Taker)
    shift: timedelta = timedelta()
    has_way: bool = True
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def clock(self) -> datetime:
        return now() + self.shift

    def way(self, channel_id: int) -> Way | None:
        self.asked.set()
        if not self.has_way:
            return None
        origin = Origin(1, self.taker.capabilities, {}, lambda token: None)
        return Way(channel_id, "shop", {}, cast("Any", self.taker), origin, str)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        blobs = Folder(self.folder)
        delivery = Delivery(self.store, self.bus, blobs, self.way, alone=False, clock=self.clock)
        running = asyncio.create_task(delivery.run())
        try:
            yield running
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def states(self) -> dict[str, tuple[str, int]]:
        """State and tries of each delivery, by its text."""
        rows = await self.store.read(
            lambda tx: tx.execute(sa.select(t.delivery.c.text, t.delivery.c.state, t.delivery.c.attempts)).all()
        )
        return {str(text): (state, attempts) for text, state, attempts in rows}

    async def until(self, **wanted: str) -> None:
        found: dict[str, tuple[str, int]] = {}
        try:
            async with asyncio.timeout(SOON_S):
                while any(found.get(text, ("",))[0] != state for text, state in wanted.items()):
                    await asyncio.sleep(0.01)
                    found = await self.states()
        except TimeoutError:
            raise AssertionError(f"never came: {found}") from None


@pytest.fixture(params=["sqlite", "postgresql"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    is_embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/omnibox.db" if is_embedded else str(request.getfixturevalue("postgres_url"))
    await migrate(url)
    bus = LocalBus()
    desk = Desk(ForgetfulStore(url, ring=bus.ring), bus, tmp_path / "files")
    desk.store._clock = desk.clock
    await desk.store.start()
    await desk.store.write(_open_channel)
    yield desk
    await desk.store.stop()


def _open_channel(tx: Transaction) -> None:
    at = tx.clock()
    common = {"id": 1, "name": mask("Shop"), "settings": "", "state": "active", "created_at": at}
    tx.execute(sa.insert(t.connection), common | {"connector": "taker", "hook_key": "k"})
    tx.execute(sa.insert(t.channel), common | {"connection_id": 1, "address": "shop", "key": "k"})


async def write(desk: Desk, *texts: str) -> None:
    """A reply in a conversation of its own for each text."""

    def queue_all(tx: Transaction) -> None:
        at = tx.clock()
        for number, text in enumerate(texts, 1):
            person = {"id": number, "created_at": at}
            tx.execute(sa.insert(t.contact), person)
            address = {"contact_id": number, "kind": "id", "scope": "channel:1", "address": f"person-{number}"}
            tx.execute(sa.insert(t.identity), person | address)
            stands = {"id": number, "channel_id": 1, "identity_id": number}
            opened = {"contact_id": number, "state": "open", "last_at": at, "opened_at": at}
            tx.execute(sa.insert(t.conversation), stands | opened)
            said = {"conversation_id": number, "kind": "outbound", "author_kind": "system", "text": mask(text)}
            tx.execute(sa.insert(t.message), stands | said | {"at": at, "created_at": at})
            part: dict[str, Any] = {"part_id": f"part-{number}", "message_id": number, "conversation_id": number}
            part |= {"position": 0, "address": f"person-{number}", "text": mask(text), "files": [], "refs": []}
            part |= {"mode": "", "state": "queued", "is_open": True}
            part |= {"written_at": at, "not_before": at, "state_at": at}
            tx.execute(sa.insert(t.delivery), stands | part)
        tx.ring("deliveries")

    await desk.store.write(queue_all)


async def test_many_are_sent_once_and_recorded_together(desk: Desk) -> None:
    texts = [f"reply {number}" for number in range(150)]
    await write(desk, *texts)
    async with desk.working():
        await desk.until(**dict.fromkeys(texts, "sent"))
    assert sorted(desk.taker.taken) == sorted(texts)
    assert {attempts for _, attempts in (await desk.states()).values()} == {1}


async def test_of_many_that_end_together_each_keeps_its_own(desk: Desk) -> None:
    desk.taker.capabilities = Capabilities(marks_leaving=True, receipts=frozenset({"read", "failed"}))
    texts = ["one", "two", "read", "bounced", "five"]
    desk.taker.answers = {text: Sent(f"id of {text}") for text in texts}
    scope = cast("Way", desk.way(1)).id_scope
    await write(desk, *texts)
    for text, state in {"read": "read", "bounced": "failed"}.items():  # receipts that come before the answer
        await desk.store.write(partial(states.keep_early, scope=scope, value=f"id of {text}", state=state, at=now()))
    desk.taker.gate.clear()
    async with desk.working():
        await desk.until(**dict.fromkeys(texts, "sending"))
        desk.taker.gate.set()
        await desk.until(one="sent", two="sent", read="read", bounced="failed", five="sent")
    columns = t.delivery.c.text, t.delivery.c.external_id, t.delivery.c.code, t.delivery.c.is_open, t.delivery.c.holder
    rows = await desk.store.read(lambda tx: [tuple(row) for row in tx.execute(sa.select(*columns))])
    codes = {"bounced": "bounced"}
    assert sorted(rows) == sorted((text, f"id of {text}", codes.get(text), False, None) for text in texts)
    referred = t.external_ref.c.value, t.external_ref.c.delivery_id
    refs = await desk.store.read(lambda tx: [tuple(row) for row in tx.execute(sa.select(*referred))])
    assert sorted(refs) == sorted((f"id of {text}", number) for number, text in enumerate(texts, 1))


async def test_a_claim_whose_answer_is_lost_is_put_back_and_sent_once(desk: Desk) -> None:
    await write(desk, "hello")
    desk.store.loses = lambda result: bool(getattr(result, "claimed", None))
    async with desk.working():
        await desk.until(hello="sending")
        await desk.until(hello="queued")
        assert desk.taker.taken == []
        desk.shift = timedelta(minutes=1)
        await desk.until(hello="sent")
    assert desk.taker.taken == ["hello"]
    assert (await desk.states())["hello"] == ("sent", 1)


async def test_an_outcome_whose_answer_is_lost_is_recorded_again(desk: Desk) -> None:
    await write(desk, "hello")
    async with desk.working():
        await desk.until(hello="sent")
        desk.store.loses = lambda result: "again" in desk.taker.taken and getattr(result, "lost", None) == []
        desk.taker.answers["again"] = Sent("taker-again")
        await desk.store.write(lambda tx: _copy(tx, "again"))
        await desk.until(again="sent")
    assert desk.taker.taken == ["hello", "again"]


def _copy(tx: Transaction, text: str, **more: Any) -> None:
    row = dict(tx.execute(sa.select(t.delivery)).mappings().one())
    fresh = {"id": 2, "part_id": "part-again", "text": mask(text), "state": "queued", "is_open": True, "position": 1}
    tx.execute(sa.insert(t.delivery), row | fresh | {"external_id": None, "attempts": 0} | more)
    tx.ring("deliveries")


@pytest.mark.parametrize("odd", ["\0", "\ud800", 7])
async def test_an_id_no_database_takes_is_a_doubt_and_holds_up_nobody(desk: Desk, odd: Any) -> None:
    desk.taker.answers["odd"] = Sent(odd)
    await write(desk, "one", "odd", "two")
    async with desk.working():
        await desk.until(one="sent", odd="uncertain", two="sent")
    assert sorted(desk.taker.taken) == ["odd", "one", "two"]


async def test_what_a_turn_claimed_when_told_to_stop_goes_back_untouched(desk: Desk) -> None:
    await write(desk, "hello")
    desk.store.gate = asyncio.Event()
    async with desk.working() as running:
        await desk.until(hello="sending")
        running.cancel()
        asyncio.get_running_loop().call_soon(desk.store.gate.set)
        with suppress(asyncio.CancelledError):
            await running
    assert desk.taker.taken == []
    assert (await desk.states())["hello"] == ("queued", 0)


async def test_a_part_without_a_way_waits_and_no_try_is_counted(desk: Desk) -> None:
    desk.has_way = False
    await write(desk, "hello")
    async with desk.working():
        await asyncio.wait_for(desk.asked.wait(), SOON_S)
        await desk.until(hello="queued")
        assert (await desk.states())["hello"] == ("queued", 0)
        desk.has_way = True
        desk.shift = timedelta(minutes=1)
        await desk.until(hello="sent")
    assert desk.taker.taken == ["hello"]


async def test_while_every_place_is_taken_what_rings_costs_no_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibox.inbox.delivery.MOST_AT_ONCE", 1)
    monkeypatch.setattr("omnibox.inbox.delivery.SWEEP_S", 1e9)
    desk.taker.gate.clear()
    await write(desk, "one", "two")
    async with desk.working():
        await desk.until(one="sending")
        turns = desk.store.turns
        for _ in range(20):
            desk.bus.ring({"deliveries"})
            await desk.states()
        assert desk.store.turns == turns
        desk.taker.gate.set()
        await desk.until(one="sent", two="sent")


async def test_while_every_place_is_taken_what_others_left_behind_is_settled(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnibox.inbox.delivery.MOST_AT_ONCE", 1)
    monkeypatch.setattr("omnibox.inbox.delivery.SWEEP_S", 0)
    desk.taker.gate.clear()
    await write(desk, "one")
    async with desk.working():
        await desk.until(one="sending")
        gone = {"state": "sending", "holder": "gone", "lease_until": desk.clock() - timedelta(seconds=1)}
        await desk.store.write(lambda tx: _copy(tx, "left behind", **gone))
        await desk.until(**{"left behind": "queued"})
        desk.taker.gate.set()
        await desk.until(one="sent", **{"left behind": "sent"})
    assert sorted(desk.taker.taken) == ["left behind", "one"]
