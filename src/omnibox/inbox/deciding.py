"""What an agent decides about a delivery that needs a person: send it again, or give it up."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from omnibox.inbox import outcomes, states
from omnibox.inbox.policy import allowed
from omnibox.inbox.replies import ReplyRefused
from omnibox.inbox.way import Ways
from omnibox.jobs import forget
from omnibox.store import Transaction
from omnibox.store.tables import conversation, delivery, message

DISMISSED = "dismissed"  # the code of what was given up though it may have left


class Settled(Exception):
    """The delivery is in no state in which that can be asked."""


def ask_again(tx: Transaction, delivery_id: int, ways: Ways, fence: int) -> int:
    """As `send_again`, for an agent: raises `ReplyRefused` where the platform would no longer take it."""
    wanted = (
        sa.select(delivery.c.channel_id, message.c.author_kind, conversation.c.last_inbound_at)
        .join(message, message.c.id == delivery.c.message_id)
        .join(conversation, conversation.c.id == delivery.c.conversation_id)
    )
    found = tx.execute(wanted.where(delivery.c.id == delivery_id)).first()
    way = ways(found.channel_id) if found is not None else None
    if found is not None and way is not None:
        windows = way.capabilities.windows
        policy = allowed(windows, found.last_inbound_at, found.author_kind, tx.clock(), way.settings)
        if not policy.allowed:
            raise ReplyRefused(policy.code or "window_closed")
    return send_again(tx, delivery_id, fence)


def send_again(tx: Transaction, delivery_id: int, fence: int) -> int:
    """Queue a failed or uncertain delivery again, with the same ids, for whom does not have it; returns its message.

    `fence`: whoever decides knows how its tries up to this one ended, and of no later one.
    """
    row = _waiting_for_a_person(tx, delivery_id, {"failed", "uncertain"})
    if row.fence != fence:
        raise Settled(row.state)
    values = {"attempts": 0, "not_before": tx.clock(), "asked_at": tx.clock(), "delayed_at": None}
    again = outcomes.asked_again(row.outcomes)
    states.move(tx, row, "queued", **values, outcomes=again, code=None, uncertain_at=None)
    forget(tx, "evidence", str(delivery_id))  # of a later doubt another begins
    return int(row.message_id)


def dismiss(tx: Transaction, delivery_id: int) -> int:
    """Give an uncertain delivery up, or those recipients whom it did not reach; returns its message."""
    row = _waiting_for_a_person(tx, delivery_id, {"uncertain", "failed"})
    if row.state == "uncertain":
        states.move(tx, row, "failed", code=DISMISSED, uncertain_at=None)
    elif outcomes.has_left(row.outcomes):
        states.move(tx, row, "sent", code=None)
    else:
        raise Settled(row.state)
    return int(row.message_id)


def _waiting_for_a_person(tx: Transaction, delivery_id: int, wanted: set[str]) -> sa.Row[Any]:
    row = states.lock_delivery(tx, delivery_id)
    if row is None:
        raise LookupError(delivery_id)
    if row.state not in wanted:
        raise Settled(row.state)
    return row
