"""What each envelope does to the store, inside intake's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from omnibox.connector import Deleted, Echo, Edited, Inbound, Notice, Profile, Reaction, Receipt, Warned
from omnibox.inbox import (
    acknowledging,
    conversations,
    merging,
    messages,
    offers,
    people,
    pictures,
    placing,
    problems,
    splits,
    states,
    threaded,
)
from omnibox.inbox.messages import Result, Spot, Taken
from omnibox.inbox.origin import Origin
from omnibox.inbox.plain import Arrival
from omnibox.jobs import enqueue
from omnibox.masking import Masked, mask
from omnibox.model import Author
from omnibox.store import Transaction
from omnibox.store.tables import delivery, external_ref

LATE = "late"
CLOSE = timedelta(minutes=2)  # by which a platform's clock and ours may differ


def take(tx: Transaction, origin: Origin, channel_id: int, taken: Taken) -> Result:
    """Store one envelope's effects. Safe to repeat: the same envelope again changes nothing."""
    envelope = taken.envelope
    match envelope:
        case Inbound():
            return _take_inbound(tx, origin, channel_id, envelope, taken)
        case Echo():
            return _take_echo(tx, origin, channel_id, envelope, taken)
        case Notice():
            return _take_notice(tx, origin, channel_id, envelope)
        case Warned():
            problems.tell(tx, origin.connection_id, channel_id, envelope)
        case Receipt():
            merging.take_receipt(tx, origin, channel_id, envelope)
        case Profile():
            person = people.find_person(tx, origin, channel_id, envelope.address)
            if envelope.name:
                conversations.name_contact(tx, person.contact_id, cast("Masked", envelope.name))
        case Edited() | Deleted() | Reaction():
            merging.take_change(tx, origin.id_scope(channel_id), envelope)
        case _:
            raise TypeError(type(envelope).__name__)
    return Result("stored")


# ── Messages


def _take_inbound(tx: Transaction, origin: Origin, channel_id: int, inbound: Inbound, taken: Taken) -> Result:
    """Dedupe, person, conversation, message, ids, events: the steps of docs/life-of-a-message.md."""
    if origin.capabilities.threads_by == "refs":
        [result] = threaded.take(tx, [Arrival(origin, channel_id, taken)])
        return result
    scope = origin.id_scope(channel_id)
    inbound = splits.in_message(tx, origin, channel_id, inbound)
    person = people.find_person(tx, origin, channel_id, inbound.address)
    if person.is_new and (known := messages.find_stored(tx, scope, inbound.event_key)):
        return Result("duplicate", known)
    is_first = person.conversation_id is None
    conversation_id = (
        _open(tx, channel_id, person, inbound) if person.conversation_id is None else person.conversation_id
    )
    author = Author("contact", person.contact_id)
    why = LATE if inbound.late else None
    spot = Spot(conversation_id, channel_id, person.identity_id, "inbound", author, why)
    message_id = messages.insert_message(tx, spot, inbound, scope)
    if message_id is None:
        return Result("duplicate", messages.find_stored(tx, scope, inbound.event_key))
    messages.attach(tx, [(message_id, taken)])
    if inbound.chosen:
        offers.note_choice(tx, person.identity_id, message_id, inbound.chosen)
    if is_first:
        acknowledging.ask_for(tx, origin, channel_id, inbound, message_id)
    threaded.note_arrivals(tx, origin, [(inbound.position, message_id)])
    _note_people(tx, origin, inbound, conversation_id, person)
    return _tell(tx, scope, inbound, taken, message_id, conversation_id, person.contact_id)


def _open(tx: Transaction, channel_id: int, person: people.Person, said: Inbound | Echo) -> int:
    """A new conversation with a person, for what was said."""
    automatic = isinstance(said, Inbound) and said.automatic is not None
    subject = cast("Masked | None", said.subject)
    opened = conversations.Opened(channel_id, person.contact_id, person.identity_id, subject, automatic)
    return conversations.open_conversation(tx, opened)


def _note_people(
    tx: Transaction, origin: Origin, inbound: Inbound, conversation_id: int, person: people.Person
) -> None:
    """What somebody new is called, now or once their platform was asked; and who else a person's message names."""
    if person.is_new and inbound.name:
        conversations.name_contact(tx, person.contact_id, cast("Masked", inbound.name))
    elif person.is_new:
        enqueue(tx, pictures.JOB, str(person.identity_id))
    if inbound.automatic is None:
        people.note_others(tx, origin, conversation_id, inbound)


def _tell(
    tx: Transaction, scope: str, said: Inbound, taken: Taken, message_id: int, conversation_id: int, contact_id: int
) -> Result:
    """What follows from every message that is stored: its id is known, its conversation shows it, who watches hears."""
    _know(tx, scope, said, conversation_id, message_id)
    at = messages.said_at(said, tx.clock())
    shown = conversations.Said(message_id, "inbound", "contact", messages.shown(said, taken), at)
    hear = conversations.heard if said.automatic is None else conversations.touched
    conversation_id = hear(tx, conversation_id, shown)
    tx.announce("message.added", conversation=conversation_id, message=message_id, contact=contact_id)
    return Result("stored", message_id)


