"""Answers as the agent who writes them: made at Meta once, dropped where Meta does not want them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.inbox.conftest import house as house  # the fixture
from tests.inbox.house import House

from omnibox.connector import ChannelSettings, Rejected
from omnibox.testing.world.demo import PAGE as DEMO_PAGE
from omnibox.testing.world.demo import PSID as ADA
from omnibox.testing.world.graph import Fault

from .conftest import PAGE, PSID, Shop

ANA: dict[str, Any] = {"author": "Ana", "picture": "https://shop.example/ana.jpg"}


@pytest.fixture
async def open_shop(shop: Shop) -> Shop:
    token = shop.graph.pages[PAGE].token
    shop.context.channels = [ChannelSettings(PAGE, "", {"page_access_token": token, "personas": True})]
    await shop.graph.write(PSID, "hello")
    return shop


def seen(shop: Shop) -> list[str]:
    return [taken.persona for taken in shop.graph.received(PSID)]


def made(shop: Shop) -> int:
    return sum(edge == "personas" for _, edge in shop.graph.asked)


async def test_a_persona_is_made_once_for_each_name_and_picture(open_shop: Shop) -> None:
    for author in ("Ana", "Ana", "Ben", "Ana"):
        await open_shop.messenger.send(open_shop.reply(**ANA | {"author": author}))
    assert seen(open_shop) == ["Ana", "Ana", "Ben", "Ana"]
    assert made(open_shop) == 2


@pytest.mark.parametrize("lacking", ["author", "picture", "setting"])
async def test_without_a_name_a_picture_or_the_setting_the_page_answers(open_shop: Shop, lacking: str) -> None:
    if lacking == "setting":
        token = open_shop.graph.pages[PAGE].token
        open_shop.context.channels = [ChannelSettings(PAGE, "", {"page_access_token": token})]
    await open_shop.messenger.send(open_shop.reply(**ANA | {lacking: ""} if lacking != "setting" else ANA))
    assert (seen(open_shop), made(open_shop)) == ([""], 0)


async def test_where_meta_makes_none_the_page_answers_and_does_not_ask_each_time(open_shop: Shop) -> None:
    open_shop.graph.pages[PAGE].takes_personas = False
    for _ in range(3):
        await open_shop.messenger.send(open_shop.reply(**ANA))
    assert (seen(open_shop), made(open_shop)) == (["", "", ""], 1)


async def test_a_persona_that_meta_no_longer_knows_is_dropped_and_the_answer_leaves(open_shop: Shop) -> None:
    await open_shop.messenger.send(open_shop.reply(**ANA))
    open_shop.graph.pages[PAGE].personas.clear()
    for _ in range(2):
        await open_shop.messenger.send(open_shop.reply(**ANA))
    assert seen(open_shop) == ["Ana", "", ""]
    assert len(open_shop.graph.refused) == 1


async def test_a_message_that_meta_refuses_is_no_fault_of_the_persona(open_shop: Shop) -> None:
    await open_shop.messenger.send(open_shop.reply(**ANA))
    with pytest.raises(Rejected):
        await open_shop.messenger.send(open_shop.reply("x" * 2001, **ANA))
    await open_shop.messenger.send(open_shop.reply(**ANA))
    assert seen(open_shop) == ["Ana", "Ana"]


async def test_nothing_is_lost_while_personas_do_not_answer(open_shop: Shop) -> None:
    open_shop.graph.fail(Fault("error", code=2, edge="personas"))
    for _ in range(2):
        await open_shop.messenger.send(open_shop.reply(**ANA))
    assert seen(open_shop) == ["", "Ana"]


async def test_the_agents_profile_is_what_the_customer_sees(house: House) -> None:
    await house.admin.ask("PATCH", "/api/me", {"picture": "https://brightleaf.example/olivia.jpg"})
    channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
    page = next(each["id"] for each in channels if each["address"] == DEMO_PAGE)
    await house.admin.ask("PATCH", f"/api/channels/{page}", {"settings": {"personas": True}})
    await house.world.graph.write(ADA, "Hello")
    ada = await house.row("Ada Moreno")
    await house.until_state(await house.reply(ada["id"], "Hello Ada"), "delivered")
    assert [taken.persona for taken in house.world.graph.received(ADA)] == ["Olivia Owner"]
