"""What a customer sees of an agent before the answer, and what the agent sees of a customer whom Meta does not name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.connectors.messenger.test_troubles import the_page
from tests.connectors.messenger.test_windows import DAY, pass_time
from tests.faults.houses import hasten, received, until
from tests.inbox.house import House

from omnibox.testing.world.demo import PAGE, PSID
from omnibox.testing.world.graph import Fault


async def types(house: House, conversation: int) -> None:
    frame = {"t": "hint", "kind": "typing", "conversation": conversation}
    await house.admin.ask("POST", "/api/frames", {"frames": [frame]})


async def read(house: House, row: dict[str, Any]) -> None:
    last = (await house.messages(row["id"]))[-1]["id"]
    await house.admin.ask("POST", f"/api/conversations/{row['id']}/read", {"message": last})


async def test_the_customer_sees_that_somebody_types_and_has_read(house: House) -> None:
    graph = house.world.graph
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    await read(house, row)
    await until(lambda: graph.actions == [(PSID, "mark_seen")])
    await read(house, row)  # nothing is new
    for _ in range(5):
        await types(house, row["id"])  # the screen tells every two seconds
    await until(lambda: (PSID, "typing_on") in graph.actions)
    await house.until_state(await house.reply(row["id"], "Hello!"), "sent", "delivered")
    assert graph.actions == [(PSID, "mark_seen"), (PSID, "typing_on")]


async def test_a_page_may_show_nothing_of_it(house: House) -> None:
    graph = house.world.graph
    channel = await the_page(house)
    await house.admin.ask("PATCH", f"/api/channels/{channel['id']}", {"settings": {"signals": False}})
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    await types(house, row["id"])
    await read(house, row)
    await house.until_state(await house.reply(row["id"], "Hello!"), "sent", "delivered")
    assert graph.actions == []


async def test_nothing_is_shown_where_nothing_may_be_sent(house: House) -> None:
    graph = house.world.graph
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    await pass_time(house, 2 * DAY)
    asked = len(graph.asked)
    await types(house, row["id"])
    await read(house, row)
    await house.hub.signalling.stop()
    assert graph.asked[asked:] == []


@pytest.mark.parametrize("fault", [Fault(status=500, code=2, times=2), Fault("close", times=2)], ids=["code 2", "cut"])
async def test_a_courtesy_that_fails_costs_the_answer_nothing(house: House, fault: Fault) -> None:
    graph = house.world.graph
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    graph.fail(fault)
    await types(house, row["id"])
    await read(house, row)
    await until(lambda: graph.faults == [])
    await house.until_state(await house.reply(row["id"], "Hello!"), "sent", "delivered")
    assert received(house, PSID) == ["Hello!"]


async def test_a_customer_whom_meta_does_not_name_is_asked_for_again_each_day(house: House) -> None:
    page = house.world.graph.pages[PAGE]
    page.shows_profiles = False
    await house.world.graph.write(PSID, "Hello")
    await house.row("Messenger user 7001")
    page.shows_profiles = True
    await pass_time(house, DAY)
    hasten(house, 60)
    await house.row("Ada Moreno")
