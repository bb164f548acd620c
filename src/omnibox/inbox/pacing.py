"""How much may leave a channel in a minute or an hour: more waits, nothing is dropped.

What left is kept as rows for as long as the limits look back, so that they hold over restarts and for all processes
together. In no stretch of that length does more leave: a mail counts from the moment it has left, not from its claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from omnibox.connector import Sent, Uncertain
from omnibox.inbox.way import Way, Ways
from omnibox.store import Transaction, insert
from omnibox.store.tables import channel, departure

LONGEST_REST = timedelta(seconds=5)  # what was claimed may turn out not to have left, which makes room
SKEW = timedelta(minutes=1)  # a time further ahead is of a clock that has gone back since


class Limit(NamedTuple):
    """At most `most` in any stretch of `period`."""

    most: int
    period: timedelta


def limits_of(way: Way) -> list[Limit]:
    """What the channel's settings say."""
    found = []
    for pace in way.capabilities.paces:
        most = way.settings.get(pace.setting)
        if isinstance(most, int | float) and most >= 1:
            found.append(Limit(int(most), timedelta(seconds=pace.per_s)))
    return found


def within(tx: Transaction, rows: Sequence[Any], ways: Ways) -> list[Any]:
    """Those of the claimable `rows` that may leave now; the channels of the others are held until more may."""
    limits = {
        channel_id: found for channel_id in {row.channel_id for row in rows} if (found := _limits(channel_id, ways))
    }
    if not limits:
        return list(rows)
    kept = [row for row in rows if row.channel_id not in limits]
    for channel_id in sorted(limits):
        kept += _within_one(tx, channel_id, limits[channel_id], [row for row in rows if row.channel_id == channel_id])
    return kept


def _limits(channel_id: int, ways: Ways) -> list[Limit]:
    way = ways(channel_id)
    return limits_of(way) if way is not None and way.capabilities.paces else []


def _within_one(tx: Transaction, channel_id: int, limits: Sequence[Limit], rows: Sequence[Any]) -> list[Any]:
    # Two processes must not both count before either has added.
    tx.execute(sa.select(channel.c.id).where(channel.c.id == channel_id).with_for_update())
    now = tx.clock()
    longest = max(limit.period for limit in limits)
    here = departure.c.channel_id == channel_id
    tx.execute(sa.delete(departure).where(here, departure.c.at <= now - longest))
    seen = sa.select(departure.c.at).where(here, departure.c.at <= now + SKEW).order_by(departure.c.at)
    left = list(tx.execute(seen).scalars())
    free = min(_free(left, limit, now) for limit in limits)
    kept = list(rows[: max(free, 0)])
    for row in kept:
        _depart(tx, row.id, channel_id, now)
    if len(kept) < len(rows):
        times = [*left, *(now for _ in kept)]
        until = min(max(_free_at(times, limit, now) for limit in limits), now + LONGEST_REST)
        tx.execute(sa.update(channel).where(channel.c.id == channel_id).values(held_until=until))
    return kept


def _free(left: Sequence[datetime], limit: Limit, now: datetime) -> int:
    return limit.most - sum(at > now - limit.period for at in left)


def _free_at(left: Sequence[datetime], limit: Limit, now: datetime) -> datetime:
    """When one more may leave; `left` is in order of time."""
    recent = [at for at in left if at > now - limit.period]
    return now if len(recent) < limit.most else recent[len(recent) - limit.most] + limit.period


def _depart(tx: Transaction, delivery_id: int, channel_id: int, at: datetime) -> None:
    row = {"delivery_id": delivery_id, "channel_id": channel_id, "at": at}
    statement = insert(departure)
    newer = {"at": statement.excluded.at, "channel_id": statement.excluded.channel_id}
    tx.execute(statement.on_conflict_do_update(index_elements=["delivery_id"], set_=newer), row)


def note_ended(tx: Transaction, ended: Iterable[tuple[int, Way | None, object]]) -> None:
    """What has left counts from now on; what did not leave does not count. By delivery, way and outcome."""
    limited = [(each, outcome) for each, way, outcome in ended if way is not None and limits_of(way)]
    left = [each for each, outcome in limited if isinstance(outcome, Sent | Uncertain)]
    gone = [each for each, _ in limited if each not in left]
    if gone:
        tx.execute(sa.delete(departure).where(departure.c.delivery_id.in_(gone)))
    if left:
        tx.execute(sa.update(departure).where(departure.c.delivery_id.in_(left)).values(at=tx.clock()))
