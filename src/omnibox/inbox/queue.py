"""The queue of deliveries as rows: claiming, renewing, recording, and what an agent decides. Plain transactions."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import ChannelDown, Rejected, SendError, Sent, Temporary, Uncertain
from omnibox.inbox import states
from omnibox.inbox.restoring import RESTORED
from omnibox.inbox.retries import wait_after
from omnibox.inbox.way import Way, Ways
from omnibox.jobs import enqueue
from omnibox.store import Reader, Transaction
from omnibox.store.hot import Hot
from omnibox.store.tables import agent, attachment, channel, connection, delivery, identity, message

LEASE = timedelta(seconds=60)
HELD_BY_UNCERTAIN = timedelta(minutes=2)  # then later parts of the conversation go on, and the agent is told
CHANNEL_REST_S = 30.0  # where a rate limit names no time
NO_WAY_S = 5.0  # until a claimed part without a way out is looked at again
UNKNOWN_TO_ANYBODY = timedelta(minutes=2)  # then what was being sent on a channel without a way is settled all the same

_open_channels = (
    sa.select(channel.c.id)
    .join(connection, connection.c.id == channel.c.connection_id)
    .where(
        channel.c.state == "active",
        connection.c.state == "active",
        sa.or_(channel.c.held_until.is_(None), channel.c.held_until <= bindparam("b_now")),
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
        delivery.c.is_open,
        delivery.c.written_at,
        delivery.c.attempts,
        delivery.c.fence,
        delivery.c.code,
        agent.c.name.label("author"),
    )
    .join(message, message.c.id == delivery.c.message_id)
    .outerjoin(agent, _author)
)
_ONE = _PART.where(delivery.c.id == bindparam("b_id"))
# By the index of what is due, so that a long queue is not sorted at each claim. A row that another process takes at
# this moment is skipped; one it has just taken is looked at again by the database and is no longer queued.
_DUE = (
    _PART.where(
        delivery.c.state == "queued",
        delivery.c.not_before <= bindparam("b_now"),
        delivery.c.channel_id.in_(_open_channels),
        ~_blocked,
    )
    .order_by(delivery.c.not_before, delivery.c.id)
    .limit(bindparam("b_most", type_=sa.Integer))
    .with_for_update(of=delivery, skip_locked=True)
)
_NEXT = sa.select(sa.func.min(delivery.c.not_before)).where(
    delivery.c.state == "queued", delivery.c.not_before > bindparam("b_now")
)
_WAITING = (
    sa.select(delivery.c.id)
    .where(
        sa.or_(
            sa.and_(delivery.c.state == "queued", delivery.c.not_before <= bindparam("b_now")),
            sa.and_(delivery.c.state == "sending", delivery.c.lease_until < bindparam("b_now")),
        )
    )
    .limit(1)
)
_SENDING = sa.select(delivery.c.id).where(delivery.c.state == "sending").order_by(delivery.c.id)
_EXPIRED = _SENDING.where(delivery.c.lease_until < bindparam("b_now"))
_HELD = _SENDING.where(delivery.c.holder == bindparam("b_holder"))
_CLAIM = Hot(
    sa.update(delivery)
    .where(delivery.c.id == bindparam("b_id"))
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
_mine = (delivery.c.id == bindparam("b_id"), delivery.c.fence == bindparam("b_fence"), delivery.c.state == "sending")
_RENEW = Hot(sa.update(delivery).where(*_mine).values(lease_until=bindparam("b_until")))
_MARK_LEAVING = Hot(sa.update(delivery).where(*_mine).values(left_at=bindparam("b_at")))
_NO_TROUBLE = sa.update(channel).where(
    channel.c.id == bindparam("b_id"), channel.c.state == "active", channel.c.code.is_not(None)
)
_WELL = Hot(_NO_TROUBLE.values(code=None, since=None))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process may send; only the holder of `fence` may record what became of it."""

    row: sa.Row[Any]
    fence: int
    files: tuple[sa.Row[Any], ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a claimed delivery; None: it was not touched, and goes back as it came."""

    claimed: Claimed
    way: Way | None
    outcome: Sent | SendError | None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn did: claimed these, found those leases lost; the next delivery is due in so many seconds."""

    claimed: list[Claimed]
    lost: list[int]
    swept: int
    due_s: float | None


# ── Claiming


def has_work(tx: Reader, now: datetime) -> bool:
    """Whether something is due, or was left behind by a process that is gone."""
    return tx.execute(_WAITING, {"b_now": now}).first() is not None


def due_in_s(tx: Reader, now: datetime) -> float | None:
    """Seconds until the next delivery that is not due yet, None if there is none."""
    first = tx.execute(_NEXT, {"b_now": now}).scalar()
    return None if first is None else max(0.0, (first - now).total_seconds())


def claim(tx: Transaction, holder: str, most: int, lease: timedelta = LEASE) -> list[Claimed]:
    """Take the oldest open delivery of up to `most` conversations, count the try, and commit that it is being sent."""
    now = tx.clock()
    wanted = {"b_now": now, "b_held_since": now - HELD_BY_UNCERTAIN, "b_most": most}
    rows = tx.execute(_DUE, wanted).all()
    if not rows:
        return []
    values = [{"b_id": row.id, "b_at": now, "b_holder": holder, "b_until": now + lease} for row in rows]
    _CLAIM.run_each(tx.connection, values)
    states.tell_moved(tx, [(row, "sending") for row in rows])
    return [Claimed(row, row.fence + 1, files_of(tx, row)) for row in rows]


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
    lost = record(tx, ended)
    if known is not None:
        give_back_strays(tx, holder, known)
    claimed = claim(tx, holder, most, lease) if most > 0 else []
    return Turn(claimed, lost, swept, due_in_s(tx, tx.clock()) if len(claimed) < most else None)


def find_part(tx: Reader, delivery_id: int) -> sa.Row[Any] | None:
    """What leaves with a delivery."""
    return tx.execute(_ONE, {"b_id": delivery_id}).first()


def files_of(tx: Reader, row: sa.Row[Any]) -> tuple[sa.Row[Any], ...]:
    """The stored files of a delivery, in their order."""
    wanted = listed(row.files)
    if not wanted:
        return ()
    found = {each.id: each for each in tx.execute(sa.select(attachment).where(attachment.c.id.in_(wanted)))}
    return tuple(found[file_id] for file_id in wanted if file_id in found)


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


# ── Recording


def record(tx: Transaction, ended: Sequence[Ended]) -> list[int]:
    """What became of sends, in one transaction; returns the deliveries whose lease was lost: nothing is recorded there.

    Nobody is woken for what goes on after them: whoever records claims next.
    """
    if not ended:
        return []
    rows = states.lock_deliveries(tx, [each.claimed.row.id for each in ended])
    landed: list[states.Landed] = []
    well: set[int] = set()
    with_receipts: list[states.Landed] = []
    lost: list[int] = []
    for each in ended:
        row = rows.get(each.claimed.row.id)
        if row is None or row.fence != each.claimed.fence:
            lost.append(each.claimed.row.id)
        elif each.way is None or each.outcome is None:
            _give_back(tx, row)
        elif isinstance(each.outcome, Sent):
            sent = each.outcome
            scope = each.way.id_scope
            landed.append(states.Landed(row, scope, sent.external_id or row.external_id, sent.aliases))
            if each.way.capabilities.receipts:
                with_receipts.append(landed[-1])
            well.add(row.channel_id)
        elif row.state == "sending":  # else an echo has settled it meanwhile
            _record_error(tx, row, each.way, each.outcome)
    states.record_landed(tx, landed, states.take_early(tx, with_receipts), rings=False)
    for channel_id in well:
        note_well(tx, channel_id)
    return lost


def _record_error(tx: Transaction, row: sa.Row[Any], way: Way, error: SendError) -> None:
    match error:
        case Temporary():
            _retry_later(tx, row, way, error)
        case ChannelDown():
            states.move(tx, row, "queued", attempts=row.attempts - 1, code=error.code)
            pause(tx, row.channel_id, error)
        case Uncertain() if way.capabilities.idempotent:
            _retry_later(tx, row, way, Temporary(error.code))
        case Uncertain():
            doubt(tx, row, error.code)
        case _:
            states.move(tx, row, "failed", code=error.code)
            if isinstance(error, Rejected) and error.unreachable:
                gone = sa.update(identity).where(identity.c.id == row.identity_id)
                tx.execute(gone.values(unreachable_at=tx.clock()))


def _give_back(tx: Transaction, row: sa.Row[Any]) -> None:
    """Put back what was claimed and not touched; the try does not count."""
    if row.state == "sending":
        later = tx.clock() + timedelta(seconds=NO_WAY_S)
        states.move(tx, row, "queued", attempts=row.attempts - 1, not_before=later)


def give_back_strays(tx: Transaction, holder: str, known: Collection[int]) -> None:
    """Put back what stands as claimed by `holder` and is not `known`: the answer of that claim's commit was lost, so
    nobody is sending it."""
    strays = [found for found in tx.execute(_HELD, {"b_holder": holder}).scalars() if found not in known]
    for row in states.lock_deliveries(tx, strays).values():
        _give_back(tx, row)


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


def note_trouble(tx: Transaction, channel_id: int, code: str) -> None:
    """Show on a channel that goes on what is wrong with it."""
    differs = sa.or_(channel.c.code.is_(None), channel.c.code != code)
    noted = sa.update(channel).where(channel.c.id == channel_id, channel.c.state == "active", differs)
    if tx.execute(noted.values(code=code, since=tx.clock())).rowcount:
        tx.announce("channel.changed", channel=channel_id, word=code)


def note_well(tx: Transaction, channel_id: int) -> None:
    """Show on a channel that nothing is wrong any more."""
    if tx.execute(_WELL, {"b_id": channel_id}).rowcount:
        tx.announce("channel.changed", channel=channel_id)


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
            doubt(tx, row, RESTORED if row.code == RESTORED else "interrupted")
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
