"""Conversations as lists show them, whom they are with, what was found in them and how agents rearranged them."""

from __future__ import annotations

from typing import Literal

from omnibox.model import AuthorKind, ConversationState, MessageKind
from omnibox.web.api.shapes import Id, Time, Wire
from omnibox.web.models.messages import Author


class RowContact(Wire):
    id: Id
    label: str
    name: str | None
    email: str | None
    phone: str | None
    picture: str | None  # where it is found


class ContactChange(RowContact):
    rev: int


class LastMessage(Wire):
    id: Id
    kind: MessageKind
    author_kind: AuthorKind
    text: str
    at: Time


class Later(Wire):
    until: Time | None
    way: str | None


class Policy(Wire):
    """Whether a reply may leave now, and how."""

    allowed: bool
    mode: str | None
    until: Time | None
    code: str | None
    why: str | None
    way: str | None  # how it is sent, where that is not the ordinary way
    afterwards: Later | None  # what is allowed after `until`
    lacks: str | None  # the way that would be open if it were switched on


class Person(Wire):
    """Somebody besides the contact: in copy of what was said, or let in by an agent."""

    address: str
    name: str | None
    is_confirmed: bool  # what they write may join; an agent wrote to them, or said so
    is_copied: bool  # the last answer went to them in copy


class Row(Wire):
    """A conversation as the list shows it."""

    id: Id
    rev: int
    state: ConversationState
    channel: Id
    contact: RowContact
    assignee: Id | None
    unread: int
    answered: bool
    subject: str | None
    last: LastMessage | None
    last_at: Time
    last_inbound_at: Time | None
    opened_at: Time
    automatic: bool
    related: Id | None  # another one that its first message names; whoever wrote it does not belong there
    merged_into: Id | None  # where an agent has put all of it
    people: list[Person]
    policy: Policy
    failed: int
    presence: Literal["here", "left"] | None
    typing: bool


class Rows(Wire):
    conversations: list[Row]
    next: str | None
    seq: int


class Piece(Wire):
    """A stretch of an excerpt; one that is a match is what was searched for."""

    text: str
    is_match: bool


class FoundHit(Wire):
    """A conversation, with the newest message of it that was found."""

    message: Id
    kind: MessageKind
    author: Author
    at: Time
    where: Literal["text", "subject", "file", "contact"]  # what the excerpt is of
    match: Literal["word", "beginning", "part"]  # words, beginnings of words, or parts of words
    excerpt: list[Piece]
    conversation: Row


class Found(Wire):
    hits: list[FoundHit]
    next: str | None
    is_complete: bool  # False while the index is still being filled with older messages


class Rearranged(Wire):
    """What an agent did, or undid, by its number, and the two conversations as they are now."""

    id: Id
    source: Row
    target: Row


class Rearrangement(Wire):
    id: Id
    kind: Literal["merge", "split", "move"]
    source: Id
    target: Id
    agent: Id
    agent_name: str
    messages: int
    at: Time
    undone_at: Time | None
    may_undo: bool


class ContactIdentity(Wire):
    channel: Id | None
    kind: str
    address: str


class Contact(Wire):
    id: Id
    rev: int
    name: str | None
    email: str | None
    phone: str | None
    picture: str | None
    label: str
    identities: list[ContactIdentity]
    conversations: list[Row]
    created_at: Time
