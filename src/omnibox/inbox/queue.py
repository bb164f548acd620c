"""The queue of deliveries as rows: claiming, renewing, recording, and what an agent decides. Plain transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from omnibox.connector import ChannelDown, Rejected, SendError, Sent, Temporary, Uncertain
from omnibox.inbox import states
from omnibox.inbox.retries import wait_after
from omnibox.inbox.taking import enqueue
from omnibox.inbox.way import Way, Ways
from omnibox.store import Reader, Transaction
from omnibox.store.tables import attachment, channel, connection, delivery, identity

LEASE = timedelta(seconds=60)
HELD_BY_UNCERTAIN = timedelta(minutes=2)  # then later parts of the conversation go on, and the agent is told
CHANNEL_REST_S = 30.0  # where a rate limit names no time


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process may send; only the holder of `fence` may record what became of it."""

    row: sa.Row[Any]
    fence: int
    files: tuple[sa.Row[Any], ...]


def due_in_s(tx: Reader, now: Any) -> float | None:
    """Seconds until the next queued delivery may go, 0 if one may now, None if nothing is queued."""
    first = tx.execute(sa.select(sa.func.min(delivery.c.not_before)).where(delivery.c.state == "queued")).scalar()
    return None if first is None else max(0.0, (first - now).total_seconds())


def claim(tx: Transaction, holder: str, most: int) -> list[Claimed]:
    """Take the oldest open delivery of up to `most` conversations, count the try, and commit that it is being sent."""
    now = tx.clock()
    older = delivery.alias("older")
    blocked = (
        sa.select(older.c.id)
        .where(
            older.c.conversation_id == delivery.c.conversation_id,
            older.c.id < delivery.c.id,
            older.c.is_open,
            sa.or_(older.c.state != "uncertain", older.c.uncertain_at > now - HELD_BY_UNCERTAIN),
        )
        .exists()
    )
    rows = tx.execute(
        sa.select(delivery)
        .join(channel, channel.c.id == delivery.c.channel_id)
        .join(connection, connection.c.id == channel.c.connection_id)
        .where(
            delivery.c.state == "queued",
            delivery.c.not_before <= now,
            channel.c.state == "active",
            connection.c.state == "active",
            sa.or_(channel.c.held_until.is_(None), channel.c.held_until <= now),
            ~blocked,
        )
        .order_by(delivery.c.id)
        .limit(most)
        .with_for_update(of=delivery, skip_locked=True)
    ).all()
    return [_claim_one(tx, row, holder) for row in rows]


def _claim_one(tx: Transaction, row: sa.Row[Any], holder: str) -> Claimed:
    now = tx.clock()
    states.move(
        tx,
        row,
        "sending",
        attempts=row.attempts + 1,
        fence=row.fence + 1,
        holder=holder,
        lease_until=now + LEASE,
        claimed_at=now,
        left_at=None,
    )
    files: Sequence[sa.Row[Any]] = ()
    if row.files:
        found = {f.id: f for f in tx.execute(sa.select(attachment).where(attachment.c.id.in_(row.files)))}
        files = [found[file_id] for file_id in row.files if file_id in found]
    return Claimed(row, row.fence + 1, tuple(files))


def _mine(claimed: Claimed) -> sa.ColumnElement[bool]:
    return sa.and_(delivery.c.id == claimed.row.id, delivery.c.fence == claimed.fence, delivery.c.state == "sending")


def renew(tx: Transaction, claimed: Claimed) -> bool:
    """Hold the lease longer; False where it is no longer ours."""
    values = {"lease_until": tx.clock() + LEASE}
    return bool(tx.execute(sa.update(delivery).where(_mine(claimed)).values(values)).rowcount)


def mark_leaving(tx: Transaction, claimed: Claimed) -> bool:
    """Commit that from here on a loss is uncertain; False where the lease is no longer ours: then do not send."""
    values = {"left_at": tx.clock()}
    return bool(tx.execute(sa.update(delivery).where(_mine(claimed)).values(values)).rowcount)


def record(tx: Transaction, claimed: Claimed, way: Way, outcome: Sent | SendError) -> bool:
    """What became of a send, in one transaction; False where the lease was lost and nothing may be recorded."""
    row = states.lock_delivery(tx, claimed.row.id)
    if row is None or row.fence != claimed.fence:
        return False
    if isinstance(outcome, Sent):
        states.record_sent(tx, row, way.id_scope, outcome.external_id or row.external_id, outcome.aliases)
        note_trouble(tx, row.channel_id, None)
        return True
    if row.state != "sending":
        return False  # an echo has settled it meanwhile
    match outcome:
        case Temporary():
            _retry_later(tx, row, way, outcome)
        case ChannelDown():
            states.move(tx, row, "queued", attempts=row.attempts - 1, code=outcome.code)
            pause(tx, row.channel_id, outcome)
        case Uncertain() if way.capabilities.idempotent:
            _retry_later(tx, row, way, Temporary(outcome.code))
        case Uncertain():
            doubt(tx, row, outcome.code)
        case _:
            states.move(tx, row, "failed", code=outcome.code)
            if isinstance(outcome, Rejected) and outcome.unreachable:
                gone = sa.update(identity).where(identity.c.id == row.identity_id)
                tx.execute(gone.values(unreachable_at=tx.clock()))
    return True


