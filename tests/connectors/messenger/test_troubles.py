"""Meta's refusals at the whole hub: each is classed, order is kept, other pages go on, and nothing comes twice."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.faults.houses import at_rest, hasten, opened, outbound, people, received, until
from tests.inbox.house import House

import omnibox_messenger.graph
import omnibox_messenger.pace
from omnibox.testing.world.demo import PAGE, PSID
from omnibox.testing.world.graph import Fault

SECOND = "117300425598342"
RATES: dict[str, dict[str, Any]] = {
    "code 4": {"code": 4, "status": 403},
    "code 17": {"code": 17},
    "code 32": {"code": 32},
    "code 613": {"code": 613, "subcode": 1893016},
    "code 80006": {"code": 80006},
    "429": {"shape": "status", "status": 429, "headers": {"Retry-After": "20"}},
}
TRANSIENT: dict[str, dict[str, Any]] = {
    "code 1": {"code": 1, "status": 500},
    "code 2": {"code": 2, "status": 500},
    "code 1200": {"code": 1200},
    "503": {"shape": "status", "status": 503},
}
UNKNOWN: dict[str, dict[str, Any]] = {
    "code 1/1357046": {"code": 1, "subcode": 1357046, "status": 500, "is_taken": True},
    "HTML page": {"shape": "html", "status": 200, "is_taken": True},
    "half a JSON": {"shape": "half", "status": 200, "is_taken": True},
    "time-out, taken": {"shape": "hang", "status": 504, "is_taken": True},
    "time-out": {"shape": "hang", "status": 504},
}
FAULTS = {**RATES, **TRANSIENT, **UNKNOWN}
GAP = timedelta(minutes=5)
REPLIES = 200 if os.environ.get("OMNIBOX_MESSENGER") == "long" else 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def halves(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One hub for many orders of the same events."""
    async with opened(Path(tmp_path_factory.mktemp("halves")) / "home") as house:
        yield house


async def add_second_page(house: House) -> None:
    """Another page of the same connection, with one customer who has written."""
    graph = house.world.graph
    page = graph.add_page(SECOND, "Second shop")
    graph.add_person("9001", "Grace Hopper", SECOND)
    connection = await the_connection(house)
    channel = {"name": "Second shop", "address": SECOND, "settings": {"page_access_token": page.token}}
    made = await house.admin.ask("POST", f"/api/connections/{connection['id']}/channels", channel)
    assert made["state"] == "active", made
    await graph.write("9001", "Hello")


async def the_connection(house: House) -> dict[str, Any]:
    connections = await house.admin.ask("GET", "/api/connections")
    return next(each for each in connections if each["connector"] == "messenger")


async def the_page(house: House, address: str = PAGE) -> dict[str, Any]:
    return next(each for each in (await the_connection(house))["channels"] if each["address"] == address)


async def test_every_fault_keeps_the_order_of_each_conversation_and_no_other_page_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(omnibox_messenger.graph, "TIMEOUT_S", 1.0)
    monkeypatch.setitem(omnibox_messenger.pace.RATES, "thread", 1000)
    graph = house.world.graph
    graph.pages[PAGE].quota.per_s = {}
    graph.sends_echoes = graph.sends_deliveries = False
    await add_second_page(house)
    rows = await people(house, len(FAULTS))
    grace = await house.row("Grace Hopper")
    for psid, fault in zip(rows, FAULTS.values(), strict=True):
        graph.fail(Fault(**fault, psid=psid, after=1))
    each = REPLIES // len(FAULTS)
    for number in range(each):
        await asyncio.gather(*(house.reply(row["id"], f"{psid} {number}") for psid, row in rows.items()))
    await house.reply(grace["id"], "Nothing is wrong here")
    await until(lambda: received(house, "9001") == ["Nothing is wrong here"])
    assert len(graph.ledger) < each * len(rows)  # the first page is at rest meanwhile
    for _ in range(4):
        graph.advance(61)
        hasten(house, 61)
        await at_rest(house, [row["id"] for row in rows.values()], "uncertain")
    await at_rest(house, [row["id"] for row in rows.values()])
    for psid, name in zip(rows, FAULTS, strict=True):
        assert received(house, psid) == [f"{psid} {number}" for number in range(each)], name
        assert {reply["state"] for reply in await outbound(house, rows[psid]["id"])} == {"sent"}, name


async def is_paused(house: House) -> bool:
    return bool((await the_page(house))["state"] == "paused")


