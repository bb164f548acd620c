"""Contacts: their card, and the line of them that lists and events carry."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from omnibox.inbox.views.conversations import rows_of_contact
from omnibox.inbox.views.sight import Json, Sight, label_of, moment, picture_of
from omnibox.store import Reader
from omnibox.store.tables import contact, identity


def contact_view(tx: Reader, contact_id: int, sight: Sight) -> Json | None:
    """The card of a contact, with their latest conversations; None where there is no such contact."""
    row = tx.execute(sa.select(contact).where(contact.c.id == contact_id)).first()
    if row is None:
        return None
    known = tx.execute(sa.select(identity).where(identity.c.contact_id == contact_id).order_by(identity.c.id))
    return contact_line(row) | {
        "created_at": moment(row.created_at),
        "identities": [
            {"kind": each.kind, "address": each.address, "channel": _channel_of_scope(each.scope)} for each in known
        ],
        "conversations": rows_of_contact(tx, contact_id, sight),
    }


def contact_line(row: sa.Row[Any]) -> Json:
    return {
        "id": row.id,
        "rev": row.rev,
        "label": label_of(row.id, row.name, row.email),
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "picture": picture_of(row.id, row.picture),
    }


def contacts_by_id(tx: Reader, ids: Collection[int]) -> dict[int, Json]:
    if not ids:
        return {}
    return {row.id: contact_line(row) for row in tx.execute(sa.select(contact).where(contact.c.id.in_(ids)))}


def _channel_of_scope(scope: str) -> int | None:
    kind, _, number = scope.partition(":")
    return int(number) if kind == "channel" and number.isdecimal() else None
