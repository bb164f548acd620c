"""Finds in the history what was sent in several messages and would be hidden together today, as intake finds it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from omnibox.cards.looking import Seen
from omnibox.inbox import conversations, splits
from omnibox.masking import Masked, is_code_alone, mask, mask_answer, mask_split, may_be_piece
from omnibox.registry import find_connector
from omnibox.store import Reader, Store, Transaction
from omnibox.store.tables import channel, connection, message

ROWS = 1000  # read at once
SEEN = Seen(cards=("in several messages",))


@dataclass(slots=True)
class _Said:
    """A message as far as it is read here."""

    id: int
    row: sa.Row[Any]
    text: Masked

    def is_by(self, other: sa.Row[Any]) -> bool:
        return bool((self.row.author_kind, self.row.author_id) == (other.author_kind, other.author_id))


@dataclass(frozen=True, slots=True)
class Change:
    """One message of those that belong together."""

    message_id: int
    before: Masked
    now: Masked


@dataclass(frozen=True, slots=True)
class Torn:
    """What is to be hidden together in one conversation, and how many messages were looked at so far."""

    conversation_id: int
    changes: tuple[Change, ...]
    looked_at: int


def read_chats(tx: Reader) -> list[int]:
    """The channels on which people write one short message after another. A connector that is gone counts as none."""
    rows = tx.execute(sa.select(channel.c.id, connection.c.connector).join(connection)).all()
    found = {name: find_connector(name) for name in {row.connector for row in rows}}
    are_chats = {name for name, each in found.items() if each is not None and splits.is_chat(each.capabilities)}
    return [row.id for row in rows if row.connector in are_chats]


async def find(store: Store, first_conversation: int = 0) -> AsyncIterator[Torn]:
    """Conversation by conversation, from this one on."""
    chats = await store.read(read_chats)
    key = (first_conversation, 0)
    looked_at = 0
    recent: deque[_Said] = deque(maxlen=splits.LOOKED_AT)
    while rows := await store.read(partial(_piece, chats=chats, key=key)):
        for row in rows:
            if row.conversation_id != key[0]:
                recent.clear()
            key, looked_at = (row.conversation_id, row.id), looked_at + 1
            said = _Said(row.id, row, mask(row.text))
            if changes := _join(recent, said):
                yield Torn(row.conversation_id, changes, looked_at)
            recent.append(said)


def rewrite(tx: Transaction, torn: Torn) -> bool:
    """Hide it wherever it is; nothing is done, and False said, if one of the messages is another meanwhile."""
    conversations.lock(tx, torn.conversation_id)
    wanted = {change.message_id: change.before for change in torn.changes}
    rows = tx.execute(sa.select(message.c.id, message.c.text).where(message.c.id.in_(wanted))).all()
    if {row.id: row.text for row in rows} != wanted:
        return False
    for change in torn.changes:
        splits.rewrite(tx, torn.conversation_id, change.message_id, change.before, change.now)
    return True


def _piece(tx: Reader, chats: Collection[int], key: tuple[int, int]) -> Sequence[sa.Row[Any]]:
    here = message.c
    wanted = sa.select(
        here.id, here.conversation_id, here.text, here.at, here.kind, here.author_kind, here.author_id
    ).where(
        here.channel_id.in_(chats),
        here.kind != "line",
        here.html.is_(None),
        here.deleted_at.is_(None),
        sa.or_(here.conversation_id > key[0], sa.and_(here.conversation_id == key[0], here.id > key[1])),
    )
    return tx.execute(wanted.order_by(here.conversation_id, here.id).limit(ROWS)).all()


def _join(recent: Sequence[_Said], said: _Said) -> tuple[Change, ...]:
    """What becomes hidden as this message joins those before it; their texts are what they will be."""
    if not may_be_piece(said.text):
        return ()
    beside = [each for each in recent if each.is_by(said.row) and abs(each.row.at - said.row.at) <= splits.WITHIN]
    together = sorted([*beside[1 - splits.MOST :], said], key=lambda each: (each.row.at, each.id))
    masked = mask_split([each.text for each in together], together.index(said))
    if masked is None:
        return _answer(recent, said)
    return _changed(list(zip(together, masked, strict=True)))


def _answer(recent: Sequence[_Said], said: _Said) -> tuple[Change, ...]:
    """A code alone, to the question right before it."""
    before = next((each for each in reversed(recent) if each.row.kind != "note"), None)
    if before is None or before.is_by(said.row) or said.row.at - before.row.at > splits.WITHIN:
        return ()
    return _changed([(said, mask_answer(before.text, said.text))]) if is_code_alone(said.text) else ()


def _changed(texts: Sequence[tuple[_Said, Masked]]) -> tuple[Change, ...]:
    changes = []
    for each, now in texts:
        if now != each.text:
            changes.append(Change(each.id, each.text, now))
            each.text = now
    return tuple(changes)
