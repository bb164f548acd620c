"""What all views share: what they need beside the rows, how they read rows, and how they write times and names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from omnibox.inbox.way import Ways
from omnibox.store import Reader

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sight:
    """What views need beside the rows: the ways out, the time, and which contacts are on the website now."""

    ways: Ways
    now: datetime
    presence: Callable[[int], str | None] = lambda identity_id: None


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    return None if at is None else at.isoformat(timespec="milliseconds")[:-6] + "Z"


def label_of(contact_id: int, name: str | None, email: str | None) -> str:
    """What to call a contact: the name, else the address, else a number."""
    return name or email or f"Visitor #{contact_id}"


def picture_of(contact_id: int, blob: str | None) -> str | None:
    """Where a contact's picture is found; a new picture has a new address."""
    return None if blob is None else f"/api/contacts/{contact_id}/picture?v={blob[:8]}"


def records(tx: Reader, statement: sa.Select[Any], parameters: Json | None = None) -> list[Any]:
    """The rows as plain records: a member of SQLAlchemy's own costs a microsecond each, and a page reads 2,000."""
    found = tx.execute(statement, parameters)
    make = _shape(tuple(found.keys()))
    return [make(row) for row in found.all()]  # read at once: row by row each is a call of the driver


@cache
def _shape(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    made: Any = make_dataclass("Row", names, slots=True)
    return lambda row: made(*row)
