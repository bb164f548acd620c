"""Routes for files: an agent's uploads, and the files of messages."""

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from aiohttp import web

from omnibox.blobs import Blobs
from omnibox.inbox.intake import clean, masked_file
from omnibox.inbox.pictures import bitmap_of
from omnibox.inbox.pictures import find as find_picture
from omnibox.masking import CARDS, Masked, Rules, mask_raw, rules_of
from omnibox.secrets import random_token
from omnibox.store import Reader, Transaction
from omnibox.store.tables import attachment, channel, conversation
from omnibox.web import models
from omnibox.web.api import ApiError, Ask, door, not_found, route
from omnibox.web.hub import Hub

UPLOAD_TIMEOUT_S = 120
LONGEST_NAME = 200
CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]*/[a-z0-9][a-z0-9.+-]*")
UNSAFE_NAME = re.compile(r"[\x00-\x1f\x7f/\\\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@route("POST", "/api/uploads", may="reply", status=201, takes="multipart/form-data")
async def upload(ask: Ask) -> models.Upload:
    """A file for a reply that is being written; it is swept after a day if no reply takes it."""
    kept = await keep_upload(ask.request, ask.hub, f"agent:{ask.agent.id}")
    return models.Upload(**kept)


async def keep_upload(request: web.Request, hub: Hub, uploader: str, rules: Rules = CARDS) -> dict[str, Any]:
    """Store the one part named `file` of a form; returns id, name, content type and size."""
    most = hub.most_file_bytes
    if (request.content_length or 0) > most + 10_000:
        raise _too_large(most)
    if request.content_type != "multipart/form-data":
        raise ApiError(415, "form_only", "The body must be a form with a file.", "Send multipart/form-data.")
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            name, content_type, content = await _read_file(request, most)
    except TimeoutError:
        raise ApiError(408, "too_slow", "The file did not arrive.", "Send it again.") from None
    except ValueError:
        raise ApiError(400, "unreadable", "The form cannot be read.") from None
    return await store_file(hub, uploader, name, content_type, content, rules)


async def _read_file(request: web.Request, most: int) -> tuple[str, str, bytes]:
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, web.BodyPartReader if hasattr(web, "BodyPartReader") else object):
            continue
        if getattr(part, "name", None) != "file":
            continue
        content = bytearray()
        while chunk := await part.read_chunk(1 << 16):  # type: ignore[union-attr]
            content += chunk
            if len(content) > most:
                raise _too_large(most)
        declared = part.headers.get("Content-Type", "")
        return part.filename or "", declared, bytes(content)  # type: ignore[union-attr]
    raise ApiError(422, "invalid", "The form holds no file.", None, [("file", "Please choose a file.")])


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"The file is larger than {most // 1_000_000} MB.", "Send a smaller one.")


async def store_file(
    hub: Hub, uploader: str, name: str, declared: str, content: bytes, rules: Rules = CARDS
) -> dict[str, Any]:
    shown = clean_name(name, rules)
    content_type = type_of(content, declared, name)
    content = await masked_file(content, content_type, rules)
    blob = await hub.blobs.put(content)
    row = {
        "key": random_token(),
        "uploader": uploader,
        "name": shown,
        "content_type": content_type,
        "size": len(content),
        "blob": blob,
        "state": "ready",
        "created_at": hub.clock(),
    }
    await hub.store.write(partial(_insert, row=row))
    return {"id": row["key"], "name": shown, "content_type": content_type, "size": len(content)}


def _insert(tx: Transaction, row: dict[str, Any]) -> None:
    tx.execute(sa.insert(attachment), row)


async def mask_uploads(hub: Hub, conversation_id: int, uploader: str, keys: Sequence[str]) -> None:
    """Hide in uploaded files what the channel on which they will leave hides besides card numbers."""
    patterns, rows = await hub.store.read(partial(_patterns_and_files, conversation_id, uploader, keys))
    rules = rules_of(patterns)
    for row in rows if rules.patterns else ():
        before = await hub.blobs.get(row.blob)
        after = await masked_file(before, row.content_type, rules)
        values: dict[str, Any] = {"name": None if row.name is None else rules.mask(row.name)}
        if after != before:
            values |= {"blob": await hub.blobs.put(after), "size": len(after)}
        await hub.store.write(partial(_replace, attachment_id=row.id, values=values))


def _patterns_and_files(
    conversation_id: int, uploader: str, keys: Sequence[str], tx: Reader
) -> tuple[str | None, list[sa.Row[Any]]]:
    of_channel = sa.select(channel.c.patterns).join(conversation, conversation.c.channel_id == channel.c.id)
    patterns = tx.execute(of_channel.where(conversation.c.id == conversation_id)).scalar()
    mine = attachment.c.key.in_(keys), attachment.c.uploader == uploader, attachment.c.message_id.is_(None)
    return patterns, list(tx.execute(sa.select(attachment).where(*mine)).all()) if patterns else []


def _replace(tx: Transaction, attachment_id: int, values: dict[str, Any]) -> None:
    tx.execute(sa.update(attachment).where(attachment.c.id == attachment_id).values(values))


def clean_name(name: str, rules: Rules = CARDS) -> Masked:
    """A name to show: no path, no control or direction characters, masked."""
    last = re.split(r"[/\\]", clean(name))[-1]
    whole = rules.mask(
        mask_raw(UNSAFE_NAME.sub("", last).strip(" ."))
    )  # before the cut: half a number is not known as one
    return rules.mask(whole[:LONGEST_NAME] or "file")


def type_of(content: bytes, declared: str, name: str) -> str:
    """What the bytes are where that shows, else what sender or name say; a bitmap only ever by its bytes."""
    if bitmap := bitmap_of(content):
        return bitmap
    kind = declared.partition(";")[0].strip().lower() or mimetypes.guess_type(name)[0] or ""
    if not CONTENT_TYPE.fullmatch(kind) or (kind.startswith("image/") and kind != "image/svg+xml"):
        return "application/octet-stream"
    return kind


@door("GET", "/api/files/{key}", may="read")
async def get_file(ask: Ask, key: str) -> web.Response:
    """A file of a message: shown inline only where its bytes are a bitmap, else to be saved."""
    row = await ask.hub.store.read(partial(find_file, key=key))
    if row is None:
        raise not_found("This file")
    return await file_response(ask.hub.blobs, row.blob, row.name)


@door("GET", "/api/contacts/{id}/picture", may="read")
async def get_picture(ask: Ask, id: int) -> web.Response:
    """What a platform shows of a person."""
    blob = await ask.hub.store.read(partial(find_picture, contact_id=id))
    if blob is None:
        raise not_found("This picture")
    return await file_response(ask.hub.blobs, blob, "picture")


def find_file(tx: Reader, key: str) -> sa.Row[Any] | None:
    return tx.execute(sa.select(attachment).where(attachment.c.key == key, attachment.c.state == "ready")).first()


async def file_response(blobs: Blobs, blob: str, name: str | None) -> web.Response:
    try:
        content = await blobs.get(blob)
    except FileNotFoundError:
        raise not_found("This file") from None
    kind = type_of(content, "", "")
    is_bitmap = kind.startswith("image/")
    name = name or "file"
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    disposition = "inline" if is_bitmap else "attachment"
    headers = {
        "Content-Disposition": f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, max-age=86400, immutable",
    }
    shown = kind if is_bitmap else "application/octet-stream"
    return web.Response(body=content, content_type=shown, headers=headers)
