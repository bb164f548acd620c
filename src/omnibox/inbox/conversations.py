"""Opening, touching, resolving and assigning conversations, and the counts that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.masking import Masked, mask
from omnibox.model import AuthorKind, ConversationState, MessageKind
from omnibox.store import Reader, Transaction, insert
from omnibox.store.hot import Hot, names_in, room_for, values_in
from omnibox.store.tables import agent, contact, conversation, identity, message, tally

PREVIEW = 160  # characters of the last message in a list row

_OPEN = Hot(insert(conversation).returning(conversation.c.id, conversation.c.identity_id))
_IS_LATEST = Hot(
    sa.update(identity).where(identity.c.id == bindparam("b_id")).values(conversation_id=bindparam("b_conversation"))
)
_later_inbound = sa.case(
    (conversation.c.last_inbound_at > bindparam("b_inbound_at"), conversation.c.last_inbound_at),
    else_=bindparam("b_inbound_at"),
)
_touch_values = {
    "last_message_id": bindparam("b_message"),
    "last_kind": bindparam("b_kind"),
    "last_author": bindparam("b_author"),
    "last_text": bindparam("b_text"),
    "last_at": bindparam("b_at"),
    "rev": conversation.c.rev + 1,
}
_TOUCH = Hot(
    sa.update(conversation)
    .where(conversation.c.id == bindparam("b_id"), conversation.c.state != "merged")
    .values(_touch_values)
)
_TOUCH_INBOUND = Hot(
    sa.update(conversation)
    .where(conversation.c.id == bindparam("b_id"), conversation.c.state == "open")
    .values(_touch_values | {"unread": conversation.c.unread + bindparam("b_new"), "last_inbound_at": _later_inbound})
)
_LOCK = sa.select(conversation).where(conversation.c.id == bindparam("b_id")).with_for_update()
_TALLY = insert(tally)
_COUNT = Hot(
    _TALLY.on_conflict_do_update(
        index_elements=["state", "assignee_id"],
        set_={"conversations": tally.c.conversations + _TALLY.excluded.conversations},
    )
)
_NAME = Hot(
    sa.update(contact)
    .where(
        contact.c.id == bindparam("b_id"),
        sa.or_(contact.c.name.is_(None), contact.c.name_by == "platform"),
        sa.or_(contact.c.name.is_(None), contact.c.name != bindparam("b_name")),
    )
    .values(name=bindparam("b_name"), name_by="platform", rev=contact.c.rev + 1)
)


@cache
def _lock_open(room: int) -> Hot:
    wanted = conversation.c.id.in_(names_in(room)), conversation.c.state == "open"
    return Hot(sa.select(conversation.c.id).where(*wanted).order_by(conversation.c.id).with_for_update())


class Said(NamedTuple):
    """What a conversation shows of its last message."""

    message_id: int
    kind: MessageKind
    author: AuthorKind
    text: Masked
    at: datetime


def lock(tx: Transaction, conversation_id: int) -> sa.Row[Any] | None:
    """The conversation's row, kept from other writers until this transaction ends."""
    return tx.execute(_LOCK, {"b_id": conversation_id}).first()


class Opened(NamedTuple):
    """A conversation to be opened: with whom, and what about."""

    channel_id: int
    contact_id: int
    identity_id: int
    subject: Masked | None = None
    automatic: bool = False
    related_id: int | None = None

    @property
    def state(self) -> ConversationState:
        """Automatic mail opens a resolved one, so that nobody is bothered and nothing is dropped."""
        return "resolved" if self.automatic else "open"


def lock_open(tx: Transaction, ids: Collection[int]) -> set[int]:
    """Those of `ids` that are open, kept from other writers until this transaction ends."""
    if not ids:
        return set()
    return {
        row.id for row in tx.execute(_lock_open(room_for(len(ids))), values_in(room_for(len(ids)), sorted(ids))).all()
    }


def open_conversation(tx: Transaction, opened: Opened) -> int:
    """A new conversation, and who watches hears."""
    [conversation_id] = open_conversations(tx, [opened])
    tell_opened(tx, conversation_id, opened)
    return conversation_id


