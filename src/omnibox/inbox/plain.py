"""Plain messages of people we know: all that share a commit go in together, in four statements.

Nearly every chat message is one. Whoever is new, whoever's conversation is not open, whatever is more than words, may
be a piece of a card number or is stored already goes message by message (`omnibox.inbox.taking`), and so does all that
the same person sends behind it: a conversation keeps the order in which its messages came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Envelope, Inbound
from omnibox.inbox import conversations, merging, messages, people, states
from omnibox.inbox.messages import Taken
from omnibox.inbox.origin import Origin
from omnibox.masking import may_be_piece
from omnibox.store import Transaction, insert
from omnibox.store.hot import Hot, Row, names_in, room_for, values_in
from omnibox.store.tables import conversation, identity, message

MOST = 256  # in one statement; databases take some 32,000 parameters
_ADD = Hot(insert(message).on_conflict_do_nothing().returning(message.c.id, message.c.event_key))


class Arrival(NamedTuple):
    """An envelope with its texts masked, and the channel of ours that it names, if there is such a one."""

    origin: Origin
    channel_id: int | None
    taken: Taken


@cache
def _known(room: int) -> Hot:
    """Who is known behind addresses, and has an open conversation; both kept from other writers."""
    return Hot(
        sa.select(identity.c.id, identity.c.contact_id, identity.c.conversation_id, identity.c.address)
        .join(conversation, conversation.c.id == identity.c.conversation_id)
        .where(
            identity.c.kind == bindparam("b_kind"),
            identity.c.scope == bindparam("b_scope"),
            identity.c.address.in_(names_in(room)),
            conversation.c.state == "open",
        )
        .order_by(identity.c.id)
        .with_for_update(of=(identity, conversation), key_share=True)
    )


def take_plain(tx: Transaction, arrivals: Sequence[Arrival]) -> dict[int, int]:
    """Store those that are plain, with all that follows from a message; their messages' ids, by place in `arrivals`."""
    stored: dict[int, int] = {}
    for channel_id, places in _plain(arrivals).items():
        for first in range(0, len(places), MOST):
            found = {place: cast("Inbound", arrivals[place].taken.envelope) for place in places[first : first + MOST]}
            stored |= _take(tx, arrivals[places[0]].origin, channel_id, found)
    return stored


def _plain(arrivals: Sequence[Arrival]) -> dict[int, list[int]]:
    """The places of the plain ones, by channel."""
    places: dict[int, list[int]] = {}
    behind: set[tuple[int | None, str]] = set()
    for place, (origin, channel_id, taken) in enumerate(arrivals):
        if origin.capabilities.threads_by == "refs":
            continue  # such messages go together in their own way: `omnibox.inbox.threaded`
        said = taken.envelope
        is_plain = isinstance(said, Inbound) and messages.is_plain(said, taken) and not may_be_piece(said.text)
        if channel_id is None or not is_plain or (behind and _who(origin, channel_id, said) in behind):
            behind.add(_who(origin, channel_id, said))
        else:
            places.setdefault(channel_id, []).append(place)
    return places


def _who(origin: Origin, channel_id: int | None, said: Envelope) -> tuple[int | None, str]:
    return channel_id, origin.folded(getattr(said, "address", ""))


def _take(tx: Transaction, origin: Origin, channel_id: int, found: Mapping[int, Inbound]) -> dict[int, int]:
    scope, now = origin.id_scope(channel_id), tx.clock()
    addresses = {place: origin.folded(said.address) for place, said in found.items()}
    known = _find(tx, origin, channel_id, set(addresses.values()))
    rows = {
        place: _row(channel_id, scope, said, now, person)
        for place, said in found.items()
        if (person := known.get(addresses[place]))
    }
    ids = {key: added for added, key in _ADD.run_all(tx.connection, list(rows.values()))} if rows else {}
    stored = {place: ids.pop(row["event_key"]) for place, row in rows.items() if row["event_key"] in ids}
    if stored:
        _tell(tx, scope, {message_id: rows[place] for place, message_id in stored.items()})
    return stored


def _find(tx: Transaction, origin: Origin, channel_id: int, addresses: set[str]) -> dict[str, Any]:
    """The people behind addresses who have an open conversation, by address."""
    room = room_for(len(addresses))
    key = people.key_of(origin, channel_id, "") | values_in(room, list(addresses))
    return {row.address: row for row in tx.execute(_known(room), key).all()}


def _row(channel_id: int, scope: str, said: Inbound, now: datetime, person: Any) -> dict[str, Any]:
    return {
        "conversation_id": person.conversation_id,
        "channel_id": channel_id,
        "identity_id": person.id,
        "kind": "inbound",
        "author_kind": "contact",
        "author_id": person.contact_id,
        "text": said.text,
        "at": messages.said_at(said, now),
        "created_at": now,
        "event_scope": scope,
        "event_key": said.event_key,
        "external_id": said.external_id,
    }


def _tell(tx: Transaction, scope: str, stored: Mapping[int, Row]) -> None:
    """What follows from every message: its id is known, its conversation shows it, who watches hears."""
    named = [(row["external_id"], row["conversation_id"], key) for key, row in stored.items() if row["external_id"]]
    for value in states.refer_messages(tx, scope, named) if named else ():
        merging.apply_early(tx, scope, value)
    lines: dict[int, list[conversations.Said]] = {}
    for message_id, row in stored.items():
        conversation_id = row["conversation_id"]
        line = conversations.Said(message_id, row["kind"], row["author_kind"], row["text"], row["at"])
        lines.setdefault(conversation_id, []).append(line)
        tx.announce("message.added", conversation=conversation_id, message=message_id, contact=row["author_id"])
    conversations.heard_open(tx, lines)
