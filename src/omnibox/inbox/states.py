"""The states of a delivery: one room moves them, and everything that follows from a move follows there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.inbox import outcomes
from omnibox.model import LEFT, DeliveryState
from omnibox.store import Transaction, insert
from omnibox.store.columns import Key
from omnibox.store.hot import Hot, names_in, room_for, rows_in, values_in
from omnibox.store.tables import conversation, delivery, early, external_ref, identity, message

OPEN = frozenset({"queued", "sending", "uncertain"})
TROUBLED = frozenset({"failed", "uncertain"})
PROGRESS: tuple[DeliveryState, ...] = ("sent", "delivered", "read")
RECEIPTS = (*PROGRESS, "failed")
MOST_AT_ONCE = 1024

# What a move needs to know. The person, the conversation, the delivery: every writer takes them in this order. The lock
# leaves alone who only points at the rows (new messages do).
_LOCKED = (
    sa.select(
        delivery.c.id,
        delivery.c.message_id,
        delivery.c.conversation_id,
        delivery.c.channel_id,
        delivery.c.identity_id,
        delivery.c.address,
        delivery.c.state,
        delivery.c.code,
        delivery.c.is_open,
        delivery.c.attempts,
        delivery.c.fence,
        delivery.c.written_at,
        delivery.c.asked_at,
        delivery.c.sent_at,
        delivery.c.recipients,
        delivery.c.outcomes,
        delivery.c.claimed_at,
        delivery.c.lease_until,
        delivery.c.left_at,
        delivery.c.external_id,
        identity.c.delivered_until,
        identity.c.read_until,
    )
    .join(conversation, conversation.c.id == delivery.c.conversation_id)
    .join(identity, identity.c.id == delivery.c.identity_id)
    .order_by(delivery.c.conversation_id, delivery.c.id)
    .with_for_update(of=(identity, conversation, delivery), key_share=True)
)
_MOVED: dict[str, Any] = {
    "state": bindparam("b_state"),
    "state_at": bindparam("b_at"),
    "holder": None,
    "lease_until": None,
}
_ADVANCE = Hot(sa.update(delivery).where(delivery.c.id == bindparam("b_id")).values(_MOVED | {"is_open": False}))
_NAME = Hot(
    sa.update(delivery).where(delivery.c.id == bindparam("b_id")).values({"external_id": bindparam("b_external_id")})
)
_TROUBLE = Hot(
    sa.update(conversation)
    .where(conversation.c.id == bindparam("b_id"))
    .values({"troubled": conversation.c.troubled + bindparam("b_change"), "rev": conversation.c.rev + 1})
)
_FORGET_EARLY = Hot(
    sa.delete(early).where(
        early.c.scope == bindparam("b_scope"),
        early.c.value == bindparam("b_value"),
        early.c.kind == bindparam("b_kind"),
    )
)
_REFER = Hot(insert(external_ref).on_conflict_do_nothing().returning(external_ref.c.value))
_REFER_EACH = Hot(insert(external_ref).on_conflict_do_nothing())
_own = insert(external_ref)
_REFER_OWN = Hot(
    _own.on_conflict_do_update(
        index_elements=["scope", "value"],
        set_={
            "conversation_id": _own.excluded.conversation_id,
            "message_id": _own.excluded.message_id,
            "delivery_id": _own.excluded.delivery_id,
        },
        where=external_ref.c.message_id.is_(None),
    )
)


@cache
def _lock(room: int) -> Hot:
    return Hot(_LOCKED.where(delivery.c.id.in_(names_in(room))))


@cache
def _early(room: int) -> Hot:
    kinds = [sa.literal(each) for each in RECEIPTS]  # as a plain list it would be written out at each use
    mine = early.c.scope == bindparam("b_scope"), early.c.value.in_(names_in(room)), early.c.kind.in_(kinds)
    return Hot(sa.select(early.c.value, early.c.kind).where(*mine))


@cache
def _revise(room: int) -> Hot:
    return Hot(sa.update(message).where(message.c.id.in_(names_in(room))).values({"rev": message.c.rev + 1}))


@cache
def _land(room: int) -> Hot:
    """Each with its own state, code and id, in one statement: SQLite's driver gives way to other threads at each row
    that it is asked for."""
    own: dict[str, Any] = {"id": Key, "state": sa.Text, "code": sa.Text, "external_id": sa.Text}
    rows = [tuple(bindparam(f"b_{name}_{place}", type_=kind) for name, kind in own.items()) for place in range(room)]
    landed = sa.values(*(sa.column(name, kind) for name, kind in own.items()), name="landed").data(rows).cte("landed")
    values: dict[str, Any] = {name: landed.c[name] for name in own if name != "id"}
    values |= dict.fromkeys(("state_at", "sent_at"), bindparam("b_at"))
    values |= dict.fromkeys(("holder", "lease_until", "uncertain_at"))
    return Hot(sa.update(delivery).where(delivery.c.id == landed.c.id).values(values | {"is_open": False}))


def lock_deliveries(tx: Transaction, ids: Iterable[int]) -> dict[int, sa.Row[Any]]:
    """The rows of deliveries as they are now, kept from other writers until this transaction ends, by id."""
    wanted = list(ids)
    found = _lock_once(tx, wanted)
    if missing := [each for each in wanted if each not in found]:
        # PostgreSQL passes over a row that an agent took to another conversation while this waited for its lock.
        found |= _lock_once(tx, missing)
    return found


def _lock_once(tx: Transaction, wanted: Sequence[int]) -> dict[int, sa.Row[Any]]:
    return {row.id: row for row in run_among(tx, _lock, wanted).all()} if wanted else {}


def run_among(tx: Transaction, statement: Callable[[int], Hot], values: Sequence[Any], **more: Any) -> Any:
    """Run the statement that is made for so many values; `more` are its other parameters."""
    room = room_for(len(values))
    return statement(room).run(tx.connection, values_in(room, values) | more)


def lock_delivery(tx: Transaction, delivery_id: int) -> sa.Row[Any] | None:
    return lock_deliveries(tx, (delivery_id,)).get(delivery_id)


# ── Moving


def move(tx: Transaction, row: sa.Row[Any], state: DeliveryState, **values: Any) -> None:
    """Put a locked delivery into `state`, count what needs a person, and tell whoever watches."""
    values |= {
        "state": state,
        "state_at": tx.clock(),
        "is_open": state in OPEN
        and not (state == "queued" and outcomes.has_left(values.get("outcomes", row.outcomes))),
        "holder": None,
        "lease_until": None,
    }
    tx.execute(sa.update(delivery).where(delivery.c.id == row.id).values(values))
    tell_moved(tx, [(row, state)])


def tell_moved(tx: Transaction, moved: Sequence[tuple[Any, DeliveryState]], *, rings: bool = True) -> None:
    """What follows from moves that are written: counts, revisions, events. The rows are as they were before.

    Without `rings` nobody is woken: whoever moved them claims next.
    """
    run_among(tx, _revise, [row.message_id for row, _ in moved])
    for row, state in moved:
        if change := (state in TROUBLED) - (row.state in TROUBLED):
            tx.execute(_TROUBLE, {"b_id": row.conversation_id, "b_change": change})
        tx.announce("delivery.changed", conversation=row.conversation_id, message=row.message_id, word=state)
        if rings and (state == "queued" or (row.is_open and state not in OPEN)):
            tx.ring("deliveries")  # this one, or the next of its conversation, may go


class Landed(NamedTuple):
    """A locked delivery that the platform has, the scope of the platform's ids, and the ids it gave."""

    row: sa.Row[Any]
    scope: str
    external_id: str | None
    aliases: tuple[str, ...] = ()


