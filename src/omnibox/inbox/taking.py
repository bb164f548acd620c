"""What each envelope does to the store, inside intake's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Deleted, Echo, Edited, Envelope, Inbound, Notice, Profile, Reaction, Receipt
from omnibox.inbox import conversations, merging, people, states, threads
from omnibox.inbox.origin import Origin
from omnibox.masking import Masked, mask
from omnibox.model import Author, MessageKind
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot
from omnibox.store.tables import (
    arrival,
    attachment,
    conversation,
    delivery,
    external_ref,
    identity,
    job,
    message,
    participant,
)

MOST_REFS = 50  # of one message; longer chains keep their newest, which stand first
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


class Result(NamedTuple):
    outcome: str
    message_id: int | None = None


def take(tx: Transaction, origin: Origin, channel_id: int, taken: Taken) -> Result:
    """Store one envelope's effects. Safe to repeat: the same envelope again changes nothing."""
    envelope = taken.envelope
    match envelope:
        case Inbound():
            return _take_inbound(tx, origin, channel_id, envelope, taken)
        case Echo():
            return _take_echo(tx, origin, channel_id, envelope, taken)
        case Notice():
            return _take_notice(tx, origin, channel_id, envelope)
        case Receipt():
            merging.take_receipt(tx, origin, channel_id, envelope)
        case Profile():
            person = people.find_person(tx, origin, channel_id, envelope.address)
            if envelope.name:
                conversations.name_contact(tx, person.contact_id, cast("Masked", envelope.name))
        case Edited() | Deleted() | Reaction():
            merging.take_change(tx, origin.id_scope(channel_id), envelope)
        case _:
            raise TypeError(type(envelope).__name__)
    return Result("stored")


# ── Messages


def _take_inbound(tx: Transaction, origin: Origin, channel_id: int, inbound: Inbound, taken: Taken) -> Result:
    scope = origin.id_scope(channel_id)
    by_refs = origin.capabilities.threads_by == "refs"
    if by_refs and (known := _stored(tx, scope, inbound.event_key)):
        _arrived(tx, origin, inbound.position, known)
        return Result("duplicate", known)
    placement = _place(tx, origin, scope, inbound) if by_refs else None
    joins = placement is not None and placement.conversation_id is not None
    address = inbound.address if joins or not inbound.reply_address else inbound.reply_address
    person = people.find_person(tx, origin, channel_id, address)
    if not by_refs and person.is_new and (known := _stored(tx, scope, inbound.event_key)):
        return Result("duplicate", known)
    conversation_id = placement.conversation_id if placement else person.conversation_id
    if conversation_id is None:
        conversation_id = conversations.open_conversation(
            tx,
            channel_id=channel_id,
            contact_id=person.contact_id,
            identity_id=person.identity_id,
            subject=cast("Masked | None", inbound.subject),
            automatic=inbound.automatic is not None,
            related_id=placement.related if placement else None,
        )
    message_id = insert_message(
        tx,
        conversation_id,
        channel_id,
        person.identity_id,
        "inbound",
        Author("contact", person.contact_id),
        inbound,
        scope,
        why=placement.why if placement else None,
    )
    if message_id is None:
        return Result("duplicate", _stored(tx, scope, inbound.event_key))
    _attach(tx, message_id, taken)
    for reference in inbound.refs[:MOST_REFS] if by_refs else ():
        states.refer(tx, scope, reference, conversation_id)
    if inbound.external_id and not states.refer(tx, scope, inbound.external_id, conversation_id, message_id):
        merging.apply_early(tx, scope, inbound.external_id)
    said = conversations.Said(message_id, "inbound", "contact", _shown(inbound, taken), inbound.sent_at)
    if inbound.automatic is None:
        conversations.heard(tx, conversation_id, said)
    else:
        conversations.touched(tx, conversation_id, said)
    if person.is_new and inbound.name:
        conversations.name_contact(tx, person.contact_id, cast("Masked", inbound.name))
    elif person.is_new:
        enqueue(tx, "profile", str(person.identity_id))
    if inbound.position:
        _arrived(tx, origin, inbound.position, message_id)
    tx.announce("message.added", conversation=conversation_id, message=message_id, contact=person.contact_id)
    return Result("stored", message_id)


