"""A reply that waits for long is shown as delayed, while the tries go on by themselves."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.inbox import states
from omnibox.store import Transaction
from omnibox.store.tables import delivery, message

LATE = timedelta(minutes=15)
MOST = 500  # told of in one transaction

asked_at = sa.func.coalesce(delivery.c.asked_at, delivery.c.written_at)
is_late = sa.and_(delivery.c.delayed_at.is_(None), asked_at <= bindparam("b_late"))
_LATE = (
    sa.select(delivery.c.id, delivery.c.message_id, delivery.c.conversation_id)
    .where(delivery.c.state.in_(("queued", "sending")), is_late)
    .order_by(delivery.c.id)
    .limit(MOST)
)


def note_late(tx: Transaction) -> None:
    """Tell of each delivery that has been waiting for too long; once, until an agent asks for it again."""
    now = tx.clock()
    rows = tx.execute(_LATE, {"b_late": now - LATE}).all()
    if not rows:
        return
    states.lock_deliveries(tx, [row.id for row in rows])
    tx.execute(sa.update(delivery).where(delivery.c.id.in_([row.id for row in rows])).values(delayed_at=now))
    messages = sorted({row.message_id for row in rows})
    tx.execute(sa.update(message).where(message.c.id.in_(messages)).values(rev=message.c.rev + 1))
    for row in rows:
        tx.announce("delivery.changed", conversation=row.conversation_id, message=row.message_id, word="delayed")
