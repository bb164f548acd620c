"""What was said while no webhook came, read back from Meta's threads: once, in order, and marked as late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.connectors.messenger.test_troubles import GAP, all_messages, the_connection
from tests.faults.houses import hasten, outbound, received
from tests.inbox.house import House

import omnibox_messenger.pace
from omnibox.connector import Echo, Envelope, Inbound, SendError
from omnibox.testing.world.demo import PAGE as DEMO_PAGE
from omnibox.testing.world.demo import PSID as ADA
from omnibox.testing.world.graph import Fault, Media

from .conftest import PAGE, PSID, Shop


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(omnibox_messenger.pace.RATES, "thread", 1000)


async def found(shop: Shop, since: datetime) -> list[Envelope]:
    return [item async for batch in shop.messenger.missed(PAGE, since) for item in batch]


def texts(items: list[Envelope]) -> list[str]:
    return [getattr(item, "text", "") for item in items]


async def test_a_thread_is_read_to_the_moment_asked_for_however_long(shop: Shop) -> None:
    shop.graph.hooks.url = ""
    await shop.graph.write(PSID, "long before")
    shop.graph.advance(60)
    since = datetime.fromtimestamp(shop.graph.now_ms() // 1000, UTC)
    words = [f"message {number}" for number in range(120)]
    mids = [await shop.graph.write(PSID, word) for word in words]
    items = await found(shop, since)
    assert texts(items) == words
    assert [item.event_key for item in items if isinstance(item, Inbound)] == mids
    assert {(item.address, item.to) for item in items if isinstance(item, Inbound)} == {(PSID, PAGE)}


async def test_the_thread_that_was_quiet_for_longest_comes_first(shop: Shop) -> None:
    shop.graph.pages[PAGE].quota.per_s = {}
    shop.graph.hooks.url = ""
    since = datetime.now(UTC) - timedelta(hours=1)
    people = [str(30_000 + number) for number in range(60)]  # more than two pages of threads
    for psid in people:
        shop.graph.add_person(psid, psid, PAGE)
        await shop.graph.write(psid, psid)
        shop.graph.advance(1)
    assert texts(await found(shop, since)) == people
    late = datetime.fromtimestamp(shop.graph.now_ms() / 1000, UTC) - timedelta(seconds=10)
    asked = len(shop.graph.asked)
    assert len(await found(shop, late)) < 12
    assert len(shop.graph.asked) == asked + 1  # the first old thread ends it


async def test_both_sides_and_files_are_read_as_a_webhook_would_tell_them(shop: Shop) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    photo = Media("shoe.png", "image/png", b"\x89PNG")
    await shop.graph.write(PSID, "See this", [photo])
    await shop.graph.write(PSID, "", [photo])
    await shop.graph.answer_elsewhere(PSID, "Answered by hand")
    sent = await shop.messenger.send(shop.reply("Answered by us"))
    await shop.graph.settled()
    told = {item.external_id: item for item in shop.envelopes if isinstance(item, Inbound | Echo)}
    items = await found(shop, since)
    assert len(items) == 4
    for item in items:
        assert isinstance(item, Inbound | Echo)
        same = told[item.external_id]
        assert (type(item), item.event_key, item.address, item.to) == (
            type(same),
            same.event_key,
            same.address,
            same.to,
        )
        assert (item.text, [file.content for file in item.files]) == (same.text, [file.content for file in same.files])
    assert items[-1].external_id == sent.external_id  # type: ignore[union-attr]


async def test_what_was_read_before_an_error_is_given_and_the_error_is_told(shop: Shop) -> None:
    shop.graph.hooks.url = ""
    since = datetime.now(UTC) - timedelta(minutes=1)
    for number in range(60):
        shop.graph.add_person(str(40_000 + number), "", PAGE)
        await shop.graph.write(str(40_000 + number), f"message {number}")
    shop.graph.fail(Fault(code=190, status=401, edge="conversations", after=1))
    given: list[Envelope] = []
    code = ""
    try:
        async for batch in shop.messenger.missed(PAGE, since):
            given += batch
    except SendError as error:
        code = error.code
    assert code == "messenger.token_dead"
    assert texts(given) == [f"message {number}" for number in range(35, 60)]


async def catch_up(house: House) -> None:
    """Ask now, some minutes after everything was said, and wait for the end of it."""
    house.world.graph.advance(GAP.total_seconds())
    hasten(house, GAP.total_seconds())
    connection = await the_connection(house)
    asked = len(house.world.graph.asked)
    from omnibox.jobs import enqueue

    await house.hub.store.write(lambda tx: enqueue(tx, "catch_up", str(connection["id"])))

    async def is_over() -> bool:
        return ("GET", "conversations") in house.world.graph.asked[asked:] and not await house.hub.store.read(_waits)

    await house.until(is_over)


def _waits(tx: Any) -> bool:
    import sqlalchemy as sa

    from omnibox.store.tables import job

    return bool(tx.execute(sa.select(job.c.id).where(job.c.kind == "catch_up", job.c.subject != "hourly")).first())


async def test_a_part_in_doubt_is_known_by_its_words_and_shown_once(house: House) -> None:
    graph = house.world.graph
    await graph.write(ADA, "Hello")
    row = await house.row("Ada Moreno")
    graph.sends_echoes = graph.sends_deliveries = False
    graph.fail(Fault("close", is_taken=True))
    reply = await house.reply(row["id"], "We have it\nin 38.")
    await house.until_state(reply, "uncertain")
    await catch_up(house)
    await house.until_state(reply, "sent")
    assert len(await outbound(house, row["id"])) == 1
    assert received(house, ADA) == ["We have it\nin 38."]


async def test_asking_again_brings_nothing_twice_and_leaves_what_came_in_time_alone(house: House) -> None:
    graph = house.world.graph
    await graph.write(ADA, "In time")
    row = await house.row("Ada Moreno")
    graph.hooks.hold()
    await graph.write(ADA, "Missed")
    graph.hooks.drop()
    graph.hooks.release()
    for _ in range(2):
        await catch_up(house)
    shown = [(each["text"], each["why"]) for each in await all_messages(house, row["id"])]
    assert shown == [("In time", None), ("Missed", "late")]
    assert (await house.row("Ada Moreno"))["unread"] == 2
    await graph.write(ADA, "And on")

    async def came() -> bool:
        return len(await all_messages(house, row["id"])) == 3

    await house.until(came)


async def test_what_was_said_before_the_page_was_added_is_not_taken(house: House) -> None:
    graph = house.world.graph
    graph.advance(-3600)
    graph._last_ms = 0
    graph.hooks.hold()
    await graph.write(ADA, "An hour before")
    graph.hooks.drop()
    graph.hooks.release()
    graph.advance(3600)
    await catch_up(house)
    assert await house.rows() == []
    assert graph.pages[DEMO_PAGE].quota.share(graph.now_ms()) <= 1
