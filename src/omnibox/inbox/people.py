"""The people who write: an address is an identity, and an identity belongs to a contact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Echo, Inbound
from omnibox.inbox.origin import Origin
from omnibox.masking import Masked
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot, names_in, room_for, values_in
from omnibox.store.tables import channel, contact, conversation, identity, participant

MOST_NAME = 200
MOST_OTHERS = 100  # people of one conversation who are kept apart; a mail may name 100,000


class Person(NamedTuple):
    """An address that writes, whose it is, and its latest conversation on that channel."""

    identity_id: int
    contact_id: int
    conversation_id: int | None
    is_new: bool


_is_of = identity.c.kind == bindparam("b_kind"), identity.c.scope == bindparam("b_scope")
is_person = (*_is_of, identity.c.address == bindparam("b_address"))
_FIND_PERSON = Hot(
    sa.select(identity.c.id, identity.c.contact_id, identity.c.conversation_id).where(*is_person).with_for_update()
)
_ADD_CONTACT = Hot(sa.insert(contact).returning(contact.c.id))
_ADD_CONTACTS = Hot(sa.insert(contact).returning(contact.c.id, contact.c.email))
_OTHERS = sa.select(conversation.c.others).where(conversation.c.id == bindparam("b_id"))
_ADD_PARTICIPANT = insert(participant).on_conflict_do_nothing().returning(participant.c.address)
_ADD_IDENTITY = Hot(sa.insert(identity).returning(identity.c.id))
_ADD_IDENTITIES = Hot(sa.insert(identity).returning(identity.c.id, identity.c.address))


@cache
def _find_people(room: int) -> Hot:
    return Hot(
        sa.select(identity.c.id, identity.c.contact_id, identity.c.conversation_id, identity.c.address)
        .where(*_is_of, identity.c.address.in_(names_in(room)))
        .order_by(identity.c.id)
        .with_for_update()
    )


def key_of(origin: Origin, channel_id: int, address: str) -> dict[str, str]:
    """The parameters of `is_person`."""
    return {
        "b_kind": origin.capabilities.address.name,
        "b_scope": origin.address_scope(channel_id),
        "b_address": origin.folded(address),
    }


def is_nobody(address: str) -> bool:
    """Whether it stands for somebody who named no address that is theirs (RFC 2606: nobody ever has one like it)."""
    return address.endswith("@invalid")


def find_known(tx: Transaction, origin: Origin, channel_id: int, address: str) -> Person | None:
    """Who is known behind an address, kept from other writers until this transaction ends."""
    found = tx.execute(_FIND_PERSON, key_of(origin, channel_id, address)).first()
    return Person(found.id, found.contact_id, found.conversation_id, is_new=False) if found else None


def find_person(tx: Transaction, origin: Origin, channel_id: int, address: str) -> Person:
    """The identity and contact behind an address, made where they are new."""
    if known := find_known(tx, origin, channel_id, address):
        return known
    key = key_of(origin, channel_id, address)
    contact_id = tx.execute(_ADD_CONTACT, {"created_at": tx.clock(), "rev": 0, "email": _email(key)}).scalar_one()
    identity_id = tx.execute(_ADD_IDENTITY, _identity(tx, key, contact_id)).scalar_one()
    return Person(identity_id, contact_id, None, is_new=True)


def find_people(tx: Transaction, origin: Origin, channel_id: int, addresses: Iterable[str]) -> dict[str, Person]:
    """Who is known behind addresses, by folded address; kept from other writers until this transaction ends."""
    wanted = sorted({origin.folded(address) for address in addresses})
    key = key_of(origin, channel_id, "") | values_in(room_for(len(wanted)), wanted)
    found = tx.execute(_find_people(room_for(len(wanted))), key).all()
    return {row.address: Person(row.id, row.contact_id, row.conversation_id, is_new=False) for row in found}


def add_people(
    tx: Transaction, origin: Origin, channel_id: int, called: Mapping[str, Masked | None]
) -> dict[str, Person]:
    """Identity and contact for each folded address, which nobody has yet, and what its platform calls the person."""
    keys = {address: key_of(origin, channel_id, address) for address in called}
    rows = {
        address: {"created_at": tx.clock(), "rev": int(bool(name)), "email": _email(keys[address])}
        | {"name": name or None, "name_by": "platform" if name else None}
        for address, name in called.items()
    }
    contacts: dict[str, int] = {}
    for some in _told_apart(rows):
        emails = _ADD_CONTACTS.run_all(tx.connection, [rows[address] for address in some])
        by_email = {email: contact_id for contact_id, email in emails}
        contacts |= {address: by_email[rows[address]["email"]] for address in some}
    made = [_identity(tx, keys[address], contacts[address]) for address in called]
    found = _ADD_IDENTITIES.run_all(tx.connection, made)
    return {address: Person(identity_id, contacts[address], None, is_new=True) for identity_id, address in found}


def _told_apart(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """The addresses in order; rows come back in any order, and those without an email are told apart by nothing."""
    for has_email, group in groupby(rows, lambda address: rows[address]["email"] is not None):
        together = list(group)
        yield from [together] if has_email else ([address] for address in together)


def _email(key: Mapping[str, str]) -> str | None:
    return key["b_address"] if key["b_kind"] == "email" and not is_nobody(key["b_address"]) else None


def _identity(tx: Transaction, key: Mapping[str, str], contact_id: int) -> dict[str, Any]:
    nobody = key["b_kind"] == "email" and is_nobody(key["b_address"])
    return {
        "contact_id": contact_id,
        "kind": key["b_kind"],
        "scope": key["b_scope"],
        "address": key["b_address"],
        "created_at": tx.clock(),
        "unreachable_at": tx.clock() if nobody else None,
    }


def find_or_add(tx: Transaction, origin: Origin, channel_id: int, address: str, contact_id: int) -> Person:
    """The identity behind an address, made for this contact where nobody has it yet."""
    key = key_of(origin, channel_id, address)
    if found := tx.execute(_FIND_PERSON, key).first():
        return Person(found.id, found.contact_id, found.conversation_id, is_new=False)
    row = _identity(tx, key, contact_id) | {"unreachable_at": None}
    return Person(tx.execute(_ADD_IDENTITY, row).scalar_one(), contact_id, None, is_new=True)


# ── Who else is in a conversation


def note_others(tx: Transaction, origin: Origin, conversation_id: int, said: Inbound | Echo) -> None:
    """Keep whom a message names beside us and its contact. They are shown; nothing goes to them, and nothing they
    write joins, until an agent says so: or has written to them, in another program."""
    named = {origin.folded(each): each for each in (*said.recipients.to, *said.recipients.cc)}
    others = [folded for folded in named if folded not in origin.channels]
    if not others:
        return
    own = _own_addresses(tx, conversation_id)
    others = [each for each in others if each not in own][:MOST_OTHERS]
    rules = origin.rules_for(said)
    rows = [
        {
            "conversation_id": conversation_id,
            "address": folded,
            "name": rules.mask(rules.mask(name)[:MOST_NAME]) if (name := _name_of(said, named[folded])) else None,
            "is_confirmed": False,
            "is_copied": False,
        }
        for folded in others
    ]
    add_participants(tx, conversation_id, rows)
    if isinstance(said, Echo):
        confirm(tx, conversation_id, others, is_confirmed=True)


def add_participants(tx: Transaction, conversation_id: int, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of `rows` that were not there yet, as long as there is room; returns their addresses."""
    there = tx.execute(_OTHERS, {"b_id": conversation_id}).scalar() or 0
    added = []
    for row in rows[: max(0, MOST_OTHERS - there)]:
        if tx.execute(_ADD_PARTICIPANT, row).first():
            added.append(row["address"])
    if added:
        count_others(tx, conversation_id)
    return added


