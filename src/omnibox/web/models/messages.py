"""What is said in a conversation, with its files and what became of it on the way."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from omnibox.model import AttachmentState, AuthorKind, DeliveryState, MessageKind
from omnibox.web.api.shapes import Id, Time, Wire
from omnibox.web.offered import Offer


class Author(Wire):
    kind: AuthorKind
    id: Id | None
    name: str | None


class Attachment(Wire):
    id: Id
    name: str | None
    content_type: str
    size: int | None
    is_inline: bool
    state: AttachmentState
    url: str | None


class Outcome(Wire):
    """What became of one recipient's mail."""

    address: str
    state: Literal["queued", "sent", "failed"]
    code: str | None
    why: str | None


class Delivery(Wire):
    id: Id
    position: int
    state: DeliveryState
    code: str | None
    why: str | None  # what the code means and what to do, in English
    next_try_at: Time | None
    at: Time | None
    is_delayed: bool  # it has been waiting for a quarter of an hour, or the receiving side says that it is late
    recipients: list[Outcome]  # where they differ


class Recipients(Wire):
    to: list[str]
    cc: list[str]
    bcc: list[str] = Field(default_factory=list)


class Chosen(Wire):
    """The message is a choice: of what `message` offered, that with the number `choice`, from 0."""

    message: Id
    choice: int


class Message(Wire):
    id: Id
    rev: int
    conversation: Id
    channel: Id
    kind: MessageKind
    author: Author
    text: str
    reply_text: str | None
    has_html: bool
    remote_images: int  # of its HTML; they are never loaded
    subject: str | None
    at: Time
    created_at: Time
    attachments: list[Attachment]
    state: DeliveryState | None
    deliveries: list[Delivery]
    client_id: str | None
    automatic: bool
    is_deleted: bool
    edited_at: Time | None
    is_elsewhere: bool
    recipients: Recipients | None
    offer: Offer | None
    chosen: Chosen | None
    why: str | None  # the key that placed it, or what a line of history says; see docs/threading.md
    related: Id | None  # another conversation that its keys name, or that the line is about
    moved_from: Id | None  # where an agent took it from
    doubt: str | None
    reactions: list[str]


class Edition(Wire):
    """What a message said, and since when."""

    text: str
    at: Time


class Editions(Wire):
    """What an edited message said before, oldest first."""

    editions: list[Edition]


class Messages(Wire):
    messages: list[Message]
    next: Id | None
    seq: int


class Upload(Wire):
    id: str
    name: str | None
    content_type: str
    size: int
