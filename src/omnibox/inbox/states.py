"""The states of a delivery: one function moves them, and everything that follows from a move follows there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from omnibox.model import LEFT, DeliveryState
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot
from omnibox.store.tables import conversation, delivery, early, external_ref, identity, message

OPEN = frozenset({"queued", "sending", "uncertain"})
TROUBLED = frozenset({"failed", "uncertain"})
PROGRESS: tuple[DeliveryState, ...] = ("sent", "delivered", "read")


def lock_delivery(tx: Transaction, delivery_id: int) -> sa.Row[Any] | None:
    """The delivery's row, after its conversation's: every writer takes them in this order."""
    found = tx.execute(sa.select(delivery.c.conversation_id).where(delivery.c.id == delivery_id)).scalar()
    if found is None:
        return None
    tx.execute(sa.select(conversation.c.id).where(conversation.c.id == found).with_for_update())
    return tx.execute(sa.select(delivery).where(delivery.c.id == delivery_id).with_for_update()).first()


def move(tx: Transaction, row: sa.Row[Any], state: DeliveryState, **values: Any) -> None:
    """Put a locked delivery into `state`, count what needs a person, and tell whoever watches."""
    change = (state in TROUBLED) - (row.state in TROUBLED)
    values |= {"state": state, "state_at": tx.clock(), "is_open": state in OPEN}
    if state != "sending":
        values |= {"holder": None, "lease_until": None}
    tx.execute(sa.update(delivery).where(delivery.c.id == row.id).values(values))
    tx.execute(sa.update(message).where(message.c.id == row.message_id).values(rev=message.c.rev + 1))
    if change:
        tx.execute(
            sa.update(conversation)
            .where(conversation.c.id == row.conversation_id)
            .values(troubled=conversation.c.troubled + change, rev=conversation.c.rev + 1)
        )
    tx.announce("delivery.changed", conversation=row.conversation_id, message=row.message_id, word=state)
    if state == "queued" or (row.is_open and state not in OPEN):
        tx.ring("deliveries")  # this one, or the next of its conversation, may go


def record_sent(
    tx: Transaction, row: sa.Row[Any], scope: str, external_id: str | None, aliases: tuple[str, ...] = ()
) -> None:
    """The platform has it: by its answer, an echo, or other evidence. Whatever came first; the rest merges."""
    for value in (external_id, *aliases):
        if value:
            refer(tx, scope, value, row.conversation_id, row.message_id, row.id)
    if row.state in LEFT:
        if external_id and not row.external_id:
            tx.execute(sa.update(delivery).where(delivery.c.id == row.id).values(external_id=external_id))
        return
    seen = tx.execute(
        sa.select(identity.c.delivered_until, identity.c.read_until).where(identity.c.id == row.identity_id)
    ).one()
    early_states = take_early(tx, scope, external_id)
    state: DeliveryState = "sent"
    if "failed" in early_states:
        state = "failed"
    elif "read" in early_states or _covers(seen.read_until, row.claimed_at):
        state = "read"
    elif "delivered" in early_states or _covers(seen.delivered_until, row.claimed_at):
        state = "delivered"
    code = "bounced" if state == "failed" else None
    known_id = external_id or row.external_id
    move(tx, row, state, external_id=known_id, sent_at=tx.clock(), code=code, uncertain_at=None)


def keep_early(tx: Transaction, scope: str, value: str, state: str, at: datetime) -> None:
    """A receipt that overtook its `sent` waits for it."""
    row = {"scope": scope, "value": value, "kind": state, "at": at, "edition": 0}
    tx.execute(insert(early).on_conflict_do_nothing(), row)


def take_early(tx: Transaction, scope: str, value: str | None) -> set[str]:
    """The receipts that waited for an id; they wait no longer."""
    if value is None:
        return set()
    mine = sa.and_(early.c.scope == scope, early.c.value == value, early.c.kind.in_((*PROGRESS, "failed")))
    found = set(tx.execute(sa.select(early.c.kind).where(mine)).scalars())
    if found:
        tx.execute(sa.delete(early).where(mine))
    return found


def _covers(watermark: datetime | None, claimed_at: datetime | None) -> bool:
    return watermark is not None and claimed_at is not None and claimed_at <= watermark


def refer(
    tx: Transaction,
    scope: str,
    value: str,
    conversation_id: int,
    message_id: int | None = None,
    delivery_id: int | None = None,
) -> bool:
    """Know a platform's id from now on; returns whether it was unknown."""
    row = {
        "scope": scope,
        "value": value,
        "conversation_id": conversation_id,
        "message_id": message_id,
        "delivery_id": delivery_id,
    }
    if tx.execute(_REFER, row).first():
        return True
    if message_id is not None:
        tx.execute(
            sa.update(external_ref)
            .where(external_ref.c.scope == scope, external_ref.c.value == value, external_ref.c.message_id.is_(None))
            .values(conversation_id=conversation_id, message_id=message_id, delivery_id=delivery_id)
        )
    return False


_REFER = Hot(insert(external_ref).on_conflict_do_nothing().returning(external_ref.c.value))


def advance(tx: Transaction, row: sa.Row[Any], state: DeliveryState) -> None:
    """A receipt: forward only. A failure after the fact (a bounce) turns what was sent into failed."""
    if state == "failed":
        if row.state in LEFT or row.state == "uncertain":
            move(tx, row, "failed", code="bounced")
    elif row.state in LEFT and PROGRESS.index(state) > PROGRESS.index(row.state):
        move(tx, row, state)
    elif row.state == "uncertain":
        move(tx, row, state, sent_at=tx.clock(), code=None, uncertain_at=None)  # it arrived, so it left


def advance_to(tx: Transaction, identity_id: int, state: DeliveryState, watermark: datetime) -> None:
    """All that left for this address before `watermark` is now at least `state`; later records look it up too."""
    column = identity.c.read_until if state == "read" else identity.c.delivered_until
    tx.execute(
        sa.update(identity)
        .where(identity.c.id == identity_id, sa.or_(column.is_(None), column < watermark))
        .values({column.key: watermark})
    )
    behind = PROGRESS[: PROGRESS.index(state)]
    ids = tx.execute(
        sa.select(delivery.c.id)
        .where(
            delivery.c.identity_id == identity_id,
            delivery.c.state.in_(behind),
            delivery.c.claimed_at <= watermark,
        )
        .order_by(delivery.c.id)
    ).scalars()
    for delivery_id in list(ids):
        if row := lock_delivery(tx, delivery_id):
            advance(tx, row, state)
