"""The route by which an agent goes on with a contact on another channel."""

from __future__ import annotations

from functools import partial

from omnibox.inbox import elsewhere
from omnibox.inbox.elsewhere import CannotGoOn
from omnibox.web import models
from omnibox.web.api import ApiError, Ask, Id, Wire, conflict, not_found, route, translate
from omnibox.web.conversations import get_conversation


class ElsewhereBody(Wire):
    channel: Id


REASONS = {
    "merged": ("This conversation was merged into another one.", "Open that one."),
    "same_channel": ("This is the channel of the conversation itself.", "Answer there."),
    "not_by_address": ("On this channel a person has to write first.", "Choose one that takes addresses."),
    "no_address": ("The contact's address is not known.", "Enter it beside the conversation."),
}


def _of_refusal(error: CannotGoOn) -> ApiError:
    return conflict(*REASONS[error.code])


translate(CannotGoOn, _of_refusal)


@route("POST", "/api/conversations/{id}/elsewhere", may="reply")
async def go_on(ask: Ask, id: int, body: ElsewhereBody) -> models.Row:
    """The conversation with the same contact on another channel; it is opened where there is none."""
    way = ask.hub.connections.way(body.channel)
    if way is None:
        raise conflict("The channel is switched off.", "Switch it on in the settings.")
    write = partial(elsewhere.go_on, conversation_id=id, way=way, agent_id=ask.agent.id)
    try:
        written = await ask.hub.store.write(write)
    except LookupError:
        raise not_found("This conversation") from None
    return await get_conversation(ask, written.result)
