"""What an agent decides about a delivery that needs a person: send it again, or give it up."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from omnibox.inbox import outcomes, states
from omnibox.store import Transaction


class Settled(Exception):
    """The delivery is in no state in which that can be asked."""


def send_again(tx: Transaction, delivery_id: int) -> int:
    """Queue a failed or uncertain delivery again, with the same ids, for whom does not have it; returns its message."""
    row = _waiting_for_a_person(tx, delivery_id, {"failed", "uncertain"})
    values = {"attempts": 0, "not_before": tx.clock(), "asked_at": tx.clock(), "delayed_at": None}
    again = outcomes.asked_again(row.outcomes)
    states.move(tx, row, "queued", **values, outcomes=again, code=None, uncertain_at=None)
    return int(row.message_id)


def dismiss(tx: Transaction, delivery_id: int) -> int:
    """Give an uncertain delivery up, or those recipients whom it did not reach; returns its message."""
    row = _waiting_for_a_person(tx, delivery_id, {"uncertain", "failed"})
    if row.state == "uncertain":
        states.move(tx, row, "failed", code="dismissed", uncertain_at=None)
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
