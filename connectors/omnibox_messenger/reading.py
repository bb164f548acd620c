"""What we ask the Graph API about people and threads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal

from omnibox.connector import Outbound, Profile, SendError, Sent, Temporary, Uncertain
from omnibox_messenger.decoding import elements, identifier, member, milliseconds, moment, text
from omnibox_messenger.graph import AsyncBot

CLOSE, SKEWED = timedelta(minutes=2), timedelta(hours=26)
PAGE_OF_MESSAGES = 50
PATIENCE_S = 30.0  # for a turn: later parts of the conversation wait for the answer, and a minute is given for it


async def profile(bot: AsyncBot, address: str) -> Profile:
    """The person's name and picture; a stopgap where Meta tells neither: usual without its extra permission."""
    try:
        await bot.pace.turn("other", is_urgent=False)
        found = await bot.get(address, {"fields": "first_name,last_name,profile_pic"})
    except (Temporary, Uncertain):
        raise Temporary("messenger.temporary") from None
    except SendError:
        found = {}
    names = [text(found.get(name)) or "" for name in ("first_name", "last_name")]
    name = " ".join(part.strip() for part in names if part.strip())
    picture = text(found.get("profile_pic")) or ""
    return Profile(address, bot.page, name or f"Messenger user {address[-4:]}", is_stopgap=not name, picture=picture)


async def look_up(bot: AsyncBot, part: Outbound) -> Sent | Literal["absent", "unknown"]:
    """Whether the part stands in the thread, read back through the Conversations API.

    Meta does not return our metadata there. A message of ours with the same text, sent no earlier than two minutes
    before the part was written and not known under another part's id, is the part. A file cannot be compared: an
    unknown message without text leaves it unknown, and so does the same text up to a day earlier, since then a clock
    may be wrong. Nor can buttons and cards, whose text is not given back there. What lies beyond the newest 50 messages
    is unknown too. Raises a `SendError` where Meta does not tell.
    """
    fields = f"messages.limit({PAGE_OF_MESSAGES}){{id,message,created_time,from}}"
    asked = {"platform": "messenger", "user_id": part.address, "fields": fields}
    await bot.pace.turn("thread", patience_s=PATIENCE_S)
    answer = await bot.get(f"{bot.page}/conversations", asked)
    threads = answer.get("data")
    if not isinstance(threads, list):
        return "unknown"
    messages = [message for thread in threads for message in elements(member(member(thread, "messages"), "data"))]
    is_template = part.offer is not None and bool(part.offer.buttons or part.offer.cards)
    alike = [
        (mid, said, at)
        for mid, said, at in _candidates(messages, part, bot.page)
        if _words(said) == _words(part.text) or (is_template and not said)
    ]
    since = [mid for mid, said, at in alike if said and at >= part.written_at - CLOSE]
    if since and part.text:
        return Sent(since[-1])  # the newest comes first: of two equal ones take the older
    if alike:
        return "unknown"  # a file looks like any other, and a clock may have been wrong by more than that
    return "absent" if _reaches_back(messages, part) else "unknown"


def _candidates(messages: list[object], part: Outbound, page: str) -> Iterator[tuple[str, str, datetime]]:
    """What the page said about then and nobody knows yet: id, words and time, the newest first."""
    for message in messages:
        mid, at_ms = identifier(member(message, "id")), milliseconds(member(message, "created_time"))
        is_ours = identifier(member(message, "from")) == page
        if mid and at_ms and is_ours and mid not in part.refs and moment(at_ms) >= part.written_at - SKEWED:
            yield mid, text(member(message, "message")) or "", moment(at_ms)


def _reaches_back(messages: list[object], part: Outbound) -> bool:
    """Whether the answer holds everything since the part was written."""
    if len(messages) < PAGE_OF_MESSAGES:
        return True
    times = [milliseconds(member(message, "created_time")) for message in messages]
    return any(at_ms and moment(at_ms) < part.written_at - CLOSE for at_ms in times)


def _words(said: str) -> list[str]:
    """The text without regard to white space, which Meta trims and joins."""
    return said.split()
