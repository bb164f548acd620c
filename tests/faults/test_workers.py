"""Several workers over one PostgreSQL: each part leaves once, in order, and only who holds the lease may send it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.faults.houses import opened, outbound, people, received, times, until
from tests.inbox.house import House

from omnibox.blobs import Blobs
from omnibox.bus import LocalBus
from omnibox.connections import Connections
from omnibox.inbox.delivery import Delivery
from omnibox.registry import Connectors
from omnibox.store import Store
from omnibox.testing.world.demo import CUSTOMER, MAILBOX

WORKERS = 3  # besides the hub's own


@pytest.fixture
async def house(tmp_path: Path, postgres_url: str) -> AsyncIterator[House]:
    async with opened(tmp_path / "home", database_url=postgres_url) as house:
        yield house


@asynccontextmanager
async def worker(house: House) -> AsyncIterator[Delivery]:
    """What a further worker process has of its own: store, connections, and no bell that it shares with others."""
    bus, hub = LocalBus(), house.hub
    store = Store(house.config.store_url, ring=bus.ring, clock=house.clock)
    await store.start()
    connections = Connections(
        store=store,
        secrets=hub.secrets,
        guard=hub.connections.guard,
        intake=replace(hub.intake, store=store),
        registry=Connectors(),
        base_url=house.base,
        clock=house.clock,
    )
    await connections.start(reads=False, alone=False)
    delivery = Delivery(store, bus, hub.blobs, connections.way, alone=False, clock=house.clock)
    running = asyncio.create_task(delivery.run())
    try:
        yield delivery
    finally:
        running.cancel()
        await asyncio.wait([running])
        await connections.stop()
        await store.stop()


async def test_workers_that_race_send_each_part_once_and_in_order(house: House) -> None:
    rows = await people(house, times(4, 20))
    count = times(6, 40)
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker(house)) for _ in range(WORKERS)]

        async def ring() -> None:  # as a shared bell would: all of them reach for the same rows
            while True:
                for each in (house.hub.delivery, *workers):
                    each.bus.ring({"deliveries"})
                await asyncio.sleep(0.01)

        ringing = asyncio.create_task(ring())
        for number in range(count):
            await asyncio.gather(*(house.reply(row["id"], f"{psid} {number}") for psid, row in rows.items()))
        await until(lambda: all(len(received(house, psid)) >= count for psid in rows))
        await house.until(lambda: _all_sent(house, rows))
        ringing.cancel()
    for psid in rows:
        assert received(house, psid) == [f"{psid} {number}" for number in range(count)]


async def _all_sent(house: House, rows: dict[str, Any]) -> bool:
    states = {each["state"] for row in rows.values() for each in await outbound(house, row["id"])}
    return states <= {"sent", "delivered", "read"}


class SlowDisk:
    """Reads a file only once it is let."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.times = 0
        self.is_asked, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def get(self, name: str) -> bytes:
        self.times += 1
        self.is_asked.set()
        await self.may_go_on.wait()
        return await self._blobs.get(name)


async def test_who_lost_the_lease_before_leaving_sends_nothing(house: House) -> None:
    """One worker hangs over a file, its lease runs out, another sends; the first then wakes up, and must not."""
    graph, first = house.world.graph, house.hub.delivery
    (psid, row), *_ = (await people(house, 1)).items()
    slow: Any = SlowDisk(first.blobs)
    first.blobs = slow
    sent = await house.reply(row["id"], "", files=[await _upload(house)])
    await slow.is_asked.wait()
    async with worker(house):
        house.shift += timedelta(minutes=2)
        await house.until_state(sent, "sent", "delivered")
        uploads = [edge for _, edge in graph.asked].count("message_attachments")
        slow.may_go_on.set()
        await until(lambda: [edge for _, edge in graph.asked].count("message_attachments") > uploads)
        await house.until(lambda: _is_idle(first))
    assert len(graph.received(psid)) == 1


async def test_a_lease_that_was_lost_to_oneself_is_two_tries_and_one_message(house: House) -> None:
    """The only worker stalls until its lease is over, and claims again what it is still at: found by the sweep."""
    first = house.hub.delivery
    (psid, row), *_ = (await people(house, 1)).items()
    slow: Any = SlowDisk(first.blobs)
    first.blobs = slow
    sent = await house.reply(row["id"], "", files=[await _upload(house)])
    await slow.is_asked.wait()
    house.shift += timedelta(minutes=2)
    first.bus.ring({"deliveries"})
    await until(lambda: slow.times == 2)
    assert len(first._sending) == 2  # neither is forgotten: both are waited for at the end, the newer lease is renewed
    slow.may_go_on.set()
    await house.until_state(sent, "sent", "delivered")
    await house.until(lambda: _is_idle(first))
    assert len(house.world.graph.received(psid)) == 1


async def test_an_expired_lease_after_leaving_is_doubt_and_never_a_second_copy(house: House) -> None:
    """The mail is on its way when the lease runs out: nobody else sends it, and the late answer settles it."""
    post = house.world.house
    post.write(CUSTOMER, MAILBOX, "Order", "Where is it?")
    row = await house.row(CUSTOMER)
    post.smtp.break_at("dot", "hang")
    sent = await house.reply(row["id"], "On its way")
    await until(lambda: len(post.sent_to(CUSTOMER)) == 1)
    async with worker(house):
        house.shift += timedelta(minutes=2)
        await house.until_state(sent, "uncertain")
        await post.smtp.drop()
    assert await house.state_of(sent) == "uncertain"
    assert len(post.sent_to(CUSTOMER)) == 1


async def _upload(house: House) -> str:
    form = aiohttp.FormData()
    form.add_field("file", b"%PDF-1.4", filename="a.pdf", content_type="application/pdf")
    async with house.admin.http.post("/api/uploads", data=form) as answer:
        return str((await answer.json())["id"])


async def _is_idle(delivery: Delivery) -> bool:
    return not delivery._sending
