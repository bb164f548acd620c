"""A clock that jumps, and clocks of others that are wrong: order is by number, and nothing waits a day for nothing."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
from tests.faults.hooks import post, said
from tests.faults.houses import at_rest, hasten, outbound, people, received, times, until
from tests.faults.screens import Screen
from tests.inbox.house import PASSWORD, House

from omnibox.testing.world.demo import MAILBOX
from omnibox.testing.world.graph import Fault

DAY = timedelta(days=1)


async def sign_in_again(house: House) -> None:
    await house.admin.ask("POST", "/api/login", {"email": "owner@shop.example", "password": PASSWORD, "stay": True})


async def test_what_flows_goes_on_when_the_clock_jumps(house: House) -> None:
    """A day back, a day on: words come and answers leave, also those that were waiting; a screen misses nothing."""
    graph, mail = house.world.graph, house.world.house
    screen = Screen(house.admin)
    await screen.open()
    for jump in (-DAY, DAY, timedelta(hours=-1))[: times(2, 3)]:
        name = f"{jump}".replace(",", "").replace(" ", "-").replace(":", "")
        (psid, row), *_ = (await people(house, 1, first=8_100 + len(screen.added))).items()
        customer = f"{name}@customer.example"
        mail.write(customer, MAILBOX, "Order", f"mail before {name}")
        letter = await house.row(customer)
        graph.fail(Fault("error", 500, code=2))
        mail.smtp.refuse("rcpt", 451)
        await house.reply(row["id"], "waiting")  # meets a temporary error, and has a time to be tried again
        await house.reply(letter["id"], f"letter waiting {name}")
        await house.until(lambda ids=(row["id"], letter["id"]): _has_been_tried(house, *ids))
        house.shift += jump
        await sign_in_again(house)
        async with aiohttp.ClientSession() as http:
            assert (await post(http, graph, said(graph, f"after {name}", psid=psid))).status == 200
        mail.write(customer, MAILBOX, "Another order", f"mail after {name}")
        await screen.shows(f"after {name}", f"mail after {name}")
        hasten(house, 600)  # no reply of this page waits longer, nor one by mail
        await until(lambda psid=psid: received(house, psid) == ["waiting"])
        await until(lambda customer=customer: len(mail.sent_to(customer)) == 1)
        await at_rest(house, [row["id"], letter["id"]])
        ids = [each["id"] for each in await house.messages(row["id"])]
        assert ids == sorted(ids)
    await screen.close()
    assert screen.problems == []
    assert max(screen.added.values()) <= len(screen.added)  # «Hello» and «waiting» are said on each day
    assert {screen.added[text] for text in screen.added if " " in text} == {1}


async def _has_been_tried(house: House, *conversations: int) -> bool:
    replies = [(await outbound(house, each))[0] for each in conversations]
    return all(each["deliveries"][0]["code"] for each in replies)


async def test_a_page_rests_no_longer_than_it_was_told_when_the_clock_goes_back(house: House) -> None:
    (psid, row), *_ = (await people(house, 1)).items()
    house.world.graph.fail(Fault(code=613))
    await house.reply(row["id"], "waiting")
    await house.until(lambda: _has_been_tried(house, row["id"]))
    house.shift -= DAY
    await sign_in_again(house)
    hasten(house, 61)
    await until(lambda: received(house, psid) == ["waiting"])


async def test_what_others_clocks_say_never_orders_a_conversation(house: House) -> None:
    """An event from the past or the future stands where it came, and its conversation where its last word puts it."""
    graph = house.world.graph
    rows = await people(house, 3)
    async with aiohttp.ClientSession() as http:
        for psid, year in zip(rows, (1971, 2001, 2099), strict=True):
            skewed_ms = (year - 1970) * 31_556_952_000
            for text, ms in (("one", 0), ("skewed", skewed_ms), ("two", 0)):
                event = said(graph, text, mid=f"m{psid}{text}", psid=psid, at_ms=ms)
                assert (await post(http, graph, event)).status == 200
    for row in rows.values():
        assert [each["text"] for each in await house.messages(row["id"])] == ["Hello", "one", "skewed", "two"]
    assert [each["id"] for each in await house.rows()] == [row["id"] for row in reversed(rows.values())]
    await _leave_time_only_by_the_pages_clock(house, *list(rows)[:2])


async def _leave_time_only_by_the_pages_clock(house: House, late: str, in_time: str) -> None:
    """Words that come 23 h 56 min late leave no time to answer: five minutes are kept for the difference of clocks."""
    graph = house.world.graph
    async with aiohttp.ClientSession() as http:
        for psid, minutes in ((late, 24 * 60 - 4), (in_time, 24 * 60 - 30)):
            graph.add_person(f"9{psid}", f"Late {psid}", graph.people[psid].page)
            at_ms = graph.now_ms() - minutes * 60_000
            assert (await post(http, graph, said(graph, f"from {psid}", psid=f"9{psid}", at_ms=at_ms))).status == 200
    found = {row["last"]["text"]: row for row in await house.rows()}
    assert found[f"from {late}"]["policy"]["allowed"] is False
    assert found[f"from {in_time}"]["policy"]["allowed"] is True
