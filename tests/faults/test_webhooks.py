"""Meta's calls as they come on a bad day: each event is shown once, in the order in which it was written."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import aiohttp
from tests.faults.hooks import post, said
from tests.faults.houses import people, times
from tests.inbox.house import House

BATCH = 1_000  # what Meta puts into one call at most
LATE = timedelta(hours=36)  # for so long Meta tries again


async def all_messages(house: House, conversation: int) -> list[str]:
    found: list[str] = []
    before = ""
    while True:
        page = await house.admin.ask("GET", f"/api/conversations/{conversation}/messages?limit=200{before}")
        found = [each["text"] for each in page["messages"]] + found
        if page["next"] is None:
            return found
        before = f"&before={page['next']}"


async def test_thrice_shuffled_and_late_each_event_is_one_message(house: House) -> None:
    """Several people, several calls at once, every call three times, some of them a day and a half old."""
    graph, chance = house.world.graph, random.Random(19)
    rows = await people(house, 5)
    start_ms = graph.now_ms()
    events = [
        said(graph, f"{psid} {number}", psid=psid, at_ms=start_ms + number * 1_000)
        for psid in rows
        for number in range(times(20, 400))
    ]
    late_ms = int(LATE.total_seconds() * 1_000)
    events += [
        said(graph, f"{psid} late {number}", psid=psid, at_ms=start_ms - late_ms + number)
        for psid in rows
        for number in range(5)
    ]
    chance.shuffle(events)
    calls = [events[at : at + 25] for at in range(0, len(events), 25)] * 3
    chance.shuffle(calls)
    async with aiohttp.ClientSession() as http:
        answers = await asyncio.gather(*(post(http, graph, *call) for call in calls))
    assert {answer.status for answer in answers} == {200}
    for psid, row in rows.items():
        expected = {event.element["message"]["text"] for event in events if event.element["sender"]["id"] == psid}
        found = await all_messages(house, row["id"])
        assert sorted(found) == sorted({"Hello", *expected})
    assert len(await house.rows()) == len(rows)


async def test_a_full_batch_is_one_call_and_is_put_in_order(house: House) -> None:
    """Meta promises no order; what it says of the time decides, and what is equal stays as it came."""
    graph, chance = house.world.graph, random.Random(19)
    rows = await people(house, 10)
    at_ms = graph.now_ms() + 10_000
    numbers = [number for number in range(BATCH // 10) for _ in rows]
    events = [
        said(graph, f"{psid} {number}", psid=psid, at_ms=at_ms + number // 2)  # two have the same time
        for psid, number in zip(list(rows) * (BATCH // 10), numbers, strict=True)
    ]
    odd = [event for event, number in zip(events, numbers, strict=True) if number % 2]
    even = [event for event, number in zip(events, numbers, strict=True) if not number % 2]
    chance.shuffle(even)
    chance.shuffle(odd)
    async with aiohttp.ClientSession() as http:
        for _ in range(2):
            assert (await post(http, graph, *even, *odd)).status == 200
    for psid, row in rows.items():
        found = await all_messages(house, row["id"])
        assert found == ["Hello", *(f"{psid} {number}" for number in range(BATCH // 10))]
