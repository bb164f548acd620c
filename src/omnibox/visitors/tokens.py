"""A visitor is whoever holds a token of a site: 256 random bits, only their hash is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.inbox import states
from omnibox.inbox.origin import Origin
from omnibox.inbox.people import find_person
from omnibox.model import DeliveryState
from omnibox.secrets import random_token
from omnibox.store import Reader, Transaction
from omnibox.store.tables import attachment, conversation, delivery, event, identity, message, visitor_token


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person on one site. `token_hash` is their key in the store."""

    token_hash: str
    identity_id: int
    contact_id: int
    channel_id: int
    address: str
    cursor: int


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find_visitor(tx: Reader, token: str, channel_id: int) -> Visitor | None:
    """Whose token this is, on this site; a token of another site is nobody's."""
    row = tx.execute(
        sa.select(
            visitor_token.c.token_hash,
            visitor_token.c.identity_id,
            identity.c.contact_id,
            visitor_token.c.channel_id,
            identity.c.address,
            visitor_token.c.cursor,
        )
        .join(identity, identity.c.id == visitor_token.c.identity_id)
        .where(visitor_token.c.token_hash == hash_of(token), visitor_token.c.channel_id == channel_id)
    ).first()
    return None if row is None else Visitor(**row._asdict())


def welcome_visitor(tx: Transaction, origin: Origin, channel_id: int, token: str) -> Visitor:
    """A person nobody knows yet, with the token they will be known by."""
    address = random_token()
    person = find_person(tx, origin, channel_id, address)
    visitor = Visitor(hash_of(token), person.identity_id, person.contact_id, channel_id, address, cursor=0)
    row = {
        "token_hash": visitor.token_hash,
        "identity_id": visitor.identity_id,
        "channel_id": channel_id,
        "created_at": tx.clock(),
        "cursor": visitor.cursor,
    }
    tx.execute(sa.insert(visitor_token), row)
    return visitor


def conversation_state(tx: Reader, identity_id: int) -> str:
    """`open`, `resolved`, or `none` for a visitor who has said nothing yet."""
    wanted = (
        sa.select(conversation.c.state)
        .where(conversation.c.identity_id == identity_id)
        .order_by(conversation.c.id.desc())
        .limit(1)
    )
    return str(tx.execute(wanted).scalar() or "none")


def mark_shown(tx: Transaction, visitor: Visitor, cursor: int) -> int:
    """What the visitor's page has applied is delivered, since the store is the channel.

    Returns how many parts it has applied that are not recorded as sent yet: ask again for those.
    """
    newer = sa.and_(visitor_token.c.token_hash == visitor.token_hash, visitor_token.c.cursor < cursor)
    tx.execute(sa.update(visitor_token).where(newer).values(cursor=cursor))
    shown = (
        sa.select(delivery.c.id, delivery.c.state)
        .join(event, sa.and_(event.c.message_id == delivery.c.message_id, event.c.type == "message.added"))
        .where(
            delivery.c.identity_id == visitor.identity_id,
            delivery.c.state.in_(("queued", "sending", "sent")),
            event.c.seq <= cursor,
        )
        .order_by(delivery.c.id)
    )
    found = tx.execute(shown).all()
    _advance(tx, [row.id for row in found if row.state == "sent"], "delivered")
    return sum(row.state != "sent" for row in found)


def mark_seen(tx: Transaction, visitor: Visitor, upto_message: int) -> None:
    """The visitor has read up to a message."""
    seen = (
        sa.select(delivery.c.id)
        .where(
            delivery.c.identity_id == visitor.identity_id,
            delivery.c.state.in_(("sent", "delivered")),
            delivery.c.message_id <= upto_message,
        )
        .order_by(delivery.c.id)
    )
    _advance(tx, list(tx.execute(seen).scalars()), "read")


def _advance(tx: Transaction, ids: Sequence[int], state: DeliveryState) -> None:
    for delivery_id in ids:
        if row := states.lock_delivery(tx, delivery_id):
            states.advance(tx, row, state)


def owns_file(tx: Reader, visitor: Visitor, key: str) -> sa.Row[Any] | None:
    """A file of the visitor's own conversations that they may see; notes' files are none of those."""
    wanted = (
        sa.select(attachment)
        .join(message, message.c.id == attachment.c.message_id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(
            attachment.c.key == key,
            attachment.c.state == "ready",
            conversation.c.identity_id == visitor.identity_id,
            message.c.kind.in_(("inbound", "outbound")),
        )
    )
    return tx.execute(wanted).first()
