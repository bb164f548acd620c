"""What a message says became of messages we sent: believed only of what really went to the address it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam

from omnibox.connector import Receipt
from omnibox.inbox import outcomes, states
from omnibox.inbox.origin import Origin
from omnibox.store import Transaction
from omnibox.store.tables import conversation, delivery, external_ref, message

MOST_REPORTS = 200
MOST_IDS = 20
MOST_TOKENS = 3
MOST_LATEST = 10  # deliveries of a conversation that a report without an id may be about

_SENT_AS = sa.select(external_ref.c.delivery_id).where(
    external_ref.c.scope == bindparam("b_scope"),
    external_ref.c.value.in_(bindparam("b_values", expanding=True)),
    external_ref.c.delivery_id.is_not(None),
)
_LATEST_OF = (
    sa.select(delivery.c.id)
    .where(delivery.c.conversation_id == bindparam("b_id"), delivery.c.state.not_in(("queued", "sending")))
    .order_by(delivery.c.id.desc())
    .limit(bindparam("b_most"))
)
_CONVERSATION = sa.select(message.c.conversation_id).where(message.c.id == bindparam("b_id"))
_LATEST = sa.select(conversation.c.id).where(
    conversation.c.id == bindparam("b_id"),
    conversation.c.automatic,
    conversation.c.state == "resolved",
    conversation.c.channel_id == bindparam("b_channel"),
)


def settle(
    tx: Transaction, origin: Origin, scope: str, reports: Iterable[Receipt], tokens: Sequence[str] = ()
) -> int | None:
    """Record what the reports say of deliveries of ours; the conversation of the first that is.

    Whoever knows a Message-ID can write a report: one that names an address the message never went to changes nothing.
    `tokens` are those in the address a report was sent back to: they name a conversation where no id does.
    """
    found: int | None = None
    for report in list(reports)[:MOST_REPORTS]:
        for row, address in _deliveries(tx, origin, scope, report, tokens):
            _record(tx, scope, row, address, report)
            if found is None:
                found = tx.execute(_CONVERSATION, {"b_id": row.message_id}).scalar()
    return found


def kept_with(tx: Transaction, channel_id: int, conversation_id: int | None) -> int | None:
    """The resolved conversation that holds the earlier reports of the same mail system: a flood of them is one row."""
    if conversation_id is None:
        return None
    found: int | None = tx.execute(_LATEST, {"b_id": conversation_id, "b_channel": channel_id}).scalar()
    return found


def _deliveries(
    tx: Transaction, origin: Origin, scope: str, report: Receipt, tokens: Sequence[str]
) -> list[tuple[sa.Row[Any], str]]:
    """The deliveries a report is about that went to the address it names, with that address as it was sent to."""
    wanted = {origin.folded(each) for each in (report.address, report.asked) if each}
    named = list(report.external_ids[:MOST_IDS])
    ids = set(tx.execute(_SENT_AS, {"b_scope": scope, "b_values": named}).scalars()) if named else set()
    if ids:
        return _sent_to(tx, origin, ids, wanted)
    read = (origin.read_token(token) for token in tokens[:MOST_TOKENS])
    for conversation_id in (each for each in read if each is not None):
        late = tx.execute(_LATEST_OF, {"b_id": conversation_id, "b_most": MOST_LATEST}).scalars()
        for delivery_id in late:  # the newest that went to that address: an older one has long been answered
            if found := _sent_to(tx, origin, {delivery_id}, wanted):
                return found
    return []


def _sent_to(
    tx: Transaction, origin: Origin, ids: Iterable[int], wanted: Collection[str]
) -> list[tuple[sa.Row[Any], str]]:
    found = []
    for row in states.lock_deliveries(tx, sorted(ids)).values():
        address = next((each for each in outcomes.everyone(row) if origin.folded(each) in wanted), None)
        if address is not None:
            found.append((row, address))
    return found


def _record(tx: Transaction, scope: str, row: sa.Row[Any], address: str, report: Receipt) -> None:
    is_underway = row.state in ("queued", "sending") and not outcomes.has_left(row.outcomes)
    if is_underway and report.status != "delayed":
        for value in report.external_ids[:1]:
            states.keep_early(tx, scope, value, report.status, report.at)
    elif report.status == "failed":
        states.refuse_one(tx, row, address, report.code or "bounced")
    elif report.status == "delayed":
        _delay(tx, row)
    elif len(outcomes.everyone(row)) == 1:
        states.advance(tx, row, report.status)


def _delay(tx: Transaction, row: sa.Row[Any]) -> None:
    """The agent learns that it is on its way and late; its state stays."""
    if row.state == "sent":
        tx.execute(sa.update(delivery).where(delivery.c.id == row.id).values(delayed_at=tx.clock()))
        tx.execute(sa.update(message).where(message.c.id == row.message_id).values(rev=message.c.rev + 1))
        tx.announce("delivery.changed", conversation=row.conversation_id, message=row.message_id, word="delayed")