def _know(tx: Transaction, scope: str, said: Inbound | Echo, conversation_id: int, message_id: int) -> None:
    """The platform's id names this message from now on, also in what came before it."""
    if said.external_id and not states.refer(tx, scope, said.external_id, conversation_id, message_id):
        merging.apply_early(tx, scope, said.external_id)


def _take_echo(tx: Transaction, origin: Origin, channel_id: int, echo: Echo, taken: Taken) -> Result:
    scope = origin.id_scope(channel_id)
    if own := _own_delivery(tx, scope, echo):
        row = states.lock_delivery(tx, own)
        if row is not None:
            states.record_sent(tx, row, scope, echo.external_id)
            return Result("duplicate", row.message_id)
    if known := messages.find_stored(tx, scope, echo.event_key):
        return Result("duplicate", known)
    if not echo.is_proven:
        return _take_inbound(tx, origin, channel_id, _claimed(echo), taken._replace(envelope=_claimed(echo)))
    placed = _known_conversation(tx, scope, echo.refs)
    person = people.find_person(tx, origin, channel_id, echo.address)
    if echo.late and (row := _own_in_doubt(tx, person.identity_id, echo)):
        states.record_sent(tx, row, scope, echo.external_id)
        return Result("duplicate", row.message_id)
    conversation_id = placed or person.conversation_id or _open(tx, channel_id, person, echo)
    echo = splits.in_echo(tx, origin, conversation_id, echo)
    why = LATE if echo.late else "outside"
    author = Author("system")
    spot = Spot(conversation_id, channel_id, person.identity_id, "outbound", author, why, is_elsewhere=True)
    message_id = messages.insert_message(tx, spot, echo, scope)
    if message_id is None:
        return Result("duplicate", messages.find_stored(tx, scope, echo.event_key))
    messages.attach(tx, [(message_id, taken)])
    _know(tx, scope, echo, conversation_id, message_id)
    people.note_others(tx, origin, conversation_id, echo)
    said = conversations.Said(message_id, "outbound", "system", messages.shown(echo, taken), echo.sent_at)
    conversation_id = conversations.touched(tx, conversation_id, said)
    tx.announce("message.added", conversation=conversation_id, message=message_id)
    return Result("stored", message_id)


def _claimed(echo: Echo) -> Inbound:
    """What says that it is ours and is not: a message like any other, whose sender is in doubt."""
    return Inbound(
        event_key=echo.event_key,
        address=echo.to,
        to=echo.to,
        sent_at=echo.sent_at,
        external_id=echo.external_id,
        text=echo.text,
        html=echo.html,
        subject=echo.subject,
        refs=echo.refs,
        files=echo.files,
        sender_doubt="own-address",
        recipients=echo.recipients,
        position=echo.position,
    )


def _own_delivery(tx: Transaction, scope: str, echo: Echo) -> int | None:
    """The delivery an echo confirms: by the part's id that it brings back, or by the platform's id."""
    if echo.part_id:
        found = tx.execute(sa.select(delivery.c.id).where(delivery.c.part_id == echo.part_id)).scalar()
        if found is not None:
            return cast("int", found)
    if not echo.external_id:
        return None
    return tx.execute(
        sa.select(external_ref.c.delivery_id).where(
            external_ref.c.scope == scope, external_ref.c.value == echo.external_id
        )
    ).scalar()


def _own_in_doubt(tx: Transaction, identity_id: int, echo: Echo) -> sa.Row[Any] | None:
    """The part that this must be, though its id is lost: of those that may have left, the first with the same words."""
    doubtful = sa.or_(
        delivery.c.state.in_(("sending", "uncertain")), sa.and_(delivery.c.state == "queued", delivery.c.attempts > 0)
    )
    mine = sa.select(delivery.c.id, delivery.c.text).where(delivery.c.identity_id == identity_id, doubtful)
    since = echo.sent_at + CLOSE
    for found in tx.execute(mine.where(delivery.c.written_at <= since).order_by(delivery.c.id)):
        if found.text.split() == echo.text.split():  # platforms trim and join white space; two files are alike
            return states.lock_delivery(tx, found.id)
    return None


def _take_notice(tx: Transaction, origin: Origin, channel_id: int, notice: Notice) -> Result:
    scope = origin.id_scope(channel_id)
    if known := messages.find_stored(tx, scope, notice.event_key):
        return Result("duplicate", known)
    person = people.find_person(tx, origin, channel_id, notice.address)
    conversation_id = person.conversation_id
    if conversation_id is None:
        opened = conversations.Opened(channel_id, person.contact_id, person.identity_id)
        conversation_id = conversations.open_conversation(tx, opened)
    line = Inbound(
        event_key=notice.event_key,
        address=notice.address,
        to=notice.to,
        sent_at=notice.at,
        text=mask(notice.text or notice.kind),
    )
    spot = Spot(conversation_id, channel_id, person.identity_id, "line", Author("system"))
    message_id = messages.insert_message(tx, spot, line, scope)
    if message_id is None:
        return Result("duplicate")
    tx.announce("message.added", conversation=conversation_id, message=message_id)
    return Result("stored", message_id)


def _known_conversation(tx: Transaction, scope: str, refs: tuple[str, ...]) -> int | None:
    """The conversation of the most trusted known id."""
    known = placing.known_ids(tx, scope, refs[: placing.MOST_REFS])
    return next((known[ref].conversation_id for ref in refs if ref in known), None)


__all__ = ["Result", "take"]
