"""What Meta would refuse is not queued, and what it takes is not refused: time, author, tag and permission.

The oracle is the simulated Graph's own rule, which knows nothing of ours.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.inbox.house import House
from tests.inbox.test_sending import sign_in

from omnibox.inbox.policy import Policy, allowed
from omnibox.testing.world.demo import PSID
from omnibox.testing.world.graph_rules import RETIRED_TAGS, Refused, check_window, read_call
from omnibox_messenger import Messenger
from omnibox_messenger.rendering import body

WINDOWS = Messenger.capabilities.windows
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, MARGIN = timedelta(days=1), timedelta(minutes=5)
INSTANT = timedelta(milliseconds=1)
AGES = (
    timedelta(0),
    timedelta(hours=1),
    DAY - MARGIN - INSTANT,
    DAY - MARGIN,
    DAY - INSTANT,
    DAY,
    DAY + INSTANT,
    3 * DAY,
    7 * DAY - MARGIN - INSTANT,
    7 * DAY - MARGIN,
    7 * DAY,
    7 * DAY + INSTANT,
    90 * DAY,
)
AUTHORS = ("agent", "bot", "system")
MODES = ("response", "update", "human_agent", *(tag.lower() for tag in sorted(RETIRED_TAGS)))


def meta_takes(mode: str, author: str, age: timedelta, *, is_approved: bool) -> bool:
    """Whether Meta would take a message in this mode: by its API, and by the terms that its reviewers enforce."""
    written = {"recipient": {"id": PSID}, "message": {"text": "x"}}
    try:
        sent: dict[str, Any] = body(PSID, {"text": "x"}, mode)
    except ValueError:
        sent = written | {"messaging_type": "MESSAGE_TAG", "tag": mode.upper()}
    try:
        check_window(
            read_call(sent),
            0,
            age // timedelta(milliseconds=1),
            is_human_agent_approved=is_approved,
            is_by_a_person=author == "agent",
        )
    except Refused:
        return False
    return True


def ours(author: str, age: timedelta, *, is_approved: bool) -> Policy:
    return allowed(WINDOWS, NOW - age, author, NOW, {"human_agent": is_approved})


TABLE = list(itertools.product(AGES, AUTHORS, (False, True)))


@pytest.mark.parametrize(("age", "author", "is_approved"), TABLE, ids=str)
def test_a_reply_is_queued_when_meta_takes_it_and_only_then(age: timedelta, author: str, is_approved: bool) -> None:
    policy = ours(author, age, is_approved=is_approved)
    taken = {mode for mode in MODES if meta_takes(mode, author, age, is_approved=is_approved)}
    if policy.allowed:
        assert policy.mode in taken
        assert policy.until is not None
        assert policy.until > NOW
    else:
        later = {mode for mode in MODES if meta_takes(mode, author, age + MARGIN + INSTANT, is_approved=is_approved)}
        assert not later  # within the five minutes that clocks may differ, and after them, nothing goes


@pytest.mark.parametrize(("age", "author", "is_approved"), TABLE, ids=str)
def test_the_tag_is_for_people_after_the_first_day_alone(age: timedelta, author: str, is_approved: bool) -> None:
    policy = ours(author, age, is_approved=is_approved)
    if policy.mode == "human_agent":
        assert author == "agent"
        assert is_approved
        assert age >= DAY - MARGIN
    elif policy.allowed:
        assert policy.mode == "response"


def test_no_retired_tag_can_be_written() -> None:
    for tag in RETIRED_TAGS:
        for mode in (tag, tag.lower()):
            with pytest.raises(ValueError, match="unsupported"):
                body(PSID, {"text": "x"}, mode)
        assert not any(
            meta_takes(tag.lower(), "agent", timedelta(0), is_approved=approved) for approved in (False, True)
        )


async def approve(house: House) -> None:
    connection = next(
        each for each in await house.admin.ask("GET", "/api/connections") if each["connector"] == "messenger"
    )
    channel = connection["channels"][0]["id"]
    await house.admin.ask("PATCH", f"/api/channels/{channel}", {"settings": {"human_agent": True}})


async def pass_time(house: House, passed: timedelta) -> None:
    house.shift += passed
    house.world.graph.advance(passed.total_seconds())
    await sign_in(house)


@pytest.mark.parametrize("is_approved", [False, True], ids=["no permission", "permission"])
async def test_through_the_whole_hub_nothing_refused_is_queued(house: House, is_approved: bool) -> None:
    graph = house.world.graph
    graph.pages["104"].is_human_agent_approved = is_approved
    if is_approved:
        await approve(house)
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    passed = timedelta(0)
    for age in (timedelta(hours=2), DAY - 2 * MARGIN, DAY + MARGIN, 7 * DAY - 2 * MARGIN, 7 * DAY):
        await pass_time(house, age - passed)
        passed = age
        goes = age < DAY - MARGIN or (is_approved and age < 7 * DAY - MARGIN)
        if goes:
            await house.until_state(await house.reply(row["id"], f"after {age}"), "sent", "delivered")
        else:
            with pytest.raises(RuntimeError, match="window_closed"):
                await house.reply(row["id"], f"after {age}")
            assert (await house.row("Ada Moreno"))["policy"]["allowed"] is False
    tags = [taken.tag for taken in graph.received(PSID)]
    assert tags == ["", "", "HUMAN_AGENT", "HUMAN_AGENT"][: len(tags)]
    assert len(tags) == (4 if is_approved else 2)
    assert not [each for each in graph.refused if each[0] == "messages"]


async def test_a_reply_that_waited_leaves_by_the_rule_of_the_day_it_leaves(house: House) -> None:
    """A dead token holds it up until the first day is over; then the tag is needed, or it is too late."""
    graph = house.world.graph
    page = graph.pages["104"]
    page.is_human_agent_approved = True
    await approve(house)
    await graph.write(PSID, "Hello")
    row = await house.row("Ada Moreno")
    page.token_error = 463
    first = await house.reply(row["id"], "Written on the first day")
    await house.until(lambda: paused(house))
    await pass_time(house, timedelta(hours=30))
    page.token_error = None
    await resume(house)
    await house.until_state(first, "sent", "delivered")
    assert [(taken.text, taken.tag) for taken in graph.received(PSID)] == [("Written on the first day", "HUMAN_AGENT")]
    page.token_error = 463
    second = await house.reply(row["id"], "Written on the second day")
    await house.until(lambda: paused(house))
    await pass_time(house, timedelta(days=8))
    page.token_error = None
    await resume(house)
    failed = await house.until_state(second, "failed")
    assert failed["deliveries"][0]["code"] == "window_closed"
    with pytest.raises(RuntimeError, match="window_closed"):
        await house.admin.ask("POST", f"/api/deliveries/{failed['deliveries'][0]['id']}/retry")
    assert len(graph.received(PSID)) == 1
    assert {each[1] for each in graph.refused if each[0] == "messages"} == {190}


async def paused(house: House) -> bool:
    connections = await house.admin.ask("GET", "/api/connections")
    return any(channel["state"] == "paused" for each in connections for channel in each["channels"])


async def resume(house: House) -> None:
    connections = await house.admin.ask("GET", "/api/connections")
    messenger = next(each["id"] for each in connections if each["connector"] == "messenger")
    assert await house.hub.connections.probe(messenger)


@pytest.mark.parametrize("at_ms", [0, 4102444800000], ids=["1970", "2100"])
async def test_a_time_that_cannot_be_true_opens_no_endless_window(house: House, at_ms: int) -> None:
    graph = house.world.graph
    element = {
        "sender": {"id": PSID},
        "recipient": {"id": "104"},
        "timestamp": at_ms,
        "message": {"mid": "m", "text": "Hi"},
    }
    await graph.send_raw_event("104", element)
    row = await house.row("Ada Moreno")
    assert row["policy"]["allowed"]
    assert datetime.fromisoformat(row["policy"]["until"]) <= house.clock() + DAY
