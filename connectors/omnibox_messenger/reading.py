"""What we ask the Graph API about people and threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

from omnibox.connector import Outbound, Profile, SendError, Sent, Temporary, Uncertain
from omnibox_messenger.decoding import elements, identifier, member, milliseconds, moment, text
from omnibox_messenger.graph import AsyncBot

CLOSE = timedelta(minutes=2)
PAGE_OF_MESSAGES = 50


async def profile(bot: AsyncBot, address: str) -> Profile | None:
    """The person's name; None where Meta does not tell it, which is usual without its extra permission."""
    try:
        found = await bot.get(address, {"fields": "first_name,last_name"})
    except (Temporary, Uncertain):
        raise Temporary("messenger.temporary") from None
    except SendError:
        return None
    names = [text(found.get(name)) or "" for name in ("first_name", "last_name")]
    name = " ".join(part.strip() for part in names if part.strip())
    return Profile(address, bot.page, name) if name else None


async def look_up(bot: AsyncBot, part: Outbound) -> Sent | Literal["absent", "unknown"]:
    """Whether the part stands in the thread, read back through the Conversations API.

    Meta does not return our metadata there. A message of ours with the same text, sent no earlier than two minutes
    before the part was written and not known under another part's id, is the part. A file cannot be compared: a
    message without text in that time leaves it unknown. What lies beyond the newest 50 messages is unknown too.
    """
    fields = f"messages.limit({PAGE_OF_MESSAGES}){{id,message,created_time,from}}"
    try:
        asked = {"platform": "messenger", "user_id": part.address, "fields": fields}
        answer = await bot.get(f"{bot.page}/conversations", asked)
    except SendError:
        return "unknown"
    threads = answer.get("data")
    if not isinstance(threads, list):
        return "unknown"
    messages = [message for thread in threads for message in elements(member(member(thread, "messages"), "data"))]
    candidates = list(_candidates(messages, part, bot.page))
    if part.text:
        same = [mid for mid, said in candidates if _words(said) == _words(part.text)]
        if same:
            return Sent(same[-1])  # the newest comes first: of two equal ones take the older
    elif any(not said for _, said in candidates):
        return "unknown"
    return "absent" if _reaches_back(messages, part) else "unknown"


def _candidates(messages: list[object], part: Outbound, page: str) -> Iterator[tuple[str, str]]:
    for message in messages:
        mid, at_ms = identifier(member(message, "id")), milliseconds(member(message, "created_time"))
        is_ours = identifier(member(message, "from")) == page
        if mid and at_ms and is_ours and mid not in part.refs and moment(at_ms) >= part.written_at - CLOSE:
            yield mid, text(member(message, "message")) or ""


def _reaches_back(messages: list[object], part: Outbound) -> bool:
    """Whether the answer holds everything since the part was written."""
    if len(messages) < PAGE_OF_MESSAGES:
        return True
    times = [milliseconds(member(message, "created_time")) for message in messages]
    return any(at_ms and moment(at_ms) < part.written_at - CLOSE for at_ms in times)


def _words(said: str) -> list[str]:
    """The text without regard to white space, which Meta trims and joins."""
    return said.split()
