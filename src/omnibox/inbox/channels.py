"""Connections and channels as rows: what an admin sets up, and what was put aside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from omnibox.connector import ChannelDown, SendError
from omnibox.jobs import enqueue
from omnibox.masking import Masked
from omnibox.model import ConnectionState
from omnibox.store import Reader, Transaction
from omnibox.store.tables import (
    arrival,
    channel,
    connection,
    delivery,
    erasure,
    job,
    memory,
    problem,
    quarantine,
    source,
    visitor_token,
)

AREA = "connections"
DOORBELL = "connections"  # rung when one has to be built anew
MOST_QUARANTINED = 200

_CHANNEL = sa.select(
    channel,
    connection.c.connector,
    connection.c.state.label("connection_state"),
    connection.c.code.label("connection_code"),
    connection.c.since.label("connection_since"),
).join(connection, connection.c.id == channel.c.connection_id)


# ── Questions


def all_connections(tx: Reader) -> Sequence[sa.Row[Any]]:
    return tx.execute(sa.select(connection).order_by(connection.c.id)).all()


def find_connection(tx: Reader, connection_id: int, *, lock: bool = False) -> sa.Row[Any] | None:
    """The row; with `lock` nobody else changes it until this transaction ends."""
    wanted = sa.select(connection).where(connection.c.id == connection_id)
    return tx.execute(wanted.with_for_update() if lock else wanted).first()


def all_channels(tx: Reader, connection_id: int | None = None) -> Sequence[sa.Row[Any]]:
    """Channels with connector, state, code and since of their connection; of one connection or of all."""
    wanted = _CHANNEL if connection_id is None else _CHANNEL.where(channel.c.connection_id == connection_id)
    return tx.execute(wanted.order_by(channel.c.id)).all()


def find_channel(tx: Reader, channel_id: int, *, lock: bool = False) -> sa.Row[Any] | None:
    """As `all_channels`, one row."""
    wanted = _CHANNEL.where(channel.c.id == channel_id)
    return tx.execute(wanted.with_for_update(of=channel) if lock else wanted).first()


def waiting_by_channel(tx: Reader, channel_id: int | None = None) -> dict[int, int]:
    """How many deliveries wait to leave, per channel that has any."""
    count = sa.func.count().label("waiting")
    wanted = sa.select(delivery.c.channel_id, count).where(delivery.c.is_open).group_by(delivery.c.channel_id)
    if channel_id is not None:
        wanted = wanted.where(delivery.c.channel_id == channel_id)
    return {row.channel_id: row.waiting for row in tx.execute(wanted)}


def quarantined(tx: Reader) -> Sequence[sa.Row[Any]]:
    """What could not be read and has not been settled since, newest first."""
    wanted = sa.select(quarantine).where(quarantine.c.settled_at.is_(None))
    return tx.execute(wanted.order_by(quarantine.c.id.desc()).limit(MOST_QUARANTINED)).all()


# ── Connections


def add_connection(tx: Transaction, *, connector: str, name: Masked, hook_key: str, document: str) -> int:
    """A new one, as a draft. `document` is encrypted."""
    row = {
        "connector": connector,
        "name": name,
        "hook_key": hook_key,
        "settings": document,
        "state": "draft",
        "created_at": tx.clock(),
    }
    connection_id: int = tx.execute(sa.insert(connection).returning(connection.c.id), row).scalar_one()
    tx.announce("settings.changed", word=AREA)
    tx.ring(DOORBELL)
    return connection_id


def change_connection(
    tx: Transaction, connection_id: int, *, name: Masked | None = None, document: str | None = None
) -> None:
    """Another name or other settings; None leaves a thing as it is."""
    values: dict[str, Any] = {"rev": connection.c.rev + 1}
    if name is not None:
        values["name"] = name
    if document is not None:
        values["settings"] = document
    tx.execute(sa.update(connection).where(connection.c.id == connection_id).values(values))
    tx.announce("settings.changed", word=AREA)
    tx.ring(DOORBELL)


def set_state(tx: Transaction, connection_id: int, state: ConnectionState) -> None:
    """The connection and all its channels are in `state` now, without a fault; what waits may leave if they can."""
    values = {"state": state, "code": None, "since": None, "needs_person": False}
    tx.execute(sa.update(connection).where(connection.c.id == connection_id).values(**values, rev=connection.c.rev + 1))
    mine = sa.update(channel).where(channel.c.connection_id == connection_id)
    for channel_id in list(tx.execute(mine.values(**values, held_until=None).returning(channel.c.id)).scalars()):
        tx.announce("channel.changed", channel=channel_id, word=state)
    tx.announce("settings.changed", word=AREA)
    tx.ring(DOORBELL)
    tx.ring("deliveries")


def remove_connection(tx: Transaction, connection_id: int) -> None:
    """Gone with its channels. Raises `IntegrityError` where one of them has conversations."""
    for row in all_channels(tx, connection_id):
        remove_channel(tx, row.id)
    for table in (memory, source, arrival, quarantine, problem, erasure):
        tx.execute(sa.delete(table).where(table.c.connection_id == connection_id))
    tx.execute(sa.delete(job).where(job.c.kind.in_(("probe", "upkeep")), job.c.subject == str(connection_id)))
    tx.execute(sa.delete(connection).where(connection.c.id == connection_id))
    tx.announce("settings.changed", word=AREA)
    tx.ring(DOORBELL)


# ── Channels


def add_channel(
    tx: Transaction, *, connection_id: int, address: str, key: str, name: Masked, document: str, state: ConnectionState
) -> int:
    """A new one. Raises `IntegrityError` where the connection has one of that address."""
    row = {
        "connection_id": connection_id,
        "address": address,
        "key": key,
        "name": name,
        "settings": document,
        "state": state,
        "created_at": tx.clock(),
    }
    channel_id: int = tx.execute(sa.insert(channel).returning(channel.c.id), row).scalar_one()
    tx.announce("channel.changed", channel=channel_id, word=state)
    tx.ring(DOORBELL)
    return channel_id


def change_channel(
    tx: Transaction,
    channel_id: int,
    *,
    name: Masked | None = None,
    address: str | None = None,
    document: str | None = None,
) -> None:
    """What is None stays. Raises `IntegrityError` where the connection has another one of that address."""
    given = {"name": name, "address": address, "settings": document}
    values = {key: value for key, value in given.items() if value is not None}
    if values:
        tx.execute(sa.update(channel).where(channel.c.id == channel_id).values(**values))
        tx.announce("channel.changed", channel=channel_id)
        tx.ring(DOORBELL)


def set_patterns(tx: Transaction, channel_id: int, patterns: Masked | None) -> int | None:
    """What the channel hides besides card numbers, one expression a line; its connection, None without a channel."""
    change = sa.update(channel).where(channel.c.id == channel_id).values(patterns=patterns)
    connection_id: int | None = tx.execute(change.returning(channel.c.connection_id)).scalar()
    if connection_id is not None:
        tx.announce("channel.changed", channel=channel_id)
        tx.ring(DOORBELL)
    return connection_id


def remove_channel(tx: Transaction, channel_id: int) -> None:
    """Gone. Raises `IntegrityError` where it has conversations: those need to know where they came from."""
    tx.execute(sa.delete(visitor_token).where(visitor_token.c.channel_id == channel_id))
    tx.execute(sa.delete(channel).where(channel.c.id == channel_id))
    tx.announce("channel.changed", channel=channel_id)
    tx.ring(DOORBELL)


# ── Health


def note_fault(tx: Transaction, connection_id: int, error: SendError | None) -> None:
    """Show on a connection what is wrong, or that it is over; `ChannelDown` pauses it."""
    mine = connection.c.id == connection_id
    if error is None:
        changed = tx.execute(
            sa.update(connection)
            .where(mine, connection.c.state == "active", connection.c.code.is_not(None))
            .values(code=None, since=None)
        )
    else:
        values: dict[str, Any] = {"code": error.code, "since": tx.clock()}
        if isinstance(error, ChannelDown):
            values |= {"state": "paused", "needs_person": not error.resumes}
            if error.resumes:
                enqueue(tx, "probe", str(connection_id))
        differs = sa.or_(connection.c.code.is_(None), connection.c.code != error.code)
        if isinstance(error, ChannelDown):
            differs = sa.true()  # it goes from active to paused, whatever was shown before
        changed = tx.execute(sa.update(connection).where(mine, connection.c.state == "active", differs).values(values))
    if changed.rowcount:
        _announce_all(tx, connection_id)


def resume(tx: Transaction, connection_id: int) -> None:
    """Paused becomes active where no person has to act; the queues go on."""
    active = {"state": "active", "code": None, "since": None}
    for table, mine in ((connection, connection.c.id), (channel, channel.c.connection_id)):
        paused = sa.and_(mine == connection_id, table.c.state == "paused", ~table.c.needs_person)
        tx.execute(sa.update(table).where(paused).values(active))
    _announce_all(tx, connection_id)
    enqueue(tx, "catch_up", str(connection_id))  # what was said while nobody listened
    tx.ring("deliveries")


def _announce_all(tx: Transaction, connection_id: int) -> None:
    for channel_id in tx.execute(sa.select(channel.c.id).where(channel.c.connection_id == connection_id)).scalars():
        tx.announce("channel.changed", channel=channel_id)
    tx.ring(DOORBELL)
