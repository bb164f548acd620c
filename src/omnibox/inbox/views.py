"""What agents see: rows and messages as plain JSON-ready members, joined when they are read. All text is masked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, make_dataclass
from datetime import datetime
from functools import cache
from types import EllipsisType
from typing import Any

import sqlalchemy as sa

from omnibox.errors import explain
from omnibox.html import count_remote_images
from omnibox.inbox.policy import Policy, allowed
from omnibox.inbox.way import Ways
from omnibox.model import ADVANCE
from omnibox.store import Reader, among
from omnibox.store.columns import Instant
from omnibox.store.tables import (
    agent,
    attachment,
    contact,
    conversation,
    delivery,
    identity,
    message,
    participant,
    tally,
)

Json = dict[str, Any]
NO_WAY = Policy(allowed=False, code="channel_disabled")


@dataclass(frozen=True, slots=True)
class Sight:
    """What views need beside the rows: the ways out, the time, and which contacts are on the website now."""

    ways: Ways
    now: datetime
    presence: Callable[[int], str | None] = lambda identity_id: None


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds and `Z`."""
    return None if at is None else at.isoformat(timespec="milliseconds")[:-6] + "Z"


# ── Conversations

_ROW = sa.select(
    conversation,
    contact.c.name.label("contact_name"),
    contact.c.email.label("contact_email"),
    contact.c.phone.label("contact_phone"),
).join(contact, contact.c.id == conversation.c.contact_id)
_PARTICIPANTS = sa.select(participant).where(among(participant.c.conversation_id)).order_by(participant.c.address)
_ROWS = _ROW.where(among(conversation.c.id))


def _all(tx: Reader, statement: sa.Select[Any], parameters: Json | None = None) -> list[Any]:
    """The rows as plain records: a member of SQLAlchemy's own costs a microsecond each, and a page reads 2,000."""
    found = tx.execute(statement, parameters)
    make = _shape(tuple(found.keys()))
    return [make(row) for row in found]


