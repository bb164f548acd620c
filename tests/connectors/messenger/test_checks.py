"""The check: what it finds, page by page, and what it says to do."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from omnibox.connector import BadSettings, ChannelSettings, Check
from omnibox.testing.context import KitContext, with_defaults
from omnibox.testing.world.graph import Fault
from omnibox_messenger import Messenger
from omnibox_messenger.checks import FIELDS, settings_checks, version_check

from .conftest import PAGE, VERIFY, Shop


async def check(shop: Shop, **changed: Any) -> dict[str, Check]:
    settings = dict(shop.context.settings) | changed
    shop.context.settings = type(shop.context.settings)(settings)
    return {found.name: found async for found in Messenger(shop.context).check()}


async def test_all_is_well(shop: Shop) -> None:
    found = await check(shop, app_id=shop.graph.app_id)
    assert {name: item.ok for name, item in found.items()} == dict.fromkeys(
        [
            "App secret",
            "Graph version",
            "Pages",
            f"Page access token of {PAGE}",
            f"Life of the token of {PAGE}",
            f"Webhook fields of {PAGE}",
            "Webhook address",
        ],
        True,
    )


async def test_without_app_id_the_webhook_is_unknown(shop: Shop) -> None:
    found = await check(shop)
    assert found["Webhook address"].ok is None
    assert "App ID" in found["Webhook address"].cure
    assert f"Life of the token of {PAGE}" not in found


async def test_the_missing_fields_are_named(shop: Shop) -> None:
    shop.graph.pages[PAGE].subscribed_fields = [name for name in FIELDS if name not in ("messages", "standby")]
    found = (await check(shop))[f"Webhook fields of {PAGE}"]
    assert (found.ok, found.why) == (False, "Missing: messages, standby.")
    assert found.cure


async def test_a_page_that_is_not_subscribed_is_found(shop: Shop) -> None:
    shop.graph.pages[PAGE].subscribed_fields = []
    assert "not subscribed" in (await check(shop))[f"Webhook fields of {PAGE}"].why


async def test_a_dead_token_is_found_and_the_rest_is_left_open(shop: Shop) -> None:
    shop.graph.pages[PAGE].token_error = 460
    found = await check(shop, app_id=shop.graph.app_id)
    assert found[f"Page access token of {PAGE}"].ok is False
    assert "messenger.token_dead" in found[f"Page access token of {PAGE}"].why
    assert found[f"Webhook fields of {PAGE}"].ok is None
    assert found["Webhook address"].ok is True


async def test_the_token_of_another_page_is_found(shop: Shop) -> None:
    other = shop.graph.add_page("117300425598342", "Second shop")
    shop.context.channels = [ChannelSettings(PAGE, "", {"page_access_token": other.token})]
    found = (await check(shop))[f"Page access token of {PAGE}"]
    assert (found.ok, other.id in found.why) == (False, True)


async def test_a_missing_token_is_named(shop: Shop) -> None:
    shop.context.channels = [ChannelSettings(PAGE, "", {})]
    assert (await check(shop))[f"Page access token of {PAGE}"].ok is False


async def test_a_graph_that_does_not_answer_leaves_it_open(shop: Shop) -> None:
    shop.graph.fail(Fault(status=500, code=2, edge="me"))
    assert (await check(shop))[f"Page access token of {PAGE}"].ok is None


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"token_ends_at": int(time.time()) + 20 * 86_400}, "ends on"),
        ({"scopes": ("pages_show_list",)}, "may not send"),
    ],
)
async def test_a_token_that_will_fail_is_found_before(shop: Shop, changed: Mapping[str, Any], word: str) -> None:
    shop.graph.pages[PAGE] = replace(shop.graph.pages[PAGE], **changed)
    found = (await check(shop, app_id=shop.graph.app_id))[f"Life of the token of {PAGE}"]
    assert (found.ok, word in found.why) == (False, True)


async def test_a_token_that_lasts_is_fine(shop: Shop) -> None:
    shop.graph.pages[PAGE].token_ends_at = int(time.time()) + 100 * 86_400
    assert (await check(shop, app_id=shop.graph.app_id))[f"Life of the token of {PAGE}"].ok is True


async def test_an_app_id_of_another_app_is_found(shop: Shop) -> None:
    found = await check(shop, app_id="1234")
    assert found[f"Life of the token of {PAGE}"].ok is False
    assert found["Webhook address"].ok is False


async def test_a_webhook_that_goes_elsewhere_or_is_off_is_found(shop: Shop) -> None:
    shop.graph.webhook_fields_active = False
    assert "switched the webhook off" in (await check(shop, app_id=shop.graph.app_id))["Webhook address"].why
    shop.graph.hooks.url = "https://elsewhere.example/hook"
    assert "does not call" in (await check(shop, app_id=shop.graph.app_id))["Webhook address"].why
    shop.graph.hooks.url = ""
    assert (await check(shop, app_id=shop.graph.app_id))["Webhook address"].ok is False


async def test_a_connection_without_a_page_is_found(shop: Shop) -> None:
    shop.context.channels = []
    found = await check(shop)
    assert (found["Pages"].ok, found["Webhook address"].ok) == (False, None)


async def test_no_finding_holds_a_secret(shop: Shop) -> None:
    found = str(await check(shop, app_id=shop.graph.app_id)) + str(shop.context.log.lines)
    assert shop.graph.app_secret not in found
    assert shop.graph.pages[PAGE].token not in found


@pytest.mark.parametrize(
    ("version", "today", "ok"),
    [
        ("26.0", date(2026, 11, 21), True),
        ("21.0", date(2026, 11, 21), True),
        ("21.0", date(2026, 11, 23), False),
        ("21.0", date(2027, 2, 1), False),
        ("20.0", date(2026, 11, 21), False),
        ("25.0", date(2026, 11, 21), True),
        ("99.0", date(2026, 11, 21), True),
    ],
)
def test_the_end_of_a_version_shows_sixty_days_ahead(version: str, today: date, ok: bool) -> None:
    assert version_check(version, today).ok is ok


def context(**settings: Any) -> KitContext:
    given = {"app_secret": "0" * 32, "verify_token": VERIFY} | settings
    return KitContext(with_defaults(Messenger.settings, given))


@pytest.mark.parametrize("secret", ["", "short", "0" * 31, "G" * 32, "A" * 32])
def test_an_implausible_secret_is_found(secret: str) -> None:
    assert settings_checks(context(app_secret=secret), date(2026, 11, 21))[0].ok is False


def test_the_real_graph_needs_a_public_address() -> None:
    asked = context()
    found = {item.name: item.ok for item in settings_checks(asked, date(2026, 11, 21))}
    assert found == {"App secret": True, "Graph version": True, "Public address": True}
    asked.hook_url = "http://127.0.0.1:8000/hooks/k"
    assert settings_checks(asked, date(2026, 11, 21))[-1].ok is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("graph_version", "newest"),
        ("graph_version", "v26"),
        ("graph_version", "26.0/../.."),
        ("graph_base", "ftp://graph.facebook.com"),
        ("graph_base", "https://graph.facebook.com/v26.0"),
        ("graph_base", "https://user:password@graph.facebook.com"),
        ("app_id", "my app"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Messenger(context(**{name: value}))
    assert caught.value.field == name
    assert value not in str(caught.value)


def test_a_version_may_be_written_with_its_v() -> None:
    assert Messenger(context(graph_version="v25.0"))
