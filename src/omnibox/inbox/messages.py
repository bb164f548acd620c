"""The rows of a message and of its files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Echo, Envelope, Inbound
from omnibox.inbox.origin import Origin
from omnibox.jobs import enqueue
from omnibox.masking import Masked
from omnibox.model import Author, MessageKind
from omnibox.secrets import random_token
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot
from omnibox.store.tables import attachment, message

MOST_NAMED = 200  # of the recipients of one message; some name 100,000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)  # an earlier or a future time is no time: the arrival counts


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A file that intake has dealt with: a blob of `size` bytes, or the encrypted address it is fetched from."""

    name: Masked | None
    content_type: str
    content_id: str | None
    inline: bool
    size: int | None
    blob: str | None
    remote: str | None


@dataclass(frozen=True, slots=True)
class Taken:
    """An envelope whose texts are masked, with its files; `uploads` are keys that `uploader` had sent ahead."""

    envelope: Envelope
    files: tuple[TakenFile, ...] = ()
    uploads: tuple[str, ...] = ()
    uploader: str = ""


def is_plain(origin: Origin, said: Inbound, taken: Taken) -> bool:
    """Whether it is words and nothing else, as nearly every chat message is."""
    return origin.capabilities.threads_by != "refs" and not (
        taken.files
        or taken.uploads
        or said.html
        or said.subject
        or said.reply_text
        or said.reply_address
        or said.automatic
        or said.sender_doubt
        or said.position
        or said.late
        or said.chosen
        or said.recipients.to
        or said.recipients.cc
    )


_INSERT_MESSAGE = Hot(insert(message).on_conflict_do_nothing().returning(message.c.id))
_STORED = Hot(
    sa.select(message.c.id).where(
        message.c.event_scope == bindparam("b_scope"), message.c.event_key == bindparam("b_key")
    )
)


def insert_message(
    tx: Transaction,
    conversation_id: int,
    channel_id: int,
    identity_id: int,
    kind: MessageKind,
    author: Author,
    said: Inbound | Echo,
    scope: str,
    *,
    why: str | None = None,
    related_id: int | None = None,
    is_elsewhere: bool = False,
) -> int | None:
    """The new message's id, or None where the same event is stored already."""
    now = tx.clock()
    row = {
        "conversation_id": conversation_id,
        "channel_id": channel_id,
        "identity_id": identity_id,
        "kind": kind,
        "author_kind": author.kind,
        "author_id": author.id,
        "text": said.text,
        "at": said_at(said, now),
        "created_at": now,
        "event_scope": scope,
        "event_key": said.event_key,
        "external_id": said.external_id,
        "html": said.html,
        "subject": said.subject,
        "is_elsewhere": is_elsewhere,
        "why": why,
        "related_id": related_id,
        "reply_text": None,
        "automatic": None,
        "doubt": None,
        "recipients": _named(said),
    }
    if isinstance(said, Inbound):
        row |= {"reply_text": said.reply_text, "automatic": said.automatic, "doubt": said.sender_doubt}
    return tx.execute(_INSERT_MESSAGE, row).scalar()


def _named(said: Inbound | Echo) -> dict[str, list[str]] | None:
    """Whom a message names beside us, as far as a person would read."""
    to, cc = said.recipients.to[:MOST_NAMED], said.recipients.cc[:MOST_NAMED]
    return {"to": list(to), "cc": list(cc)} if to or cc else None


def said_at(said: Inbound | Echo, now: datetime) -> datetime:
    """When it was said, by the platform's clock as far as that can be true: reply windows count from it."""
    return said.sent_at if EARLIEST <= said.sent_at <= now else now


def find_stored(tx: Transaction, scope: str, event_key: str) -> int | None:
    return tx.execute(_STORED, {"b_scope": scope, "b_key": event_key}).scalar()


def attach(tx: Transaction, message_id: int, taken: Taken) -> None:
    for file in taken.files:
        row = {
            "message_id": message_id,
            "key": random_token(),
            "name": file.name,
            "content_type": file.content_type,
            "content_id": file.content_id,
            "size": file.size,
            "blob": file.blob,
            "remote": file.remote,
            "state": "ready" if file.blob else "pending",
            "created_at": tx.clock(),
            "is_inline": file.inline,
        }
        attachment_id = tx.execute(sa.insert(attachment).returning(attachment.c.id), row).scalar_one()
        if file.remote:
            enqueue(tx, "fetch", str(attachment_id))
    if taken.uploads:
        tx.execute(
            sa.update(attachment)
            .where(
                attachment.c.key.in_(taken.uploads),
                attachment.c.uploader == taken.uploader,
                attachment.c.message_id.is_(None),
            )
            .values(message_id=message_id)
        )
