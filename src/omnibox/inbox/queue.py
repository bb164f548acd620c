"""The queue of deliveries as rows: claiming, renewing, sweeping. Plain transactions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.inbox import lateness, pacing, recording, states
from omnibox.inbox.recording import Claimed, Ended
from omnibox.inbox.restoring import RESTORED
from omnibox.inbox.way import Way, Ways
from omnibox.store import Reader, Transaction
from omnibox.store.hot import Hot, names_in
from omnibox.store.tables import (
    agent,
    attachment,
    channel,
    connection,
    contact,
    conversation,
    delivery,
    identity,
    message,
)

LEASE = timedelta(seconds=60)
MOST_KNOWN = 200
HELD_BY_UNCERTAIN = timedelta(minutes=2)  # then later parts of the conversation go on, and the agent is told
UNKNOWN_TO_ANYBODY = timedelta(minutes=2)  # then what was being sent on a channel without a way is settled all the same

_active_channels = (
    sa.select(channel.c.id)
    .join(connection, connection.c.id == channel.c.connection_id)
    .where(
        channel.c.state == "active",
        connection.c.state == "active",
    )
)
_sending_there = sa.select(delivery.c.id).where(delivery.c.channel_id == channel.c.id, delivery.c.state == "sending")
# A channel that had to rest is tried with one part alone: many at once would be refused at once, and those that get
# through would have overtaken the others.
_RESTED = Hot(
    _active_channels.where(channel.c.held_until <= bindparam("b_now"), ~_sending_there.exists()).with_for_update(
        of=channel, skip_locked=True
    )
)
_older = delivery.alias("older")
_blocked = (
    sa.select(_older.c.id)
    .where(
        _older.c.conversation_id == delivery.c.conversation_id,
        _older.c.id < delivery.c.id,
        _older.c.is_open,
        sa.or_(_older.c.state != "uncertain", _older.c.uncertain_at > bindparam("b_held_since")),
    )
    .exists()
)
_author = sa.and_(agent.c.id == message.c.author_id, message.c.author_kind == "agent")
_PART = (
    sa.select(
        delivery.c.id,
        delivery.c.part_id,
        delivery.c.message_id,
        delivery.c.conversation_id,
        delivery.c.channel_id,
        delivery.c.address,
        delivery.c.text,
        delivery.c.html,
        delivery.c.subject,
        sa.cast(delivery.c.files, sa.Text).label("files"),
        sa.cast(delivery.c.refs, sa.Text).label("refs"),
        delivery.c.mode,
        delivery.c.state,
        delivery.c.state_at,
        delivery.c.is_open,
        delivery.c.written_at,
        delivery.c.attempts,
        delivery.c.fence,
        delivery.c.code,
        delivery.c.recipients,
        delivery.c.outcomes,
        delivery.c.quoted_id,
        delivery.c.has_offer,
        message.c.offer,
        message.c.author_kind,
        agent.c.name.label("author"),
        agent.c.signature,
        agent.c.picture,
    )
    .join(message, message.c.id == delivery.c.message_id)
    .outerjoin(agent, _author)
)
_QUOTED = (
    sa.select(message.c.id, message.c.at, message.c.text, message.c.html, identity.c.address, contact.c.name)
    .join(identity, identity.c.id == message.c.identity_id)
    .join(contact, contact.c.id == identity.c.contact_id)
    .where(message.c.id.in_(bindparam("b_ids", expanding=True)), message.c.deleted_at.is_(None))
)
_ONE = _PART.where(delivery.c.id == bindparam("b_id"))
# By the index of what is due, so that a long queue is not sorted at each claim. A row that another process takes at
# this moment is skipped; one it has just taken is looked at again by the database and is no longer queued.
_ANY_DUE = (
    _PART.where(delivery.c.state == "queued", delivery.c.not_before <= bindparam("b_now"), ~_blocked)
    .order_by(delivery.c.not_before, delivery.c.id)
    .limit(bindparam("b_most", type_=sa.Integer))
    .with_for_update(of=delivery, skip_locked=True)
)
_DUE = _ANY_DUE.where(delivery.c.channel_id.in_(_active_channels.where(channel.c.held_until.is_(None))))
_TAKE = Hot(_DUE)
_TAKE_THERE = Hot(_ANY_DUE.where(delivery.c.channel_id == bindparam("b_channel")))
_NEXT = sa.select(sa.func.min(delivery.c.not_before)).where(
    delivery.c.state == "queued", delivery.c.not_before > bindparam("b_now")
)
_WAITING = (
    sa.select(delivery.c.id)
    .where(
        sa.or_(
            sa.and_(delivery.c.state == "queued", delivery.c.not_before <= bindparam("b_now")),
            sa.and_(delivery.c.state == "sending", delivery.c.lease_until < bindparam("b_now")),
            sa.and_(delivery.c.state == "queued", lateness.is_late),
        )
    )
    .limit(1)
)
_SENDING = sa.select(delivery.c.id).where(delivery.c.state == "sending").order_by(delivery.c.id)
_EXPIRED = _SENDING.where(delivery.c.lease_until < bindparam("b_now"))
_mine = (delivery.c.id == bindparam("b_id"), delivery.c.fence == bindparam("b_fence"), delivery.c.state == "sending")
_RENEW = Hot(sa.update(delivery).where(*_mine).values(lease_until=bindparam("b_until")))
_MARK_LEAVING = Hot(sa.update(delivery).where(*_mine).values(left_at=bindparam("b_at")))


@cache
def _claim(room: int) -> Hot:
    return Hot(
        sa.update(delivery)
        .where(delivery.c.id.in_(names_in(room)))
        .values(
            state="sending",
            state_at=bindparam("b_at"),
            is_open=True,
            attempts=delivery.c.attempts + 1,
            fence=delivery.c.fence + 1,
            holder=bindparam("b_holder"),
            lease_until=bindparam("b_until"),
            claimed_at=bindparam("b_at"),
            left_at=None,
        )
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: claimed these, found those leases lost; the next delivery is due in so many seconds."""

    claimed: list[Claimed]
    lost: list[int]
    swept: int
    due_s: float | None


