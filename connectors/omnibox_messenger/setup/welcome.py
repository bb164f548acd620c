"""What a person sees before they write: greeting, get-started button, questions to start with, menu.

Limits of Meta's pages on the Messenger profile (read November 2026). Questions go before the button where both are set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from omnibox.connector import Answer, BadSettings, Context, Field, Refusal, SendError
from omnibox_messenger.decoding import decode, integer, member, text

if TYPE_CHECKING:
    from omnibox_messenger.graph import AsyncBot

LONGEST_GREETING = 160
MOST_QUESTIONS, LONGEST_QUESTION = 4, 80
MOST_ENTRIES, LONGEST_TITLE = 20, 30
LONGEST_URL = 2_000
GET_STARTED = "GET_STARTED"
KEEP = timedelta(days=400)
GROUP = "Welcome"

FIELDS = (
    Field(
        "greeting",
        kind="long",
        title="Greeting",
        help=f"Shown before the first message; at most {LONGEST_GREETING} characters.",
        group=GROUP,
    ),
    Field(
        "get_started",
        kind="boolean",
        title="Get started button",
        help="People press it to begin. It comes with the menu in any case.",
        default=False,
        group=GROUP,
    ),
    Field(
        "ice_breakers",
        kind="long",
        title="Questions to start with",
        help=f"One per line: at most {MOST_QUESTIONS}, each of at most {LONGEST_QUESTION} characters. "
        "They are shown instead of the Get started button.",
        group=GROUP,
    ),
    Field(
        "menu",
        kind="long",
        title="Menu",
        help=f"One entry per line: at most {MOST_ENTRIES}, titles of at most {LONGEST_TITLE} characters. "
        "«Title | https://…» opens a page; a title alone is sent to you as a message.",
        placeholder="Opening hours\nShop | https://example.com",
        group=GROUP,
    ),
)

_SETTING_OF = {
    "greeting": "greeting",
    "get_started": "get_started",
    "ice_breakers": "ice_breakers",
    "persistent_menu": "menu",
}
_LAST_FIRST = ("persistent_menu", "ice_breakers", "greeting", "get_started")  # the menu hangs on the button


def wanted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of the page's profile, as Meta takes them; raises `BadSettings` naming the setting."""
    found: dict[str, Any] = {}
    greeting = str(settings.get("greeting") or "").strip()
    if len(greeting) > LONGEST_GREETING:
        raise BadSettings(f"the greeting has more than {LONGEST_GREETING} characters", "greeting")
    if greeting:
        found["greeting"] = [{"locale": "default", "text": greeting}]
    questions = _questions(settings)
    if questions:
        actions = [{"question": each, "payload": each} for each in questions]
        found["ice_breakers"] = [{"locale": "default", "call_to_actions": actions}]
    entries = [_entry(line) for line in _lines(settings, "menu")]
    if len(entries) > MOST_ENTRIES:
        raise BadSettings(f"the menu has more than {MOST_ENTRIES} entries", "menu")
    if entries:
        menu = {"locale": "default", "composer_input_disabled": False, "call_to_actions": entries}
        found["persistent_menu"] = [menu]
    if entries or settings.get("get_started"):
        found["get_started"] = {"payload": GET_STARTED}
    return found


async def apply(context: Context, bot: AsyncBot, settings: Mapping[str, Any]) -> None:
    """Tell Meta what has changed since it was told last; what was never set here is left as it is.

    Raises `BadSettings` naming the setting that Meta does not take, or a `SendError`.
    """
    async with bot.telling:
        await _tell(context, bot, wanted(settings))


async def _tell(context: Context, bot: AsyncBot, properties: Mapping[str, Any]) -> None:
    key = f"welcome:{bot.page}"
    told = _told(await context.recall(key))
    now = {name: _digest(value) for name, value in properties.items()}
    if now == told:
        return
    changed = {name: value for name, value in properties.items() if told.get(name) != now[name]}
    dropped = [name for name in _LAST_FIRST if name in told and name not in now]
    kept = dict(told)
    if dropped:  # a menu that goes must go before the button does
        await _post(bot, {"fields": dropped, "method": "delete"})
        kept = {name: value for name, value in kept.items() if name not in dropped}
        await context.remember(key, json.dumps(kept), datetime.now(UTC) + KEEP)
    if changed:
        await _post(bot, changed)
    await context.remember(key, json.dumps(now), datetime.now(UTC) + KEEP)


async def _post(bot: AsyncBot, body: Mapping[str, Any]) -> None:
    blamed: list[str] = []
    try:
        answer = await bot.http.post(
            f"{bot.graph_url}/{bot.page}/messenger_profile",
            json=dict(body),
            headers={"Authorization": f"Bearer {bot.access_token}"},
            params=bot.auth_args,
            refusal=_blaming(bot.refusal, blamed),
        )
    except SendError:
        if blamed:
            raise BadSettings("Meta does not take this as it is: shorten or change it", blamed[0]) from None
        raise
    del answer  # {"result": "success"}


def _blaming(refusal: Refusal, blamed: list[str]) -> Refusal:
    """As the table of errors; notes which of our properties an invalid parameter is, by Meta's own name for it."""

    def judge(answer: Answer) -> SendError | None:
        error = member(answer.json, "error")
        if integer(member(error, "code")) == 100:
            said = text(member(error, "message")) or ""
            blamed.extend(setting for name, setting in _SETTING_OF.items() if name in said)
        return refusal(answer)

    return judge


def _questions(settings: Mapping[str, Any]) -> list[str]:
    found = _lines(settings, "ice_breakers")
    if len(found) > MOST_QUESTIONS:
        raise BadSettings(f"there are more than {MOST_QUESTIONS} questions", "ice_breakers")
    if any(len(each) > LONGEST_QUESTION for each in found):
        raise BadSettings(f"a question has more than {LONGEST_QUESTION} characters", "ice_breakers")
    if len(set(found)) < len(found):
        raise BadSettings("a question stands there twice", "ice_breakers")
    return found


def _entry(line: str) -> dict[str, str]:
    title, bar, url = (part.strip() for part in line.partition("|"))
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadSettings(f"a title in the menu has 1 to {LONGEST_TITLE} characters", "menu")
    if not bar:
        return {"type": "postback", "title": title, "payload": title}
    if not url.startswith(("https://", "http://")) or len(url) > LONGEST_URL or len(url.split()) != 1:
        raise BadSettings("after the bar stands a full address, such as https://example.com", "menu")
    return {"type": "web_url", "title": title, "url": url}


def _lines(settings: Mapping[str, Any], name: str) -> list[str]:
    return [line.strip() for line in str(settings.get(name) or "").splitlines() if line.strip()]


def _told(stored: str | None) -> dict[str, str]:
    try:
        found = decode((stored or "{}").encode())
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
