"""What all views share: what they need beside the rows, and how they write times and names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from omnibox.inbox.way import Ways

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
