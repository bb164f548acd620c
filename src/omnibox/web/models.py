"""The shapes of the agents' API as the world sees them: the source of the OpenAPI document and of the web app's types.

Busy routes build dicts of the same shape by hand; in tests every answer is held against the model its route declares.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from omnibox.model import (
    AttachmentState,
    AuthorKind,
    ConnectionState,
    ConversationState,
    DeliveryState,
    MessageKind,
    Role,
)
from omnibox.web.api.shapes import Id, Time, Wire

# ── Errors


class ErrorField(Wire):
    path: str
    message: str


class ErrorBody(Wire):
    code: str
    message: str
    cure: str | None
    fields: list[ErrorField]


class Error(Wire):
    error: ErrorBody


# ── Who answers


class Agent(Wire):
    id: Id
    name: str
    email: str
    role: Role
    is_on: bool
    is_online: bool
    is_active: bool


class Me(Agent):
    """Who is signed in."""

    signature: str  # stands below what they write where the channel has signatures


class Setup(Wire):
    needed: bool


class Invitation(Wire):
    id: Id
    email: str
    name: str
    role: Role
    created_at: Time
    expires_at: Time


class NewLink(Wire):
    """Shown once: only a hash of it is kept."""

    link: str
    expires_at: Time


class LinkFor(Wire):
    kind: Literal["invite", "reset"]
    email: str
    name: str


# ── Where it comes from


class Health(Wire):
    """`is_down`: nothing can leave, replies wait. `is_deaf`: nothing arrives at the moment."""

    code: str | None
    why: str | None
    since: Time | None
    is_down: bool
    is_deaf: bool


class Channel(Wire):
    id: Id
    connection: Id
    connector: str
    name: str
    address: str
    state: ConnectionState
    health: Health
    waiting: int
    is_live: bool
    settings: dict[str, Any] | None = None  # for whoever may change them, like the next two
    secrets_set: list[str] | None = None
    snippet: str | None = None
    problems: list[Health] | None = None


class Consent(Wire):
    """The account's owner is asked for consent. `missing` names the setting without which nobody can be asked.

    `is_needed`: something is wrong that a new consent cures. `has_choices`: it opens several addresses to choose from.
    """

    is_given: bool
    is_needed: bool
    has_device: bool
    has_choices: bool
    redirect_url: str
    missing: str | None


class ConsentPage(Wire):
    url: str


class ConsentChoice(Wire):
    """One address that consent opened. `problem` says why it cannot be taken; empty: it can."""

    address: str
    name: str
    problem: str
    is_taken: bool


class ConsentTaken(Wire):
    """How many channels were made, or got new credentials."""

    channels: int


class ErasureAsked(Wire):
    """Somebody asked, through a platform, to be erased. `subject` is the platform's id of the person."""

    id: Id
    connection: Id
    code: str
    subject: str | None
    contact: Id | None
    asked_at: Time
    done_at: Time | None


class DeviceCode(Wire):
    user_code: str
    url: str
    expires_at: str
    interval_s: float


class DeviceAnswer(Wire):
    is_given: bool


class Connection(Wire):
    id: Id
    connector: str
    name: str
    state: ConnectionState
    health: Health
    hook_url: str | None
    settings: dict[str, Any]
    secrets_set: list[str]
    consent: Consent | None
    problems: list[Health]
    channels: list[Channel]


class Colour(Wire):
    light: str
    dark: str


class FileLimits(Wire):
    count: int
    bytes: int
    types: list[str]


class Window(Wire):
    until_s: int
    mode: str
    authors: list[str]
    needs: str


class Capabilities(Wire):
    max_text: int | None
    formats: list[str]
    files: FileLimits | None
    receipts: list[str]
    windows: list[Window]
    subject: bool
    recipients: bool
    by_address: bool  # one can write first, to an address that the contact's record holds
    threads_by: Literal["contact", "refs"]  # one conversation per person, or by what messages name
    live: bool


class Step(Wire):
    title: str
    text: str


class Connector(Wire):
    name: str
    title: str
    icon: str | None
    in_list: bool
    colour: Colour
    noun: str
    summary: str
    capabilities: Capabilities
    connection_schema: dict[str, Any]
    channel_schema: dict[str, Any] | None
    steps: list[Step]
    has_check: bool
    has_webhook: bool
    error: str | None


class CheckResult(Wire):
    name: str
    ok: bool | None
    why: str
    cure: str


class Checked(Wire):
    checks: list[CheckResult]


class MaskReport(Wire):
    """A hidden spot that an agent says was no card number: its shape, never its digits."""

    id: Id
    message: Id
    conversation: Id
    channel: str
    at: Time
    rule: str
    scheme: str | None
    shape: str
    separators: str
    last: str
    around: str


class Patterns(Wire):
    """What a channel hides besides card numbers."""

    patterns: list[str]


class Quarantined(Wire):
    id: Id
    connection: Id
    kind: str
    at: Time
    size: int
    reason: str
    excerpt: str


# ── What is said


class RowContact(Wire):
    id: Id
    label: str
    name: str | None
    email: str | None
    phone: str | None


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


class Author(Wire):
    kind: AuthorKind
    id: Id | None
    name: str | None


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
    why: str | None  # the key that placed it, or what a line of history says; see docs/threading.md
    related: Id | None  # another conversation that its keys name, or that the line is about
    moved_from: Id | None  # where an agent took it from
    doubt: str | None
    reactions: list[str]


class Messages(Wire):
    messages: list[Message]
    next: Id | None
    seq: int


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


class Upload(Wire):
    id: str
    name: str | None
    content_type: str
    size: int


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
    label: str
    identities: list[ContactIdentity]
    conversations: list[Row]
    created_at: Time


# ── The first look


class Counts(Wire):
    mine: int
    unassigned: int
    all: int
    resolved: int


class May(Wire):
    settings: bool
    agents: bool
    resolve_any: bool


class Snapshot(Wire):
    epoch: str
    seq: int
    pass_: str = Field(alias="pass")
    build: str
    version: str
    me: Me
    agents: list[Agent]
    channels: list[Channel]
    connectors: list[Connector]
    counts: Counts
    may: May
