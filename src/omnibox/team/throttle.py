"""Counted tries in a window, for what can be guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from omnibox.store import Transaction, insert
from omnibox.store import tables as t


@dataclass(frozen=True, slots=True)
class Limit:
    purpose: str
    tries: int
    window: timedelta


def take(tx: Transaction, limit: Limit, subject: str) -> timedelta | None:
    """Count one try. Returns None, or, where none is left, how long to wait; then it is not counted.

    The window starts with its first try and does not move: who goes on trying does not prolong it.
    """
    at = tx.clock()
    row = {"purpose": limit.purpose, "subject": subject, "since": at, "tries": 0}
    tx.execute(insert(t.throttle).on_conflict_do_nothing(), row)
    here = t.throttle.c.purpose == limit.purpose, t.throttle.c.subject == subject
    question = sa.select(t.throttle.c.since, t.throttle.c.tries).where(*here).with_for_update()
    count = tx.execute(question).one()
    since: datetime = count.since
    tries: int = count.tries
    if since + limit.window <= at:
        since, tries = at, 0
    if tries >= limit.tries:
        return since + limit.window - at
    tx.execute(sa.update(t.throttle).where(*here).values(since=since, tries=tries + 1))
    return None


def give_back(tx: Transaction, limit: Limit, subject: str) -> None:
    """Take one try off the count: it was not a failure."""
    here = t.throttle.c.purpose == limit.purpose, t.throttle.c.subject == subject
    tx.execute(sa.update(t.throttle).where(*here, t.throttle.c.tries > 0).values(tries=t.throttle.c.tries - 1))


def forget(tx: Transaction, limit: Limit, subject: str) -> None:
    """Begin anew."""
    tx.execute(sa.delete(t.throttle).where(t.throttle.c.purpose == limit.purpose, t.throttle.c.subject == subject))


def sweep(tx: Transaction, limit: Limit) -> None:
    """Drop the counts whose window is over."""
    over = t.throttle.c.purpose == limit.purpose, t.throttle.c.since <= tx.clock() - limit.window
    tx.execute(sa.delete(t.throttle).where(*over))