# ── Claiming


def has_work(tx: Reader, now: datetime) -> bool:
    """Whether something is due, has waited for too long, or was left behind by a process that is gone."""
    return tx.execute(_WAITING, {"b_now": now, "b_late": now - lateness.LATE}).first() is not None


def due_in_s(tx: Reader, now: datetime) -> float | None:
    """Seconds until the next delivery that is not due yet, None if there is none."""
    first = tx.execute(_NEXT, {"b_now": now}).scalar()
    return None if first is None else max(0.0, (first - now).total_seconds())


def claim(tx: Transaction, ways: Ways, holder: str, most: int, lease: timedelta = LEASE) -> list[Claimed]:
    """Take the oldest open delivery of up to `most` conversations, count the try, and commit that it is being sent."""
    now = tx.clock()
    wanted = {"b_now": now, "b_held_since": now - HELD_BY_UNCERTAIN, "b_most": most}
    due = [*_first_after_rest(tx, wanted), *_TAKE.run(tx.connection, wanted).all()]
    rows = pacing.within(tx, due[:most], ways)
    if not rows:
        return []
    values = {"b_at": now, "b_holder": holder, "b_until": now + lease}
    states.run_among(tx, _claim, [row.id for row in rows], **values)
    states.tell_moved(tx, [(row, "sending") for row in rows])
    quoted = quoted_by(tx, rows)
    return [Claimed(row, row.fence + 1, files_of(tx, row), quoted.get(row.quoted_id)) for row in rows]


def _first_after_rest(tx: Transaction, wanted: Mapping[str, Any]) -> list[sa.Row[Any]]:
    """The oldest part of each channel that has rested for as long as the platform asked; locks those channels."""
    rested = _RESTED.run(tx.connection, wanted).all()
    found = [_TAKE_THERE.run(tx.connection, {**wanted, "b_channel": row.id, "b_most": 1}).first() for row in rested]
    return [row for row in found if row is not None]


def take_turn(
    tx: Transaction,
    ways: Ways,
    ended: Sequence[Ended],
    *,
    holder: str,
    most: int,
    lease: timedelta = LEASE,
    sweeps: Literal["", "expired", "all"] = "",
    known: Collection[int] | None = None,
) -> Turn:
    """Record what has ended and claim up to `most`: one commit carries both, so the next of a conversation follows at
    once. `known` are the deliveries being sent now, where an earlier claim's answer may have been lost."""
    swept = sweep(tx, ways, all_of_them=sweeps == "all") if sweeps else 0
    lost = recording.record(tx, ended)
    if sweeps:
        lateness.note_late(tx)
    if known is not None:
        recording.give_back_strays(tx, holder, known)
    claimed = claim(tx, ways, holder, most, lease) if most > 0 else []
    return Turn(claimed, lost, swept, due_in_s(tx, tx.clock()) if len(claimed) < most else None)


