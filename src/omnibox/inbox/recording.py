"""What became of sends: recorded in one transaction, and what follows for the delivery, its channel and its contact."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import ChannelDown, Rejected, SendError, Sent, Temporary, Uncertain
from omnibox.inbox import outcomes, pacing, states
from omnibox.inbox.retries import wait_after
from omnibox.inbox.way import Way
from omnibox.jobs import enqueue
from omnibox.model import LEFT
from omnibox.store import Transaction
from omnibox.store.hot import Hot
from omnibox.store.tables import channel, delivery, identity

CHANNEL_REST_S = 30.0  # where a rate limit names no time
NO_WAY_S = 5.0  # until a claimed part without a way out is looked at again

_NO_TROUBLE = sa.update(channel).where(
    channel.c.id == bindparam("b_id"), channel.c.state == "active", channel.c.code.is_not(None)
)
_WELL = Hot(_NO_TROUBLE.values(code=None, since=None))
_RESTED = sa.update(channel).where(channel.c.id == bindparam("b_id"), channel.c.held_until <= bindparam("b_now"))
_GOES_ON = Hot(_RESTED.values(held_until=None))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process may send; only the holder of `fence` may record what became of it."""

    row: sa.Row[Any]
    fence: int
    files: tuple[sa.Row[Any], ...]
    quoted: sa.Row[Any] | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a claimed delivery; None: it was not touched, and goes back as it came."""

    claimed: Claimed
    way: Way | None
    outcome: Sent | SendError | None


_HELD = sa.select(delivery.c.id).where(delivery.c.state == "sending", delivery.c.holder == bindparam("b_holder"))


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
        elif isinstance(each.outcome, Sent) and (each.outcome.refused or row.outcomes):
            if row.state == "sending" or row.state in LEFT:  # an echo may have come first; it knows of nobody refused
                _record_partly(tx, row, each.way, each.outcome)
            well.add(row.channel_id)
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
        _GOES_ON.run(tx.connection, {"b_id": channel_id, "b_now": tx.clock()})
    pacing.note_ended(tx, [(each.claimed.row.id, each.way, each.outcome) for each in ended])
    return lost


def _record_partly(tx: Transaction, row: sa.Row[Any], way: Way, sent: Sent) -> None:
    """Some have it, some were refused: those who may have it later are tried again, alone."""
    found = outcomes.after(row, sent.refused)
    if outcomes.has_left(found):
        states.refer_own(tx, [states.Landed(row, way.id_scope, sent.external_id or row.external_id, sent.aliases)])
    if outcomes.unreachable(row, sent.refused):
        _note_unreachable(tx, row)
    if outcomes.waiting(found) and _is_used_up(tx, row, way):
        found = outcomes.given_up(found)
    values: dict[str, Any] = {"outcomes": found, "external_id": sent.external_id or row.external_id}
    if outcomes.has_left(found) and row.sent_at is None:
        values["sent_at"] = tx.clock()
    if outcomes.waiting(found):
        code = outcomes.code_of(found, "queued")
        wait_s = wait_after(way.capabilities.retry, row.attempts, _longest_wait(sent))
        later = tx.clock() + timedelta(seconds=wait_s)
        states.move(tx, row, "queued", not_before=later, code=code, **values)
    elif outcomes.is_settled(found):
        states.move(tx, row, "sent", code=None, **values)
    else:
        states.move(tx, row, "failed", code=outcomes.code_of(found, "failed"), **values)


def _longest_wait(sent: Sent) -> float:
    return max((error.retry_after for error in sent.refused.values() if isinstance(error, Temporary)), default=0.0)


def _note_unreachable(tx: Transaction, row: sa.Row[Any]) -> None:
    gone = sa.update(identity).where(identity.c.id == row.identity_id)
    tx.execute(gone.values(unreachable_at=tx.clock()))


def _is_used_up(tx: Transaction, row: sa.Row[Any], way: Way, *, tries_count: bool = True) -> bool:
    """Whether it has been tried for as long, or as often, as makes sense on this channel."""
    retry = way.capabilities.retry
    since = row.asked_at or row.written_at
    is_over: bool = tx.clock() - since > timedelta(seconds=retry.for_s)
    return is_over or (tries_count and row.attempts >= retry.most)


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
            _fail(tx, row, error.code)
            if isinstance(error, Rejected) and error.unreachable and not outcomes.has_left(row.outcomes):
                _note_unreachable(tx, row)


def _fail(tx: Transaction, row: sa.Row[Any], code: str) -> None:
    """For good; where others have it, this is about those who still waited."""
    values: dict[str, Any] = {"outcomes": outcomes.given_up(row.outcomes, code)} if row.outcomes else {}
    states.move(tx, row, "failed", code=code, **values)


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
    if _is_used_up(tx, row, way, tries_count=not error.whole_channel):
        _fail(tx, row, error.code)
        return
    if error.whole_channel:
        rest = timedelta(seconds=error.retry_after or CHANNEL_REST_S)
        tx.execute(sa.update(channel).where(channel.c.id == row.channel_id).values(held_until=now + rest))
        # Its time stays, and with it its place before all that was written later.
        states.move(tx, row, "queued", attempts=row.attempts - 1, code=error.code)
        return
    note_trouble(tx, row.channel_id, error.code)
    wait = timedelta(seconds=wait_after(way.capabilities.retry, row.attempts, error.retry_after))
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
