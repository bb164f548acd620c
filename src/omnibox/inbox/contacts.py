"""The card of a contact: what agents write on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa

from omnibox.inbox.intake import clean
from omnibox.masking import mask
from omnibox.store import Transaction
from omnibox.store.tables import contact

EMAIL = re.compile(r"[^\s@<>(),;:\"]+@[^\s@<>(),;:\"]+")


class BadEmail(ValueError):
    """This is no email address."""


@dataclass(frozen=True, slots=True, init=False)
class Change:
    """What an agent wrote; a member that was not given stays as it is."""

    values: dict[str, str | None]

    def __init__(self, **given: str | None) -> None:
        """Raises `BadEmail`."""
        values = {name: " ".join(clean(value).split()) or None if value else None for name, value in given.items()}
        email = values.get("email")
        if email is not None and not EMAIL.fullmatch(email):
            raise BadEmail
        object.__setattr__(self, "values", values)


def edit(tx: Transaction, contact_id: int, change: Change) -> bool:
    """Write it on the card; an agent's name wins over later ones. False where there is no such contact."""
    values: dict[str, object] = dict(change.values)
    for name in ("name", "phone"):
        text = values.get(name)
        if isinstance(text, str):
            values[name] = mask(text)
    if "name" in values:
        values["name_by"] = "agent"
    values["rev"] = contact.c.rev + 1
    changed = tx.execute(sa.update(contact).where(contact.c.id == contact_id).values(values))
    if not changed.rowcount:
        return False
    tx.announce("contact.changed", contact=contact_id)
    return True
