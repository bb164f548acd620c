"""What goes with messages that an agent puts elsewhere: deliveries, people, lines. The caller holds the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa

from omnibox.inbox import conversations, lines, people
from omnibox.store import Reader, Transaction
from omnibox.store.tables import conversation, delivery, identity, message, participant

CHUNK = 500  # ids in one statement


def take(tx: Transaction, ids: Sequence[int], source_id: int, target_id: int) -> list[list[Any]]:
    """Move messages with their deliveries; what each was before: id, why, where it had been taken from."""
    before: list[list[Any]] = []
    for chunk in chunks(ids):
        found = sa.select(message.c.id, message.c.why, message.c.moved_from_id).where(message.c.id.in_(chunk))
        before += [list(row) for row in tx.execute(found.order_by(message.c.id))]
    repoint(tx, ids, source_id, target_id, {"why": "agent", "moved_from_id": source_id})
    return before


def repoint(tx: Transaction, ids: Sequence[int], source_id: int, target_id: int, values: Mapping[str, Any]) -> None:
    values = {"conversation_id": target_id, "rev": message.c.rev + 1, **values}
    for chunk in chunks(ids):
        here = (message.c.id.in_(chunk), message.c.conversation_id == source_id)
        lines = sa.update(message).where(*here, message.c.kind == "line")
        tx.execute(lines.values(conversation_id=target_id))
        tx.execute(sa.update(message).where(*here).values(values))
        theirs = delivery.c.message_id.in_(chunk)
        tx.execute(sa.update(delivery).where(theirs).values(conversation_id=target_id))


def bring_back(tx: Transaction, before: Sequence[Sequence[Any]], source_id: int, target_id: int) -> None:
    """As it was: the same words for why, message by message where they differ."""
    alike: dict[tuple[Any, Any], list[int]] = {}
    for message_id, why, moved_from_id in before:
        alike.setdefault((why, moved_from_id), []).append(message_id)
    for (why, moved_from_id), ids in alike.items():
        repoint(tx, ids, source_id, target_id, {"why": why, "moved_from_id": moved_from_id})


def hide(tx: Transaction, row: Any, into_id: int) -> None:
    """From now on a conversation is only the way to another one."""
    now = cast("sa.Row[Any]", conversations.lock(tx, row.id))
    conversations.count(tx, now.state, now.assignee_id, -1)
    values = {"state": "merged", "merged_into_id": into_id, "unread": 0, "rev": now.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == row.id).values(values))
    latest = sa.update(identity).where(identity.c.id == row.identity_id, identity.c.conversation_id == row.id)
    tx.execute(latest.values(conversation_id=into_id))


def show(tx: Transaction, row: Any, was: Mapping[str, Any]) -> None:
    conversations.count(tx, was["state"], was["assignee_id"], +1)
    values = {"state": was["state"], "merged_into_id": None, "rev": row.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == row.id).values(values))
    latest = sa.update(identity).where(
        identity.c.id == row.identity_id, identity.c.conversation_id == row.merged_into_id
    )
    tx.execute(latest.values(conversation_id=row.id))


# ── Who belongs


Joined = dict[str, list[str]]
"""Addresses that a rearrangement brought: those `added`, and those that were on show and are now `confirmed`."""


def let_join(tx: Transaction, source: Any, target: Any) -> Joined:
    """Whoever wrote in the one may write in the other from now on; who was in copy is shown there."""
    rows = [] if source.contact_id == target.contact_id else _addresses_of(tx, (source.contact_id,))
    theirs = sa.select(participant).where(participant.c.conversation_id == source.id)
    rows += [{"address": row.address, "name": row.name, "is_confirmed": row.is_confirmed} for row in tx.execute(theirs)]
    return _add(tx, target, rows)


def bring_people(tx: Transaction, source_id: int, target_id: int, ids: Sequence[int], *, authors: bool) -> Joined:
    """Who was in copy of these messages is shown beside them; with `authors`, who wrote them belongs there."""
    target = conversations.lock(tx, target_id)
    rows = _addresses_of(tx, _authors_of(tx, ids)) if authors else []
    theirs = tx.execute(sa.select(participant).where(participant.c.conversation_id == source_id)).all()
    named = _named_in(tx, ids)
    rows += [
        {"address": row.address, "name": row.name, "is_confirmed": row.is_confirmed}
        for row in theirs
        if row.address.casefold() in named
    ]
    return _add(tx, target, rows)


def _authors_of(tx: Reader, ids: Sequence[int]) -> list[int]:
    authors: set[int] = set()
    for chunk in chunks(ids):
        wanted = sa.select(message.c.author_id).where(message.c.id.in_(chunk), message.c.kind == "inbound")
        authors.update(tx.execute(wanted).scalars())
    return sorted(authors)


def _named_in(tx: Reader, ids: Sequence[int]) -> set[str]:
    """The addresses that messages name."""
    named: set[str] = set()
    for chunk in chunks(ids):
        for found in tx.execute(sa.select(message.c.recipients).where(message.c.id.in_(chunk))).scalars():
            named.update(address.casefold() for each in (found or {}).values() for address in each)
    return named


def _addresses_of(tx: Reader, contacts: Sequence[int]) -> list[dict[str, Any]]:
    wanted = sa.select(identity.c.address).where(identity.c.contact_id.in_(contacts)).order_by(identity.c.id)
    return [
        {"address": address, "name": None, "is_confirmed": True}
        for address in tx.execute(wanted).scalars()
        if not people.is_nobody(address)
    ]


def _add(tx: Transaction, target: Any, rows: Sequence[Mapping[str, Any]]) -> Joined:
    own = {row["address"] for row in _addresses_of(tx, (target.contact_id,))}
    others = [{**row, "conversation_id": target.id, "is_copied": False} for row in rows if row["address"] not in own]
    added = people.add_participants(tx, target.id, others)
    sure = [row["address"] for row in others if row["is_confirmed"] and row["address"] not in added]
    return {"added": added, "confirmed": people.confirm(tx, target.id, sure, is_confirmed=True)}


def let_leave(tx: Transaction, source: Any) -> list[list[Any]]:
    """Whoever belonged only by messages that are gone belongs no longer; returns their address and what they might.

    Who was in copy of others stays on show.
    """
    moved = message.alias()
    writes = sa.select(message.c.author_id).where(message.c.conversation_id == source.id, message.c.kind == "inbound")
    wrote = sa.select(moved.c.author_id).where(moved.c.moved_from_id == source.id, moved.c.kind == "inbound")
    gone = (
        sa.select(participant)
        .join(identity, identity.c.address == participant.c.address)
        .where(
            participant.c.conversation_id == source.id,
            participant.c.is_confirmed,
            identity.c.contact_id != source.contact_id,
            identity.c.contact_id.not_in(writes),
            identity.c.contact_id.in_(wrote),
        )
    )
    rows = tx.execute(gone).all()
    people.remove_participants(tx, source.id, [row.address for row in rows if row.name is None])
    people.confirm(tx, source.id, [row.address for row in rows if row.name is not None], is_confirmed=False)
    return [[row.address, row.is_copied] for row in rows]


def put_back_people(tx: Transaction, source_id: int, target_id: int, was: Mapping[str, Any]) -> None:
    people.remove_participants(tx, target_id, was["joined"]["added"])
    people.confirm(tx, target_id, was["joined"]["confirmed"], is_confirmed=False)
    left = was.get("left", ())
    people.add_participants(
        tx,
        source_id,
        [
            {"conversation_id": source_id, "address": address, "name": None, "is_confirmed": True, "is_copied": copied}
            for address, copied in left
        ],
    )
    people.confirm(tx, source_id, [address for address, _ in left], is_confirmed=True)


# ── Lines of history


def write_line(tx: Transaction, rearrangement_id: int, place: int, why: str, other: int, agent_id: int) -> None:
    """A line that goes again when the rearrangement is undone."""
    asked = {"client_scope": scope_of(rearrangement_id), "client_id": f"{why}:{rearrangement_id}"}
    lines.write_line(tx, place, why, other, agent_id, **asked)


def scope_of(rearrangement_id: int) -> str:
    return f"rearrangement:{rearrangement_id}"


def remove_lines(tx: Transaction, rearrangement_id: int, both: tuple[int, int]) -> None:
    """History tells what is; that it was tried stands in the list of rearrangements."""
    written = (message.c.conversation_id.in_(both), message.c.client_scope == scope_of(rearrangement_id))
    tx.execute(sa.delete(message).where(*written))


def ids_of(tx: Reader, wanted: sa.Select[Any]) -> list[int]:
    return list(tx.execute(wanted.order_by(message.c.id)).scalars())


def chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
