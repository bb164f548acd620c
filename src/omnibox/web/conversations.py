"""Routes for conversations: lists, messages, replies, notes, deliveries, contacts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeVar, cast

import msgspec
import sqlalchemy as sa
from pydantic import Field

from omnibox.connector import Offer
from omnibox.errors import explain
from omnibox.events import read_seq
from omnibox.inbox import contacts, conversations, deciding, doubts, offers, replies, views
from omnibox.inbox.intake import clean
from omnibox.inbox.offers import BadOffer
from omnibox.inbox.recipients import BadRecipients, Named
from omnibox.inbox.replies import Draft, NewerReply, ReplyRefused
from omnibox.masking import mask
from omnibox.store import Reader, Transaction, Written
from omnibox.store.columns import EPOCH, MICROSECOND
from omnibox.team import policy
from omnibox.team.agents import Agent
from omnibox.team.policy import Handover, Held
from omnibox.web import files, models, offered
from omnibox.web.api import ApiError, Ask, Id, Limit, Wire, conflict, invalid, not_found, route, translate
from omnibox.web.hub import Hub

LONGEST_CLIENT_ID = 64
T = TypeVar("T")


class ReplyBody(Wire):
    client_id: str = Field(min_length=8, max_length=LONGEST_CLIENT_ID)
    text: str = Field(default="", max_length=replies.MOST_REPLY)
    files: list[str] = Field(default_factory=list, max_length=50)
    seen: Id | None = None
    anyway: bool = False
    cc: list[str] = Field(default_factory=list, max_length=200)
    bcc: list[str] = Field(default_factory=list, max_length=200)
    offer: offered.Offer | None = None


class NoteBody(Wire):
    client_id: str = Field(min_length=8, max_length=LONGEST_CLIENT_ID)
    text: str = Field(min_length=1, max_length=replies.MOST_REPLY)


class ReadBody(Wire):
    message: Id


class AssignBody(Wire):
    agent: Id | None


class ContactBody(Wire):
    name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=320)
    phone: str | None = Field(None, max_length=60)


REFUSALS = {
    "channel_disabled": ("The channel is switched off.", "Switch it on in the settings."),
    "window_closed": ("The time to answer on this channel is over.", "Wait until the customer writes again."),
    "nothing_to_answer": ("The customer has not written here yet.", "They have to write first on this channel."),
    "unreachable": ("Nothing reaches this customer here.", "Wait until they write again, or use another way."),
    "empty_reply": ("The reply is empty.", "Write something or attach a file."),
    "too_long": ("The reply is too long.", "Shorten it."),
    "no_files": ("This channel takes no files.", "Send the reply without them."),
    "too_many_files": ("There are more files than this channel takes.", "Send fewer at once."),
    "file_too_large": ("A file is larger than this channel takes.", "Send a smaller one."),
    "file_type_refused": ("This channel does not take that kind of file.", "Send it in another format."),
    "merged": ("This conversation was merged into another one.", "Open that one and look whom it is with."),
    "upload_gone": ("A file was not uploaded, or was sent before.", "Attach it again."),
    "bad_recipient": ("An address in copy is no address that mail can go to.", "Correct it, or take it out."),
    "own_recipient": ("An address in copy is one of your own channels.", "Take it out."),
    "too_many_recipients": ("These are more people in copy than one reply may have.", "Take some out."),
    "no_recipients": ("This channel has no copies: a reply goes to the customer alone.", "Take the others out."),
}


def _of_refusal(error: ReplyRefused) -> ApiError:
    message, cure = REFUSALS[error.code]
    return ApiError(422, "reply_refused", message, cure, [("code", error.code)])


def _of_newer(error: NewerReply) -> ApiError:
    path = ("message", str(error.message_id))
    return ApiError(
        409, "newer_reply", "A colleague has answered meanwhile.", "Read it; send anyway if need be.", [path]
    )


def _of_recipients(error: BadRecipients) -> ApiError:
    message, cure = REFUSALS[error.code]
    where = [("recipient", address) for address in error.addresses]
    return ApiError(422, "reply_refused", message, cure, [("code", error.code), *where])


def _of_doubt(error: doubts.NotKnownYet) -> ApiError:
    cure = "Try again in a minute. If you insist, it may arrive twice."
    if error.word == "early":
        return ApiError(409, "evidence_early", "It left a moment ago: whether it arrived may still turn out.", cure)
    return ApiError(409, "evidence_away", "The channel cannot be asked now whether this left.", cure)


def _of_offer(error: BadOffer) -> ApiError:
    message, cure = explain(error.code)
    limit = "" if error.most is None else f" At most {error.most}."
    return ApiError(422, "reply_refused", message, cure + limit, [("code", error.code), ("at", error.at)])


translate(ReplyRefused, _of_refusal)
translate(BadOffer, _of_offer)
translate(BadRecipients, _of_recipients)
translate(NewerReply, _of_newer)
translate(doubts.NotKnownYet, _of_doubt)
translate(deciding.Settled, lambda _: conflict("The delivery is settled already.", "Look at its state again."))


def shaped(kind: type[T], members: object) -> T:
    """A dict of a model's shape, as that model. Tests hold every answer against the model its route declares."""
    return cast("T", members)


