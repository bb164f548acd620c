"""Messages as a conversation shows them, with their files and what became of them on the way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

from omnibox.errors import explain
from omnibox.html import count_remote_images
from omnibox.inbox import offers
from omnibox.inbox.views.sight import Json, label_of, moment, records
from omnibox.model import ADVANCE
from omnibox.store import Reader, among
from omnibox.store.tables import agent, attachment, contact, delivery, edition, message

_MESSAGES = sa.select(message).where(among(message.c.id))
_length = sa.func.length(message.c.text) + sa.func.coalesce(sa.func.length(message.c.reply_text), 0)
_LENGTHS = sa.select(message.c.id, _length.label("length")).where(among(message.c.id))
_FILES = sa.select(attachment).where(among(attachment.c.message_id)).order_by(attachment.c.id)
_TIMES = delivery.c.state_at, delivery.c.not_before, delivery.c.delayed_at, delivery.c.sent_at
_DELIVERIES = (  # the message has the same texts and files
    sa.select(delivery.c.id, delivery.c.message_id, delivery.c.position, delivery.c.state, delivery.c.code, *_TIMES)
    .add_columns(delivery.c.attempts, delivery.c.outcomes)
    .where(among(delivery.c.message_id))
    .order_by(delivery.c.position)
)
_AGENTS = sa.select(agent.c.id, agent.c.name).where(among(agent.c.id))
_PEOPLE = sa.select(contact.c.id, contact.c.name, contact.c.email).where(among(contact.c.id))


def list_messages(tx: Reader, conversation_id: int, before: int | None, limit: int) -> tuple[list[Json], int | None]:
    """A page of messages, oldest first, and the id the page before it ends at."""
    names = {"conversation": conversation_id, "before": before, "most": limit + 1}
    found = records(tx, _page(goes_on=before is not None), names)
    page = found[:limit][::-1]
    return _messages(tx, page), page[0].id if len(found) > limit else None


def list_editions(tx: Reader, message_id: int) -> list[Json]:
    """What an edited message said before, oldest first."""
    wanted = sa.select(edition).where(edition.c.message_id == message_id).order_by(edition.c.number)
    return [{"text": row.text, "at": moment(row.at)} for row in tx.execute(wanted)]


@cache
def _page(*, goes_on: bool) -> sa.Select[Any]:
    wanted = sa.select(message).where(message.c.conversation_id == sa.bindparam("conversation"))
    if goes_on:
        wanted = wanted.where(message.c.id < sa.bindparam("before"))
    return wanted.order_by(message.c.id.desc()).limit(sa.bindparam("most", type_=sa.Integer, literal_execute=True))


def messages_by_id(tx: Reader, ids: Collection[int]) -> dict[int, Json]:
    if not ids:
        return {}
    rows = records(tx, _MESSAGES, {"ids": list(ids)})
    return {each["id"]: each for each in _messages(tx, rows)}


def lengths_by_id(tx: Reader, ids: Collection[int]) -> dict[int, int]:
    """How many characters messages say."""
    return {row.id: row.length for row in tx.execute(_LENGTHS, {"ids": list(ids)})} if ids else {}


def _messages(tx: Reader, rows: Sequence[sa.Row[Any]]) -> list[Json]:
    files, deliveries = files_of(tx, [row.id for row in rows], _file), _deliveries_of(tx, rows)
    names = _author_names(tx, rows)
    return [_message(row, files.get(row.id, []), deliveries.get(row.id, []), names) for row in rows]


def _message(
    row: sa.Row[Any], files: list[Json], deliveries: list[Json], names: Mapping[tuple[str, int | None], str]
) -> Json:
    states = [each["state"] for each in deliveries]
    return {
        "id": row.id,
        "rev": row.rev,
        "conversation": row.conversation_id,
        "channel": row.channel_id,
        "kind": row.kind,
        "author": {
            "kind": row.author_kind,
            "id": row.author_id,
            "name": names.get((row.author_kind, row.author_id)),
        },
        "text": row.text,
        "reply_text": row.reply_text,
        "has_html": row.html is not None,
        "remote_images": count_remote_images(row.html) if row.html else 0,
        "subject": row.subject,
        "at": moment(row.at),
        "created_at": moment(row.created_at),
        "attachments": files,
        "state": min(states, key=ADVANCE.index) if states else None,
        "deliveries": deliveries,
        "client_id": row.client_id,
        "automatic": row.automatic is not None,
        "is_deleted": row.deleted_at is not None,
        "edited_at": moment(row.edited_at),
        "is_elsewhere": row.is_elsewhere,
        "recipients": row.recipients,
        "offer": _offer(row.offer),
        "chosen": {"message": row.chose_id, "choice": row.choice} if row.chose_id is not None else None,
        "why": row.why,
        "related": row.related_id,
        "moved_from": row.moved_from_id,
        "doubt": row.doubt,
        "reactions": list(row.reactions.values()) if isinstance(row.reactions, dict) else row.reactions or [],
    }


def _offer(kept: str | None) -> Json | None:
    offer = offers.decode(kept)
    return offers.shape(offer) if offer else None


def _author_names(tx: Reader, rows: Iterable[sa.Row[Any]]) -> dict[tuple[str, int | None], str]:
    names: dict[tuple[str, int | None], str] = {}
    wanted: dict[str, set[int]] = {"agent": set(), "contact": set()}
    for row in rows:
        if row.author_id is not None and row.author_kind in wanted:
            wanted[row.author_kind].add(row.author_id)
    if wanted["agent"]:
        found = tx.execute(_AGENTS, {"ids": list(wanted["agent"])})
        names |= {("agent", each.id): each.name for each in found}
    if wanted["contact"]:
        found = tx.execute(_PEOPLE, {"ids": list(wanted["contact"])})
        names |= {("contact", each.id): label_of(each.id, each.name, each.email) for each in found}
    return names


def files_of(tx: Reader, message_ids: Collection[int], view: Callable[[sa.Row[Any]], Json]) -> dict[int, list[Json]]:
    """The files of messages, by message, each as `view` shows it."""
    files: dict[int, list[Json]] = {}
    if not message_ids:
        return files
    for row in tx.execute(_FILES, {"ids": list(message_ids)}):
        files.setdefault(row.message_id, []).append(view(row))
    return files


def _file(row: sa.Row[Any]) -> Json:
    return {
        "id": row.id,
        "name": row.name,
        "content_type": row.content_type,
        "size": row.size,
        "is_inline": row.is_inline,
        "state": row.state,
        "url": f"/api/files/{row.key}" if row.state == "ready" else None,
    }


def _deliveries_of(tx: Reader, rows: Sequence[sa.Row[Any]]) -> dict[int, list[Json]]:
    ids = [row.id for row in rows if row.kind == "outbound"]
    deliveries: dict[int, list[Json]] = {}
    if not ids:
        return deliveries
    for row in records(tx, _DELIVERIES, {"ids": ids}):
        deliveries.setdefault(row.message_id, []).append(
            {
                "id": row.id,
                "position": row.position,
                "state": row.state,
                "code": row.code,
                "why": why(row.code),
                "next_try_at": moment(row.not_before) if row.state == "queued" and row.attempts else None,
                "at": moment(row.state_at),
                "is_delayed": _is_delayed(row),
                "recipients": [_outcome(address, one) for address, one in (row.outcomes or {}).items()],
            }
        )
    return deliveries


def _is_delayed(row: sa.Row[Any]) -> bool:
    """It waits for its turn too long, or the receiving side says that it is late."""
    if row.delayed_at is None:
        return False
    is_late_there = row.state == "sent" and (row.sent_at is None or row.delayed_at > row.sent_at)
    return is_late_there or row.state in ("queued", "sending")


def _outcome(address: str, outcome: Mapping[str, str]) -> Json:
    code = outcome["code"] or None
    return {"address": address, "state": outcome["state"], "code": code, "why": why(code)}


def why(code: str | None) -> str | None:
    """What a code means, and what to do, for people."""
    return " ".join(each for each in explain(code) if each) if code else None
