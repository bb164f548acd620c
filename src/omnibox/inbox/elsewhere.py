"""Going on with a contact on another channel, where the one they wrote on is closed to us."""

from __future__ import annotations

import sqlalchemy as sa

from omnibox.connector import Capabilities
from omnibox.inbox import conversations, lines, people
from omnibox.inbox.way import Way
from omnibox.masking import mask
from omnibox.store import Reader, Transaction
from omnibox.store.tables import channel, contact, conversation

KIND = "email"  # of the address that a contact's record holds


class CannotGoOn(Exception):
    """Nobody can be reached that way. `code` says why: `no_address`, `not_by_address`, `same_channel`, `merged`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def takes_addresses(capabilities: Capabilities) -> bool:
    """Whether one can write first on such a channel, to an address that the contact's record holds."""
    return capabilities.address.name == KIND and not capabilities.address.is_scoped and not capabilities.windows


def go_on(tx: Transaction, conversation_id: int, way: Way, agent_id: int) -> int:
    """The conversation with the same contact on another channel, which is opened where there is none; its id.

    Raises LookupError or `CannotGoOn`.
    """
    row = conversations.lock(tx, conversation_id)
    if row is None:
        raise LookupError(conversation_id)
    if row.state == "merged" or row.channel_id == way.channel_id:
        raise CannotGoOn("merged" if row.state == "merged" else "same_channel")
    if not takes_addresses(way.capabilities):
        raise CannotGoOn("not_by_address")
    address = tx.execute(sa.select(contact.c.email).where(contact.c.id == row.contact_id)).scalar()
    if not address:
        raise CannotGoOn("no_address")
    person = people.find_or_add(tx, way.origin, way.channel_id, address, row.contact_id)
    if known := _open_one(tx, person.identity_id, way.channel_id):
        return known
    name = tx.execute(sa.select(channel.c.name).where(channel.c.id == row.channel_id)).scalar_one()
    opening = conversations.Opened(way.channel_id, person.contact_id, person.identity_id, mask(name))
    opened = conversations.open_conversation(tx, opening)
    conversations.assign(tx, opened, row.assignee_id or agent_id)
    for place, why, other in ((row.id, "went_on", opened), (opened, "came_from", row.id)):
        line = lines.write_line(tx, place, why, other, agent_id)
        tx.announce("message.added", conversation=place, message=line)
    return opened


def _open_one(tx: Reader, identity_id: int, channel_id: int) -> int | None:
    mine = conversation.c.identity_id == identity_id, conversation.c.channel_id == channel_id
    newest = sa.select(sa.func.max(conversation.c.id)).where(*mine, conversation.c.state == "open")
    found: int | None = tx.execute(newest).scalar()
    return found