def record_sent(
    tx: Transaction, row: sa.Row[Any], scope: str, external_id: str | None, aliases: tuple[str, ...] = ()
) -> None:
    """The platform has it: by its answer, an echo, or other evidence. Whatever came first; the rest merges."""
    landed = Landed(row, scope, external_id, aliases)
    record_landed(tx, [landed], take_early(tx, [landed]))


def record_landed(
    tx: Transaction, landed: Sequence[Landed], overtook: dict[tuple[str, str], set[str]], *, rings: bool = True
) -> None:
    """As `record_sent`, for many; `overtook` are the receipts that came before, by scope and id."""
    now = tx.clock()
    refer_own(tx, landed)
    moved: list[tuple[Any, DeliveryState]] = []
    values: list[dict[str, Any]] = []
    for each in landed:
        row = each.row
        if row.outcomes:
            continue  # that a copy left says nothing of those who are still waiting for theirs
        if row.state in LEFT:
            if each.external_id and not row.external_id:
                tx.execute(_NAME, {"b_id": row.id, "b_external_id": each.external_id})
            continue
        state = _reached(row, overtook.get((each.scope, each.external_id or ""), frozenset()))
        moved.append((row, state))
        values.append(
            {
                "id": row.id,
                "state": state,
                "code": "bounced" if state == "failed" else None,
                "external_id": each.external_id or row.external_id,
            }
        )
    if moved:
        room = room_for(len(values))
        _land(room).run(tx.connection, rows_in(room, values) | {"b_at": now})
        tell_moved(tx, moved, rings=rings)


def _reached(row: sa.Row[Any], overtook: set[str] | frozenset[str]) -> DeliveryState:
    """How far a part that was just taken has come already."""
    if "failed" in overtook:
        return "failed"
    if "read" in overtook or _covers(row.read_until, row.claimed_at):
        return "read"
    if "delivered" in overtook or _covers(row.delivered_until, row.claimed_at):
        return "delivered"
    return "sent"


def _covers(watermark: datetime | None, claimed_at: datetime | None) -> bool:
    return watermark is not None and claimed_at is not None and claimed_at <= watermark


# ── Receipts that overtake


