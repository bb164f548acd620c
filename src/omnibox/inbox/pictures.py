"""Pictures that platforms show of people: a small bitmap in our own file store, asked for again about once a month."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from omnibox.blobs import Blobs
from omnibox.connector import BadSettings, SendError
from omnibox.jobs import enqueue, forget
from omnibox.masking import mask_content
from omnibox.store import Reader, Transaction
from omnibox.store.tables import contact, conversation, identity

JOB = "profile"
MOST_BYTES = 1_000_000  # platforms give 5 to 50 kB
FRESH_FOR = timedelta(days=30)
ASKED_AT_ONCE = 100  # an hour
BITMAPS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def bitmap_of(content: bytes) -> str:
    """The type of a bitmap that every browser shows, by its bytes; empty for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in BITMAPS.items() if content.startswith(start)), "")


async def fetch(url: str, fetch_file: Callable[[str, int], Awaitable[Any]], blobs: Blobs) -> str | None:
    """The blob of the picture behind an address; None where none comes: initials do as well, so nobody tries again."""
    try:
        content = (await fetch_file(url, MOST_BYTES)).content
    except (SendError, BadSettings):
        return None
    kind = bitmap_of(content)
    return await blobs.put(await asyncio.to_thread(mask_content, content, kind)) if kind else None


def keep(tx: Transaction, contact_id: int, blob: str | None) -> None:
    """The picture of a contact from now on, or none; what it replaces is swept. Who was erased meanwhile gets none."""
    _change(tx, sa.and_(contact.c.id == contact_id, contact.c.pictured_at.is_not(None)), blob)


def note_asked(tx: Transaction, contact_id: int) -> None:
    """The platform is asked now, whatever it says."""
    tx.execute(sa.update(contact).where(contact.c.id == contact_id).values(pictured_at=tx.clock()))


def ask_again(tx: Transaction) -> None:
    """Have the platforms asked about those who have written lately and whose picture is old."""
    before = tx.clock() - FRESH_FOR
    old = (
        sa.select(identity.c.id, identity.c.contact_id)
        .join(contact, contact.c.id == identity.c.contact_id)
        .join(conversation, conversation.c.id == identity.c.conversation_id)
        .where(contact.c.pictured_at.is_not(None), contact.c.pictured_at <= before)
        .where(conversation.c.last_inbound_at > before)
        .order_by(contact.c.pictured_at)
        .limit(ASKED_AT_ONCE)
    )
    for row in tx.execute(old).all():
        note_asked(tx, row.contact_id)  # now: a platform that does not answer is asked once a month as well
        enqueue(tx, JOB, str(row.id))


def erase(tx: Transaction, identity_ids: Sequence[int]) -> None:
    """Somebody asked to be erased: their picture goes at once, and is not asked for again."""
    for identity_id in identity_ids:
        forget(tx, JOB, str(identity_id))
    owners = list(tx.execute(sa.select(identity.c.contact_id).where(identity.c.id.in_(identity_ids))).scalars())
    _change(tx, contact.c.id.in_(owners), None)
    tx.execute(sa.update(contact).where(contact.c.id.in_(owners)).values(pictured_at=None))


def find(tx: Reader, contact_id: int) -> str | None:
    """The blob of a contact's picture."""
    return cast("str | None", tx.execute(sa.select(contact.c.picture).where(contact.c.id == contact_id)).scalar())


def named(tx: Reader, blobs: Sequence[str]) -> set[str]:
    """Those of `blobs` that are somebody's picture."""
    return set(tx.execute(sa.select(contact.c.picture).where(contact.c.picture.in_(blobs))).scalars())


def _change(tx: Transaction, whose: sa.ColumnElement[bool], blob: str | None) -> None:
    differs = contact.c.picture.is_distinct_from(blob)
    change = sa.update(contact).where(whose, differs).values(picture=blob, rev=contact.c.rev + 1)
    for contact_id in tx.execute(change.returning(contact.c.id)).scalars().all():
        tx.announce("contact.changed", contact=contact_id)
