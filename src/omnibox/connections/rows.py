"""What is stored of a connection and its channels, and a stamp that tells whether that has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from omnibox.store import Reader
from omnibox.store.tables import channel, connection

Rows = tuple[sa.Row[Any], Sequence[sa.Row[Any]]]
"""A connection, and its channels in the order of their ids."""


def stamp_of(row: sa.Row[Any], own: Sequence[sa.Row[Any]]) -> int:
    """A number that changes whenever the connection must be built anew; it means something to this process alone."""
    sites = tuple(
        (each.id, each.address, each.key, each.settings, each.state == "disabled", each.patterns) for each in own
    )
    return hash((row.connector, row.hook_key, row.settings, row.state, sites))


def read_stamps(tx: Reader) -> dict[int, int]:
    """The stamp of every connection that is not disabled."""
    own: dict[int, list[sa.Row[Any]]] = {}
    for each in tx.execute(sa.select(channel).order_by(channel.c.id)):
        own.setdefault(each.connection_id, []).append(each)
    enabled = tx.execute(sa.select(connection).where(connection.c.state != "disabled").order_by(connection.c.id))
    return {row.id: stamp_of(row, own.get(row.id, [])) for row in enabled}


def find_rows(tx: Reader, connection_id: int) -> Rows | None:
    """None where it is gone or disabled."""
    row = tx.execute(
        sa.select(connection).where(connection.c.id == connection_id, connection.c.state != "disabled")
    ).first()
    if row is None:
        return None
    own = sa.select(channel).where(channel.c.connection_id == connection_id).order_by(channel.c.id)
    return row, tx.execute(own).all()


def get_rows(tx: Reader, connection_id: int) -> Rows:
    """As `find_rows`; raises `LookupError` where it is gone or disabled."""
    found = find_rows(tx, connection_id)
    if found is None:
        raise LookupError(connection_id)
    return found
