"""The people who write: an address is an identity, and an identity belongs to a contact."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.inbox.origin import Origin
from omnibox.store import Transaction
from omnibox.store.hot import Hot
from omnibox.store.tables import contact, identity


class Person(NamedTuple):
    """An address that writes, whose it is, and its latest conversation on that channel."""

    identity_id: int
    contact_id: int
    conversation_id: int | None
    is_new: bool


is_person = (
    identity.c.kind == bindparam("b_kind"),
    identity.c.scope == bindparam("b_scope"),
    identity.c.address == bindparam("b_address"),
)
_FIND_PERSON = Hot(
    sa.select(identity.c.id, identity.c.contact_id, identity.c.conversation_id).where(*is_person).with_for_update()
)
_ADD_CONTACT = Hot(sa.insert(contact).returning(contact.c.id))
_ADD_IDENTITY = Hot(sa.insert(identity).returning(identity.c.id))


def key_of(origin: Origin, channel_id: int, address: str) -> dict[str, str]:
    """The parameters of `is_person`."""
    return {
        "b_kind": origin.capabilities.address.name,
        "b_scope": origin.address_scope(channel_id),
        "b_address": origin.folded(address),
    }


def find_person(tx: Transaction, origin: Origin, channel_id: int, address: str) -> Person:
    """The identity and contact behind an address, made where they are new."""
    kind = origin.capabilities.address
    key = key_of(origin, channel_id, address)
    if found := tx.execute(_FIND_PERSON, key).first():
        return Person(found.id, found.contact_id, found.conversation_id, is_new=False)
    email = key["b_address"] if kind.name == "email" else None
    contact_id = tx.execute(_ADD_CONTACT, {"created_at": tx.clock(), "rev": 0, "email": email}).scalar_one()
    row = {
        "contact_id": contact_id,
        "kind": kind.name,
        "scope": key["b_scope"],
        "address": key["b_address"],
        "created_at": tx.clock(),
    }
    identity_id = tx.execute(_ADD_IDENTITY, row).scalar_one()
    return Person(identity_id, contact_id, None, is_new=True)
