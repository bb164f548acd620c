"""Looks up what a message's keys lead to, for `omnibox.inbox.threads` to choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Inbound
from omnibox.inbox import threads
from omnibox.inbox.origin import Origin
from omnibox.inbox.threads import Key, Known, Placement
from omnibox.store import Transaction
from omnibox.store.hot import Hot, names_in, room_for, values_in
from omnibox.store.tables import conversation, external_ref, identity, message, participant

MOST_REFS = 50  # of one message; longer chains keep their newest, which stand first
MOST_TOKENS = 20  # addresses of one mail that look signed: 100,000 guesses in one mail cost no more than these


@cache
def _known(room: int) -> Hot:
    """By way of the message, whose conversation an agent may have changed. An ancestor never seen has none."""
    at = sa.func.coalesce(message.c.conversation_id, external_ref.c.conversation_id).label("conversation_id")
    return Hot(
        sa.select(external_ref.c.value, at, message.c.moved_from_id)
        .outerjoin(message, message.c.id == external_ref.c.message_id)
        .where(
            external_ref.c.scope == bindparam("b_scope"),
            external_ref.c.value.in_(names_in(room)),
            external_ref.c.conversation_id.is_not(None),
        )
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
    tokens = _signed(origin, inbound.tokens[:MOST_TOKENS])
    markers = _signed(origin, inbound.markers[:MOST_TOKENS])
    refs = inbound.refs[:MOST_REFS]
    keys = threads.keys_of(tokens, refs, inbound.answers, known_ids(tx, scope, refs), markers)
    if not keys:
        return Placement(None, "new")
    belong, merged = _participants(tx, origin, keys)
    while merged:  # an address that was signed for a conversation leads to the one it was merged into
        keys = [Key(merged.get(each.conversation_id, each.conversation_id), each.why) for each in keys]
        belong, merged = _participants(tx, origin, keys)
    return threads.choose(keys, origin.folded(inbound.address), belong, inbound.sender_doubt)


def known_ids(tx: Transaction, scope: str, refs: Sequence[str]) -> dict[str, Known]:
    """Those of `refs` that stand in a conversation."""
    if not refs:
        return {}
    room = room_for(len(refs))
    rows = tx.execute(_known(room), {"b_scope": scope, **values_in(room, refs)}).all()
    return {row.value: Known(row.conversation_id, row.moved_from_id) for row in rows}


def _signed(origin: Origin, tokens: Iterable[str]) -> list[int]:
    """The conversations that genuine tokens name."""
    return [found for token in tokens if (found := origin.read_token(token)) is not None]


def _participants(
    tx: Transaction, origin: Origin, keys: Sequence[Key]
) -> tuple[dict[int, frozenset[str]], dict[int, int]]:
    """The addresses of each conversation's contact and those an agent wrote to; and what was merged into what."""
    ids = list({key.conversation_id for key in keys})
    room = room_for(len(ids))
    wanted = {"b_kind": origin.capabilities.address.name, **values_in(room, ids)}
    belong: dict[int, set[str]] = {}
    merged: dict[int, int] = {}
    for row in tx.execute(_belong(room), wanted).all():
        belong.setdefault(row.id, set()).add(origin.folded(row.address))
        if row.merged_into_id is not None:
            merged[row.id] = row.merged_into_id
    return {conversation_id: frozenset(addresses) for conversation_id, addresses in belong.items()}, merged
