"""`/messenger_profile` as the simulated Graph API plays it: what a page shows before the first message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from omnibox.testing.world.graph_rules import Refused

if TYPE_CHECKING:
    from omnibox.testing.world.graph_records import Page

PROPERTIES = frozenset({"greeting", "get_started", "ice_breakers", "persistent_menu"})
CALLS, WITHIN_MS = 10, 10 * 60 * 1000


def change(page: Page, body: Mapping[str, Any], now_ms: int) -> object:
    """Set or delete properties; raises `Refused`."""
    page.profile_calls = [at_ms for at_ms in page.profile_calls if now_ms - at_ms < WITHIN_MS]
    if len(page.profile_calls) >= CALLS:
        raise Refused(613, None, "Calls to this api have exceeded the rate limit.")
    page.profile_calls.append(now_ms)
    if body.get("method") == "delete":
        return _delete(page, body.get("fields"))
    odd = sorted(set(body) - PROPERTIES)
    if odd or not body:
        raise Refused(100, None, f"Unexpected key {odd[:1]} on the messenger profile")
    for name, value in body.items():
        _CHECKS[name](value)
    after = page.profile | dict(body)
    if "persistent_menu" in after and "get_started" not in after:
        raise Refused(100, 2018145, "You must set a Get Started button if you also wish to use persistent menu")
    page.profile = after
    return {"result": "success"}


def _delete(page: Page, names: object) -> object:
    if not isinstance(names, list) or not names or set(names) - PROPERTIES:
        raise Refused(100, None, "Param fields must be an array")
    left = {name: value for name, value in page.profile.items() if name not in names}
    if "persistent_menu" in left and "get_started" not in left:
        raise Refused(100, 2018145, "You must set a Get Started button if you also wish to use persistent menu")
    page.profile = left
    return {"result": "success"}


def _greeting(value: Any) -> None:
    for each in _localised(value, "greeting"):
        if not 0 < len(each.get("text", "")) <= 160:
            raise Refused(100, None, "Param greeting[0][text] must be at most 160 characters")


def _get_started(value: Any) -> None:
    if not isinstance(value, dict) or not 0 < len(value.get("payload", "")) <= 1000:
        raise Refused(100, None, "Param get_started[payload] must be a non-empty string")


def _ice_breakers(value: Any) -> None:
    for each in _localised(value, "ice_breakers"):
        actions = each.get("call_to_actions", [])
        if not 0 < len(actions) <= 4:
            raise Refused(100, None, "Param ice_breakers must have at most 4 questions")
        if any(not 0 < len(action["question"]) <= 80 or len(action["payload"]) > 1000 for action in actions):
            raise Refused(100, None, "Param ice_breakers[question] must be at most 80 characters")


def _menu(value: Any) -> None:
    for each in _localised(value, "persistent_menu"):
        actions = each.get("call_to_actions", [])
        if not 0 < len(actions) <= 20:
            raise Refused(100, None, "Param persistent_menu must have at most 20 items")
        for action in actions:
            _entry(action)


def _entry(action: Mapping[str, Any]) -> None:
    if not 0 < len(action.get("title", "")) <= 30:
        raise Refused(100, None, "Param persistent_menu[title] must be at most 30 characters")
    if action.get("type") == "web_url" and str(action.get("url", "")).startswith(("http://", "https://")):
        if "blocked.example" in str(action["url"]):
            raise Refused(100, 2018109, "Param persistent_menu[url] is not allowed by Meta")
        return
    if action.get("type") != "postback" or not 0 < len(action.get("payload", "")) <= 1000:
        raise Refused(100, None, "Param persistent_menu[type] must be web_url or postback")


def _localised(value: Any, name: str) -> list[dict[str, Any]]:
    is_right = isinstance(value, list) and any(each.get("locale") == "default" for each in value)
    if not is_right:
        raise Refused(100, None, f"Param {name} must have the locale default")
    found: list[dict[str, Any]] = value
    return found


_CHECKS = {
    "greeting": _greeting,
    "get_started": _get_started,
    "ice_breakers": _ice_breakers,
    "persistent_menu": _menu,
}
