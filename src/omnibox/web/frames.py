"""The shapes of the agents' feed: every frame of the socket, as the OpenAPI document describes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, RootModel

from omnibox.web.api.shapes import Id, Time, Wire
from omnibox.web.models import Agent, Channel, ContactChange, Message, Offer, Row

# ── What happened


class OneEvent(Wire):
    seq: int
    at: Time


class MessageEvent(OneEvent):
    type: Literal["message.added", "message.changed", "delivery.changed"]
    message: Message
    conversation: Row


class ConversationEvent(OneEvent):
    type: Literal["conversation.opened", "conversation.changed", "conversation.read", "conversation.rearranged"]
    conversation: Row


class ContactEvent(OneEvent):
    type: Literal["contact.changed"]
    contact: ContactChange


class AgentEvent(OneEvent):
    type: Literal["agent.changed"]
    agent: Agent


class ChannelEvent(OneEvent):
    type: Literal["channel.changed"]
    channel: Channel | None
    id: Id


class SettingsEvent(OneEvent):
    type: Literal["settings.changed"]
    area: str


AnyEvent = Annotated[
    MessageEvent | ConversationEvent | ContactEvent | AgentEvent | ChannelEvent | SettingsEvent,
    Field(discriminator="type"),
]

# ── From the server


class Limits(Wire):
    text: int
    file_bytes: int


Trouble = Literal["full", "read_only", "failing", "locked", "away"]


class Welcome(Wire):
    t: Literal["welcome"]
    v: Literal[1]
    epoch: str
    head: int
    build: str
    ping_s: int
    limits: Limits
    trouble: Trouble | None


class Events(Wire):
    t: Literal["events"]
    after: int
    upto: int
    live: bool
    events: list[AnyEvent]


class Reset(Wire):
    t: Literal["reset"]
    reason: Literal["unknown_epoch", "ahead", "too_far", "scope"]


class Ping(Wire):
    t: Literal["ping"]
    n: int


class Bye(Wire):
    t: Literal["bye"]
    retry_after_ms: int


class Ack(Wire):
    t: Literal["ack"]
    client_id: str
    id: Id | None
    seq: int
    at: Time


class Nack(Wire):
    t: Literal["nack"]
    client_id: str
    code: str
    final: bool
    message: str
    detail: Any | None = None


class TypingHint(Wire):
    t: Literal["hint"]
    kind: Literal["typing"]
    conversation: Id
    by: Literal["contact"] | Id


class PresenceHint(Wire):
    t: Literal["hint"]
    kind: Literal["presence"]
    agent: Id
    is_online: bool


class VisitorHint(Wire):
    t: Literal["hint"]
    kind: Literal["visitor"]
    conversation: Id
    presence: Literal["here", "left"]


class TroubleHint(Wire):
    t: Literal["hint"]
    kind: Literal["trouble"]
    code: Trouble | None


# Told apart by `t`, ops and hints then by `kind`; an OpenAPI discriminator can name one member only.
class ServerFrame(
    RootModel[
        Welcome | Events | Reset | Ping | Bye | Ack | Nack | TypingHint | PresenceHint | VisitorHint | TroubleHint
    ]
):
    """Anything the server sends on the agents' socket."""


# ── From the client


class Hello(Wire):
    t: Literal["hello"]
    v: Literal[1]
    token: str
    epoch: str
    cursor: int | None


class Pong(Wire):
    t: Literal["pong"]
    n: int


class ReplyOp(Wire):
    t: Literal["op"]
    kind: Literal["reply"]
    client_id: str
    conversation: Id
    text: str
    files: list[str] = Field(default_factory=list)
    cc: list[str] = Field(default_factory=list)
    bcc: list[str] = Field(default_factory=list)
    seen: Id | None = None
    anyway: bool = False
    offer: Offer | None = None


class NoteOp(Wire):
    t: Literal["op"]
    kind: Literal["note"]
    client_id: str
    conversation: Id
    text: str


class ReadOp(Wire):
    t: Literal["op"]
    kind: Literal["read"]
    client_id: str
    conversation: Id
    message: Id


class Typing(Wire):
    t: Literal["hint"]
    kind: Literal["typing"]
    conversation: Id


class ClientFrame(RootModel[Hello | Pong | ReplyOp | NoteOp | ReadOp | Typing]):
    """Anything the client sends on the agents' socket."""


ALL = (ServerFrame, ClientFrame)