def sight_of(hub: Hub) -> views.Sight:
    return hub.feed.sight()


# ── The first look


@route("GET", "/api/counts", may="read")
async def counts(ask: Ask) -> models.Counts:
    """How many conversations stand in each of the agent's views."""
    tallies = await ask.hub.shared.answer("counts", lambda: ask.hub.store.read(views.read_tallies))
    return shaped(models.Counts, views.counts_for(ask.agent.id, tallies))


# ── Lists

View = Literal["mine", "unassigned", "all", "resolved"]


@route("GET", "/api/conversations", may="read")
async def list_conversations(
    ask: Ask, view: View = "all", before: str | None = None, limit: Limit = 50, channel: Id | None = None
) -> models.Rows:
    """A page, the newest word first. `before` is the `next` of the page above."""
    assignee: Any = {"mine": ask.agent.id, "unassigned": None}.get(view, ...)
    state = "resolved" if view == "resolved" else "open"
    cursor = _read_cursor(before) if before else None

    def page(tx: Reader) -> models.Rows:
        rows, following = views.list_rows(
            tx,
            sight_of(ask.hub),
            state=state,
            assignee=assignee,
            channel_id=channel,
            before=cursor,
            limit=limit,
        )
        members = {
            "conversations": rows,
            "next": _write_cursor(following) if following else None,
            "seq": read_seq(tx),
        }
        return shaped(models.Rows, members)

    return await ask.hub.store.read(page)


