"""Conversations as the list shows them, and how many stand in each view."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import make_dataclass
from datetime import datetime
from functools import cache
from types import EllipsisType
from typing import Any

import sqlalchemy as sa

from omnibox.inbox.policy import Policy, allowed
from omnibox.inbox.views.sight import Json, Sight, label_of, moment
from omnibox.store import Reader, among
from omnibox.store.columns import Instant
from omnibox.store.tables import contact, conversation, participant, tally

NO_WAY = Policy(allowed=False, code="channel_disabled")
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
