"""What an agent puts elsewhere: a conversation into another one, messages into a new or another one, and the way back.

Everything of a message goes with it: its files, its deliveries (one that is leaving goes on leaving), the ids that
answers to it will name. What was before is kept as ids and states, so that undoing leaves things as though nothing had
been done. Rows are taken in the order of every writer: identities, conversations, messages, deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from omnibox.connector import Capabilities
from omnibox.inbox import carrying, conversations, figures
from omnibox.store import Reader, Transaction
from omnibox.store.tables import channel, connection, conversation, delivery, identity, message, rearrangement

Kind = Literal["merge", "split", "move"]
CapabilitiesOf = Callable[[str], Capabilities | None]
"""What the connector of that name can do; None where it is not installed."""

MOST_MOVED = 1000  # messages named in one request


class Refused(Exception):
    """It cannot be done; `code` says why, and nothing was changed."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: its number, and the two conversations."""

    id: int
    source_id: int
    target_id: int


# ── Doing


def merge(tx: Transaction, source_id: int, target_id: int, agent_id: int, can: CapabilitiesOf) -> Done:
    """Put all of one conversation into another; raises `Refused`. Who wrote there belongs to the other one then."""
    source, target = lock(tx, source_id, target_id)
    _refuse_unmovable(tx, source, target, can)
    ids = carrying.ids_of(tx, sa.select(message.c.id).where(message.c.conversation_id == source_id))
    if source.contact_id != target.contact_id:
        _refuse_leaving(tx, ids)
    was = {
        "messages": carrying.take(tx, ids, source_id, target_id),
        "joined": carrying.let_join(tx, source, target),
        "source": figures.kept(source),
        "target": figures.kept(target),
        "assigned": source.assignee_id,
    }
    carrying.hide(tx, source, target_id)
    _wake(tx, target, source)
    return _finish(tx, "merge", source_id, target_id, agent_id, was, lines=[(target_id, "merged", source_id)])


def split(tx: Transaction, source_id: int, chosen: Chosen, agent_id: int, can: CapabilitiesOf) -> Done:
    """Put messages into a conversation of their own, with whoever wrote the first of them; raises `Refused`."""
    source = lock(tx, source_id)[0]
    _refuse_unmovable(tx, source, source, can)
    ids = _chosen(tx, source_id, chosen)
    identity_id, contact_id, subject = _whose(tx, source, ids)
    if contact_id != source.contact_id:
        _refuse_leaving(tx, ids)
    opened = conversations.Opened(source.channel_id, contact_id, identity_id, subject)
    target_id = conversations.open_conversation(tx, opened)
    conversations.assign(tx, target_id, source.assignee_id)
    unread = figures.unread_among(tx, source, ids)
    moved = carrying.take(tx, ids, source_id, target_id)
    was = {
        "messages": moved,
        "joined": carrying.bring_people(tx, source_id, target_id, ids, authors=False),
        "left": carrying.let_leave(tx, source),
        "source": figures.kept(source),
    }
    figures.set_unread(tx, source_id, source.unread - unread)
    figures.set_unread(tx, target_id, unread)
    figures.set_answered(tx, target_id, source.answered_at)
    lines = [(source_id, "split_off", target_id), (target_id, "split_from", source_id)]
    return _finish(tx, "split", source_id, target_id, agent_id, was, lines)


def move(tx: Transaction, source_id: int, chosen: Chosen, target_id: int, agent_id: int, can: CapabilitiesOf) -> Done:
    """Put messages into another conversation; raises `Refused`. Who wrote them belongs there then."""
    source, target = lock(tx, source_id, target_id)
    _refuse_unmovable(tx, source, target, can)
    ids = _chosen(tx, source_id, chosen)
    if source.contact_id != target.contact_id:
        _refuse_leaving(tx, ids)
    unread = figures.unread_among(tx, source, ids)
    was = {
        "messages": carrying.take(tx, ids, source_id, target_id),
        "joined": carrying.bring_people(tx, source_id, target_id, ids, authors=True),
        "left": carrying.let_leave(tx, source),
        "source": figures.kept(source),
        "target": figures.kept(target),
        "unread": unread,
    }
    figures.set_unread(tx, source_id, source.unread - unread)
    figures.set_unread(tx, target_id, target.unread + unread)
    if unread:
        conversations.reopen(tx, target_id)
    lines = [(source_id, "moved_away", target_id), (target_id, "moved_here", source_id)]
    return _finish(tx, "move", source_id, target_id, agent_id, was, lines)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which messages: those of `ids`, and with `and_later` all after the first of them."""

    ids: tuple[int, ...]
    and_later: bool = False


# ── What is refused


def _refuse_unmovable(tx: Reader, source: Any, target: Any, can: CapabilitiesOf) -> None:
    """Only where messages name what they answer is a conversation a thing of its own: elsewhere it is the person, and
    another's words in it would be shown to them."""
    if "merged" in (source.state, target.state):
        raise Refused("merged_already")
    wanted = (
        sa.select(connection.c.connector)
        .join(channel, channel.c.connection_id == connection.c.id)
        .where(channel.c.id.in_((source.channel_id, target.channel_id)))
    )
    found = [can(name) for name in set(tx.execute(wanted).scalars())]
    if any(each is None or each.threads_by != "refs" for each in found):
        raise Refused("one_per_person")
    if len({each.address.name for each in found if each}) > 1:
        raise Refused("other_kind")


