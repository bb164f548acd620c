"""What a page shows before the first message: set in omnibox, told to Meta where it changed, refused at the field."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.house import Answer
from tests.web.messenger.conftest import SHOP, Stage

from omnibox.testing.world.graph import Fault

MENU = "Opening hours\nShop | https://shop.example/all"


async def save(stage: Stage, **settings: Any) -> Answer:
    channel = await stage.channel(SHOP)
    return await stage.admin.patch(f"/api/channels/{channel['id']}", {"settings": settings})


def told(stage: Stage) -> int:
    return sum(edge == "messenger_profile" for _, edge in stage.graph.asked)


async def test_the_welcome_is_told_once_and_taken_back_when_it_goes(stage: Stage) -> None:
    await stage.live(SHOP)
    assert told(stage) == 0  # what was set elsewhere is left alone
    page = stage.graph.pages[SHOP]
    saved = await save(stage, greeting="Welcome!", ice_breakers="Where is my order?\nAre you open?", menu=MENU)
    assert saved.status == 200, saved.body
    assert page.profile == {
        "greeting": [{"locale": "default", "text": "Welcome!"}],
        "get_started": {"payload": "GET_STARTED"},
        "ice_breakers": [
            {
                "locale": "default",
                "call_to_actions": [
                    {"question": "Where is my order?", "payload": "Where is my order?"},
                    {"question": "Are you open?", "payload": "Are you open?"},
                ],
            }
        ],
        "persistent_menu": [
            {
                "locale": "default",
                "composer_input_disabled": False,
                "call_to_actions": [
                    {"type": "postback", "title": "Opening hours", "payload": "Opening hours"},
                    {"type": "web_url", "title": "Shop", "url": "https://shop.example/all"},
                ],
            }
        ],
    }
    assert told(stage) == 1
    assert (await save(stage, human_agent=True)).status == 200
    assert told(stage) == 1  # nothing of it has changed
    assert (await save(stage, greeting="Hello!")).status == 200
    assert (page.profile["greeting"][0]["text"], told(stage)) == ("Hello!", 2)
    assert (await save(stage, menu="", greeting=None, get_started=False)).status == 200
    assert list(page.profile) == ["ice_breakers"]
    assert told(stage) == 3
    assert (await save(stage, ice_breakers="")).status == 200
    assert (page.profile, told(stage)) == ({}, 4)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"greeting": "x" * 161}, "greeting"),
        ({"ice_breakers": "a\nb\nc\nd\ne"}, "ice_breakers"),
        ({"ice_breakers": "x" * 81}, "ice_breakers"),
        ({"ice_breakers": "a\na"}, "ice_breakers"),
        ({"menu": "x" * 31}, "menu"),
        ({"menu": "Shop | javascript:alert(1)"}, "menu"),
        ({"menu": "Shop | https://a b"}, "menu"),
        ({"menu": "| https://shop.example"}, "menu"),
        ({"menu": "\n".join(str(number) for number in range(21))}, "menu"),
        ({"menu": "Shop | https://blocked.example"}, "menu"),  # only Meta knows that
    ],
)
async def test_what_meta_would_not_take_is_shown_at_the_setting_and_not_kept(
    stage: Stage, settings: dict[str, str], field: str
) -> None:
    await stage.live(SHOP)
    refused = await save(stage, **settings)
    assert (refused.status, refused.json["error"]["fields"][0]["path"]) == (422, f"settings.{field}")
    assert field not in (await stage.channel(SHOP))["settings"]
    assert stage.graph.pages[SHOP].profile == {}
    assert (await save(stage, greeting="Welcome!")).status == 200  # and nothing is in the way


@pytest.mark.parametrize(
    "settings",
    [
        {"greeting": "x" * 160},
        {"ice_breakers": "\n".join(letter * 80 for letter in "abcd")},
        {"menu": "\n".join(f"{number:030}" for number in range(20))},
    ],
)
async def test_what_is_just_short_enough_is_taken(stage: Stage, settings: dict[str, str]) -> None:
    await stage.live(SHOP)
    assert (await save(stage, **settings)).status == 200
    assert len(stage.graph.pages[SHOP].profile) >= 1


async def test_what_meta_did_not_answer_is_told_again(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.fail(Fault(status=500, code=2, edge="messenger_profile", times=2))
    assert (await save(stage, greeting="Welcome!")).status == 200
    assert stage.graph.pages[SHOP].profile == {}
    await stage.enable()
    assert "greeting" in stage.graph.pages[SHOP].profile


async def test_two_pages_have_their_own(stage: Stage) -> None:
    await stage.live(SHOP, "105")
    await save(stage, greeting="Welcome!")
    assert stage.graph.pages["105"].profile == {}
