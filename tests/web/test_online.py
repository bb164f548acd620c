"""What a visitor knows of the agents: whether somebody is there now, not only at the visitor's own coming."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.web.house import House
from tests.web.lines import Line, greet, line, screen, until

from omnibox.store import Reader, StoreUnavailable
from omnibox.visitors import tokens

SHOP = "https://shop.example.com"


@pytest.fixture
async def site(house: House) -> str:
    """The public key of a website's chat."""
    admin = await house.browser("admin")
    made = (await admin.post("/api/connections", {"connector": "webchat", "name": "Chat"})).json["id"]
    assert (await admin.post(f"/api/connections/{made}/enable")).status == 200
    body = {"name": "Shop", "settings": {"origins": [SHOP], "title": "Ask the shop"}}
    channel = await admin.post(f"/api/connections/{made}/channels", body)
    house.hub.screens.grace_s = house.hub.visitors_here.grace_s = 0  # who closes the last tab has left at once
    return re.findall(r'data-site="([^"]+)"', channel.json["snippet"])[0]  # type: ignore[no-any-return]


@asynccontextmanager
async def visitor(house: House, site: str) -> AsyncIterator[tuple[Line, dict[str, object]]]:
    async with line(house, f"/w/ws?site={site}", f"Origin: {SHOP}") as end:
        end.say(t="hello", v=1, token="", epoch="", cursor=None)
        yield end, await end.hear_frame("welcome")


async def test_visitors_hear_when_the_first_agent_comes_and_the_last_one_leaves(house: House, site: str) -> None:
    """After a restart a visitor is back before the agents: «Nobody is here» must not stand above an answer."""
    async with visitor(house, site) as (early, welcome):
        assert welcome["config"]["online"] is False  # type: ignore[index]
        async with screen(house) as first:
            await greet(house, first)
            again = await early.hear_frame("welcome")
            assert (again["config"]["online"], again["config"]["title"]) == (True, "Ask the shop")
            # Nothing in it that would have the page begin anew, or take it for somebody else.
            assert {"cursor", "messages", "token"}.isdisjoint(again)
            assert again["epoch"] == welcome["epoch"]
            async with screen(house, who="admin") as second, visitor(house, site) as (_, late):
                snapshot = (await (await house.browser("admin")).get("/api/snapshot")).json
                second.say(t="hello", v=1, token=snapshot["pass"], epoch=snapshot["epoch"], cursor=snapshot["seq"])
                await second.hear_frame("welcome")
                assert late["config"]["online"] is True  # type: ignore[index]
        gone = await early.hear_frame("welcome")  # the first one since: nobody is told of a second agent
        assert gone["config"]["online"] is False


async def test_an_agent_whose_screen_polls_is_there_too(house: House, site: str) -> None:
    """As every screen may for a while after a restart."""
    async with visitor(house, site) as (chat, _):
        browser = await house.browser("agent")
        snapshot = (await browser.get("/api/snapshot")).json
        path = f"/api/events?after={snapshot['seq']}&epoch={snapshot['epoch']}&wait=1"
        polling = asyncio.create_task(browser.get(path))
        assert (await chat.hear_frame("welcome"))["config"]["online"] is True
        assert (await polling).json["t"] == "events"
        assert (await chat.hear_frame("welcome"))["config"]["online"] is False  # no grace here, see `site`


async def test_an_agent_who_switched_off_is_not_there_for_visitors(house: House, site: str) -> None:
    """As the profile page promises: «customers see that nobody is there»."""
    async with screen(house) as end, visitor(house, site) as (chat, welcome):
        await greet(house, end)
        if not welcome["config"]["online"]:  # type: ignore[index]
            welcome = await chat.hear_frame("welcome")
        browser = await house.browser("agent")
        for is_on in (False, True):
            assert (await browser.patch("/api/me", {"is_on": is_on})).status == 200
            assert (await chat.hear_frame("welcome"))["config"]["online"] is is_on
        assert (await browser.patch("/api/me", {"is_on": False})).status == 200
        assert (await chat.hear_frame("welcome"))["config"]["online"] is False
    async with screen(house) as end, visitor(house, site) as (_, welcome):
        await greet(house, end)
        assert welcome["config"]["online"] is False  # type: ignore[index]


async def test_an_agent_who_comes_while_a_visitor_is_being_welcomed_is_not_missed(
    house: House, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, right = asyncio.get_running_loop(), tokens.conversation_state

    async def come() -> None:
        house.hub.screens.opened(house.ids["agent"])
        await until(house.hub.anybody_online)

    def overtaken(tx: Reader, identity_id: int) -> str:
        """What the welcome reads last takes so long that an agent comes meanwhile."""
        asyncio.run_coroutine_threadsafe(come(), loop).result(10)
        return right(tx, identity_id)

    monkeypatch.setattr(tokens, "conversation_state", overtaken)
    async with visitor(house, site) as (_, welcome):
        assert welcome["config"]["online"] is True  # type: ignore[index]


async def test_a_visitor_who_polls_hears_it_too(house: House, site: str) -> None:
    async with visitor(house, site) as (_, welcome):
        token, seq, epoch = welcome["token"], welcome["cursor"], welcome["epoch"]
    await until(lambda: not house.hub.visitors_here.own())
    browser = await house.browser()
    path = f"/w/events?site={site}&after={seq}&epoch={epoch}&wait=25"
    headers = {"Origin": SHOP, "Authorization": f"Bearer {token}"}
    polling = asyncio.create_task(browser.get(path, headers=headers))
    await until(house.hub.visitors_here.own)
    async with screen(house) as end:
        await greet(house, end)
        async with asyncio.timeout(10):
            answer = await polling
    assert (answer.json["t"], answer.json["config"]["online"]) == ("welcome", True)


async def test_a_look_that_the_store_could_not_answer_is_repeated(
    house: House, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AwayAtFirst:
        asked = 0

        async def read(self, ask: Callable[[Reader], bool]) -> bool:
            self.asked += 1
            if self.asked == 1:
                raise StoreUnavailable("away")
            return await house.store.read(ask)

    away = AwayAtFirst()
    monkeypatch.setattr("omnibox.web.hints.BEAT_S", 0.01)
    monkeypatch.setattr(house.hub.hints, "store", away)
    assert (await (await house.browser("agent")).patch("/api/me", {"is_on": False})).status == 200
    async with screen(house) as end:
        await greet(house, end)
        await until(lambda: away.asked > 1)
        assert not house.hub.anybody_online()