def remove_participants(tx: Transaction, conversation_id: int, addresses: Collection[str]) -> None:
    if addresses:
        mine = (participant.c.conversation_id == conversation_id, participant.c.address.in_(addresses))
        tx.execute(sa.delete(participant).where(*mine))
        count_others(tx, conversation_id)


def count_others(tx: Transaction, conversation_id: int) -> None:
    """Write down how many there are, so that only conversations with some are asked for them."""
    there = sa.select(sa.func.count()).where(participant.c.conversation_id == conversation_id).scalar_subquery()
    mine = sa.update(conversation).where(conversation.c.id == conversation_id)
    tx.execute(mine.values(others=there, rev=conversation.c.rev + 1))


def set_person(tx: Transaction, conversation_id: int, address: str, *, is_confirmed: bool) -> None:
    """An agent says whether what this address writes may join."""
    row = {
        "conversation_id": conversation_id,
        "address": address,
        "name": None,
        "is_confirmed": is_confirmed,
        "is_copied": False,
    }
    add_participants(tx, conversation_id, [row])
    confirm(tx, conversation_id, [address], is_confirmed=is_confirmed)
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(rev=conversation.c.rev + 1))
    tx.announce("conversation.changed", conversation=conversation_id, word="people")


def confirm(tx: Transaction, conversation_id: int, addresses: Collection[str], *, is_confirmed: bool) -> list[str]:
    """Whether what these write may join from now on; returns those of whom it was otherwise."""
    if not addresses:
        return []
    mine = (participant.c.conversation_id == conversation_id, participant.c.address.in_(addresses))
    change = sa.update(participant).where(*mine, participant.c.is_confirmed != is_confirmed)
    changed = change.values(is_confirmed=is_confirmed).returning(participant.c.address)
    return list(tx.execute(changed).scalars())


def _own_addresses(tx: Transaction, conversation_id: int) -> set[str]:
    """The addresses of a conversation's contact, and ours: also those of other connections."""
    owner = sa.select(conversation.c.contact_id).where(conversation.c.id == conversation_id).scalar_subquery()
    theirs = sa.select(identity.c.address).where(identity.c.contact_id == owner)
    return set(tx.execute(theirs.union_all(sa.select(sa.func.lower(channel.c.address)))).scalars())


def _name_of(said: Inbound | Echo, address: str) -> str:
    name = " ".join(said.recipients.names.get(address, "").replace("\0", "").split())
    return name.encode("utf-8", "replace").decode() if name != address else ""
