"""Edits, unsends, reactions and receipts: they may come before what they are about, and merge in either order."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from omnibox.connector import Deleted, Edited, Reaction, Receipt
from omnibox.inbox import conversations, people, reported, splits, states
from omnibox.inbox.origin import Origin
from omnibox.masking import mask
from omnibox.store import Transaction, insert
from omnibox.store.tables import attachment, conversation, early, edition, external_ref, message


def take_change(tx: Transaction, scope: str, change: Edited | Deleted | Reaction) -> None:
    found = _message_of(tx, scope, change.external_id)
    if found is None:
        _wait(tx, scope, change)
    else:
        _apply(tx, found, _as_early(scope, change))


def _as_early(scope: str, change: Edited | Deleted | Reaction) -> dict[str, Any]:
    row: dict[str, Any] = {
        "scope": scope,
        "value": change.external_id,
        "kind": type(change).__name__.lower(),
        "at": change.at,
        "edition": 0,
        "word": None,
        "text": None,
    }
    match change:
        case Edited():
            row |= {"edition": change.revision, "text": change.text}
        case Reaction():
            row |= {"word": change.emoji, "kind": "reaction_of_ours" if change.is_ours else "reaction"}
    return row


def _wait(tx: Transaction, scope: str, change: Edited | Deleted | Reaction) -> None:
    row = _as_early(scope, change)
    statement = insert(early)
    newer = statement.excluded
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "value", "kind"],
            set_={"at": newer.at, "edition": newer.edition, "word": newer.word, "text": newer.text},
            where=sa.or_(
                early.c.edition < newer.edition, sa.and_(early.c.edition == newer.edition, early.c.at <= newer.at)
            ),
        ),
        row,
    )
    placeholder = {"scope": scope, "value": change.external_id}
    tx.execute(insert(external_ref).on_conflict_do_nothing(), placeholder)


def apply_early(tx: Transaction, scope: str, value: str) -> None:
    rows = tx.execute(sa.select(early).where(early.c.scope == scope, early.c.value == value)).all()
    if not rows or _message_of(tx, scope, value) is None:
        return
    for row in rows:
        if found := _message_of(tx, scope, value):  # as the change before this one left it
            _apply(tx, found, dict(row._mapping))
    tx.execute(sa.delete(early).where(early.c.scope == scope, early.c.value == value))


def _apply(tx: Transaction, found: sa.Row[Any], change: dict[str, Any]) -> None:
    values: dict[str, Any]
    if change["kind"] == "edited":
        if change["edition"] <= found.edition or found.deleted_at is not None:
            return
        text = splits.in_edit(tx, found, change["text"])
        if text == change["text"]:
            _keep_edition(tx, found)
        else:  # what it said before may hold a piece of what is hidden now
            tx.execute(sa.delete(edition).where(edition.c.message_id == found.id))
        values = {"text": text, "reply_text": None, "edition": change["edition"], "edited_at": change["at"]}
    elif change["kind"] == "deleted":
        values = {"text": mask(""), "reply_text": None, "html": None, "offer": None, "deleted_at": change["at"]}
        tx.execute(sa.delete(attachment).where(attachment.c.message_id == found.id))
        tx.execute(sa.delete(edition).where(edition.c.message_id == found.id))
    else:
        values = {"reactions": _with_reaction(found.reactions, change)}
    tx.execute(sa.update(message).where(message.c.id == found.id).values(rev=found.rev + 1, **values))
    tx.execute(
        sa.update(conversation)
        .where(conversation.c.id == found.conversation_id, conversation.c.last_message_id == found.id)
        .values(last_text=mask(values["text"][: conversations.PREVIEW]), rev=conversation.c.rev + 1)
    ) if "text" in values else None
    tx.announce("message.changed", conversation=found.conversation_id, message=found.id)


def _keep_edition(tx: Transaction, found: sa.Row[Any]) -> None:
    """What the message says until now."""
    at = found.edited_at or found.at
    row = {"message_id": found.id, "number": found.edition, "text": found.text, "at": at}
    tx.execute(insert(edition).on_conflict_do_nothing(), row)


def _with_reaction(reactions: dict[str, str] | list[str] | None, change: dict[str, Any]) -> dict[str, str]:
    """One reaction for each side. Rows written before there were two hold a list with the contact's."""
    if isinstance(reactions, list):
        reactions = {"contact": reactions[0]} if reactions else {}
    found = dict(reactions or {})
    side = "contact" if change["kind"] == "reaction" else "ours"
    found.pop(side, None)
    return found | ({side: change["word"]} if change["word"] else {})


def take_receipt(tx: Transaction, origin: Origin, channel_id: int, receipt: Receipt) -> None:
    scope = origin.id_scope(channel_id)
    if receipt.status == "delayed":
        reported.settle(tx, origin, scope, (receipt,))
        return
    for value in receipt.external_ids:
        known = tx.execute(
            sa.select(external_ref.c.delivery_id).where(external_ref.c.scope == scope, external_ref.c.value == value)
        ).scalar()
        row = states.lock_delivery(tx, known) if known is not None else None
        if row is not None and receipt.status == "failed" and not _is_about(origin, receipt, row):
            continue  # a forged bounce, or one about somebody else: it changes nothing of ours
        if row is None or row.state in ("queued", "sending"):
            states.keep_early(tx, scope, value, receipt.status, receipt.at)
        else:
            states.advance(tx, row, receipt.status)
    if receipt.watermark is not None and receipt.status != "failed":
        person = people.find_person(tx, origin, channel_id, receipt.address)
        states.advance_to(tx, person.identity_id, receipt.status, receipt.watermark)


def _is_about(origin: Origin, receipt: Receipt, row: sa.Row[Any]) -> bool:
    return not receipt.address or origin.folded(receipt.address) == origin.folded(row.address)


def _message_of(tx: Transaction, scope: str, value: str) -> sa.Row[Any] | None:
    return tx.execute(
        sa.select(message)
        .join(external_ref, external_ref.c.message_id == message.c.id)
        .where(external_ref.c.scope == scope, external_ref.c.value == value)
        .with_for_update(of=message)
    ).first()