@cache
def _shape(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    made: Any = make_dataclass("Row", names, slots=True)
    return lambda row: made(*row)


def rows_by_id(tx: Reader, ids: Collection[int], sight: Sight) -> dict[int, Json]:
    """List rows of conversations, by id."""
    if not ids:
        return {}
    found = _all(tx, _ROWS, {"ids": list(ids)})
    others = _people_of(tx, found)
    return {row.id: _row(row, sight, others) for row in found}


def list_rows(
    tx: Reader,
    sight: Sight,
    *,
    state: str,
    assignee: int | EllipsisType | None = ...,
    channel_id: int | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> tuple[list[Json], tuple[datetime, int] | None]:
    """A page of conversations, the newest word first, and where the next page begins.

    `assignee`: an agent's id, None for nobody's, `...` for all.
    """
    whose = "all" if assignee is ... else "nobody" if assignee is None else "agent"
    statement = _page(whose, has_channel=channel_id is not None, goes_on=before is not None)
    at, last_id = before or (None, None)
    names = {"state": state, "assignee": assignee, "channel": channel_id, "at": at, "last_id": last_id}
    found = _all(tx, statement, {**names, "most": limit + 1})
    page = found[:limit]
    following = (page[-1].last_at, page[-1].id) if len(found) > limit else None
    others = _people_of(tx, page)
    return [_row(row, sight, others) for row in page], following


@cache
def _page(whose: str, *, has_channel: bool, goes_on: bool) -> sa.Select[Any]:
    """The statement of a page; built once, since building costs as much as running it."""
    row = conversation.c
    wanted = _ROW.where(row.state == sa.bindparam("state"))
    if whose != "all":
        wanted = wanted.where(
            row.assignee_id.is_(None) if whose == "nobody" else row.assignee_id == sa.bindparam("assignee")
        )
    if has_channel:
        wanted = wanted.where(row.channel_id == sa.bindparam("channel"))
    if goes_on:
        # As one value: of the same written with OR, neither database makes a range of the index.
        place = sa.tuple_(sa.bindparam("at", type_=Instant), sa.bindparam("last_id", type_=row.id.type))
        wanted = wanted.where(sa.tuple_(row.last_at, row.id) < place)
    return wanted.order_by(row.last_at.desc(), row.id.desc()).limit(sa.bindparam("most"))


def rows_of_contact(tx: Reader, contact_id: int, sight: Sight, limit: int = 20) -> list[Json]:
    mine = (conversation.c.contact_id == contact_id, conversation.c.state != "merged")
    wanted = _ROW.where(*mine).order_by(conversation.c.id.desc()).limit(limit)
    found = _all(tx, wanted)
    others = _people_of(tx, found)
    return [_row(row, sight, others) for row in found]


def _people_of(tx: Reader, rows: Iterable[Any]) -> dict[int, list[Json]]:
    """Who else is in these conversations, by conversation; asks only where the rows say that somebody is."""
    ids = [row.id for row in rows if row.others]
    found: dict[int, list[Json]] = {}
    for row in tx.execute(_PARTICIPANTS, {"ids": ids}) if ids else ():
        found.setdefault(row.conversation_id, []).append(
            {
                "address": row.address,
                "name": row.name,
                "is_confirmed": row.is_confirmed,
                "is_copied": row.is_copied,
            }
        )
    return found


def _row(row: sa.Row[Any], sight: Sight, others: Mapping[int, list[Json]]) -> Json:
    last = None
    if row.last_message_id is not None:
        last = {
            "id": row.last_message_id,
            "kind": row.last_kind,
            "author_kind": row.last_author,
            "text": row.last_text or "",
            "at": moment(row.last_at),
        }
    return {
        "id": row.id,
        "rev": row.rev,
        "state": row.state,
        "channel": row.channel_id,
        "contact": {
            "id": row.contact_id,
            "label": label_of(row.contact_id, row.contact_name, row.contact_email),
            "name": row.contact_name,
            "email": row.contact_email,
            "phone": row.contact_phone,
        },
        "assignee": row.assignee_id,
        "unread": row.unread,
        "answered": row.answered_at is not None,
        "subject": row.subject,
        "last": last,
        "last_at": moment(row.last_at),
        "last_inbound_at": moment(row.last_inbound_at),
        "opened_at": moment(row.opened_at),
        "automatic": row.automatic,
        "related": row.related_id,
        "merged_into": row.merged_into_id,
        "people": others.get(row.id, []),
        "failed": row.troubled,
        "policy": policy_view(policy_of(row, sight)),
        "presence": sight.presence(row.identity_id),
        "typing": False,
    }


def label_of(contact_id: int, name: str | None, email: str | None) -> str:
    """What to call a contact: the name, else the address, else a number."""
    return name or email or f"Visitor #{contact_id}"


def policy_of(row: sa.Row[Any], sight: Sight) -> Policy:
    way = sight.ways(row.channel_id)
    if way is None:
        return NO_WAY
    return allowed(way.capabilities.windows, row.last_inbound_at, "agent", sight.now, way.settings)


def policy_view(policy: Policy) -> Json:
    return {
        "allowed": policy.allowed,
        "mode": policy.mode or None,
        "until": moment(policy.until),
        "code": policy.code,
        "why": None,
        "way": policy.way or None,
        "afterwards": None
        if policy.afterwards is None
        else {"until": moment(policy.afterwards.until), "way": policy.afterwards.way or None},
        "lacks": policy.lacks or None,
    }


def counts_of(tx: Reader, agent_id: int) -> Json:
    """How many conversations stand in each view of an agent."""
    found = {(row.state, row.assignee_id): row.conversations for row in tx.execute(sa.select(tally))}
    return {
        "mine": found.get(("open", agent_id), 0),
        "unassigned": found.get(("open", 0), 0),
        "all": sum(count for (state, _), count in found.items() if state == "open"),
        "resolved": sum(count for (state, _), count in found.items() if state == "resolved"),
    }


# ── Messages

_MESSAGES = sa.select(message).where(among(message.c.id))
_FILES = sa.select(attachment).where(among(attachment.c.message_id)).order_by(attachment.c.id)
_DELIVERIES = sa.select(delivery).where(among(delivery.c.message_id)).order_by(delivery.c.position)
_AGENTS = sa.select(agent.c.id, agent.c.name).where(among(agent.c.id))
_PEOPLE = sa.select(contact.c.id, contact.c.name, contact.c.email).where(among(contact.c.id))


def list_messages(tx: Reader, conversation_id: int, before: int | None, limit: int) -> tuple[list[Json], int | None]:
    """A page of messages, oldest first, and the id the page before it ends at."""
    wanted = sa.select(message).where(message.c.conversation_id == conversation_id)
    if before is not None:
        wanted = wanted.where(message.c.id < before)
    found = tx.execute(wanted.order_by(message.c.id.desc()).limit(limit + 1)).all()
    page = found[:limit][::-1]
    return _messages(tx, page), page[0].id if len(found) > limit else None


def messages_by_id(tx: Reader, ids: Collection[int]) -> dict[int, Json]:
    if not ids:
        return {}
    rows = tx.execute(_MESSAGES, {"ids": list(ids)}).all()
    return {each["id"]: each for each in _messages(tx, rows)}


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
        "why": row.why,
        "related": row.related_id,
        "moved_from": row.moved_from_id,
        "doubt": row.doubt,
        "reactions": list(row.reactions.values()) if isinstance(row.reactions, dict) else row.reactions or [],
    }


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
    for row in tx.execute(_DELIVERIES, {"ids": ids}):
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


# ── Contacts


def contact_view(tx: Reader, contact_id: int, sight: Sight) -> Json | None:
    """The card of a contact, with their latest conversations; None where there is no such contact."""
    row = tx.execute(sa.select(contact).where(contact.c.id == contact_id)).first()
    if row is None:
        return None
    known = tx.execute(sa.select(identity).where(identity.c.contact_id == contact_id).order_by(identity.c.id))
    return contact_line(row) | {
        "created_at": moment(row.created_at),
        "identities": [
            {"kind": each.kind, "address": each.address, "channel": _channel_of_scope(each.scope)} for each in known
        ],
        "conversations": rows_of_contact(tx, contact_id, sight),
    }


def contact_line(row: sa.Row[Any]) -> Json:
    return {
        "id": row.id,
        "rev": row.rev,
        "label": label_of(row.id, row.name, row.email),
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
    }


def contacts_by_id(tx: Reader, ids: Collection[int]) -> dict[int, Json]:
    if not ids:
        return {}
    return {row.id: contact_line(row) for row in tx.execute(sa.select(contact).where(contact.c.id.in_(ids)))}


def _channel_of_scope(scope: str) -> int | None:
    kind, _, number = scope.partition(":")
    return int(number) if kind == "channel" and number.isdecimal() else None
