"""The one door out: an agent's answer becomes a message and one delivery per part, in one transaction."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from omnibox.connector import Capabilities, FileLimits, Offer, Outbound, OutboundFile, Part
from omnibox.inbox import conversations, offers, recipients, splits, states
from omnibox.inbox.policy import allowed
from omnibox.inbox.recipients import Named
from omnibox.inbox.way import Way, Ways
from omnibox.masking import Masked, mask, rules_of
from omnibox.model import Author
from omnibox.store import Transaction, insert
from omnibox.store.tables import attachment, channel, conversation, delivery, identity, message

MOST_REFS = 40
MOST_REPLY = 100_000  # characters
_KNOWN = sa.select(message.c.id, message.c.at).where(
    message.c.client_scope == sa.bindparam("scope"), message.c.client_id == sa.bindparam("client_id")
)
_PATTERNS = sa.select(channel.c.patterns).where(channel.c.id == sa.bindparam("channel"))


class ReplyRefused(Exception):
    """What would not reach the customer is not queued. `code` leads to the catalogue of errors."""

    def __init__(self, code: str, **detail: Any) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class NewerReply(Exception):
    """A colleague has answered since the agent last looked."""

    def __init__(self, message_id: int) -> None:
        super().__init__(message_id)
        self.message_id = message_id


@dataclass(frozen=True, slots=True)
class Draft:
    """A reply or a note as the agent sent it. `seen` is the newest message they had on screen."""

    agent_id: int
    conversation_id: int
    client_id: str
    text: Masked
    uploads: tuple[str, ...] = ()
    seen: int | None = None
    anyway: bool = False
    named: Named = Named()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The message a draft became; `is_new` is False where the same `client_id` had come before."""

    message_id: int
    at: datetime
    is_new: bool


def write_note(tx: Transaction, draft: Draft, ways: Ways) -> Said:
    """A private note: stored, shown to agents, never sent."""
    row = _locked(tx, draft)
    if known := _known(tx, draft):
        return known
    _refuse_merged(row)
    return _insert(tx, _without_split(tx, draft, row, ways(row.channel_id)), row, "note")


def write_reply(tx: Transaction, draft: Draft, ways: Ways) -> Said:
    """Queue a reply; raises `ReplyRefused` or `NewerReply`. A resolved conversation reopens."""
    row = _locked(tx, draft)
    if known := _known(tx, draft):
        return known
    _refuse_merged(row)
    way = ways(row.channel_id)
    if (
        way is None
        or tx.execute(sa.select(channel.c.state).where(channel.c.id == row.channel_id)).scalar() == "disabled"
    ):
        raise ReplyRefused("channel_disabled")
    person = tx.execute(sa.select(identity).where(identity.c.id == row.identity_id)).one()
    policy = allowed(way.capabilities.windows, row.last_inbound_at, "agent", tx.clock(), way.settings)
    if not policy.allowed:
        raise ReplyRefused(policy.code or "window_closed")
    if person.unreachable_at is not None:
        raise ReplyRefused("unreachable")
    _refuse_unseen(tx, draft)
    draft = _without_split(tx, draft, row, way)
    files = _files(tx, draft)
    _refuse_unfit(draft, files, way.capabilities)
    named = recipients.checked(tx, draft.named, person.address, way.capabilities)
    to = recipients.as_row(person.address, named)
    said = _insert(tx, draft, row, "outbound", to)
    if said.is_new:
        if row.state == "resolved":
            conversations.reopen(tx, row.id)
        recipients.note_written_to(tx, row.id, named, has_recipients=way.capabilities.has_recipients)
        leaving = Leaving(
            said.message_id,
            row.id,
            way,
            person,
            draft.text,
            subject=_subject(tx, row),
            refs=references_of(tx, row.id, said.message_id),
            files=tuple(files),
            recipients=to,
            mode=policy.mode,
            quoted_id=_answered(tx, row.id, way),
            offer=draft.offer,
        )
        queue_parts(tx, leaving)
    return said


def _locked(tx: Transaction, draft: Draft) -> sa.Row[Any]:
    row = conversations.lock(tx, draft.conversation_id)
    if row is None:
        raise LookupError(draft.conversation_id)
    return row


def _refuse_merged(row: sa.Row[Any]) -> None:
    if row.state == "merged":
        raise ReplyRefused("merged")  # the other conversation may be with somebody else: the agent shall see whom