def _place(tx: Transaction, origin: Origin, scope: str, inbound: Inbound) -> threads.Placement:
    tokens = [found for token in inbound.tokens if (found := origin.read_token(token)) is not None]
    refs = inbound.refs[:MOST_REFS]
    known: dict[str, int] = {}
    if refs:
        rows = tx.execute(
            sa.select(external_ref.c.value, external_ref.c.conversation_id).where(
                external_ref.c.scope == scope,
                external_ref.c.value.in_(refs),
                external_ref.c.conversation_id.is_not(None),
            )
        )
        known = {row.value: row.conversation_id for row in rows}
    candidates = {*tokens, *known.values()}
    belong = _participants(tx, origin, candidates) if candidates else {}
    sender = origin.folded(inbound.address)
    return threads.choose(tokens, refs, sender, belong, known, inbound.sender_doubt)


def _participants(tx: Transaction, origin: Origin, candidates: set[int]) -> dict[int, frozenset[str]]:
    """The addresses of each conversation's contact, and those an agent wrote to."""
    own = tx.execute(
        sa.select(conversation.c.id, identity.c.address)
        .join(identity, identity.c.contact_id == conversation.c.contact_id)
        .where(conversation.c.id.in_(candidates), identity.c.kind == origin.capabilities.address.name)
    )
    added = tx.execute(
        sa.select(participant.c.conversation_id, participant.c.address).where(
            participant.c.conversation_id.in_(candidates)
        )
    )
    belong: dict[int, set[str]] = {}
    for conversation_id, address in [*own, *added]:
        belong.setdefault(conversation_id, set()).add(origin.folded(address))
    return {conversation_id: frozenset(addresses) for conversation_id, addresses in belong.items()}


def _take_echo(tx: Transaction, origin: Origin, channel_id: int, echo: Echo, taken: Taken) -> Result:
    scope = origin.id_scope(channel_id)
    if own := _own_delivery(tx, scope, echo):
        row = states.lock_delivery(tx, own)
        if row is not None:
            states.record_sent(tx, row, scope, echo.external_id)
            return Result("duplicate", row.message_id)
    if known := _stored(tx, scope, echo.event_key):
        return Result("duplicate", known)
    placed = known_conversation(tx, scope, echo.refs)
    person = people.find_person(tx, origin, channel_id, echo.address)
    conversation_id = placed or person.conversation_id
    if conversation_id is None:
        conversation_id = conversations.open_conversation(
            tx,
            channel_id=channel_id,
            contact_id=person.contact_id,
            identity_id=person.identity_id,
            subject=cast("Masked | None", echo.subject),
        )
    author = Author("system")
    message_id = insert_message(
        tx, conversation_id, channel_id, person.identity_id, "outbound", author, echo, scope, is_elsewhere=True
    )
    if message_id is None:
        return Result("duplicate", _stored(tx, scope, echo.event_key))
    _attach(tx, message_id, taken)
    if echo.external_id and not states.refer(tx, scope, echo.external_id, conversation_id, message_id):
        merging.apply_early(tx, scope, echo.external_id)
    said = conversations.Said(message_id, "outbound", "system", _shown(echo, taken), echo.sent_at)
    conversations.touched(tx, conversation_id, said)
    tx.announce("message.added", conversation=conversation_id, message=message_id)
    return Result("stored", message_id)


def _own_delivery(tx: Transaction, scope: str, echo: Echo) -> int | None:
    """The delivery an echo confirms: by the part's id that it brings back, or by the platform's id."""
    if echo.part_id:
        found = tx.execute(sa.select(delivery.c.id).where(delivery.c.part_id == echo.part_id)).scalar()
        if found is not None:
            return cast("int", found)
    if not echo.external_id:
        return None
    return tx.execute(
        sa.select(external_ref.c.delivery_id).where(
            external_ref.c.scope == scope, external_ref.c.value == echo.external_id
        )
    ).scalar()


