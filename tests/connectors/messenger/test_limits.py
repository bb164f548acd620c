"""A page that Meta limits: its replies keep the order in which they were written, and other pages go on."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import sqlalchemy as sa
from tests.connectors.messenger.test_troubles import SECOND, add_second_page
from tests.faults.houses import at_rest, hasten, people, received, until
from tests.inbox.house import House

from omnibox.store import Reader
from omnibox.store.tables import channel
from omnibox.testing.world.graph import Fault, Graph

LIMITS = {
    "429": Fault(status=429, code=4),
    "613": Fault(status=400, code=613),
    "80006": Fault(
        status=400,
        code=80006,
        headers={"X-Business-Use-Case-Usage": '{"104": [{"type": "messenger", "call_count": 90}]}'},
    ),
}
REST_S = 61


def sends(house: House) -> int:
    return house.world.graph.asked.count(("POST", "messages"))


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS.keys())
async def test_after_a_limit_the_page_goes_on_where_it_stopped_and_no_other_page_waits(
    house: House, limit: Fault
) -> None:
    graph = house.world.graph
    graph.pages["104"].quota.per_s = {}
    await add_second_page(house)
    rows = await people(house, 6)
    first, *others = rows
    grace = await house.row("Grace Hopper")
    graph.fail(replace(limit, times=3, psid=first))
    refused = await house.reply(rows[first]["id"], "The first that was written")
    await until(lambda: graph.faults[0].times == 2)
    await house.until_state(refused, "queued")
    for psid in others:
        await house.reply(rows[psid]["id"], f"Written later to {psid}")
    await house.reply(grace["id"], "Another page")
    await until(lambda: received(house, "9001") == ["Another page"])
    for left in (1, 0):  # it is tried alone: what came through beside it would have overtaken it
        before = sends(house)
        hasten(house, REST_S)
        await until(partial(_are_left, graph, left))
        await house.until_state(refused, "queued")
        assert sends(house) == before + 1
    hasten(house, REST_S)
    await at_rest(house, [row["id"] for row in rows.values()])
    said = [taken.text for taken in graph.ledger if taken.page != SECOND]
    assert said[0] == "The first that was written"
    assert sorted(said[1:]) == [f"Written later to {psid}" for psid in others]
    assert await house.hub.store.read(_held) == []  # and it is no longer sent one by one


def _are_left(graph: Graph, count: int) -> bool:
    return sum(fault.times for fault in graph.faults) == count


def _held(tx: Reader) -> list[int]:
    return list(tx.execute(sa.select(channel.c.id).where(channel.c.held_until.is_not(None))).scalars())
