"""The door to a message's HTML: a page for a frame that runs nothing and loads nothing."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import b64encode
from functools import partial
from typing import Any

import sqlalchemy as sa
from aiohttp import web

from omnibox import html
from omnibox.blobs import Blobs
from omnibox.store import Reader
from omnibox.store.tables import attachment, message
from omnibox.web.api import Ask, Id, door, not_found
from omnibox.web.files import type_of

_STYLE_HASH = b64encode(hashlib.sha256(html.STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",
        "img-src data:",  # pictures are inside the page, so that not even our own addresses can be asked
        f"style-src 'sha256-{_STYLE_HASH}'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
        "sandbox allow-popups allow-popups-to-escape-sandbox",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "SAMEORIGIN",
    "Cache-Control": "private, no-store",
}


@door("GET", "/api/messages/{id}/html", may="read")
async def read_original(ask: Ask, id: Id) -> web.Response:
    """The HTML of a message, as it came but harmless, for a frame of the inbox."""
    found = await ask.hub.store.read(partial(_find, message_id=id))
    if found is None:
        raise not_found("The original of this message")
    row, files = found
    wanted = html.content_ids(row.html)
    pictures = await _read_pictures(ask.hub.blobs, [file for file in files if file.content_id in wanted])
    page = await asyncio.to_thread(html.page_of, row.html, row.text, pictures)
    return web.Response(text=page, content_type="text/html", charset="utf-8", headers=HEADERS)


def _find(tx: Reader, message_id: int) -> tuple[sa.Row[Any], list[sa.Row[Any]]] | None:
    """The message that has HTML, and those of its own files that HTML may show."""
    wanted = sa.select(message.c.html, message.c.text).where(
        message.c.id == message_id, message.c.html.is_not(None), message.c.deleted_at.is_(None)
    )
    row = tx.execute(wanted).first()
    if row is None:
        return None
    own = sa.select(attachment.c.content_id, attachment.c.blob, attachment.c.size).where(
        attachment.c.message_id == message_id, attachment.c.state == "ready", attachment.c.content_id.is_not(None)
    )
    return row, list(tx.execute(own.order_by(attachment.c.id)))


async def _read_pictures(blobs: Blobs, files: list[sa.Row[Any]]) -> dict[str, tuple[str, bytes]]:
    """Type and bytes by content id, of what is a bitmap by its bytes; the first ones, as many as there is room for."""
    pictures: dict[str, tuple[str, bytes]] = {}
    left = html.MOST_PICTURES
    for file in files:
        if file.content_id in pictures or file.size is None or file.size > left:
            continue
        left -= file.size
        try:
            content = await blobs.get(file.blob)
        except FileNotFoundError:
            continue  # shown as a picture that is missing
        kind = type_of(content, "", "")
        if kind.startswith("image/"):
            pictures[file.content_id] = kind, content
    return pictures