def find_part(tx: Reader, delivery_id: int) -> sa.Row[Any] | None:
    """What leaves with a delivery."""
    return tx.execute(_ONE, {"b_id": delivery_id}).first()


def last_inbound_at(tx: Reader, conversation_id: int) -> datetime | None:
    """When the contact last wrote, by the platform's clock."""
    wanted = sa.select(conversation.c.last_inbound_at).where(conversation.c.id == conversation_id)
    return cast("datetime | None", tx.execute(wanted).scalar())


def known_ids(tx: Reader, conversation_id: int) -> tuple[str, ...]:
    """The platform's ids of a conversation's newest messages and parts: what they name is surely no other part."""
    found: set[str] = set()
    for table in (message, delivery):
        wanted = sa.select(table.c.external_id).where(table.c.conversation_id == conversation_id)
        found |= set(tx.execute(wanted.order_by(table.c.id.desc()).limit(MOST_KNOWN)).scalars())
    return tuple(sorted(each for each in found if each))


def files_of(tx: Reader, row: sa.Row[Any]) -> tuple[sa.Row[Any], ...]:
    """The stored files of a delivery, in their order."""
    wanted = listed(row.files)
    if not wanted:
        return ()
    found = {each.id: each for each in tx.execute(sa.select(attachment).where(attachment.c.id.in_(wanted)))}
    return tuple(found[file_id] for file_id in wanted if file_id in found)


def quoted_by(tx: Reader, rows: Sequence[sa.Row[Any]]) -> dict[int | None, sa.Row[Any]]:
    """The messages that deliveries quote, by id."""
    wanted = {row.quoted_id for row in rows if row.quoted_id is not None}
    if not wanted:
        return {}
    return {row.id: row for row in tx.execute(_QUOTED, {"b_ids": list(wanted)})}


def listed(text: str) -> list[Any]:
    """A list that the row holds as JSON; most are empty."""
    return [] if text == "[]" else json.loads(text)


def renew(tx: Transaction, claimed: Iterable[Claimed], lease: timedelta = LEASE) -> None:
    """Hold those leases longer that are still ours."""
    until = tx.clock() + lease
    values = [{"b_id": each.row.id, "b_fence": each.fence, "b_until": until} for each in claimed]
    if values:
        _RENEW.run_each(tx.connection, values)


def mark_leaving(tx: Transaction, claimed: Claimed) -> bool:
    """Commit that from here on a loss is uncertain; False where the lease is no longer ours: then do not send."""
    values = {"b_id": claimed.row.id, "b_fence": claimed.fence, "b_at": tx.clock()}
    return bool(tx.execute(_MARK_LEAVING, values).rowcount)


# ── Sweeping


def sweep(tx: Transaction, ways: Ways, *, all_of_them: bool = False) -> int:
    """Settle what a dead process left in `sending`: back to the queue where it surely had not left, else uncertain.

    `all_of_them`: this process is the only one, so whatever is being sent at its start is nobody's.
    """
    found = tx.execute(_SENDING) if all_of_them else tx.execute(_EXPIRED, {"b_now": tx.clock()})
    swept = 0
    for row in states.lock_deliveries(tx, found.scalars()).values():
        if row.state != "sending":
            continue
        way = ways(row.channel_id)
        if not all_of_them and not _is_over(row, way, tx.clock()):
            continue
        if _may_leave_again(row, way):
            states.move(tx, row, "queued", not_before=tx.clock(), code="interrupted")
        else:
            recording.doubt(tx, row, RESTORED if row.code == RESTORED else "interrupted")
        swept += 1
    return swept


def _may_leave_again(row: sa.Row[Any], way: Way | None) -> bool:
    """Whether sending what was being sent cannot double it. After a restore only where the store itself is the channel:
    how long a platform knows a repeated id is its own business."""
    if way is None:
        return False
    if row.code == RESTORED:
        return way.capabilities.live
    had_not_left = way.capabilities.marks_leaving and row.left_at is None
    return had_not_left or way.capabilities.idempotent


def _is_over(row: sa.Row[Any], way: Way | None, now: datetime) -> bool:
    """Whether a lease has run out. Where this process knows no way, one that does is given time to settle it better."""
    ended_at: datetime = row.lease_until
    return ended_at < (now if way is not None else now - UNKNOWN_TO_ANYBODY)
