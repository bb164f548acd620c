"""One part of a reply on its way to Meta: upload where it holds a file, then the send itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from omnibox.connector import Context, Outbound, OutboundFile, Rejected, Sent, Signal, Temporary, Uncertain
from omnibox_messenger.errors import UPLOAD_AGAIN
from omnibox_messenger.graph import AsyncBot
from omnibox_messenger.rendering import action, body, media_type, quick_replies

LARGEST_FILE = 25 * 1024 * 1024
UPLOAD_LASTS = timedelta(days=80)  # Meta forgets one after 90 days
UPLOAD_TIMEOUT_S = 60.0


async def send(context: Context, bot: AsyncBot, part: Outbound) -> Sent:
    """Deliver the part; raises a `SendError`. Up to `part.leaving()` nothing a person could see has happened."""
    if len(part.files) + bool(part.text) != 1:
        raise Rejected("messenger.bad_request")  # Meta takes a text or one file; parts() cuts a reply so
    if part.text:
        return await _post(bot, part, {"text": part.text})
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
        return await _post(bot, part, _attachment(file, known or await _upload(context, bot, file, key)))
    except Rejected as error:
        if error.code not in UPLOAD_AGAIN:
            raise
    return await _post(bot, part, _attachment(file, await _upload(context, bot, file, key)))


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


async def _post(bot: AsyncBot, part: Outbound, message: dict[str, Any]) -> Sent:
    """Our part id goes along as metadata, so that Meta's echo confirms the part even if the answer is lost."""
    try:
        said = {**message, **quick_replies(part.quick_replies), "metadata": part.id}
        payload = body(part.address, said, part.mode)
    except ValueError:
        raise Rejected("messenger.bad_request") from None
    await bot.pace.turn("text" if "text" in message else "media")
    await part.leaving()
    answer = await bot.send_raw(payload)
    found = answer.get("message_id")
    if not isinstance(found, str) or not found:
        raise Uncertain("messenger.odd_answer")
    return Sent(found)