def keep_early(tx: Transaction, scope: str, value: str, state: str, at: datetime) -> None:
    """A receipt that overtook its `sent` waits for it."""
    row = {"scope": scope, "value": value, "kind": state, "at": at, "edition": 0}
    tx.execute(insert(early).on_conflict_do_nothing(), row)


def take_early(tx: Transaction, landed: Iterable[Landed]) -> dict[tuple[str, str], set[str]]:
    """The receipts that waited for these, by scope and id; they wait no longer."""
    wanted: dict[str, list[str]] = {}
    for each in landed:
        if each.external_id:
            wanted.setdefault(each.scope, []).append(each.external_id)
    found: dict[tuple[str, str], set[str]] = {}
    for scope, values in wanted.items():
        for row in run_among(tx, _early, values, b_scope=scope).all():
            found.setdefault((scope, row.value), set()).add(row.kind)
            tx.execute(_FORGET_EARLY, {"b_scope": scope, "b_value": row.value, "b_kind": row.kind})
    return found


# ── The platform's ids


def refer_own(tx: Transaction, landed: Sequence[Landed]) -> None:
    """Know the ids of our own parts from now on, also where an edit or a reaction to one came first."""
    rows = [
        {
            "scope": each.scope,
            "value": value,
            "conversation_id": each.row.conversation_id,
            "message_id": each.row.message_id,
            "delivery_id": each.row.id,
        }
        for each in landed
        for value in (each.external_id, *each.aliases)
        if value and value != each.row.external_id  # a reserved id is known since the reply was queued
    ]
    if rows:
        _REFER_OWN.run_all(tx.connection, rows)


def refer_messages(tx: Transaction, scope: str, found: Sequence[tuple[str, int, int]]) -> set[str]:
    """Know the platform's ids of new messages, each with its conversation and message; returns those known before."""
    rows = [
        {"scope": scope, "value": value, "conversation_id": conversation, "message_id": message, "delivery_id": None}
        for value, conversation, message in found
    ]
    new = {value for (value,) in _REFER.run_all(tx.connection, rows)}
    if known := [row for row in rows if row["value"] not in new]:
        _REFER_OWN.run_each(tx.connection, known)
    return {value for value, _, _ in found if value not in new}


def refer_ancestors(tx: Transaction, scope: str, found: Mapping[str, int]) -> None:
    """Know the ids of messages that may never come, each with its conversation, as far as they are new."""
    rows = [
        {"scope": scope, "value": value, "conversation_id": conversation, "message_id": None, "delivery_id": None}
        for value, conversation in found.items()
    ]
    if rows:
        _REFER_EACH.run_all(tx.connection, rows)


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
        _REFER_OWN.run_each(tx.connection, [row])
    return False


# ── Receipts


def advance(tx: Transaction, row: sa.Row[Any], state: DeliveryState) -> None:
    """A receipt: forward only. A failure after the fact (a bounce) turns what was sent into failed."""
    if state == "failed":
        if row.state in LEFT or row.state == "uncertain":
            move(tx, row, "failed", code="bounced")
    elif row.state in LEFT and PROGRESS.index(state) > PROGRESS.index(row.state):
        tx.execute(_ADVANCE, {"b_id": row.id, "b_state": state, "b_at": tx.clock()})
        tell_moved(tx, [(row, state)])
    elif row.state == "uncertain":
        move(tx, row, state, sent_at=tx.clock(), code=None, uncertain_at=None)  # it arrived, so it left


def refuse_one(tx: Transaction, row: sa.Row[Any], address: str, code: str) -> None:
    """The mail of one recipient came back: failed, with the reason; who else has it keeps it."""
    if row.state in LEFT or row.state in TROUBLED:
        found = outcomes.refuse(row, address, code)
        alone = len(found) == 1
        move(tx, row, "failed", code=code, uncertain_at=None, outcomes=None if alone else found)


def advance_to(tx: Transaction, identity_id: int, state: DeliveryState, watermark: datetime) -> None:
    """All that left for this address before `watermark` is now at least `state`; later records look it up too."""
    column = identity.c.read_until if state == "read" else identity.c.delivered_until
    tx.execute(
        sa.update(identity)
        .where(identity.c.id == identity_id, sa.or_(column.is_(None), column < watermark))
        .values({column.key: watermark})
    )
    behind = PROGRESS[: PROGRESS.index(state)]
    found = tx.execute(
        sa.select(delivery.c.id)
        .where(
            delivery.c.identity_id == identity_id,
            delivery.c.state.in_(behind),
            delivery.c.claimed_at <= watermark,
        )
        .order_by(delivery.c.id)
    ).scalars()
    # Years of unread replies may be read at once, and PostgreSQL takes 32,767 values. The person is locked with
    # the first of them, so the order in which every writer takes its locks still holds.
    ids = found.all()
    for first in range(0, len(ids), MOST_AT_ONCE):
        for row in lock_deliveries(tx, ids[first : first + MOST_AT_ONCE]).values():
            advance(tx, row, state)
