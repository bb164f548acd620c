"""A card number sent in pieces: what is stored of it is masked in the transaction that takes the next piece.

Where messages are mails, nobody goes on in the next one; so only channels that keep one conversation per person look.
The author, five minutes and four pieces bound what counts as one number. Whoever watched live has seen the pieces.
A code or date in the message after its card is hidden too, and a code that the other side asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Capabilities, Echo, Inbound
from omnibox.inbox import conversations, messages, people
from omnibox.inbox.origin import Origin
from omnibox.masking import Masked, is_code_alone, mask, mask_answer, mask_edited, mask_split, may_be_piece
from omnibox.model import Author
from omnibox.store import Transaction
from omnibox.store.columns import Instant
from omnibox.store.hot import Hot
from omnibox.store.tables import conversation, delivery, edition, identity, message

WITHIN = timedelta(minutes=5)
LOOKED_AT = 24  # newest messages of the conversation, whoever wrote them
MOST = 7  # of the author's: four pieces, something between them, and the one that is edited

S = TypeVar("S", Inbound, Echo)

_latest = (
    sa.select(message)
    .where(message.c.conversation_id == bindparam("b_conversation"))
    .order_by(message.c.id.desc())
    .limit(LOOKED_AT)
    .subquery()
)
_BESIDE = Hot(
    sa.select(_latest.c.id, _latest.c.text, (_latest.c.at > bindparam("b_at", type_=Instant)).label("is_later"))
    .where(
        _latest.c.author_kind == bindparam("b_kind"),
        sa.func.coalesce(_latest.c.author_id, 0) == bindparam("b_author"),
        _latest.c.kind != "line",
        _latest.c.html.is_(None),
        _latest.c.deleted_at.is_(None),
        _latest.c.at >= bindparam("b_since", type_=Instant),
        _latest.c.at <= bindparam("b_until", type_=Instant),
    )
    .order_by(_latest.c.at.desc(), _latest.c.id.desc())
    .limit(MOST)
)
_BEFORE = Hot(
    sa.select(_latest.c.text, _latest.c.author_kind)
    .where(
        sa.or_(_latest.c.kind == "inbound", _latest.c.kind == "outbound"),
        _latest.c.at >= bindparam("b_since", type_=Instant),
        _latest.c.at <= bindparam("b_at", type_=Instant),
    )
    .order_by(_latest.c.at.desc(), _latest.c.id.desc())
    .limit(1)
)


def is_chat(capabilities: Capabilities) -> bool:
    """Whether people write short messages here, one after another."""
    return capabilities.threads_by == "contact"


def in_message(tx: Transaction, origin: Origin, channel_id: int, said: Inbound) -> Inbound:
    """What a contact wrote, with its piece of a number hidden; the pieces stored before are hidden where they are."""
    if said.html or not is_chat(origin.capabilities) or not may_be_piece(said.text):
        return said
    person = people.find_known(tx, origin, channel_id, said.address)  # one message of a person at a time
    if person is None or person.conversation_id is None:
        return said
    return _in(tx, person.conversation_id, Author("contact", person.contact_id), said)


def in_echo(tx: Transaction, origin: Origin, conversation_id: int, said: Echo) -> Echo:
    """As `in_message`, for what was written elsewhere; the caller holds the contact's identity."""
    if said.html or not is_chat(origin.capabilities):
        return said
    return _in(tx, conversation_id, Author("system"), said)


def in_edit(tx: Transaction, found: sa.Row[Any], text: Masked) -> Masked:
    """As `in_message`, for the new text of a stored message; only chats have any."""
    if may_be_piece(text):  # one message of a person at a time, here too
        tx.execute(sa.select(identity.c.id).where(identity.c.id == found.identity_id).with_for_update())
    author = Author(found.author_kind, found.author_id)
    text = mask_edited(found.text, text)
    return mask_piece(tx, found.conversation_id, author, text, found.at, edited_id=found.id)


def _in(tx: Transaction, conversation_id: int, author: Author, said: S) -> S:
    before = cast("Masked", said.text)
    text = mask_piece(tx, conversation_id, author, before, messages.said_at(said, tx.clock()))
    return said if text is before else replace(said, text=text)


def mask_piece(
    tx: Transaction, conversation_id: int, author: Author, text: Masked, at: datetime, edited_id: int | None = None
) -> Masked:
    """The text, with what it holds of a number hidden that goes through several messages of its author.

    `edited_id` is the message whose text it becomes. The caller holds what keeps two messages of the author from being
    taken at once.
    """
    if not may_be_piece(text):
        return text
    parameters = {
        "b_conversation": conversation_id,
        "b_kind": author.kind,
        "b_author": author.id or 0,
        "b_at": at,
        "b_since": at - WITHIN,
        "b_until": at + WITHIN,
    }
    rows = [row for row in tx.execute(_BESIDE, parameters).all()[::-1] if row.id != edited_id]
    place = next((number for number, row in enumerate(rows) if row.is_later), len(rows))
    texts = [row.text for row in rows]
    texts.insert(place, text)
    masked = mask_split(texts, place)
    if masked is None:
        return _answer(tx, parameters, author, text) if is_code_alone(text) else text
    mine = masked.pop(place)
    conversations.lock(tx, conversation_id)
    for row, now in zip(rows, masked, strict=True):
        if now != row.text:
            rewrite(tx, conversation_id, row.id, row.text, now)
    return mine


def _answer(tx: Transaction, parameters: dict[str, Any], author: Author, text: Masked) -> Masked:
    """A code alone, hidden where the other side has just asked for it."""
    before = tx.execute(_BEFORE, {name: parameters[name] for name in ("b_conversation", "b_since", "b_at")}).first()
    return text if before is None or before.author_kind == author.kind else mask_answer(before.text, text)


def rewrite(tx: Transaction, conversation_id: int, message_id: int, before: str, now: Masked) -> None:
    """Put the masked text in place of a stored one: the message, its line in the list, and its deliveries."""
    tx.execute(sa.update(message).where(message.c.id == message_id).values(text=now, rev=message.c.rev + 1))
    tx.execute(sa.delete(edition).where(edition.c.message_id == message_id))  # they may hold what is hidden now
    last = (conversation.c.id == conversation_id, conversation.c.last_message_id == message_id)
    tx.execute(sa.update(conversation).where(*last).values(last_text=conversations.preview(now)))
    wanted = sa.select(delivery.c.id, delivery.c.text).where(delivery.c.message_id == message_id)
    position = 0
    for row in tx.execute(wanted.order_by(delivery.c.position)).all():
        found = before.find(row.text, position)
        position = max(found, position)
        tx.execute(sa.update(delivery).where(delivery.c.id == row.id).values(text=_part(now, found, row)))
    tx.announce("message.changed", conversation=conversation_id, message=message_id)


def _part(now: Masked, found: int, row: sa.Row[Any]) -> Masked:
    """A delivery's text as it is in the masked message; the mask changes no lengths."""
    if found >= 0:
        return mask(now[found : found + len(row.text)])
    # A connector wrote the part in its own words: no digit of it is safe.
    return mask("".join("•" if each.isdecimal() else each for each in row.text))