def _retry_later(tx: Transaction, row: sa.Row[Any], way: Way, error: Temporary) -> None:
    now = tx.clock()
    if error.whole_channel:
        rest = timedelta(seconds=error.retry_after or CHANNEL_REST_S)
        tx.execute(sa.update(channel).where(channel.c.id == row.channel_id).values(held_until=now + rest))
        states.move(tx, row, "queued", attempts=row.attempts - 1, not_before=now + rest, code=error.code)
        return
    retry = way.capabilities.retry
    if row.attempts >= retry.most or now - row.written_at > timedelta(seconds=retry.for_s):
        states.move(tx, row, "failed", code=error.code)
        return
    note_trouble(tx, row.channel_id, error.code)
    wait = timedelta(seconds=wait_after(retry, row.attempts, error.retry_after))
    states.move(tx, row, "queued", not_before=now + wait, code=error.code)


def doubt(tx: Transaction, row: sa.Row[Any], code: str) -> None:
    """It left and nobody knows: visible, looked into by a job, never sent again blindly."""
    states.move(tx, row, "uncertain", uncertain_at=tx.clock(), code=code)
    enqueue(tx, "evidence", str(row.id))


def pause(tx: Transaction, channel_id: int, error: ChannelDown) -> None:
    """They refuse us: the channel's queue waits, a banner says why, a probe ends it where one may."""
    values = {"state": "paused", "code": error.code, "since": tx.clock(), "needs_person": not error.resumes}
    changed = tx.execute(
        sa.update(channel).where(channel.c.id == channel_id, channel.c.state == "active").values(values)
    )
    if changed.rowcount:
        connection_id = tx.execute(sa.select(channel.c.connection_id).where(channel.c.id == channel_id)).scalar()
        tx.announce("channel.changed", channel=channel_id, word=error.code)
        if error.resumes:
            enqueue(tx, "probe", str(connection_id))


def note_trouble(tx: Transaction, channel_id: int, code: str | None) -> None:
    """Show on a channel that goes on what is wrong with it, or that nothing is any more."""
    differs = channel.c.code.is_not(None) if code is None else sa.or_(channel.c.code.is_(None), channel.c.code != code)
    noted = sa.update(channel).where(channel.c.id == channel_id, channel.c.state == "active", differs)
    if tx.execute(noted.values(code=code, since=None if code is None else tx.clock())).rowcount:
        tx.announce("channel.changed", channel=channel_id, word=code)


def sweep(tx: Transaction, ways: Ways, *, all_of_them: bool = False) -> int:
    """Settle what a dead process left in `sending`: back to the queue where it surely had not left, else uncertain.

    `all_of_them`: this process is the only one, so whatever is being sent at its start is nobody's.
    """
    condition = delivery.c.state == "sending"
    if not all_of_them:
        condition = sa.and_(condition, delivery.c.lease_until < tx.clock())
    ids = list(tx.execute(sa.select(delivery.c.id).where(condition).order_by(delivery.c.id)).scalars())
    for delivery_id in ids:
        row = states.lock_delivery(tx, delivery_id)
        if row is None or row.state != "sending":
            continue
        way = ways(row.channel_id)
        had_not_left = way is not None and way.capabilities.marks_leaving and row.left_at is None
        if had_not_left or (way is not None and way.capabilities.idempotent):
            states.move(tx, row, "queued", not_before=tx.clock(), code="interrupted")
        else:
            doubt(tx, row, "interrupted")
    return len(ids)


# ── What an agent decides


class Settled(Exception):
    """The delivery is in no state in which that can be asked."""


def send_again(tx: Transaction, delivery_id: int) -> int:
    """Queue a failed or uncertain delivery again, with the same ids; returns its message."""
    row = _waiting_for_a_person(tx, delivery_id, {"failed", "uncertain"})
    states.move(tx, row, "queued", attempts=0, not_before=tx.clock(), code=None, uncertain_at=None)
    return int(row.message_id)


def dismiss(tx: Transaction, delivery_id: int) -> int:
    """Give an uncertain delivery up; returns its message."""
    row = _waiting_for_a_person(tx, delivery_id, {"uncertain"})
    states.move(tx, row, "failed", code="dismissed", uncertain_at=None)
    return int(row.message_id)


def _waiting_for_a_person(tx: Transaction, delivery_id: int, wanted: set[str]) -> sa.Row[Any]:
    row = states.lock_delivery(tx, delivery_id)
    if row is None:
        raise LookupError(delivery_id)
    if row.state not in wanted:
        raise Settled(row.state)
    return row
