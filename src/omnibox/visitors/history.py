"""What a visitor sees: their own messages and the answers to them, never a note nor a field meant for agents."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.inbox.views import Json, files_of, moment
from omnibox.model import Event
from omnibox.store import Reader
from omnibox.store.tables import agent, conversation, event, message

SHOWN = ("message.added", "message.changed")
PAGE = 50
MOST_MISSED = 200

_MESSAGE = (
    sa.select(message, agent.c.name.label("agent_name"), conversation.c.identity_id.label("owner_id"))
    .join(conversation, conversation.c.id == message.c.conversation_id)
    .outerjoin(agent, sa.and_(message.c.author_kind == "agent", agent.c.id == message.c.author_id))
    .where(message.c.kind.in_(("inbound", "outbound")))
)


@dataclass(frozen=True, slots=True)
class VisitorSight:
    """One event as its visitor sees it."""

    identity_id: int
    event: Json


def visitor_events(tx: Reader, batch: Sequence[Event]) -> dict[int, list[VisitorSight]]:
    """The events of a batch that visitors see, by identity."""
    shown = {each.message_id for each in batch if each.type in SHOWN and each.message_id is not None}
    messages = _by_id(tx, shown)
    seen: dict[int, list[VisitorSight]] = {}
    for each in batch:
        if each.type not in SHOWN or each.message_id not in messages:
            continue
        identity_id, view = messages[each.message_id]
        joined = {"seq": each.seq, "type": each.type, "message": view}
        seen.setdefault(identity_id, []).append(VisitorSight(identity_id, joined))
    return seen


def missed_events(tx: Reader, identity_id: int, after: int, upto: int) -> list[Json] | None:
    """What a visitor missed in (after, upto], oldest first; None where it is too much to replay."""
    found = tx.execute(
        sa.select(event.c.seq, event.c.type, event.c.message_id)
        .join(message, message.c.id == event.c.message_id)
        .join(conversation, conversation.c.id == message.c.conversation_id)
        .where(
            conversation.c.identity_id == identity_id,
            event.c.seq > after,
            event.c.seq <= upto,
            event.c.type.in_(SHOWN),
        )
        .order_by(event.c.seq)
        .limit(MOST_MISSED + 1)
    ).all()
    if len(found) > MOST_MISSED:
        return None
    messages = _by_id(tx, {row.message_id for row in found})
    return [
        {"seq": row.seq, "type": row.type, "message": messages[row.message_id][1]}
        for row in found
        if row.message_id in messages
    ]


def last_messages(tx: Reader, identity_id: int, before: int | None = None) -> tuple[list[Json], bool]:
    """A page of a visitor's messages, oldest first, and whether there are older ones."""
    wanted = _MESSAGE.where(conversation.c.identity_id == identity_id)
    if before is not None:
        wanted = wanted.where(message.c.id < before)
    rows = tx.execute(wanted.order_by(message.c.id.desc()).limit(PAGE + 1)).all()
    page = rows[:PAGE][::-1]
    files = files_of(tx, [row.id for row in page], _file)
    return [_view(row, files.get(row.id, [])) for row in page], len(rows) > PAGE


def _by_id(tx: Reader, ids: Collection[int]) -> dict[int, tuple[int, Json]]:
    if not ids:
        return {}
    rows = tx.execute(_MESSAGE.where(message.c.id.in_(ids))).all()
    files = files_of(tx, [row.id for row in rows], _file)
    return {row.id: (row.owner_id, _view(row, files.get(row.id, []))) for row in rows}


def _view(row: sa.Row[Any], files: list[Json]) -> Json:
    author = {"name": row.agent_name} if row.agent_name else None
    return {
        "id": row.id,
        "rev": row.rev,
        "kind": row.kind,
        "author": author,
        "text": row.text,
        "at": moment(row.at),
        "attachments": files,
        # A visitor's event key is «identity:client id» (see web.visitors).
        "client_id": row.event_key.partition(":")[2] if row.kind == "inbound" and row.event_key else None,
        "is_deleted": row.deleted_at is not None,
    }


def _file(row: sa.Row[Any]) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "content_type": row.content_type,
        "size": row.size,
        "key": row.key if row.state == "ready" else None,
        "state": row.state,
    }
