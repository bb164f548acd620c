"""Conversations as the list shows them, and how many stand in each view."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from types import EllipsisType
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

from omnibox.inbox.policy import Policy, allowed
from omnibox.inbox.views.sight import Json, Sight, label_of, moment, picture_of, records
from omnibox.store import Reader, among, ask
from omnibox.store.columns import Instant
from omnibox.store.hot import Hot, names_in, room_for, values_in
from omnibox.store.tables import channel, contact, conversation, identity, message, participant, tally

Whose = Literal["nobody", "somebody", "agent"]
Tallies = Mapping[tuple[str, int], int]
"""How many conversations there are, by state and assignee (0: nobody)."""
NO_WAY = Policy(allowed=False, code="channel_disabled")
_ROW = sa.select(
    conversation,
    contact.c.name.label("contact_name"),
    contact.c.email.label("contact_email"),
    contact.c.phone.label("contact_phone"),
    contact.c.picture.label("contact_picture"),
).join(contact, contact.c.id == conversation.c.contact_id)
_PARTICIPANTS = sa.select(participant).where(among(participant.c.conversation_id)).order_by(participant.c.address)
_ROWS = _ROW.where(among(conversation.c.id))
_SAID = (
    _ROW.join(message, message.c.conversation_id == conversation.c.id)
    .outerjoin(identity, identity.c.id == message.c.identity_id)
    .add_columns(
        message.c.id.label("said_id"),
        message.c.kind.label("said_kind"),
        message.c.author_kind.label("said_by_kind"),
        message.c.author_id.label("said_by"),
        message.c.text.label("said_text"),
        message.c.subject.label("said_subject"),
        message.c.at.label("said_at"),
        identity.c.address.label("said_from"),
    )
    .where(message.c.deleted_at.is_(None))
)
_CHANNELS = sa.select(channel.c.id)
_ALL: tuple[Whose, ...] = ("nobody", "somebody")
MERGED = 16  # ranges in one statement: how long it takes to plan grows with them


def rows_by_id(tx: Reader, ids: Collection[int], sight: Sight) -> dict[int, Json]:
    """List rows of conversations, by id."""
    if not ids:
        return {}
    found = records(tx, _ROWS, {"ids": list(ids)})
    others = _people_of(tx, found)
    return {row.id: _row(row, sight, others) for row in found}


def rows_of_messages(tx: Reader, message_ids: Collection[int], sight: Sight) -> list[tuple[Any, Json]]:
    """What was said in messages, in the columns `said_…`, each with the list row of its conversation; in any order."""
    if not message_ids:
        return []
    room = room_for(len(message_ids))
    found = ask(tx, _said(room), values_in(room, [*message_ids])).all()
    others = _people_of(tx, found)
    return [(row, _row(row, sight, others)) for row in found]


@cache
def _said(room: int) -> Hot:
    return Hot(_SAID.where(message.c.id.in_(names_in(room))))


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
    channels = tx.execute(_CHANNELS).scalars().all() if channel_id is None else [channel_id]
    whose: tuple[Whose, ...] = _ALL if assignee is ... else ("nobody",) if assignee is None else ("agent",)
    ranges = [(each, number) for number in channels for each in whose]
    at, last_id = before or (None, None)
    names = {"state": state, "assignee": assignee, "at": at, "last_id": last_id, "most": limit + 1}
    found: list[Any] = []
    for start in range(0, len(ranges), MERGED):
        some = ranges[start : start + MERGED]
        statement = _page(tuple(each for each, _ in some), goes_on=before is not None)
        found += records(tx, statement, names | {f"channel{place}": number for place, (_, number) in enumerate(some)})
    if len(ranges) > MERGED:
        found = sorted(found, key=lambda row: (row.last_at, row.id), reverse=True)[: limit + 1]
    page = found[:limit]
    following = (page[-1].last_at, page[-1].id) if len(found) > limit else None
    others = _people_of(tx, page)
    return [_row(row, sight, others) for row in page], following


@cache
def _page(ranges: tuple[Whose, ...], *, goes_on: bool) -> sa.Select[Any]:
    """The statement of a page of so many ranges; built once, since building costs as much as running it.

    The conversations of one channel and of nobody, of anybody or of an agent lie in one range of an index, in the order
    of the list. Both databases merge the ranges and read no more of each than a page, whatever the list leaves out.
    """
    read = [_range(whose, place, goes_on=goes_on).subquery() for place, whose in enumerate(ranges)]
    page = _cut(sa.union_all(*(sa.select(*each.c) for each in read))).subquery()
    return _ROW.join(page, page.c.id == conversation.c.id).order_by(page.c.last_at.desc(), page.c.id.desc())


def _range(whose: Whose, place: int, *, goes_on: bool) -> sa.Select[Any]:
    row = conversation.c
    of_whom = {
        "nobody": row.assignee_id.is_(None),
        "somebody": row.assignee_id.is_not(None),
        "agent": row.assignee_id == sa.bindparam("assignee"),
    }
    of_channel = row.channel_id == sa.bindparam(f"channel{place}")
    wanted = sa.select(row.last_at, row.id).where(row.state == sa.bindparam("state"), of_channel, of_whom[whose])
    if goes_on:
        # As one value: of the same written with OR, neither database makes a range of the index.
        before = sa.tuple_(sa.bindparam("at", type_=Instant), sa.bindparam("last_id", type_=row.id.type))
        wanted = wanted.where(sa.tuple_(row.last_at, row.id) < before)
    return _cut(wanted)


S = TypeVar("S", sa.Select[Any], sa.CompoundSelect[Any])


def _cut(rows: S) -> S:
    """The newest of these. Their number stands in the text: PostgreSQL plans without values take a tenth of all."""
    return rows.order_by(sa.desc("last_at"), sa.desc("id")).limit(
        sa.bindparam("most", type_=sa.Integer, literal_execute=True)
    )


def rows_of_contact(tx: Reader, contact_id: int, sight: Sight, limit: int = 20) -> list[Json]:
    mine = (conversation.c.contact_id == contact_id, conversation.c.state != "merged")
    wanted = _ROW.where(*mine).order_by(conversation.c.id.desc()).limit(limit)
    found = records(tx, wanted)
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
            "picture": picture_of(row.contact_id, row.contact_picture),
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


def read_tallies(tx: Reader) -> Tallies:
    return {(row.state, row.assignee_id): row.conversations for row in tx.execute(sa.select(tally))}


def counts_for(agent_id: int, tallies: Tallies) -> Json:
    """How many conversations stand in each view of an agent."""
    return {
        "mine": tallies.get(("open", agent_id), 0),
        "unassigned": tallies.get(("open", 0), 0),
        "all": sum(count for (state, _), count in tallies.items() if state == "open"),
        "resolved": sum(count for (state, _), count in tallies.items() if state == "resolved"),
    }
