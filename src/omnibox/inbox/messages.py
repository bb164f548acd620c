"""The rows of a message and of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Echo, Envelope, Inbound
from omnibox.jobs import enqueue
from omnibox.masking import Masked
from omnibox.model import Author, MessageKind
from omnibox.secrets import random_token
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot, names_in, room_for, values_in
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


class Taken(NamedTuple):
    """An envelope whose texts are masked, with its files; `uploads` are keys that `uploader` had sent ahead."""

    envelope: Envelope
    files: tuple[TakenFile, ...] = ()
    uploads: tuple[str, ...] = ()
    uploader: str = ""


def is_plain(said: Inbound, taken: Taken) -> bool:
    """Whether it is words and nothing else, as nearly every chat message is."""
    return not (
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


class Result(NamedTuple):
    """What became of something that arrived."""

    outcome: str
    message_id: int | None = None


_INSERT_MESSAGE = Hot(insert(message).on_conflict_do_nothing().returning(message.c.id, message.c.event_key))
_STORED = Hot(
    sa.select(message.c.id).where(
        message.c.event_scope == bindparam("b_scope"), message.c.event_key == bindparam("b_key")
    )
)
_ATTACH = Hot(sa.insert(attachment).returning(attachment.c.id, attachment.c.remote))


@cache
def _all_stored(room: int) -> Hot:
    among = message.c.event_key.in_(names_in(room))
    return Hot(sa.select(message.c.event_key, message.c.id).where(message.c.event_scope == bindparam("b_scope"), among))


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a message stands, who said it, and why there."""

    conversation_id: int
    channel_id: int
    identity_id: int | None
    kind: MessageKind
    author: Author
    why: str | None = None
    related_id: int | None = None
    is_elsewhere: bool = False


def insert_message(tx: Transaction, spot: Spot, said: Inbound | Echo, scope: str) -> int | None:
    """The new message's id, or None where the same event is stored already."""
    return tx.execute(_INSERT_MESSAGE, _row(tx.clock(), spot, said, scope)).scalar()


def insert_messages(tx: Transaction, found: Sequence[tuple[Spot, Inbound]], scope: str) -> dict[str, int]:
    """The ids of new messages by event key; of those that are stored already there is none."""
    now = tx.clock()
    rows = [_row(now, spot, said, scope) for spot, said in found]
    return {key: message_id for message_id, key in _INSERT_MESSAGE.run_all(tx.connection, rows)}


def _row(now: datetime, spot: Spot, said: Inbound | Echo, scope: str) -> dict[str, Any]:
    row = {
        "conversation_id": spot.conversation_id,
        "channel_id": spot.channel_id,
        "identity_id": spot.identity_id,
        "kind": spot.kind,
        "author_kind": spot.author.kind,
        "author_id": spot.author.id,
        "text": said.text,
        "at": said_at(said, now),
        "created_at": now,
        "event_scope": scope,
        "event_key": said.event_key,
        "external_id": said.external_id,
        "html": said.html,
        "subject": said.subject,
        "is_elsewhere": spot.is_elsewhere,
        "why": spot.why,
        "related_id": spot.related_id,
        "reply_text": None,
        "automatic": None,
        "doubt": None,
        "recipients": _named(said),
    }
    if isinstance(said, Inbound):
        row |= {"reply_text": said.reply_text, "automatic": said.automatic, "doubt": said.sender_doubt}
    return row


def _named(said: Inbound | Echo) -> dict[str, list[str]] | None:
    """Whom a message names beside us, as far as a person would read."""
    to, cc = said.recipients.to[:MOST_NAMED], said.recipients.cc[:MOST_NAMED]
    return {"to": list(to), "cc": list(cc)} if to or cc else None


def said_at(said: Inbound | Echo, now: datetime) -> datetime:
    """When it was said, by the platform's clock as far as that can be true: reply windows count from it."""
    return said.sent_at if EARLIEST <= said.sent_at <= now else now


def find_stored(tx: Transaction, scope: str, event_key: str) -> int | None:
    return tx.execute(_STORED, {"b_scope": scope, "b_key": event_key}).scalar()


def find_all_stored(tx: Transaction, scope: str, event_keys: Sequence[str]) -> dict[str, int]:
    """Those of `event_keys` that are stored, with their messages."""
    room = room_for(len(event_keys))
    rows = tx.execute(_all_stored(room), {"b_scope": scope, **values_in(room, event_keys)}).all()
    return {row.event_key: row.id for row in rows}


def shown(said: Inbound | Echo, taken: Taken) -> Masked:
    """What the list row shows of a message: its own words, else the name of its file."""
    words = (said.reply_text if isinstance(said, Inbound) else None) or said.text
    if not words.strip():
        words = next((file.name for file in taken.files if file.name), words)
    return cast("Masked", words)


def attach(tx: Transaction, found: Sequence[tuple[int, Taken]]) -> None:
    """Messages' files; those that lie elsewhere are fetched soon."""
    rows = [_file(tx.clock(), message_id, file) for message_id, taken in found for file in taken.files]
    for attachment_id, remote in _ATTACH.run_all(tx.connection, rows) if rows else ():
        if remote:
            enqueue(tx, "fetch", str(attachment_id))
    for message_id, taken in found:
        if taken.uploads:
            _attach_uploads(tx, message_id, taken)


def _file(now: datetime, message_id: int, file: TakenFile) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "key": random_token(),
        "name": file.name,
        "content_type": file.content_type,
        "content_id": file.content_id,
        "size": file.size,
        "blob": file.blob,
        "remote": file.remote,
        "state": "ready" if file.blob else "pending",
        "created_at": now,
        "is_inline": file.inline,
    }


def _attach_uploads(tx: Transaction, message_id: int, taken: Taken) -> None:
    tx.execute(
        sa.update(attachment)
        .where(
            attachment.c.key.in_(taken.uploads),
            attachment.c.uploader == taken.uploader,
            attachment.c.message_id.is_(None),
        )
        .values(message_id=message_id)
    )
