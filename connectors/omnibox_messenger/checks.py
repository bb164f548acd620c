"""The findings of the set-up button, and the probe that ends a pause."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from omnibox.connector import ChannelDown, ChannelSettings, Check, Context, SendError, Temporary
from omnibox_messenger.decoding import elements, flag, identifier, member, milliseconds, moment, text
from omnibox_messenger.graph import AsyncBot
from omnibox_messenger.rendering import GRAPH

FIELDS = (
    "messages",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_deliveries",
    "message_reads",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
)
"""The webhook fields a page is subscribed to."""

ENDS = {
    "20.0": date(2026, 9, 24),
    "21.0": date(2027, 1, 21),
    "22.0": date(2027, 5, 20),
    "25.0": date(2028, 7, 29),
}
"""Last day of a Graph version (Meta's changelog, November 2026). A version that is not listed has no known end."""

NOTICE = timedelta(days=60)

_FAILED = "Meta did not answer as it should"


def wrong(name: str, why: str, cure: str) -> Check:
    return Check(name, ok=False, why=why, cure=cure)


def _fine(name: str, why: str = "") -> Check:
    return Check(name, ok=True, why=why)


def settings_checks(context: Context, today: date | None = None) -> list[Check]:
    """What can be said without asking Meta."""
    secret = str(context.settings.get("app_secret") or "")
    plausible = re.fullmatch(r"[0-9a-f]{32}", secret) is not None
    found = [
        Check(
            "App secret",
            plausible,
            "" if plausible else "It does not look like one: 32 characters, digits and the letters a to f.",
            "" if plausible else "Copy it again: App settings → Basic → App secret → Show.",
        ),
        version_check(str(context.settings.get("graph_version") or "26.0"), today or datetime.now(UTC).date()),
    ]
    if str(context.settings.get("graph_base") or GRAPH).rstrip("/") == GRAPH:
        found.append(_address_check(context.hook_url))
    return found


def version_check(version: str, today: date) -> Check:
    """Whether the Graph version lives for another 60 days."""
    ends = ENDS.get(version)
    if ends is None or ends - today > NOTICE:
        return _fine("Graph version", f"Version {version}.")
    state = "ended" if ends < today else "ends"
    return wrong("Graph version", f"Version {version} {state} on {ends}.", "Set Graph version to a newer one.")


def _address_check(hook_url: str) -> Check:
    is_public = hook_url.startswith("https://")
    why = "" if is_public else "Meta calls only https addresses with a publicly trusted certificate."
    return Check(
        "Public address", is_public, why, "" if is_public else "Put omnibox behind https and set its public address."
    )


async def page_checks(bot: AsyncBot, channel: ChannelSettings, app_id: str) -> AsyncIterator[Check]:
    """Token and subscription of one page."""
    token = await _token_check(bot, channel)
    yield token
    if not token.ok:
        yield Check(f"Webhook fields of {channel.address}", None, "Could not be read without a working token.")
        return
    if app_id:
        yield await _life_check(bot, channel, app_id)
    yield await _fields_check(bot, channel, app_id)


async def _token_check(bot: AsyncBot, channel: ChannelSettings) -> Check:
    name = f"Page access token of {channel.address}"
    cure = "Make a new page access token in the app (Messenger → Settings → Access tokens) and paste it here."
    try:
        found = await bot.get("me", {"fields": "id"})
    except SendError as error:
        return _failure(name, error, cure)
    page = identifier(found.get("id"))
    if page == channel.address:
        return _fine(name)
    return wrong(name, f"The token belongs to page {page or 'unknown'}.", "Paste the token of this page.")


def _failure(name: str, error: SendError, cure: str) -> Check:
    if isinstance(error, Temporary):
        return Check(name, None, f"{_FAILED} ({error.code}).", "Try again in a few minutes.")
    why = "Meta refuses it" if isinstance(error, ChannelDown) else _FAILED
    return wrong(name, f"{why} ({error.code}).", cure)


async def _life_check(bot: AsyncBot, channel: ChannelSettings, app_id: str) -> Check:
    """How long the token lives and what it may do. Only the owner of the app is told."""
    name = f"Life of the token of {channel.address}"
    try:
        answer = await bot.debug_token(app_id)
    except SendError as error:
        return _failure(name, error, "Check App ID and App secret: both must be of the same app.")
    found = member(answer, "data")
    scopes = {text(scope) for scope in elements(member(found, "scopes"))}
    if not flag(member(found, "is_valid")):
        return wrong(name, "Meta calls the token invalid.", "Make a new page access token and paste it here.")
    if identifier(member(found, "app_id")) != app_id:
        return wrong(name, "The token was made for another app.", "Make the token in this app.")
    if "pages_messaging" not in scopes:
        return wrong(name, "The token may not send messages.", "Make it again with the permission pages_messaging.")
    ends_ms = milliseconds(member(found, "expires_at"))  # 0: never
    if ends_ms and moment(ends_ms) - datetime.now(UTC) < NOTICE:
        ends = moment(ends_ms).date()
        return wrong(name, f"The token ends on {ends}.", "Make a page access token from a long-lived user token.")
    return _fine(name)


async def _fields_check(bot: AsyncBot, channel: ChannelSettings, app_id: str) -> Check:
    name = f"Webhook fields of {channel.address}"
    cure = "In the app open Messenger → Settings → Webhooks and add the fields to this page."
    try:
        answer = await bot.get(f"{bot.page}/subscribed_apps", {"fields": "id,subscribed_fields"})
    except SendError as error:
        return _failure(name, error, cure)
    apps = elements(answer.get("data"))
    ours = [app for app in apps if not app_id or identifier(member(app, "id")) == app_id]
    if not ours:
        return wrong(name, "The page is not subscribed to the app: no message arrives.", cure)
    have = {text(field) for app in ours for field in elements(member(app, "subscribed_fields"))}
    missing = [field for field in FIELDS if field not in have]
    return Check(name, not missing, f"Missing: {', '.join(missing)}." if missing else "", cure if missing else "")


async def webhook_check(bot: AsyncBot | None, context: Context, app_id: str) -> Check:
    """Whether Meta has this connection's address as the app's webhook. Only the app itself is told."""
    name = "Webhook address"
    cure = "In the app open Messenger → Settings → Webhooks, enter the address and the verify token, and press Verify."
    if bot is None or not app_id:
        return Check(
            name, None, "Only Meta knows, and it tells nobody but the app.", f"Fill in App ID to check it. {cure}"
        )
    try:
        answer = await bot.get_as_app(app_id, f"{app_id}/subscriptions")
    except SendError as error:
        return _failure(name, error, "Check App ID and App secret: both must be of the same app.")
    pages = [found for found in elements(answer.get("data")) if member(found, "object") == "page"]
    if not any(text(member(found, "callback_url")) == context.hook_url for found in pages):
        return wrong(name, "Meta does not call this connection's address.", cure)
    is_active = any(flag(member(found, "active")) for found in pages)
    return Check(name, is_active, "" if is_active else "Meta has switched the webhook off.", "" if is_active else cure)


def channels_check(channels: Any) -> Check:
    """Whether there is a page at all."""
    found = bool(channels)
    return Check(
        "Pages", found, "" if found else "No page yet.", "" if found else "Add a channel with the page's id and token."
    )