def open_conversations(tx: Transaction, opened: Sequence[Opened]) -> list[int]:
    """New conversations in order, each its person's latest; nobody is told yet."""
    ids: list[int] = []
    for some in _each_with_another(opened):  # rows come back in any order: only the person tells which is whose
        found = {identity_id: made for made, identity_id in _OPEN.run_all(tx.connection, [_row(tx, o) for o in some])}
        ids += [found[each.identity_id] for each in some]
    latest = {each.identity_id: made for each, made in zip(opened, ids, strict=True)}
    _IS_LATEST.run_each(tx.connection, [{"b_id": key, "b_conversation": made} for key, made in latest.items()])
    for state, number in Counter(each.state for each in opened).items():
        count(tx, state, None, number)
    return ids


def tell_opened(tx: Transaction, conversation_id: int, opened: Opened) -> None:
    tx.announce(
        "conversation.opened", conversation=conversation_id, contact=opened.contact_id, channel=opened.channel_id
    )


def _each_with_another(opened: Sequence[Opened]) -> Iterator[list[Opened]]:
    """In order, cut where a person comes again."""
    some: dict[int, Opened] = {}
    for each in opened:
        if each.identity_id in some:
            yield list(some.values())
            some = {}
        some[each.identity_id] = each
    yield list(some.values())


def _row(tx: Transaction, opened: Opened) -> dict[str, Any]:
    now = tx.clock()
    return {
        "channel_id": opened.channel_id,
        "contact_id": opened.contact_id,
        "identity_id": opened.identity_id,
        "state": opened.state,
        "subject": opened.subject,
        "last_at": now,
        "opened_at": now,
        "resolved_at": now if opened.automatic else None,
        "automatic": opened.automatic,
        "related_id": opened.related_id,
        "unread": 0,
        "rev": 0,
    }


def count(tx: Transaction, state: str, assignee_id: int | None, change: int) -> None:
    tx.execute(_COUNT, {"state": state, "assignee_id": assignee_id or 0, "conversations": change})


def heard(tx: Transaction, conversation_id: int, said: Said) -> int:
    """The contact wrote: unread, at the top of the list, and open again if it was resolved.

    Returns where the message stands: an agent may have merged the conversation a moment ago.
    """
    values = _heard(tx, conversation_id, [said])
    if tx.execute(_TOUCH_INBOUND, values).rowcount:
        return conversation_id
    if home := _follow(tx, conversation_id, said):
        return heard(tx, home, said)
    reopen(tx, conversation_id)
    tx.execute(_TOUCH_INBOUND, values)
    return conversation_id


def heard_open(tx: Transaction, said: Mapping[int, Sequence[Said]]) -> None:
    """As `heard`, for what was said in several conversations, which are open and locked."""
    _TOUCH_INBOUND.run_each(tx.connection, [_heard(tx, each, lines) for each, lines in said.items()])


def _heard(tx: Transaction, conversation_id: int, said: Sequence[Said]) -> dict[str, Any]:
    values = _touched(tx, conversation_id, said[-1])
    values["b_inbound_at"] = said[0].at if len(said) == 1 else max(each.at for each in said)
    values["b_new"] = len(said)
    return values


def touched(tx: Transaction, conversation_id: int, said: Said) -> int:
    """Something else was said: the list row shows it, the state stays. Returns where the message stands, as `heard`."""
    if tx.execute(_TOUCH, _touched(tx, conversation_id, said)).rowcount:
        return conversation_id
    if home := _follow(tx, conversation_id, said):
        return touched(tx, home, said)
    raise LookupError(conversation_id)


def _follow(tx: Transaction, conversation_id: int, said: Said) -> int | None:
    """Take the message along to where its conversation was merged into; None where it was not."""
    found = lock(tx, conversation_id)
    if found is None or found.merged_into_id is None:
        return None
    home: int = found.merged_into_id
    tx.execute(sa.update(message).where(message.c.id == said.message_id).values(conversation_id=home))
    return home


