"""Personas: whom the customer sees as the author of an answer, made at Meta once for each agent and page."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from omnibox.connector import Context, Outbound, SendError, Temporary, Uncertain
from omnibox_messenger.decoding import identifier
from omnibox_messenger.graph import AsyncBot

KEEP = timedelta(days=400)
REFUSED, AGAIN = "refused", timedelta(days=1)


async def find(context: Context, bot: AsyncBot, part: Outbound) -> str | None:
    """Meta's id of the agent's persona; None where the page does not want one, and where there is none to be had.

    An answer never waits for it, nor fails because of it: it leaves as the page's then. Meta wants a picture.
    """
    if not part.author or not part.picture or not context.channel(bot.page).settings.get("personas"):
        return None
    key = _key(bot, part)
    known = await context.recall(key)
    if known is None:
        known = await _make(context, bot, part, key)
    return None if known == REFUSED else known


async def drop(context: Context, bot: AsyncBot, part: Outbound) -> None:
    """Meta does not take the persona: for a day the agent answers as the page."""
    await context.remember(_key(bot, part), REFUSED, datetime.now(UTC) + AGAIN)


async def _make(context: Context, bot: AsyncBot, part: Outbound, key: str) -> str:
    wanted: dict[str, Any] = {"name": part.author, "profile_picture_url": part.picture}
    try:
        await bot.pace.turn("other", is_urgent=False)
        made = identifier(await bot.post(f"{bot.page}/personas", json=wanted))
    except (Temporary, Uncertain):
        return REFUSED  # for this answer; the next one asks again
    except SendError:
        made = None
    if made is None:
        await drop(context, bot, part)
        return REFUSED
    await context.remember(key, made, datetime.now(UTC) + KEEP)
    return made


def _key(bot: AsyncBot, part: Outbound) -> str:
    """Another name or picture is another persona."""
    seen = hashlib.sha256(f"{part.author}\0{part.picture}".encode()).hexdigest()
    return f"persona:{bot.page}:{seen[:32]}"
