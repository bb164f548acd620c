"""Routes by which an agent puts things where they belong: merge, split, move, undo, and who may write where."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from pydantic import Field

from omnibox.connector import Capabilities
from omnibox.inbox import people, rearranging, undoing, views
from omnibox.inbox.intake import clean
from omnibox.inbox.rearranging import MOST_MOVED, Chosen, Done, Refused
from omnibox.store import Transaction
from omnibox.web import models
from omnibox.web.api import ApiError, Ask, Id, Wire, invalid, not_found, route, translate
from omnibox.web.conversations import get_conversation, shaped, sight_of
from omnibox.web.hub import Hub


class MergeBody(Wire):
    into: Id


class SplitBody(Wire):
    messages: list[Id] = Field(min_length=1, max_length=MOST_MOVED)
    and_later: bool = False


class MoveBody(SplitBody):
    into: Id


class PersonBody(Wire):
    address: str = Field(min_length=3, max_length=254)
    is_confirmed: bool


REFUSALS = {
    "same": ("This is the conversation itself.", "Choose another one."),
    "merged_already": ("One of the two has been merged into another conversation.", "Open that one."),
    "one_per_person": (
        "On this channel a person has one conversation, and would see what is put into it.",
        "Merge, split and move are for channels such as email.",
    ),
    "other_kind": ("The two are on channels with different kinds of addresses.", "Choose one on the same channel."),
    "on_its_way": (
        "A reply to the person of this conversation is still on its way.",
        "Wait until it has left, or give it up; then try again.",
    ),
    "not_there": ("A message is no longer in this conversation.", "Look at it again."),
    "all_of_it": ("These are all its messages.", "Merge the conversation into another one instead."),
    "undone_already": ("This has been undone.", None),
    "rearranged_since": ("Something in one of the two was rearranged since.", "Undo that first."),
}


def _of_refusal(error: Refused) -> ApiError:
    message, cure = REFUSALS[error.code]
    return ApiError(409, "not_rearranged", message, cure, [("code", error.code)])


translate(Refused, _of_refusal)


@route("POST", "/api/conversations/{id}/merge", may="rearrange")
async def merge(ask: Ask, id: int, body: MergeBody) -> models.Rearranged:
    """Put all of a conversation into another one."""
    can = _abilities(ask.hub)
    return await _do(ask, lambda tx: rearranging.merge(tx, id, body.into, ask.agent.id, can))


@route("POST", "/api/conversations/{id}/split", may="rearrange")
async def split(ask: Ask, id: int, body: SplitBody) -> models.Rearranged:
    """Put messages into a conversation of their own."""
    can, chosen = _abilities(ask.hub), Chosen(tuple(body.messages), body.and_later)
    return await _do(ask, lambda tx: rearranging.split(tx, id, chosen, ask.agent.id, can))


@route("POST", "/api/conversations/{id}/move", may="rearrange")
async def move(ask: Ask, id: int, body: MoveBody) -> models.Rearranged:
    """Put messages into another conversation."""
    can, chosen = _abilities(ask.hub), Chosen(tuple(body.messages), body.and_later)
    return await _do(ask, lambda tx: rearranging.move(tx, id, chosen, body.into, ask.agent.id, can))


@route("GET", "/api/conversations/{id}/rearrangements", may="read")
async def list_rearrangements(ask: Ask, id: int) -> list[models.Rearrangement]:
    """What was merged, split and moved here, newest first."""
    found = await ask.hub.store.read(partial(undoing.list_of, conversation_id=id))
    times = ("at", "undone_at")
    return [shaped(models.Rearrangement, row | {name: views.moment(row[name]) for name in times}) for row in found]


@route("POST", "/api/rearrangements/{id}/undo", may="rearrange")
async def undo(ask: Ask, id: int) -> models.Rearranged:
    """Put everything back."""
    return await _do(ask, lambda tx: undoing.undo(tx, id, ask.agent.id))


@route("DELETE", "/api/conversations/{id}/related", may="rearrange", status=200)
async def forget_related(ask: Ask, id: int) -> models.Row:
    """It does not belong to the conversation that its keys name."""
    try:
        await ask.hub.store.write(partial(rearranging.forget_related, conversation_id=id))
    except LookupError:
        raise not_found("This conversation") from None
    return await get_conversation(ask, id)


@route("POST", "/api/conversations/{id}/people", may="rearrange", status=200)
async def set_person(ask: Ask, id: int, body: PersonBody) -> models.Row:
    """Whether what an address writes may join this conversation."""
    address = clean(body.address).strip().casefold()
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain or any(letter.isspace() for letter in address):
        raise invalid("address", "Please write an email address, such as ana@example.com.")

    def write(tx: Transaction) -> None:
        rearranging.lock(tx, id)
        people.set_person(tx, id, address, is_confirmed=body.is_confirmed)

    try:
        await ask.hub.store.write(write)
    except LookupError:
        raise not_found("This conversation") from None
    return await get_conversation(ask, id)


def _abilities(hub: Hub) -> Callable[[str], Capabilities | None]:
    def can(name: str) -> Capabilities | None:
        found = hub.connections.registry.get(name)
        return found.capabilities if found is not None and found.error is None else None

    return can


async def _do(ask: Ask, write: Callable[[Transaction], Done]) -> models.Rearranged:
    try:
        done = (await ask.hub.store.write(write)).result
    except LookupError:
        raise not_found("This conversation") from None
    both = [done.source_id, done.target_id]
    rows = await ask.hub.store.read(partial(views.rows_by_id, ids=both, sight=sight_of(ask.hub)))
    members = {"id": done.id, "source": rows[done.source_id], "target": rows[done.target_id]}
    return shaped(models.Rearranged, members)