def _write_cursor(place: tuple[datetime, int]) -> str:
    at, last_id = place
    return base64.urlsafe_b64encode(msgspec.json.encode([(at - EPOCH) // MICROSECOND, last_id])).decode()


def _read_cursor(text: str) -> tuple[datetime, int]:
    try:
        at, last_id = msgspec.json.decode(base64.urlsafe_b64decode(text), type=tuple[int, int])
        return EPOCH + at * MICROSECOND, last_id
    except (binascii.Error, msgspec.MsgspecError, ValueError, OverflowError):
        raise invalid("before", "This is not the `next` of a page.") from None


@route("GET", "/api/conversations/{id}", may="read")
async def get_conversation(ask: Ask, id: int) -> models.Row:
    return await _row(ask.hub, id)


async def _row(hub: Hub, conversation_id: int) -> models.Row:
    found = await hub.store.read(partial(views.rows_by_id, ids=[conversation_id], sight=sight_of(hub)))
    if conversation_id not in found:
        raise not_found("This conversation")
    return shaped(models.Row, found[conversation_id])


@route("GET", "/api/conversations/{id}/messages", may="read")
async def list_messages(ask: Ask, id: int, before: Id | None = None, limit: Limit = 50) -> models.Messages:
    """A page, oldest first. `before` is the `next` of the page below."""

    def page(tx: Reader) -> models.Messages:
        messages, following = views.list_messages(tx, id, before, limit)
        return shaped(models.Messages, {"messages": messages, "next": following, "seq": read_seq(tx)})

    return await ask.hub.store.read(page)


@route("GET", "/api/messages/{id}/editions", may="read")
async def list_editions(ask: Ask, id: Id) -> models.Editions:
    """What an edited message said before."""
    found = await ask.hub.store.read(partial(views.list_editions, message_id=id))
    return shaped(models.Editions, {"editions": found})


# ── Saying something


async def say(hub: Hub, agent: Agent, conversation_id: int, body: ReplyBody | NoteBody) -> Written[replies.Said]:
    """Store a reply or a note."""
    draft = Draft(
        agent_id=agent.id,
        conversation_id=conversation_id,
        client_id=body.client_id,
        text=mask(clean(body.text)),
        uploads=tuple(body.files) if isinstance(body, ReplyBody) else (),
        seen=body.seen if isinstance(body, ReplyBody) else None,
        anyway=isinstance(body, ReplyBody) and body.anyway,
        named=Named(tuple(body.cc), tuple(body.bcc)) if isinstance(body, ReplyBody) else Named(),
        offer=_offer(body.offer) if isinstance(body, ReplyBody) and body.offer else None,
    )

    if draft.uploads:
        await files.mask_uploads(hub, conversation_id, f"agent:{agent.id}", draft.uploads)

    def write(tx: Transaction) -> replies.Said:
        if isinstance(body, NoteBody):
            return replies.write_note(tx, draft, hub.connections.way)
        return replies.write_reply(tx, draft, hub.connections.way)

    try:
        return await hub.store.write(write)
    except LookupError:
        raise not_found("This conversation") from None


def _offer(given: offered.Offer) -> Offer | None:
    """What the reply offers, masked, on one line each; None where that is nothing."""
    return offers.hidden(offers.read(given.model_dump()), lambda text: mask(" ".join(clean(text).split()))) or None


async def _answered(ask: Ask, said: replies.Said) -> models.Message:
    if not said.is_new:
        ask.response.set_status(200)
    return await _message(ask.hub, said.message_id)


async def _message(hub: Hub, message_id: int) -> models.Message:
    found = await hub.store.read(partial(views.messages_by_id, ids=[message_id]))
    return shaped(models.Message, found[message_id])


@route("POST", "/api/conversations/{id}/replies", may="reply", status=201)
async def reply(ask: Ask, id: int, body: ReplyBody) -> models.Message:
    """Queue a reply. The same `client_id` again gives the same message, with status 200."""
    return await _answered(ask, (await say(ask.hub, ask.agent, id, body)).result)


@route("POST", "/api/conversations/{id}/notes", may="note", status=201)
async def note(ask: Ask, id: int, body: NoteBody) -> models.Message:
    """A private note: agents see it, it never leaves."""
    return await _answered(ask, (await say(ask.hub, ask.agent, id, body)).result)


@route("POST", "/api/conversations/{id}/read", may="read")
async def mark_read(ask: Ask, id: int, body: ReadBody) -> None:
    """The agent has seen the conversation up to a message."""
    mark = partial(conversations.mark_read, conversation_id=id, agent_id=ask.agent.id)
    if (await ask.hub.store.write(mark)).result:
        ask.hub.signalling.tell(id, "seen")


# ── State


@route("POST", "/api/conversations/{id}/resolve", may="resolve")
async def resolve(ask: Ask, id: int) -> models.Row:
    def write(tx: Transaction, row: sa.Row[Any]) -> None:
        policy.may(ask.agent, "resolve", Held(row.assignee_id))
        conversations.resolve(tx, id, ask.agent.id)

    return await _change(ask, id, write)


@route("POST", "/api/conversations/{id}/reopen", may="reopen")
async def reopen(ask: Ask, id: int) -> models.Row:
    return await _change(ask, id, lambda tx, row: conversations.reopen(tx, id))


@route("POST", "/api/conversations/{id}/assign", may="assign")
async def assign(ask: Ask, id: int, body: AssignBody) -> models.Row:
    """Give a conversation to an agent, or to nobody."""

    def write(tx: Transaction, row: sa.Row[Any]) -> None:
        policy.may(ask.agent, "assign", Handover(row.assignee_id, body.agent))
        if body.agent is not None and not conversations.is_agent(tx, body.agent):
            raise invalid("agent", "There is no such active agent.")
        conversations.assign(tx, id, body.agent)

    return await _change(ask, id, write)


async def _change(ask: Ask, conversation_id: int, write: Callable[[Transaction, sa.Row[Any]], None]) -> models.Row:
    def change(tx: Transaction) -> None:
        row = conversations.lock(tx, conversation_id)
        if row is None:
            raise not_found("This conversation")
        if row.state == "merged":
            raise conflict("This conversation was merged into another one.", "Open that one.")
        write(tx, row)

    await ask.hub.store.write(change)
    return await _row(ask.hub, conversation_id)


# ── Deliveries


@route("POST", "/api/deliveries/{id}/retry", may="reply")
async def retry(ask: Ask, id: int, anyway: bool = False) -> models.Message:
    """Send a failed or uncertain part again, with the same ids, unless it turns out to have left."""
    try:
        message_id = await doubts.send_again(ask.hub.delivery, id, anyway=anyway)
    except LookupError:
        raise not_found("This delivery") from None
    return await _message(ask.hub, message_id)


@route("POST", "/api/deliveries/{id}/dismiss", may="reply")
async def dismiss(ask: Ask, id: int) -> models.Message:
    """Give an uncertain part up."""
    try:
        written = await ask.hub.store.write(partial(deciding.dismiss, delivery_id=id))
    except LookupError:
        raise not_found("This delivery") from None
    return await _message(ask.hub, written.result)


@route("POST", "/api/deliveries/{id}/check", may="reply")
async def check(ask: Ask, id: int) -> models.Message:
    """Ask the channel whether an uncertain part arrived; settles it where the channel knows."""
    try:
        looked = await doubts.look_up(ask.hub.delivery, id, doubts.PRESS_S)
    except LookupError:
        raise not_found("This delivery") from None
    if looked.word == "away":
        raise doubts.NotKnownYet("away")
    return await _message(ask.hub, looked.message_id)


# ── Contacts


@route("GET", "/api/contacts/{id}", may="read")
async def get_contact(ask: Ask, id: int) -> models.Contact:
    found = await ask.hub.store.read(partial(views.contact_view, contact_id=id, sight=sight_of(ask.hub)))
    if found is None:
        raise not_found("This contact")
    return shaped(models.Contact, found)


@route("PATCH", "/api/contacts/{id}", may="edit_contact")
async def edit_contact(ask: Ask, id: int, body: ContactBody) -> models.Contact:
    """Name, email, phone as the agent knows them; they win over what a platform says. Empty takes a value away."""
    try:
        change = contacts.Change(**{name: getattr(body, name) for name in body.model_fields_set})
    except contacts.BadEmail:
        raise invalid("email", "Please write an email address, such as ana@example.com.") from None
    if not (await ask.hub.store.write(partial(contacts.edit, contact_id=id, change=change))).result:
        raise not_found("This contact")
    return await get_contact(ask, id)