def _touched(tx: Transaction, conversation_id: int, said: Said) -> dict[str, Any]:
    return {
        "b_at": tx.clock(),
        "b_id": conversation_id,
        "b_message": said.message_id,
        "b_kind": said.kind,
        "b_author": said.author,
        "b_text": preview(said.text),
    }


def preview(text: Masked) -> Masked:
    """What a list row shows of a message: its beginning in one line."""
    shown = text[:PREVIEW]
    if "  " in shown or not shown.isprintable() or shown != shown.strip():
        shown = " ".join(text[: 2 * PREVIEW].split())[:PREVIEW]
    return mask(shown)


def reopen(tx: Transaction, conversation_id: int) -> None:
    """Resolved becomes open; the same assignee keeps it. Nothing where it is open already, or merged."""
    found = lock(tx, conversation_id)
    if found is None or found.state != "resolved":
        return
    count(tx, "resolved", found.assignee_id, -1)
    count(tx, "open", found.assignee_id, +1)
    values = {"state": "open", "resolved_at": None, "answered_at": None, "automatic": False, "rev": found.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))
    tx.announce("conversation.changed", conversation=conversation_id, word="reopened")


def resolve(tx: Transaction, conversation_id: int, agent_id: int | None) -> None:
    """Open becomes resolved, by an agent or by itself. Nothing where it is resolved already, or merged."""
    found = lock(tx, conversation_id)
    if found is None or found.state != "open":
        return
    count(tx, "open", found.assignee_id, -1)
    count(tx, "resolved", found.assignee_id, +1)
    values = {"state": "resolved", "resolved_at": tx.clock(), "unread": 0, "rev": found.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))
    tx.announce("conversation.changed", conversation=conversation_id, agent=agent_id, word="resolved")


def assign(tx: Transaction, conversation_id: int, assignee_id: int | None) -> None:
    found = lock(tx, conversation_id)
    if found is None or found.assignee_id == assignee_id or found.state == "merged":
        return
    count(tx, found.state, found.assignee_id, -1)
    count(tx, found.state, assignee_id, +1)
    values = {"assignee_id": assignee_id, "rev": found.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))
    tx.announce("conversation.changed", conversation=conversation_id, agent=assignee_id, word="assigned")


def mark_read(tx: Transaction, conversation_id: int, agent_id: int) -> bool:
    """What the assignee has seen is read; where nobody is assigned, what any agent has seen. Whether it was unread."""
    found = lock(tx, conversation_id)
    if found is None or not found.unread or found.assignee_id not in (None, agent_id):
        return False
    values = {"unread": 0, "rev": found.rev + 1}
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))
    tx.announce("conversation.read", conversation=conversation_id, agent=agent_id)
    return True


def name_contact(tx: Transaction, contact_id: int, name: Masked) -> None:
    """What the platform calls the person, unless an agent or the person has said otherwise."""
    if tx.execute(_NAME, {"b_id": contact_id, "b_name": name}).rowcount:
        tx.announce("contact.changed", contact=contact_id)


def is_agent(tx: Transaction, agent_id: int) -> bool:
    """Whether there is such an agent who may be given conversations."""
    wanted = sa.select(agent.c.id).where(agent.c.id == agent_id, agent.c.is_active)
    return tx.execute(wanted).first() is not None


def assignee_of(tx: Reader, conversation_id: int) -> int | None:
    found: int | None = tx.execute(
        sa.select(conversation.c.assignee_id).where(conversation.c.id == conversation_id)
    ).scalar()
    return found


def identity_of(tx: Reader, conversation_id: int) -> int | None:
    """Whom a conversation is with."""
    wanted = sa.select(conversation.c.identity_id).where(conversation.c.id == conversation_id)
    found: int | None = tx.execute(wanted).scalar()
    return found


def latest_of(tx: Reader, identity_id: int) -> int | None:
    """The conversation an identity last wrote in."""
    found: int | None = tx.execute(sa.select(identity.c.conversation_id).where(identity.c.id == identity_id)).scalar()
    return found
