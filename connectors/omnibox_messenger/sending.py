"""One part of a reply on its way to Meta: upload where it holds a file, then the send itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from omnibox.connector import Context, Outbound, OutboundFile, Rejected, Sent, Signal, Temporary, Uncertain
from omnibox_messenger import offering, personas
from omnibox_messenger.errors import UPLOAD_AGAIN
from omnibox_messenger.graph import AsyncBot
from omnibox_messenger.rendering import action, body, media_type

LARGEST_FILE = 25 * 1024 * 1024
UPLOAD_LASTS = timedelta(days=80)  # Meta forgets one after 90 days
UPLOAD_TIMEOUT_S = 60.0


async def send(context: Context, bot: AsyncBot, part: Outbound) -> Sent:
    """Deliver the part; raises a `SendError`. Up to `part.leaving()` nothing a person could see has happened."""
    has_cards = part.offer is not None and bool(part.offer.cards)
    if len(part.files) + bool(part.text) + has_cards != 1:
        raise Rejected("messenger.bad_request")  # Meta takes a text, one file or cards; parts() cuts a reply so
    if not part.files:
        return await _post(context, bot, part, {})
    return await _send_file(context, bot, part, part.files[0])


async def signal(bot: AsyncBot, address: str, what: Signal) -> None:
    """Show the person that somebody types, or has read; raises a `SendError`."""
    await bot.pace.turn("other", is_urgent=False)
    await bot.post(f"{bot.page}/messages", json=action(address, what))


async def _send_file(context: Context, bot: AsyncBot, part: Outbound, file: OutboundFile) -> Sent:
    if file.size > LARGEST_FILE:
        raise Rejected("messenger.attachment_too_large")
    key = f"upload:{bot.page}:{file.key}"
    known = await context.recall(key)
    try:
        return await _post(context, bot, part, _attachment(file, known or await _upload(context, bot, file, key)))
    except Rejected as error:
        if error.code not in UPLOAD_AGAIN:
            raise
    return await _post(context, bot, part, _attachment(file, await _upload(context, bot, file, key)))


def _attachment(file: OutboundFile, attachment_id: str) -> dict[str, Any]:
    return {"attachment": {"type": media_type(file.content_type), "payload": {"attachment_id": attachment_id}}}


async def _upload(context: Context, bot: AsyncBot, file: OutboundFile, key: str) -> str:
    """Meta's id of the uploaded file. A lost answer is no doubt about the message: nobody has seen the file yet."""
    described = {"attachment": {"type": media_type(file.content_type), "payload": {"is_reusable": True}}}
    form: dict[str, str | tuple[str, bytes, str]] = {
        "message": json.dumps(described),
        "filedata": (file.name, await file.read(), file.content_type),
    }
    await bot.pace.turn("media")
    try:
        answer = await bot.post(f"{bot.page}/message_attachments", form=form, timeout_s=UPLOAD_TIMEOUT_S)
    except Uncertain:
        raise Temporary("messenger.upload_unanswered") from None
    found = answer.get("attachment_id")
    if not isinstance(found, str) or not found:
        raise Temporary("messenger.upload_unanswered")
    await context.remember(key, found, datetime.now(UTC) + UPLOAD_LASTS)
    return found


async def _post(context: Context, bot: AsyncBot, part: Outbound, message: dict[str, Any]) -> Sent:
    """Our part id goes along as metadata, so that Meta's echo confirms the part even if the answer is lost."""
    said = {**offering.message(part.text, part.offer), **message, "metadata": part.id}
    try:
        payload = body(part.address, said, part.mode)
    except ValueError:
        raise Rejected("messenger.bad_request") from None
    persona = await personas.find(context, bot, part)
    await bot.pace.turn("media" if part.files else "text")
    await part.leaving()
    answer = await _send_as(context, bot, part, payload, persona)
    found = answer.get("message_id")
    if not isinstance(found, str) or not found:
        raise Uncertain("messenger.odd_answer")
    return Sent(found)


async def _send_as(
    context: Context, bot: AsyncBot, part: Outbound, payload: dict[str, Any], persona: str | None
) -> dict[str, Any]:
    """As the agent; where Meta refuses just that, nothing was sent, and the page says it."""
    if persona is None:
        return await bot.send_raw(payload)
    try:
        return await bot.send_raw({**payload, "persona_id": persona})
    except Rejected as error:
        if error.code != "messenger.bad_request":
            raise
    answer = await bot.send_raw(payload)
    await personas.drop(context, bot, part)
    return answer