def _take_notice(tx: Transaction, origin: Origin, channel_id: int, notice: Notice) -> Result:
    scope = origin.id_scope(channel_id)
    if known := _stored(tx, scope, notice.event_key):
        return Result("duplicate", known)
    person = people.find_person(tx, origin, channel_id, notice.address)
    conversation_id = person.conversation_id
    if conversation_id is None:
        conversation_id = conversations.open_conversation(
            tx, channel_id=channel_id, contact_id=person.contact_id, identity_id=person.identity_id
        )
    line = Inbound(
        event_key=notice.event_key,
        address=notice.address,
        to=notice.to,
        sent_at=notice.at,
        text=mask(notice.text or notice.kind),
    )
    message_id = insert_message(
        tx, conversation_id, channel_id, person.identity_id, "line", Author("system"), line, scope
    )
    if message_id is None:
        return Result("duplicate")
    tx.announce("message.added", conversation=conversation_id, message=message_id)
    return Result("stored", message_id)


# ── Rows


_INSERT_MESSAGE = Hot(insert(message).on_conflict_do_nothing().returning(message.c.id))
_STORED = sa.select(message.c.id).where(
    message.c.event_scope == bindparam("b_scope"), message.c.event_key == bindparam("b_key")
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
    is_elsewhere: bool = False,
) -> int | None:
    """The new message's id, or None where the same event is stored already."""
    now = tx.clock()
    row: dict[str, Any] = {
        "conversation_id": conversation_id,
        "channel_id": channel_id,
        "identity_id": identity_id,
        "kind": kind,
        "author_kind": author.kind,
        "author_id": author.id,
        "text": said.text,
        "html": said.html,
        "subject": said.subject,
        "at": said.sent_at if EARLIEST <= said.sent_at <= now else now,
        "created_at": now,
        "event_scope": scope,
        "event_key": said.event_key,
        "external_id": said.external_id,
        "is_elsewhere": is_elsewhere,
        "why": why,
        "reply_text": None,
        "automatic": None,
        "doubt": None,
        "recipients": None,
        "edition": 0,
        "rev": 0,
    }
    if isinstance(said, Inbound):
        people = {"to": list(said.recipients.to), "cc": list(said.recipients.cc)}
        row |= {
            "reply_text": said.reply_text,
            "automatic": said.automatic,
            "doubt": said.sender_doubt,
            "recipients": people if any(people.values()) else None,
        }
    return tx.execute(_INSERT_MESSAGE, row).scalar()


def _stored(tx: Transaction, scope: str, event_key: str) -> int | None:
    return tx.execute(_STORED, {"b_scope": scope, "b_key": event_key}).scalar()


def known_conversation(tx: Transaction, scope: str, refs: Sequence[str]) -> int | None:
    """The conversation of the most trusted known id."""
    for reference in refs[:MOST_REFS]:
        found = tx.execute(
            sa.select(external_ref.c.conversation_id).where(
                external_ref.c.scope == scope, external_ref.c.value == reference
            )
        ).scalar()
        if found is not None:
            return cast("int", found)
    return None


def _attach(tx: Transaction, message_id: int, taken: Taken) -> None:
    from omnibox.secrets import random_token

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


def _arrived(tx: Transaction, origin: Origin, position: str, message_id: int) -> None:
    if position:
        row = {"connection_id": origin.connection_id, "position": position, "message_id": message_id}
        tx.execute(insert(arrival).on_conflict_do_nothing(), row)


def _shown(said: Inbound | Echo, taken: Taken) -> Masked:
    """What the list row shows of a message: its own words, else the name of its file."""
    words = (said.reply_text if isinstance(said, Inbound) else None) or said.text
    if not words.strip():
        words = next((file.name for file in taken.files if file.name), words)
    return cast("Masked", words)


def enqueue(tx: Transaction, kind: str, subject: str) -> None:
    """Work to be done soon and surely; the same work twice is done once."""
    row = {"kind": kind, "subject": subject, "due_at": tx.clock()}
    tx.execute(insert(job).on_conflict_do_nothing(), row)
    tx.ring("jobs")
