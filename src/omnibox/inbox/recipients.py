"""Whom a reply goes to beside the contact: as the agent named them at the click, and nobody else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from omnibox.connector import Capabilities
from omnibox.inbox import people
from omnibox.store import Reader, Transaction, insert
from omnibox.store.tables import channel, participant

MOST = 50
LONGEST = 254  # of an address (RFC 5321 4.5.3.1)
_ADDRESS = re.compile(r'[^\s<>()\[\],;:\\"@\x00-\x20\x7f]{1,64}@[^\s<>()\[\],;:\\"@\x00-\x20\x7f]{1,190}')


class BadRecipients(Exception):
    """The reply cannot go to those. `code` leads to the catalogue of errors; `addresses` are the ones it is about."""

    def __init__(self, code: str, addresses: Sequence[str] = ()) -> None:
        super().__init__(code)
        self.code = code
        self.addresses = tuple(addresses)


@dataclass(frozen=True, slots=True)
class Named:
    """Copies that an agent asked for: seen by all, and seen by nobody."""

    cc: tuple[str, ...] = field(default=(), repr=False)
    bcc: tuple[str, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.cc or self.bcc)


def checked(tx: Reader, wanted: Named, contact: str, capabilities: Capabilities) -> Named:
    """Each address once and never the contact's again. Raises `BadRecipients`."""
    if not wanted:
        return wanted
    if not capabilities.has_recipients:
        raise BadRecipients("no_recipients")
    seen = {contact.casefold()}
    kept = Named(_each_once(wanted.cc, seen), _each_once(wanted.bcc, seen))
    listed = (*kept.cc, *kept.bcc)
    if len(listed) > MOST:
        raise BadRecipients("too_many_recipients")
    if bad := [one for one in listed if len(one) > LONGEST or not _ADDRESS.fullmatch(one)]:
        raise BadRecipients("bad_recipient", bad)
    own = set(tx.execute(sa.select(sa.func.lower(channel.c.address))).scalars())
    if ours := [one for one in listed if one.lower() in own]:
        raise BadRecipients("own_recipient", ours)
    return kept


def _each_once(listed: Sequence[str], seen: set[str]) -> tuple[str, ...]:
    kept = []
    for one in (each.strip() for each in listed):
        if one.casefold() not in seen:
            seen.add(one.casefold())
            kept.append(one)
    return tuple(kept)


def as_row(contact: str, named: Named) -> dict[str, Any] | None:
    """What message and delivery keep of it; None where there is nobody but the contact."""
    return {"to": [contact], "cc": list(named.cc), "bcc": list(named.bcc)} if named else None


def note_written_to(tx: Transaction, conversation_id: int, named: Named, *, has_recipients: bool) -> None:
    """Whom an agent writes to may answer in this conversation; who is left out this time is no longer in copy."""
    if not has_recipients:
        return
    listed = [one.casefold() for one in (*named.cc, *named.bcc)]
    here = participant.c.conversation_id == conversation_id
    others = sa.update(participant).where(here, participant.c.is_copied, participant.c.address.not_in(listed))
    tx.execute(others.values(is_copied=False))
    copied = {one.casefold() for one in named.cc}
    for address in listed:
        row = {"conversation_id": conversation_id, "address": address, "is_copied": address in copied}
        statement = insert(participant)
        newer = {"is_confirmed": True, "is_copied": statement.excluded.is_copied}
        keys = ["conversation_id", "address"]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=newer), row | {"is_confirmed": True})
    if listed:
        people.count_others(tx, conversation_id)