def _without_split(tx: Transaction, draft: Draft, row: sa.Row[Any], way: Way | None) -> Draft:
    """The draft, with its piece of a card number hidden that its author sends in several messages, and with what its
    channel hides besides."""
    patterns = tx.execute(_PATTERNS, {"channel": row.channel_id}).scalar()
    if patterns:
        hide = rules_of(patterns).mask
        offer = offers.hidden(draft.offer, lambda text: hide(mask(text))) if draft.offer else None
        draft = replace(draft, text=hide(draft.text), offer=offer)
    if way is None or not splits.is_chat(way.capabilities):
        return draft
    text = splits.mask_piece(tx, row.id, Author("agent", draft.agent_id), draft.text, tx.clock())
    return replace(draft, text=text)


def _known(tx: Transaction, draft: Draft) -> Said | None:
    """What the same draft became when it came before."""
    row = tx.execute(_KNOWN, {"scope": f"agent:{draft.agent_id}", "client_id": draft.client_id}).first()
    return None if row is None else Said(row.id, row.at, is_new=False)


def _refuse_unseen(tx: Transaction, draft: Draft) -> None:
    if draft.seen is None or draft.anyway:
        return
    newer = tx.execute(
        sa.select(sa.func.max(message.c.id)).where(
            message.c.conversation_id == draft.conversation_id,
            message.c.id > draft.seen,
            message.c.kind == "outbound",
            message.c.author_kind == "agent",
            message.c.author_id != draft.agent_id,
        )
    ).scalar()
    if newer is not None:
        raise NewerReply(newer)


def _files(tx: Transaction, draft: Draft) -> list[sa.Row[Any]]:
    found = {
        row.key: row
        for row in tx.execute(
            sa.select(attachment).where(
                attachment.c.key.in_(draft.uploads),
                attachment.c.uploader == f"agent:{draft.agent_id}",
                attachment.c.message_id.is_(None),
            )
        )
    }
    if missing := [key for key in draft.uploads if key not in found]:
        raise ReplyRefused("upload_gone", files=missing)
    return [found[key] for key in draft.uploads]


def _refuse_unfit(draft: Draft, files: Sequence[sa.Row[Any]], capabilities: Capabilities) -> None:
    if not draft.text.strip() and not files and not draft.offer:
        raise ReplyRefused("empty_reply")
    if len(draft.text) > MOST_REPLY:
        raise ReplyRefused("too_long", most=MOST_REPLY)
    if draft.offer:
        offers.refuse_unfit(draft.offer, draft.text, capabilities.offers, has_files=bool(files))
    limits = capabilities.files
    if files and limits is None:
        raise ReplyRefused("no_files")
    if limits and len(files) > limits.count:
        raise ReplyRefused("too_many_files", most=limits.count)
    for file in files:
        if limits and file.size > limits.bytes:
            raise ReplyRefused("file_too_large", most=limits.bytes)
        if limits and not _is_taken(file.content_type, limits):
            raise ReplyRefused("file_type_refused", types=list(limits.types))


def _is_taken(content_type: str, limits: FileLimits) -> bool:
    if not limits.types:
        return True
    return any(
        content_type == kind or (kind.endswith("/*") and content_type.startswith(kind[:-1])) for kind in limits.types
    )


