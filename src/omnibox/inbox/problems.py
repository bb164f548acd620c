"""What the upkeep of connections finds wrong, as rows: by it channels pause and go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa

from omnibox.connector import Problem, Upkept, Warned
from omnibox.inbox.channels import AREA, DOORBELL
from omnibox.jobs import enqueue
from omnibox.store import Reader, Transaction, insert
from omnibox.store.tables import channel, connection, problem

UPKEEP = "upkeep"
TOLD = {"told": "by the platform"}  # no look finds it
KEEP_TOLD = timedelta(days=1)


# ── Questions


def of_connections(tx: Reader, connection_id: int | None = None) -> Mapping[int, Sequence[sa.Row[tuple[object, ...]]]]:
    """The problems of one connection, or of all, by connection; the worst come first."""
    worst_first = (problem.c.is_down.desc(), problem.c.is_deaf.desc(), problem.c.since, problem.c.code)
    wanted = sa.select(problem).order_by(*worst_first)
    if connection_id is not None:
        wanted = wanted.where(problem.c.connection_id == connection_id)
    found: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    for row in tx.execute(wanted):
        found.setdefault(row.connection_id, []).append(row)
    return found


# ── After a look


def record(tx: Transaction, connection_id: int, found: Upkept) -> None:
    """Keep what is wrong now. Channels that cannot send pause, those that can again go on; where one paused or heard
    nothing until now, the platform is asked for what was missed."""
    row = tx.execute(sa.select(connection).where(connection.c.id == connection_id).with_for_update()).first()
    if row is None or row.state != "active":
        return
    before = {(each.address, each.code): each for each in of_connections(tx, connection_id).get(connection_id, ())}
    now = {(each.address, each.code): each for each in found.problems}
    recent = tx.clock() - KEEP_TOLD
    unlooked = {key for key, each in before.items() if each.facts == TOLD and each.since > recent}
    unlooked |= {key for key in before if key[0] in found.unknown}
    kept = {key: each for key, each in before.items() if key in unlooked and key not in now}
    changed = _write(tx, connection_id, {key: each for key, each in before.items() if key not in kept}, now)
    own = tx.execute(sa.select(channel).where(channel.c.connection_id == connection_id).order_by(channel.c.id)).all()
    has_gap = bool(found.mended) or any(old.is_deaf and key not in now for key, old in before.items())
    for each in own:
        if each.address not in found.unknown and "" not in found.unknown and _settle(tx, each, found):
            changed = True
            has_gap |= each.state == "paused"
    if has_gap:
        enqueue(tx, "catch_up", str(connection_id))
    if changed:
        for each in own:
            tx.announce("channel.changed", channel=each.id)
        tx.announce("settings.changed", word=AREA)
        tx.ring(DOORBELL)


def tell(tx: Transaction, connection_id: int, channel_id: int, warned: Warned) -> None:
    """Keep what the platform says of itself, or drop it."""
    if warned.is_over:
        told = sa.delete(problem).where(problem.c.connection_id == connection_id, problem.c.address == warned.to)
        said = tx.execute(told.where(problem.c.code == warned.code)).rowcount > 0
    else:
        key = {"connection_id": connection_id, "address": warned.to, "code": warned.code, "since": tx.clock()}
        known = insert(problem).on_conflict_do_nothing().returning(problem.c.code)
        said = tx.execute(known, key | {"facts": TOLD, "is_down": False, "is_deaf": False}).first() is not None
    if said:
        tx.announce("channel.changed", channel=channel_id)
        tx.announce("settings.changed", word=AREA)
        tx.ring(DOORBELL)


def withdraw(tx: Transaction, channel_id: int, code: str) -> None:
    """Pause a channel whose consent was taken back; the next upkeep that finds nothing wrong lets it go on."""
    values = {"state": "paused", "code": code, "since": tx.clock(), "needs_person": False}
    running = channel.c.state.in_(("active", "paused"))
    tx.execute(sa.update(channel).where(channel.c.id == channel_id, running).values(values))
    tx.announce("channel.changed", channel=channel_id, word=code)


def _write(
    tx: Transaction,
    connection_id: int,
    before: Mapping[tuple[str, str], sa.Row[tuple[object, ...]]],
    now: Mapping[tuple[str, str], Problem],
) -> bool:
    changed = before.keys() != now.keys()
    for address, code in before.keys() - now.keys():
        gone = sa.delete(problem).where(problem.c.connection_id == connection_id)
        tx.execute(gone.where(problem.c.address == address, problem.c.code == code))
    for (address, code), each in now.items():
        values = {"facts": dict(each.facts), "is_down": each.is_down, "is_deaf": each.is_deaf}
        old = before.get((address, code))
        if old is not None:
            changed |= any(getattr(old, name) != value for name, value in values.items())
        key = {"connection_id": connection_id, "address": address, "code": code, "since": tx.clock()}
        statement = insert(problem)
        newer = {name: statement.excluded[name] for name in values}
        tx.execute(
            statement.on_conflict_do_update(index_elements=["connection_id", "address", "code"], set_=newer),
            key | values,
        )
    return changed


def _settle(tx: Transaction, row: sa.Row[tuple[object, ...]], found: Upkept) -> bool:
    """Let a channel follow what was found; returns whether its state changed."""
    mine = [each for each in found.problems if each.address in ("", row.address)]
    down = next((each for each in mine if each.is_down), None)
    if down is not None and row.state == "active":
        values = {"state": "paused", "code": down.code, "since": tx.clock(), "needs_person": False}
        tx.execute(sa.update(channel).where(channel.c.id == row.id).values(values))
        return True
    if down is None and row.state == "paused" and not row.needs_person:
        values = {"state": "active", "code": None, "since": None}
        tx.execute(sa.update(channel).where(channel.c.id == row.id).values(values))
        tx.ring("deliveries")
        return True
    return False