async def test_a_dead_token_costs_nothing_but_time(house: House) -> None:
    """Replies wait, the banner names the cure; with a new token all goes out and what was missed comes in, in order."""
    graph = house.world.graph
    await add_second_page(house)
    await graph.write(PSID, "Before")
    row, grace = await house.row("Ada Moreno"), await house.row("Grace Hopper")
    page = graph.pages[PAGE]
    page.token_error = 460
    replies = [await house.reply(row["id"], f"Reply {number}") for number in range(3)]
    await house.until(lambda: is_paused(house))
    broken = await the_page(house)
    assert broken["health"]["code"] == "messenger.token_dead"
    assert broken["waiting"] == 3
    assert (await the_page(house, SECOND))["state"] == "active"
    await house.reply(grace["id"], "Here all is well")
    await until(lambda: received(house, "9001") == ["Here all is well"])
    assert {await house.state_of(reply) for reply in replies} == {"queued"}
    graph.hooks.hold()  # and Meta's calls are lost while nobody can ask
    words = [f"Missed {number}" for number in range(30)]  # more than one page of a thread
    for word in words:
        await graph.write(PSID, word)
    await graph.answer_elsewhere(PSID, "Answered in the page's own inbox")
    graph.hooks.drop()
    graph.hooks.release()
    house.shift += GAP
    graph.advance(GAP.total_seconds())
    page.token, page.token_error = "EAArenewed", None
    await house.admin.ask("PATCH", f"/api/channels/{broken['id']}", {"settings": {"page_access_token": page.token}})
    assert await house.hub.connections.probe((await the_connection(house))["id"])
    for reply in replies:
        await house.until_state(reply, "sent", "delivered")
    assert received(house, PSID)[1:] == ["Reply 0", "Reply 1", "Reply 2"]

    async def caught_up() -> list[dict[str, Any]] | None:
        shown = await all_messages(house, row["id"])
        return shown if len(shown) == 1 + 3 + len(words) + 1 else None

    hasten(house, 0)
    shown = await house.until(caught_up)
    missed = [each for each in shown if each["why"] == "late"]
    assert [each["text"] for each in missed] == [*words, "Answered in the page's own inbox"]
    assert [each["kind"] for each in missed[-2:]] == ["inbound", "outbound"]
    assert missed[-1]["is_elsewhere"]


async def all_messages(house: House, conversation: int) -> list[dict[str, Any]]:
    answer = await house.admin.ask("GET", f"/api/conversations/{conversation}/messages?limit=200")
    return list(answer["messages"])


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("order", list(itertools.permutations(("message", "edit", "reaction", "unsend"))), ids="-".join)
async def test_the_halves_of_a_message_come_in_any_order(halves: House, order: tuple[str, ...]) -> None:
    await _say(halves, "-".join(order), order)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "order", list(itertools.permutations(("message", "edit", "second edit", "reaction"))), ids="-".join
)
async def test_the_last_edit_wins_in_any_order(halves: House, order: tuple[str, ...]) -> None:
    await _say(halves, "-".join(order), order)


async def _say(house: House, mid: str, order: tuple[str, ...]) -> None:
    graph = house.world.graph
    base = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": int(time.time() * 1000)}
    halves: dict[str, dict[str, Any]] = {
        "message": {"message": {"mid": mid, "text": "first"}},
        "edit": {"message_edit": {"mid": mid, "text": "edited", "num_edit": 1}},
        "second edit": {"message_edit": {"mid": mid, "text": "edited twice", "num_edit": 2}},
        "reaction": {"reaction": {"mid": mid, "action": "react", "emoji": "👍"}},
        "unsend": {"message": {"mid": mid, "is_deleted": True}},
    }
    for name in order:
        await graph.send_raw_event(PAGE, base | halves[name])
    await graph.settled()
    found = (await house.messages((await house.row("Ada Moreno"))["id"]))[-1]
    if "unsend" in order:
        assert (found["is_deleted"], found["text"]) == (True, "")
    else:
        assert (found["text"], found["reactions"]) == ("edited twice", ["👍"])
        assert found["edited_at"]


ECHOED = ("answer", "echo", "read", "delivered")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("order", list(itertools.permutations(ECHOED)), ids="-".join)
async def test_answer_echo_and_receipts_come_in_any_order(halves: House, order: tuple[str, ...]) -> None:
    """The answer is lost where it comes after the others: they prove that the part left."""
    graph, house = halves.world.graph, halves
    graph.sends_echoes = graph.sends_deliveries = False
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    known = len(await outbound(house, row["id"]))
    is_lost = order[0] != "answer"
    if is_lost:
        graph.fail(Fault("close", is_taken=True, psid=PSID))
    reply = await house.reply(row["id"], "-".join(order))
    await house.until_state(reply, "uncertain" if is_lost else "sent")
    taken = graph.received(PSID)[-1]
    events = {
        "echo": graph.echo_of(taken).element,
        "read": graph.receipt_of(taken, "read").element,
        "delivered": graph.receipt_of(taken, "delivery").element,
    }
    for name in order:
        if name in events:
            await graph.send_raw_event(PAGE, events[name])
    await graph.settled()
    await house.until_state(reply, "read")
    assert len(await outbound(house, row["id"])) == known + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_reactions_of_both_sides_stand_beside_each_other(halves: House) -> None:
    graph, house = halves.world.graph, halves
    mid = await graph.write(PSID, "Look at this")
    base = {"timestamp": int(time.time() * 1000)}
    theirs = base | {"sender": {"id": PSID}, "recipient": {"id": PAGE}}
    ours = base | {"sender": {"id": PAGE}, "recipient": {"id": PSID}}
    shown = []
    for side, emoji in ((theirs, "👍"), (ours, "❤"), (theirs, "😮"), (ours, "")):
        said = {"mid": mid, "action": "react" if emoji else "unreact", "emoji": emoji or "❤"}
        await graph.send_raw_event(PAGE, side | {"reaction": said})
        await graph.settled()
        shown.append((await house.messages((await house.row("Ada Moreno"))["id"]))[-1]["reactions"])
    assert shown == [["👍"], ["👍", "❤"], ["❤", "😮"], ["😮"]]
