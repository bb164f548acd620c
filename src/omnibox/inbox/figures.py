"""What a conversation's row says of its messages, counted anew after an agent has moved some of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from omnibox.inbox import conversations
from omnibox.inbox.states import TROUBLED
from omnibox.masking import Masked, mask
from omnibox.store import Reader, Transaction
from omnibox.store.columns import EPOCH, MICROSECOND
from omnibox.store.tables import attachment, conversation, delivery, message

KEPT = ("state", "assignee_id", "related_id", "unread", "last_message_id")
KEPT_TIMES = ("last_at", "last_inbound_at", "answered_at", "resolved_at")


def kept(row: Any) -> dict[str, Any]:
    """What a row cannot be told from its messages: ids, states, times as microseconds. No text."""
    return {name: getattr(row, name) for name in KEPT} | {name: _number(getattr(row, name)) for name in KEPT_TIMES}


def restore(tx: Transaction, conversation_id: int, was: Mapping[str, Any], assigned: int | None = None) -> None:
    """Put back what `kept` kept, as far as nothing has been said or decided since.

    `assigned` is who was given it along with the rearrangement.
    """
    row = tx.execute(sa.select(conversation).where(conversation.c.id == conversation_id)).one()
    if was["assignee_id"] is None and assigned is not None and row.assignee_id == assigned:
        conversations.assign(tx, conversation_id, None)
    if row.last_message_id != was["last_message_id"]:
        return
    values: dict[str, Any] = {name: _moment(was[name]) for name in ("last_at", "last_inbound_at", "answered_at")}
    values["related_id"] = was["related_id"]
    if row.state == "open" and was["state"] == "resolved":
        assignee = conversations.assignee_of(tx, conversation_id)
        conversations.count(tx, "open", assignee, -1)
        conversations.count(tx, "resolved", assignee, +1)
        values["state"] = "resolved"
    if was["state"] == "resolved":
        values["resolved_at"] = _moment(was["resolved_at"])
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))


def recount(tx: Transaction, conversation_id: int) -> None:
    """The last message, what is troubled, when the contact last wrote: as the messages say."""
    mine = message.c.conversation_id == conversation_id
    wanted = sa.select(message).where(mine, message.c.kind != "line").order_by(message.c.id.desc()).limit(1)
    last = tx.execute(wanted).first()
    heard = sa.select(sa.func.max(message.c.at)).where(mine, message.c.kind == "inbound", message.c.automatic.is_(None))
    troubled = sa.select(sa.func.count()).where(
        delivery.c.conversation_id == conversation_id, delivery.c.state.in_(TROUBLED)
    )
    values: dict[str, Any] = {
        "last_message_id": None,
        "last_kind": None,
        "last_author": None,
        "last_text": None,
        "last_inbound_at": tx.execute(heard).scalar(),
        "troubled": tx.execute(troubled).scalar_one(),
        "rev": conversation.c.rev + 1,
    }
    if last is not None:
        values |= {
            "last_message_id": last.id,
            "last_kind": last.kind,
            "last_author": last.author_kind,
            "last_text": shown(tx, last),
            "last_at": last.created_at,
        }
    tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(values))


def shown(tx: Reader, row: Any) -> Masked:
    """What the list shows of a message, as when it came: its own words, else the name of its file."""
    words = (row.reply_text if row.kind == "inbound" else None) or row.text
    if not words.strip():
        named = sa.select(attachment.c.name).where(attachment.c.message_id == row.id, attachment.c.name.is_not(None))
        words = tx.execute(named.order_by(attachment.c.id).limit(1)).scalar() or words
    most = conversations.PREVIEW
    return mask(" ".join(words[: 2 * most].split())[:most])


def unread_among(tx: Reader, row: Any, ids: Collection[int]) -> int:
    """How many of these messages nobody has read: the newest ones of the contact are the unread."""
    if not row.unread:
        return 0
    newest = (
        sa.select(message.c.id)
        .where(message.c.conversation_id == row.id, message.c.kind == "inbound", message.c.automatic.is_(None))
        .order_by(message.c.id.desc())
        .limit(row.unread)
    )
    return len(set(tx.execute(newest).scalars()) & set(ids))


def set_unread(tx: Transaction, conversation_id: int, unread: int) -> None:
    mine = sa.update(conversation).where(conversation.c.id == conversation_id)
    tx.execute(mine.values(unread=max(0, unread), rev=conversation.c.rev + 1))


def set_answered(tx: Transaction, conversation_id: int, at: datetime | None) -> None:
    """`at`, if the last word in the conversation is ours."""
    words = sa.select(message.c.kind).where(
        message.c.conversation_id == conversation_id, message.c.kind.in_(("inbound", "outbound"))
    )
    if tx.execute(words.order_by(message.c.id.desc()).limit(1)).scalar() == "outbound":
        tx.execute(sa.update(conversation).where(conversation.c.id == conversation_id).values(answered_at=at))


def _number(at: datetime | None) -> int | None:
    return None if at is None else (at - EPOCH) // MICROSECOND


def _moment(number: int | None) -> datetime | None:
    return None if number is None else EPOCH + number * MICROSECOND
