"""Taking the past in: messages of years ago, by the rules of live ones, as they would have been taken then.

Each is taken by a transaction whose clock shows the moment it arrived, so that conversations open, are touched and lie
in the list by their own time. What is old bothers nobody: it opens no conversation for agents and answers nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Echo, Inbound, Past, Unreadable
from omnibox.inbox import conversations
from omnibox.inbox.intake import Intake, put_aside, take_one
from omnibox.inbox.messages import Taken
from omnibox.inbox.origin import Origin
from omnibox.masking import Masked
from omnibox.model import AuthorKind, MessageKind
from omnibox.store import Reader, Transaction, insert
from omnibox.store.tables import conversation, identity, memory, message

KEPT = timedelta(days=365)
KNOWN, STORED, QUARANTINED = "duplicate", "stored", "quarantined"

_COUNTED = sa.exists().where(
    message.c.id == bindparam("b_message"), message.c.kind == "inbound", message.c.automatic.is_(None)
)
_READ_LONG_AGO = (
    sa.update(conversation)
    .where(conversation.c.id == bindparam("b_id"), conversation.c.unread > 0, _COUNTED)
    .values(unread=conversation.c.unread - 1)
)
_NEWER = (
    sa.select(message)
    .where(message.c.conversation_id == bindparam("b_id"), message.c.created_at > bindparam("b_at"))
    .where(message.c.kind != "note")
    .order_by(message.c.created_at.desc(), message.c.id.desc())
    .limit(1)
)
# The latest conversation of whoever wrote is the one that lies nearest to now, not the one imported last.
_LATEST = (
    sa.select(conversation.c.id)
    .where(conversation.c.identity_id == identity.c.id, conversation.c.state != "merged")
    .order_by(conversation.c.last_at.desc(), conversation.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_WRITER = sa.select(message.c.identity_id).where(message.c.id == bindparam("b_message")).scalar_subquery()
_NAME_LATEST = sa.update(identity).where(identity.c.id == _WRITER).values(conversation_id=_LATEST)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an import has come: `done` messages of the archive that `digest` names."""

    connection_id: int
    digest: str
    done: int


def read_mark(tx: Reader, connection_id: int, digest: str) -> int:
    """How many messages of an archive have been taken."""
    wanted = sa.select(memory.c.value).where(memory.c.connection_id == connection_id, memory.c.key == _key(digest))
    return int(tx.execute(wanted).scalar() or 0)


async def receive(
    intake: Intake, origin: Origin, past: Sequence[Past], *, resolve_before: datetime, mark: Mark
) -> list[str]:
    """Take messages and the mark in one transaction; one outcome each. May be asked again: nothing comes twice.

    Conversations whose last word is older than `resolve_before` come in resolved. Raises `StoreUnavailable`.
    """
    origin = replace(origin, acknowledging=frozenset())
    known = await intake.store.read(lambda tx: _known(tx, origin, past))
    taken: list[tuple[Past, list[Taken]]] = []
    for each in past:  # files of what is known already are not written again
        fresh = [item for item in each.envelopes if getattr(item, "event_key", None) not in known]
        taken.append((each, [await intake.prepare(item, origin.rules_for(item)) for item in fresh]))
    return (await intake.store.write(lambda tx: _take_all(tx, origin, taken, resolve_before, mark))).result


def _known(tx: Reader, origin: Origin, past: Iterable[Past]) -> frozenset[str]:
    """The event keys among these that are stored already."""
    keys: dict[str, set[str]] = {}
    for each in past:
        for item in each.envelopes:
            channel_id = origin.channel_of(item.to) if isinstance(item, (Inbound, Echo)) else None
            if channel_id is not None and isinstance(item, (Inbound, Echo)):
                keys.setdefault(origin.id_scope(channel_id), set()).add(item.event_key)
    found: set[str] = set()
    for scope, wanted in keys.items():
        stored = sa.select(message.c.event_key).where(message.c.event_scope == scope, message.c.event_key.in_(wanted))
        found |= set(tx.execute(stored).scalars())
    return frozenset(found)