def _insert(tx: Transaction, draft: Draft, row: sa.Row[Any], kind: str, to: Mapping[str, Any] | None = None) -> Said:
    now = tx.clock()
    values = {
        "conversation_id": row.id,
        "channel_id": row.channel_id,
        "identity_id": row.identity_id,
        "kind": kind,
        "author_kind": "agent",
        "author_id": draft.agent_id,
        "text": draft.text,
        "at": now,
        "created_at": now,
        "client_scope": f"agent:{draft.agent_id}",
        "client_id": draft.client_id,
        "recipients": to,
        "offer": offers.encode(draft.offer) if draft.offer else None,
        "rev": 0,
    }
    statement = insert(message).on_conflict_do_nothing().returning(message.c.id)
    message_id = tx.execute(statement, values).scalar()
    if message_id is None:
        return cast("Said", _known(tx, draft))
    if kind == "outbound":
        answered = {"answered_at": now, "unread": 0}
        tx.execute(sa.update(conversation).where(conversation.c.id == row.id).values(answered))
        shown = draft.text if draft.text.strip() else offers.headline(draft.offer)
        said = conversations.Said(message_id, "outbound", "agent", shown, now)
        conversations.touched(tx, row.id, said)
    tx.announce("message.added", conversation=row.id, message=message_id, agent=draft.agent_id)
    return Said(message_id, now, is_new=True)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A stored message on its way out, with all that is fixed from now on."""

    message_id: int
    conversation_id: int
    way: Way
    person: sa.Row[Any]
    text: Masked
    subject: Masked | None = None
    refs: tuple[str, ...] = ()
    files: tuple[sa.Row[Any], ...] = ()
    recipients: Mapping[str, Any] | None = None
    mode: str = ""
    quoted_id: int | None = None
    offer: Offer | None = None


def queue_parts(tx: Transaction, leaving: Leaving) -> None:
    """One delivery for each part of the message."""
    files, way = leaving.files, leaving.way
    if files:
        keys = [file.key for file in files]
        tx.execute(sa.update(attachment).where(attachment.c.key.in_(keys)).values(message_id=leaving.message_id))
    ids = {file.key: file.id for file in files}
    whole = Part(text=leaving.text, files=tuple(outgoing_file(file) for file in files), offer=leaving.offer)
    for position, part in enumerate(way.parts(whole)):
        _queue_part(tx, leaving, position, part, [ids[file.key] for file in part.files])
    tx.ring("deliveries")


def _queue_part(tx: Transaction, leaving: Leaving, position: int, part: Part, files: list[int]) -> None:
    now, part_id, way, address = tx.clock(), uuid7(), leaving.way, leaving.person.address
    outgoing = Outbound(
        id=part_id,
        address=address,
        channel=way.address,
        written_at=now,
        subject=leaving.subject,
        refs=leaving.refs,
        mode=leaving.mode,
    )
    reserved = way.reserve(outgoing)
    values = {
        "part_id": part_id,
        "message_id": leaving.message_id,
        "conversation_id": leaving.conversation_id,
        "channel_id": way.channel_id,
        "identity_id": leaving.person.id,
        "position": position,
        "address": address,
        "recipients": leaving.recipients,
        "text": mask(part.text),
        "subject": leaving.subject,
        "files": files,
        "refs": list(leaving.refs),
        "mode": leaving.mode,
        "quoted_id": leaving.quoted_id,
        "state": "queued",
        "written_at": now,
        "not_before": now,
        "state_at": now,
        "external_id": reserved,
        "has_offer": bool(part.offer),
        "is_open": True,
    }
    delivery_id = tx.execute(sa.insert(delivery).returning(delivery.c.id), values).scalar_one()
    if reserved:
        states.refer(tx, way.id_scope, reserved, leaving.conversation_id, leaving.message_id, delivery_id)
    if reserved and position == 0:
        tx.execute(sa.update(message).where(message.c.id == leaving.message_id).values(external_id=reserved))


def _answered(tx: Transaction, conversation_id: int, way: Way) -> int | None:
    """The message that a reply quotes, where the channel wants that: the newest that a person of the contact's side
    wrote."""
    if not way.capabilities.quotes or not way.settings.get(way.capabilities.quotes):
        return None
    here = message.c.conversation_id == conversation_id
    theirs = message.c.kind == "inbound", message.c.automatic.is_(None), message.c.deleted_at.is_(None)
    return tx.execute(sa.select(sa.func.max(message.c.id)).where(here, *theirs)).scalar()


def outgoing_file(row: sa.Row[Any], read: Any = None) -> OutboundFile:
    """A stored attachment as a connector sees it."""
    return OutboundFile(
        name=row.name or "file", content_type=row.content_type, size=row.size or 0, key=row.key, read=read
    )


def references_of(tx: Transaction, conversation_id: int, before: int) -> tuple[str, ...]:
    """The platform's ids of the conversation so far, oldest first, the newest `MOST_REFS`."""
    rows = tx.execute(
        sa.select(message.c.external_id)
        .where(
            message.c.conversation_id == conversation_id,
            message.c.id < before,
            message.c.external_id.is_not(None),
            message.c.kind.in_(("inbound", "outbound")),
        )
        .order_by(message.c.id.desc())
        .limit(MOST_REFS)
    ).scalars()
    return tuple(reversed(list(rows)))


def _subject(tx: Transaction, row: sa.Row[Any]) -> Masked | None:
    """The newest subject: it belongs to the message, not to the conversation."""
    newest = tx.execute(
        sa.select(message.c.subject)
        .where(message.c.conversation_id == row.id, message.c.subject.is_not(None))
        .order_by(message.c.id.desc())
        .limit(1)
    ).scalar()
    return cast("Masked | None", newest or row.subject)


def uuid7() -> str:
    """A new id that sorts by time (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
