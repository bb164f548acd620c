"""Looks up what a message's keys lead to, for `omnibox.inbox.threads` to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Inbound
from omnibox.inbox import threads
from omnibox.inbox.origin import Origin
from omnibox.inbox.threads import Known, Placement
from omnibox.store import Transaction
from omnibox.store.hot import Hot, names_in, room_for, values_in
from omnibox.store.tables import conversation, external_ref, identity, message, participant

MOST_REFS = 50  # of one message; longer chains keep their newest, which stand first
MOST_AT_ONCE = 256  # in one statement
MOST_TOKENS = 20  # addresses of one mail that look signed: 100,000 guesses in one mail cost no more than these


_ADDRESSES = Hot(
    sa.select(identity.c.address).where(
        identity.c.contact_id == bindparam("b_contact"), identity.c.kind == bindparam("b_kind")
    )
)


@dataclass(slots=True)
class Sight:
    """What the keys of messages lead to."""

    signed: dict[str, int]
    """The conversations that genuine tokens name."""
    is_message: dict[str, bool]
    """Every id that was seen: whether a message has it, or is only named by others."""
    known: dict[str, Known]
    """Those ids that stand in a conversation."""
    belong: dict[int, frozenset[str]]
    """The addresses of each conversation's contact and those an agent wrote to."""
    merged: dict[int, int]
    """What was merged into what."""

    def home_of(self, conversation_id: int) -> int:
        """Itself, or what it was merged into in the end."""
        while conversation_id in self.merged:
            conversation_id = self.merged[conversation_id]
        return conversation_id

    def homes_of(self, tokens: Sequence[str]) -> list[int]:
        """What the genuine ones of these lead to."""
        return [self.home_of(self.signed[each]) for each in tokens if each in self.signed]

    def known_now(self, value: str) -> Known:
        """As in `known`, by what has become of the conversations."""
        found = self.known[value]
        if not self.merged:
            return found
        moved_from = found.moved_from_id and self.home_of(found.moved_from_id)
        return Known(self.home_of(found.conversation_id), moved_from)

    def note_ancestor(self, value: str, conversation_id: int) -> None:
        """As `states.refer_ancestors` is going to write it."""
        if value not in self.is_message:
            self.is_message[value], self.known[value] = False, Known(conversation_id)

    def note_message(self, value: str, conversation_id: int) -> None:
        """As `states.refer_messages` is going to write it."""
        if not self.is_message.get(value):
            self.is_message[value], self.known[value] = True, Known(conversation_id)


@cache
def _known(room: int) -> Hot:
    """By way of the message, whose conversation an agent may have changed. An ancestor never seen has none."""
    at = sa.func.coalesce(message.c.conversation_id, external_ref.c.conversation_id).label("conversation_id")
    return Hot(
        sa.select(external_ref.c.value, external_ref.c.message_id, at, message.c.moved_from_id)
        .outerjoin(message, message.c.id == external_ref.c.message_id)
        .where(external_ref.c.scope == bindparam("b_scope"), external_ref.c.value.in_(names_in(room)))
    )


@cache
def _belong(room: int) -> Hot:
    """The addresses of conversations' contacts, and of those whom an agent wrote to."""
    confirmed = sa.select(participant.c.conversation_id, participant.c.address, sa.null()).where(
        participant.c.conversation_id.in_(names_in(room)), participant.c.is_confirmed
    )
    return Hot(
        sa.select(conversation.c.id, identity.c.address, conversation.c.merged_into_id)
        .join(identity, identity.c.contact_id == conversation.c.contact_id)
        .where(conversation.c.id.in_(names_in(room)), identity.c.kind == bindparam("b_kind"))
        .union_all(confirmed)
    )


def place(tx: Transaction, origin: Origin, scope: str, inbound: Inbound) -> Placement:
    """Where a message belongs, by what it names and by who wrote it."""
    return choose(origin, inbound, look(tx, origin, scope, [inbound]))


def look(tx: Transaction, origin: Origin, scope: str, found: Sequence[Inbound]) -> Sight:
    """What these messages name, and what is known of their own ids."""
    tokens = {token for said in found for keys in _tokens_of(said) for token in keys}
    signed = {token: read for token in tokens if (read := origin.read_token(token)) is not None}
    ids = dict.fromkeys(value for said in found for value in (said.external_id, *said.refs[:MOST_REFS]) if value)
    sight = Sight(signed, *_seen(tx, scope, list(ids)), {}, {})
    wanted = {*signed.values(), *(each.conversation_id for each in sight.known.values())}
    while wanted:  # an address that was signed for a conversation leads to the one it was merged into
        _add_participants(tx, origin, sight, list(wanted))
        wanted = {home for home in sight.merged.values() if home not in sight.belong}
    return sight


def choose(origin: Origin, inbound: Inbound, sight: Sight) -> Placement:
    """As `place`, by what is in sight."""
    tokens, markers = _tokens_of(inbound)
    refs = inbound.refs[:MOST_REFS]
    if not (tokens or markers or refs):
        return Placement(None, "new")
    known = {ref: sight.known_now(ref) for ref in refs if ref in sight.known}
    keys = threads.keys_of(sight.homes_of(tokens), refs, inbound.answers, known, sight.homes_of(markers))
    return threads.choose(keys, origin.folded(inbound.address), sight.belong, inbound.sender_doubt)


def known_ids(tx: Transaction, scope: str, refs: Sequence[str]) -> dict[str, Known]:
    """Those of `refs` that stand in a conversation."""
    return _seen(tx, scope, refs)[1]


def _seen(tx: Transaction, scope: str, ids: Sequence[str]) -> tuple[dict[str, bool], dict[str, Known]]:
    """As in `Sight`: which of `ids` were seen, and those of them that stand in a conversation."""
    is_message: dict[str, bool] = {}
    known: dict[str, Known] = {}
    for first in range(0, len(ids), MOST_AT_ONCE):
        some = ids[first : first + MOST_AT_ONCE]
        room = room_for(len(some))
        for row in tx.execute(_known(room), {"b_scope": scope, **values_in(room, some)}).all():
            is_message[row.value] = row.message_id is not None
            if row.conversation_id is not None:
                known[row.value] = Known(row.conversation_id, row.moved_from_id)
    return is_message, known


def addresses_of(tx: Transaction, origin: Origin, contact_id: int) -> frozenset[str]:
    """The addresses that belong to whatever a contact opens."""
    wanted = {"b_contact": contact_id, "b_kind": origin.capabilities.address.name}
    return frozenset(origin.folded(row.address) for row in tx.execute(_ADDRESSES, wanted).all())


def _tokens_of(said: Inbound) -> tuple[Sequence[str], Sequence[str]]:
    """Those of its addresses and of its marks."""
    return said.tokens[:MOST_TOKENS], said.markers[:MOST_TOKENS]


def _add_participants(tx: Transaction, origin: Origin, sight: Sight, ids: Sequence[int]) -> None:
    """What `sight` shall know of conversations."""
    belong: dict[int, set[str]] = {each: set() for each in ids}
    for first in range(0, len(ids), MOST_AT_ONCE):
        some = ids[first : first + MOST_AT_ONCE]
        room = room_for(len(some))
        wanted = {"b_kind": origin.capabilities.address.name, **values_in(room, some)}
        for row in tx.execute(_belong(room), wanted).all():
            belong[row.id].add(origin.folded(row.address))
            if row.merged_into_id is not None:
                sight.merged[row.id] = row.merged_into_id
    sight.belong.update((each, frozenset(addresses)) for each, addresses in belong.items())