def _take_all(
    tx: Transaction,
    origin: Origin,
    past: Sequence[tuple[Past, Sequence[Taken]]],
    resolve_before: datetime,
    mark: Mark,
) -> list[str]:
    events: list[dict[str, Any]] = []
    outcomes = [_take(tx, origin, each, taken, resolve_before, events) for each, taken in past]
    tx.events += _told_once(events)
    _move(tx, mark)
    return outcomes


def _take(
    tx: Transaction,
    origin: Origin,
    past: Past,
    taken: Sequence[Taken],
    resolve_before: datetime,
    events: list[dict[str, Any]],
) -> str:
    """Take one message as of its own time; one that the rules cannot take costs the others nothing."""
    outcome = KNOWN
    for each in taken:
        then = Transaction(tx.connection, lambda: past.at)
        try:
            with tx.connection.begin_nested():
                if isinstance(each.envelope, Unreadable):
                    outcome = put_aside(tx, origin.connection_id, each.envelope, each.envelope.kind).outcome
                    continue
                result = take_one(then, origin, each)
                _calm(then, is_old=past.at < resolve_before)
        except (ValueError, TypeError, LookupError, ArithmeticError, sa.exc.StatementError) as error:
            stub = Unreadable(type(each.envelope).__name__, past.place, digest=past.place)
            outcome = put_aside(tx, origin.connection_id, stub, type(error).__name__).outcome
        else:
            outcome = STORED if STORED in (outcome, result.outcome) else result.outcome
            events += then.events
            tx.words |= then.words
    return outcome


def _calm(then: Transaction, *, is_old: bool) -> None:
    """Leave a conversation as an old message finds it, and what is newer than the message where it was."""
    added = next((event for event in then.events if event["type"] == "message.added"), None)
    if added is None:
        return
    conversation_id, message_id = added["conversation_id"], added["message_id"]
    opened = any(event["type"] == "conversation.opened" for event in then.events)
    has_woken = opened or any(event["word"] == "reopened" for event in then.events)
    if is_old and has_woken:
        conversations.resolve(then, conversation_id, None)
    elif is_old:
        _unsay(then, conversation_id, message_id)
    if opened:
        then.execute(_NAME_LATEST, {"b_message": message_id})
    else:
        _show_newest(then, conversation_id)


def _unsay(then: Transaction, conversation_id: int, message_id: int) -> None:
    """Not unread, though the conversation is open: it was read long ago."""
    then.execute(_READ_LONG_AGO, {"b_id": conversation_id, "b_message": message_id})


def _show_newest(then: Transaction, conversation_id: int) -> None:
    """What the list shows of a conversation is its newest message, also when older ones came after it."""
    found = then.execute(_NEWER, {"b_id": conversation_id, "b_at": then.clock()}).first()
    if found is None:
        return
    said = conversations.Said(
        found.id,
        cast("MessageKind", found.kind),
        cast("AuthorKind", found.author_kind),
        cast("Masked", found.reply_text or found.text),
        found.at,
    )
    conversations.touched(Transaction(then.connection, lambda: found.created_at), conversation_id, said)


def _told_once(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a batch without those that say no more than the opening of the same conversation does."""
    told: list[dict[str, Any]] = []
    opened: set[int] = set()
    for event in events:
        if event["type"] == "conversation.opened":
            opened.add(event["conversation_id"])
        elif event["type"] == "conversation.changed" and event["conversation_id"] in opened:
            continue
        told.append(event)
    return told


def _key(digest: str) -> str:
    return f"import {digest}"


def _move(tx: Transaction, mark: Mark) -> None:
    row: Mapping[str, Any] = {
        "connection_id": mark.connection_id,
        "key": _key(mark.digest),
        "value": str(mark.done),
        "until": tx.clock() + KEPT,
    }
    statement = insert(memory)
    newer = {"value": statement.excluded.value, "until": statement.excluded.until}
    tx.execute(statement.on_conflict_do_update(index_elements=["connection_id", "key"], set_=newer), row)