def _refuse_leaving(tx: Reader, ids: Sequence[int]) -> None:
    """A reply to one person must not leave from under the name of another."""
    for chunk in carrying.chunks(ids):
        waiting = sa.select(delivery.c.id).where(
            delivery.c.message_id.in_(chunk), delivery.c.state.in_(("queued", "sending", "uncertain"))
        )
        if tx.execute(waiting.limit(1)).first():
            raise Refused("on_its_way")


def _chosen(tx: Reader, source_id: int, chosen: Chosen) -> list[int]:
    """The ids of what is moved: some of the conversation's messages, not all."""
    mine = sa.select(message.c.id).where(message.c.conversation_id == source_id, message.c.kind != "line")
    wanted = message.c.id >= min(chosen.ids) if chosen.and_later else message.c.id.in_(chosen.ids)
    ids = carrying.ids_of(tx, mine.where(wanted))
    if not set(chosen.ids) <= set(ids):
        raise Refused("not_there")
    words = mine.where(message.c.kind != "note", message.c.id.not_in(ids) if not chosen.and_later else ~wanted)
    if tx.execute(words.limit(1)).first() is None:
        raise Refused("all_of_it")
    return ids


# ── Locking


def lock(tx: Transaction, *ids: int) -> list[Any]:
    """The rows of conversations in the order asked, kept from other writers; raises LookupError or `Refused`."""
    if len(set(ids)) < len(ids):
        raise Refused("same")
    theirs = sa.select(conversation.c.identity_id).where(conversation.c.id.in_(ids))
    tx.execute(sa.select(identity.c.id).where(identity.c.id.in_(theirs)).order_by(identity.c.id).with_for_update())
    rows = {each: conversations.lock(tx, each) for each in sorted(ids)}
    for each, row in rows.items():
        if row is None:
            raise LookupError(each)
    return [rows[each] for each in ids]


# ── What follows


def _wake(tx: Transaction, target: Any, source: Any) -> None:
    """What waited in the one waits in the other: for whom, unread, and for an answer."""
    figures.set_unread(tx, target.id, target.unread + source.unread)
    if source.state == "open":
        conversations.reopen(tx, target.id)
    if target.assignee_id is None:
        conversations.assign(tx, target.id, source.assignee_id)
    answered = None
    if target.answered_at is not None and source.answered_at is not None:
        answered = max(target.answered_at, source.answered_at)
    mine = sa.update(conversation).where(conversation.c.id == target.id)
    related = None if target.related_id == source.id else target.related_id
    tx.execute(mine.values(answered_at=answered, related_id=related))


def _whose(tx: Reader, source: Any, ids: Sequence[int]) -> tuple[int, int, Any]:
    """Whom a new conversation of these messages is with, and its subject."""
    first = sa.select(message.c.identity_id, message.c.author_id, message.c.subject).where(
        message.c.id.in_(ids[: carrying.CHUNK]), message.c.kind == "inbound", message.c.identity_id.is_not(None)
    )
    found = tx.execute(first.order_by(message.c.id).limit(1)).first()
    if found is None:
        return source.identity_id, source.contact_id, source.subject
    return found.identity_id, found.author_id, found.subject or source.subject


def _finish(
    tx: Transaction,
    kind: Kind,
    source_id: int,
    target_id: int,
    agent_id: int,
    was: Mapping[str, Any],
    lines: Sequence[tuple[int, str, int]],
) -> Done:
    row = {
        "kind": kind,
        "source_id": source_id,
        "target_id": target_id,
        "agent_id": agent_id,
        "at": tx.clock(),
        "was": was,
    }
    rearrangement_id = tx.execute(sa.insert(rearrangement).returning(rearrangement.c.id), row).scalar_one()
    for place, why, other in lines:
        carrying.write_line(tx, rearrangement_id, place, why, other, agent_id)
    for each in (source_id, target_id):
        figures.recount(tx, each)
    tell(tx, (source_id, target_id), agent_id, kind)
    return Done(rearrangement_id, source_id, target_id)


def tell(tx: Transaction, both: Sequence[int], agent_id: int, word: str) -> None:
    for each in both:
        tx.announce("conversation.rearranged", conversation=each, agent=agent_id, word=word)
    tx.ring("deliveries")


def forget_related(tx: Transaction, conversation_id: int) -> None:
    """An agent says that it does not belong to the one its keys name."""
    lock(tx, conversation_id)
    mine = sa.update(conversation).where(conversation.c.id == conversation_id)
    tx.execute(mine.values(related_id=None, rev=conversation.c.rev + 1))
    tx.announce("conversation.changed", conversation=conversation_id, word="unrelated")
