"""What goes wrong at Meta with a connection that ran: it is shown, set right where it can be, and nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from tests.web.messenger.conftest import CAFE, CUSTOMERS, OLIVIA, SHOP, Stage, outcome, until

from omnibox import upkeep
from omnibox.connector import Upkept
from omnibox.inbox import problems
from omnibox.jobs import forget
from omnibox.testing.world.graph import FIELDS, Fault
from omnibox_messenger import Messenger
from omnibox_messenger.health.probing import Look


async def a_day_later(stage: Stage, hours: float = 25) -> None:
    """What the daily work does to the connection; done here, lest it be done beside the test."""
    await stage.house.hub.store.write(lambda tx: forget(tx, problems.UPKEEP, str(stage.id)))
    stage.house.clock.advance(hours=hours)
    await upkeep.tend(stage.house.hub.connections, stage.id)


async def state_of(stage: Stage, page: str) -> tuple[str, str | None]:
    channel = await stage.channel(page)
    return channel["state"], channel["health"]["code"]


async def test_replies_wait_for_a_dead_token_and_leave_in_order_when_there_is_a_new_one(stage: Stage) -> None:
    await stage.live(SHOP, CAFE)
    for page in (SHOP, CAFE):
        await stage.graph.write(CUSTOMERS[page], "Hello")
        assert await stage.texts(page) == ["Hello"]
    shop = stage.graph.pages[SHOP]
    shop.token_error = 463
    for text in ("One", "Two", "Three"):
        await stage.reply(SHOP, text)
    await stage.reply(CAFE, "Meanwhile")
    await until(lambda: _is(stage.received(CAFE) == ["Meanwhile"]))  # the other page goes on

    async def paused() -> bool:
        return await state_of(stage, SHOP) == ("paused", "messenger.token_dead")

    await until(paused)
    channel = await stage.channel(SHOP)
    assert channel["health"]["is_down"] is True
    assert "new one" in channel["health"]["why"]
    assert channel["waiting"] == 3
    assert (await stage.shown())["consent"]["is_needed"] is True

    # While nobody can read for the page, its subscription goes too, and somebody writes.
    shop.subscribed_fields.clear()
    await stage.graph.write(CUSTOMERS[SHOP], "Are you")
    await stage.graph.write(CUSTOMERS[SHOP], "still there?")
    await stage.graph.settled()
    stage.house.clock.advance(minutes=5)
    stage.graph.pages[SHOP] = replace(shop, token="EAAnew", token_error=None)
    pasted = await stage.admin.patch(f"/api/channels/{channel['id']}", {"settings": {"page_access_token": "EAAnew"}})
    assert pasted.status == 200, pasted.body
    assert (pasted.json["state"], pasted.json["health"]["code"]) == ("active", None)
    await until(lambda: _is(stage.received(SHOP) == ["One", "Two", "Three"]))
    assert set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)

    async def filled() -> bool:
        return {"Are you", "still there?"} <= set(await stage.texts(SHOP))

    await until(filled)
    said = await stage.texts(SHOP)
    assert [text for text in said if text in ("Hello", "Are you", "still there?")] == [
        "Hello",
        "Are you",
        "still there?",
    ]
    assert len(said) == len(set(said)) == 6


async def test_a_dead_token_is_cured_by_consent_too(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.graph.write(CUSTOMERS[SHOP], "Hello")
    await stage.conversation(SHOP)
    stage.graph.pages[SHOP].token_error = 460
    await a_day_later(stage)
    assert await state_of(stage, SHOP) == ("paused", "messenger.token_dead")
    await stage.graph.write(CUSTOMERS[SHOP], "Anybody?")  # opens the window again, a day later
    await until(lambda: _has(stage, SHOP, "Anybody?"))
    await stage.reply(SHOP, "We are back")
    assert outcome(await stage.sign_in(OLIVIA)) == "choose"
    assert await state_of(stage, SHOP) == ("active", None)
    await until(lambda: _is(stage.received(SHOP) == ["We are back"]))


async def test_a_lost_subscription_is_renewed_and_what_was_missed_is_fetched_in_order(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.graph.write(CUSTOMERS[SHOP], "First")
    assert await stage.texts(SHOP) == ["First"]
    stage.graph.pages[SHOP].subscribed_fields.clear()
    for text in ("Second", "Third"):
        stage.house.clock.advance(minutes=1)
        await stage.graph.write(CUSTOMERS[SHOP], text)
    await stage.graph.settled()
    assert await stage.texts(SHOP) == ["First"]
    await a_day_later(stage, hours=0.5)  # before the hourly look for what was missed
    assert set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)
    assert await state_of(stage, SHOP) == ("active", None)
    await until(lambda: _has(stage, SHOP, "Third"))
    assert await stage.texts(SHOP) == ["First", "Second", "Third"]


async def test_a_subscription_that_is_refused_shows_until_it_is_there_again(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.graph.write(CUSTOMERS[SHOP], "First")
    await stage.conversation(SHOP)
    page = stage.graph.pages[SHOP]
    page.subscribed_fields.clear()
    page.takes_subscriptions = False
    await a_day_later(stage, hours=1)
    channel = await stage.channel(SHOP)
    assert (channel["state"], channel["health"]["code"]) == ("active", "messenger.subscription_lost")
    assert (channel["health"]["is_down"], channel["health"]["is_deaf"]) == (False, True)
    assert "messages" in channel["health"]["why"]  # the fields that are missing
    since = channel["health"]["since"]
    await stage.graph.write(CUSTOMERS[SHOP], "Second")
    await stage.reply(SHOP, "Still answering")  # and a sent reply does not hide it
    await until(lambda: _is(stage.received(SHOP) == ["Still answering"]))
    await a_day_later(stage, hours=1)
    assert (await stage.channel(SHOP))["health"]["since"] == since
    page.takes_subscriptions = True
    await a_day_later(stage, hours=1)
    assert await state_of(stage, SHOP) == ("active", None)
    await until(lambda: _has(stage, SHOP, "Second"))


async def test_a_field_that_is_missing_is_added_without_a_word(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.pages[SHOP].subscribed_fields.remove("message_reads")
    await a_day_later(stage)
    assert set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)
    assert await state_of(stage, SHOP) == ("active", None)


async def test_a_webhook_that_meta_switched_off_is_registered_again(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.webhook_fields_active = False
    await a_day_later(stage)
    assert stage.graph.webhook_fields_active is True
    assert (await stage.shown())["problems"] == []


async def test_a_webhook_of_somebody_else_is_left_alone_and_shown(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.hooks.url = "http://127.0.0.1:9/other"
    await a_day_later(stage)
    assert stage.graph.hooks.url == "http://127.0.0.1:9/other"
    (problem,) = (await stage.shown())["problems"]
    assert (problem["code"], problem["is_deaf"]) == ("messenger.webhook_elsewhere", True)
    assert (await stage.channel(SHOP))["health"]["code"] == "messenger.webhook_elsewhere"  # and so in the inbox


async def test_a_handshake_that_fails_shows(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.hooks.url = ""
    stage.graph.fail(Fault(status=400, code=2200, edge="subscriptions", times=2))
    await a_day_later(stage)  # the question fails
    assert [each["code"] for each in (await stage.shown())["problems"]] == ["messenger.app_refused"]
    await a_day_later(stage)
    await a_day_later(stage)
    assert (await stage.shown())["problems"] == []


@pytest.mark.parametrize("states", [{"pages_messaging": "unapproved"}, {"pages_show_list": "live"}])
async def test_an_app_in_development_shows(stage: Stage, states: Mapping[str, str]) -> None:
    await stage.live(SHOP)
    stage.graph.permissions = dict(states)
    await a_day_later(stage)
    (problem,) = (await stage.shown())["problems"]
    assert (problem["code"], problem["is_down"]) == ("messenger.app_in_development", False)
    assert "Live" in problem["why"]
    stage.graph.permissions = {}  # not every app is told: then nothing is claimed
    await a_day_later(stage)
    assert (await stage.shown())["problems"] == []


async def test_a_token_without_the_permission_pauses_and_names_it(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.pages[SHOP].scopes = ("pages_show_list",)
    await a_day_later(stage)
    channel = await stage.channel(SHOP)
    assert (channel["state"], channel["health"]["code"]) == ("paused", "messenger.permission_missing")
    assert "pages_messaging" in channel["health"]["why"]
    stage.graph.pages[SHOP].scopes = ("pages_messaging",)
    await a_day_later(stage)
    assert await state_of(stage, SHOP) == ("active", None)


async def test_the_token_of_another_page_pauses(stage: Stage) -> None:
    await stage.live(SHOP)
    channel = await stage.channel(SHOP)
    token = stage.graph.pages[CAFE].token
    await stage.admin.patch(f"/api/channels/{channel['id']}", {"settings": {"page_access_token": token}})
    assert await state_of(stage, SHOP) == ("paused", "messenger.token_other_page")


async def test_a_restriction_ends_by_a_person_alone(stage: Stage) -> None:
    await stage.live(SHOP)
    await stage.graph.write(CUSTOMERS[SHOP], "Hello")
    await stage.conversation(SHOP)
    stage.graph.fail(Fault(status=400, code=10, subcode=1893063))
    await stage.reply(SHOP, "Hi")

    async def restricted() -> bool:
        return await state_of(stage, SHOP) == ("paused", "messenger.restricted")

    await until(restricted)
    await a_day_later(stage)
    assert await restricted()
    await stage.graph.write(CUSTOMERS[SHOP], "Hello?")
    await stage.enable()
    await until(lambda: _is(stage.received(SHOP) == ["Hi"]))


@pytest.mark.parametrize("edge", ["me", "subscribed_apps", "debug_token", "subscriptions"])
async def test_what_meta_does_not_answer_stays_as_it_was(stage: Stage, edge: str) -> None:
    await stage.live(SHOP)
    stage.graph.pages[SHOP].scopes = ("pages_show_list",)
    await a_day_later(stage)
    assert await state_of(stage, SHOP) == ("paused", "messenger.permission_missing")
    stage.graph.fail(Fault(status=500, code=2, edge=edge))
    await a_day_later(stage)
    assert await state_of(stage, SHOP) == ("paused", "messenger.permission_missing")


async def test_one_dead_page_leaves_the_other_alone(stage: Stage) -> None:
    await stage.live(SHOP, CAFE)
    stage.graph.pages[SHOP].token_error = 460
    await a_day_later(stage)
    assert await state_of(stage, SHOP) == ("paused", "messenger.token_dead")
    assert await state_of(stage, CAFE) == ("active", None)


async def test_every_agent_hears_of_it_and_only_admins_see_the_settings(stage: Stage) -> None:
    await stage.live(SHOP)
    agent = await stage.house.browser("agent")
    stage.graph.pages[SHOP].token_error = 460
    await a_day_later(stage)
    snapshot = (await agent.get("/api/snapshot")).json
    (channel,) = [each for each in snapshot["channels"] if each["address"] == SHOP]
    assert (channel["state"], channel["health"]["code"]) == ("paused", "messenger.token_dead")
    assert "settings" not in channel or channel["settings"] is None


async def test_the_daily_work_is_on_the_list_once_a_connection_runs(stage: Stage) -> None:
    await stage.live(SHOP)
    stage.graph.pages[SHOP].subscribed_fields.clear()
    stage.house.clock.advance(hours=25)
    await until(lambda: _is(set(stage.graph.pages[SHOP].subscribed_fields) == set(FIELDS)))


# ── Pure


async def seen(stage: Stage, today: date, **app: Any) -> Upkept:
    live = stage.house.hub.connections.find(stage.id)
    assert live is not None
    messenger = cast("Messenger", live.connector)
    probe = Look(live.context, replace(messenger._app, **app), messenger._bot, lambda _: None, "")
    return await probe.all(today)


@pytest.mark.parametrize(
    ("version", "days", "code"),
    [
        ("26.0", 0, None),
        ("22.0", 61, None),
        ("22.0", 60, "messenger.version_ends"),
        ("22.0", 0, "messenger.version_ends"),
        ("22.0", -1, "messenger.version_ended"),
    ],
)
async def test_the_end_of_a_version_shows_sixty_days_ahead(
    stage: Stage, version: str, days: int, code: str | None
) -> None:
    await stage.live(SHOP)
    found = await seen(stage, date(2027, 5, 20) - timedelta(days=days), version=version)
    problems = [each for each in found.problems if "version" in each.code]
    assert [each.code for each in problems] == ([] if code is None else [code])
    assert all(each.facts == {"version": "22.0", "ends": "2027-05-20"} for each in problems)


async def test_the_end_of_a_token_shows_two_weeks_ahead(stage: Stage) -> None:
    await stage.live(SHOP)
    for days, shown in ((20, False), (10, True)):
        from time import time

        stage.graph.pages[SHOP].token_ends_at = int(time()) + days * 86_400
        found = await seen(stage, date(2026, 11, 22))
        assert [each.code for each in found.problems] == (["messenger.token_ends"] if shown else [])


def test_every_state_has_words_with_a_cure_and_all_its_holes_are_filled() -> None:
    holes = {"missing", "ends", "version", "setting"}
    for what, cure in Messenger.errors.values():
        assert cure
        assert {part.partition("}")[0] for part in f"{what} {cure}".split("{")[1:]} <= holes


async def _is(holds: bool) -> bool:
    return holds


async def _has(stage: Stage, page: str, text: str) -> bool:
    return text in await stage.texts(page)


async def test_what_meta_says_of_the_page_itself_is_a_problem_of_the_page_until_it_is_over(stage: Stage) -> None:
    await stage.live(SHOP)

    async def problems() -> list[str]:
        (page,) = (await stage.shown())["channels"]
        return [each["code"] for each in page["problems"]]

    async def says(action: str) -> list[str]:
        event = {"recipient": {"id": SHOP}, "timestamp": stage.graph.now_ms()}
        await stage.graph.send_raw_event(SHOP, event | {"policy_enforcement": {"action": action, "reason": "Spam"}})
        await stage.graph.settled()
        return await problems()

    assert await says("warning") == ["messenger.policy_warning"]
    assert await says("block") == ["messenger.policy_block", "messenger.policy_warning"]
    assert (await state_of(stage, SHOP))[0] == "active"  # what a send may do, Meta's answer to it says
    await a_day_later(stage, hours=1)
    assert await says("unblock") == ["messenger.policy_warning"]
    await a_day_later(stage)
    assert await problems() == []
