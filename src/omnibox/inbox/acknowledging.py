"""What the hub says by itself: one confirmation of a person's first message, where the channel wants it.

It answers no machine, nobody whose address is not certain, nobody twice a day, and never with words of theirs: else a
form that anybody can fill in with anybody's address would make a mail bomb of us.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.connector import Inbound
from omnibox.inbox import conversations
from omnibox.inbox.origin import Origin
from omnibox.inbox.replies import Leaving, queue_parts, references_of
from omnibox.inbox.way import Ways
from omnibox.jobs import enqueue
from omnibox.masking import mask
from omnibox.store import Transaction
from omnibox.store.tables import channel, identity, message
from omnibox.team import throttle
from omnibox.team.throttle import Limit

JOB = "acknowledge"
AUTOMATIC = "automatic"
PER_PERSON = Limit("acknowledged", 1, timedelta(days=1))
IN_ALL = Limit("acknowledged", 300, timedelta(hours=1))


def ask_for(tx: Transaction, origin: Origin, channel_id: int, inbound: Inbound, message_id: int) -> None:
    """Have a message that opened a conversation confirmed, if it is a person's who is surely the one it names."""
    is_certain = inbound.automatic is None and inbound.sender_doubt is None and inbound.reply_address is None
    if channel_id in origin.acknowledging and is_certain:
        enqueue(tx, JOB, str(message_id))


def acknowledge(tx: Transaction, message_id: int, ways: Ways) -> int | None:
    """Queue the confirmation of a message; its id, or None where there shall be none. Safe to repeat."""
    answered = tx.execute(sa.select(message).where(message.c.id == message_id)).first()
    way = ways(answered.channel_id) if answered is not None else None
    if answered is None or way is None or not _may_leave(tx, answered.channel_id):
        return None
    text = str(way.settings.get(way.capabilities.acknowledges) or "").strip() if way.capabilities.acknowledges else ""
    person = tx.execute(sa.select(identity).where(identity.c.id == answered.identity_id)).one()
    if not text or person.unreachable_at is not None:
        return None
    conversations.lock(tx, answered.conversation_id)
    if _is_done(tx, message_id) or not _is_within_limits(tx, person.id):
        return None
    row = _row(tx, answered, text)
    own_id: int = tx.execute(sa.insert(message).returning(message.c.id), row).scalar_one()
    tx.announce("message.added", conversation=answered.conversation_id, message=own_id)
    refs = references_of(tx, answered.conversation_id, own_id)
    leaving = Leaving(own_id, answered.conversation_id, way, person, row["text"], refs=refs, mode=AUTOMATIC)
    queue_parts(tx, leaving)
    return own_id


def _is_done(tx: Transaction, message_id: int) -> bool:
    mine = message.c.client_scope == AUTOMATIC, message.c.client_id == str(message_id)
    return tx.execute(sa.select(message.c.id).where(*mine)).first() is not None


def _may_leave(tx: Transaction, channel_id: int) -> bool:
    return tx.execute(sa.select(channel.c.state).where(channel.c.id == channel_id)).scalar() in ("active", "paused")


def _is_within_limits(tx: Transaction, identity_id: int) -> bool:
    if throttle.take(tx, IN_ALL, "all") is not None:
        return False
    return throttle.take(tx, PER_PERSON, str(identity_id)) is None


def _row(tx: Transaction, answered: sa.Row[Any], text: str) -> dict[str, Any]:
    now = tx.clock()
    return {
        "conversation_id": answered.conversation_id,
        "channel_id": answered.channel_id,
        "identity_id": answered.identity_id,
        "kind": "outbound",
        "author_kind": "system",
        "author_id": None,
        "text": mask(text),
        "at": now,
        "created_at": now,
        "client_scope": AUTOMATIC,
        "client_id": str(answered.id),
        "automatic": AUTOMATIC,
        "rev": 0,
    }
