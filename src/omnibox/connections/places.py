"""What one connection alone can serve: the same mailbox or page is not connected twice. Names no channel."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from omnibox.connector import Place
from omnibox.fields import typed_values
from omnibox.inbox import channels
from omnibox.registry import Registered
from omnibox.secrets import BadKey, Secrets
from omnibox.store import Reader, Transaction
from omnibox.store.tables import connection, installation


class Occupied(Exception):
    """Another connection serves this place; `cure` says what to do instead."""

    def __init__(self, place: Place, where: str, state: str) -> None:
        super().__init__(place.key)
        self.place = place
        self.message = f"{place.title} is connected already: {where}."
        use = "Switch that one on again" if state == "disabled" else "Use that one"
        self.cure = f"{use} and change it as you need it, or remove it first."

    @property
    def words(self) -> str:
        return f"{self.message} {self.cure}"


def held(tx: Reader, registered: Registered, secrets: Secrets, connection_id: int) -> frozenset[str]:
    """The keys of what a connection occupies now."""
    row = channels.find_connection(tx, connection_id)
    return frozenset() if row is None else frozenset(each.key for each in _places(tx, registered, secrets, row))


def require_free(
    tx: Transaction, registered: Registered, secrets: Secrets, connection_id: int, before: Collection[str] = ()
) -> None:
    """Raise `Occupied` where the connection now occupies what another one does.

    What it held `before` stays its own: two that an earlier release let stand side by side can still be changed.
    """
    row = channels.find_connection(tx, connection_id)
    new = [] if row is None else [each for each in _places(tx, registered, secrets, row) if each.key not in before]
    if row is None or not new:
        return
    # The installation's row is the lock: of two processes that connect the same place at once one sees the other.
    tx.execute(sa.select(installation.c.id).with_for_update())
    _refuse(_of_others(tx, registered, secrets, row), new)


def taken_elsewhere(
    tx: Reader, registered: Registered, secrets: Secrets, connection_id: int, addresses: Sequence[str]
) -> dict[str, str]:
    """Of `addresses`, those that another connection serves, with the words for it."""
    row = channels.find_connection(tx, connection_id)
    if row is None:
        return {}
    others = _of_others(tx, registered, secrets, row)
    found: dict[str, str] = {}
    for place in _occupied(registered, secrets, row, addresses):
        try:
            _refuse(others, [place])
        except Occupied as taken:
            found[place.address] = taken.words
    return {address: words for address, words in found.items() if address}


def _refuse(others: Mapping[str, tuple[str, str]], wanted: Sequence[Place]) -> None:
    for place in wanted:
        if place.key in others:
            raise Occupied(place, *others[place.key])


def _of_others(tx: Reader, registered: Registered, secrets: Secrets, own: sa.Row[Any]) -> dict[str, tuple[str, str]]:
    """Per key that other connections occupy: by what, in words, and its state."""
    rows = sa.select(connection).where(connection.c.connector == own.connector, connection.c.id != own.id)
    found: dict[str, tuple[str, str]] = {}
    for row in tx.execute(rows.order_by(connection.c.id)).all():
        names = {each.address: each.name for each in channels.all_channels(tx, row.id)}
        for place in _occupied(registered, secrets, row, list(names)):
            where = f"by the connection “{row.name}”"
            if place.address:
                where = f"as “{names[place.address]}”, {where}"
            found.setdefault(place.key, (where, row.state))
    return found


def _places(tx: Reader, registered: Registered, secrets: Secrets, row: sa.Row[Any]) -> list[Place]:
    addresses = [each.address for each in channels.all_channels(tx, row.id)]
    return _occupied(registered, secrets, row, addresses)


def _occupied(registered: Registered, secrets: Secrets, row: sa.Row[Any], addresses: Sequence[str]) -> list[Place]:
    """Nothing where the connection's settings were sealed with a key that is lost: it cannot run either."""
    try:
        document = json.loads(secrets.decrypt(row.settings))
    except BadKey:
        return []
    return registered.places(typed_values(registered.settings, document), addresses)
