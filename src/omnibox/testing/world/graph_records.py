"""What the simulated Graph keeps: pages, the people who write to them, what was said, and what is to go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from omnibox.testing.world.graph_rules import Quota

FIELDS = (
    "messages",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "message_deliveries",
    "message_reads",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
)


@dataclass(frozen=True, slots=True)
class Media:
    """A file a person sends or a page uploaded."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Page:
    id: str
    name: str
    token: str = field(repr=False)
    subscribed_fields: list[str] = field(default_factory=lambda: list(FIELDS))
    is_human_agent_approved: bool = False
    shows_profiles: bool = True
    token_error: int | None = None  # subcode of the error 190 its token now earns
    token_ends_at: int = 0  # seconds; 0 = never
    quota: Quota = field(default_factory=Quota)
    scopes: tuple[str, ...] = ("pages_messaging", "pages_manage_metadata", "pages_read_engagement")
    takes_subscriptions: bool = True
    profile: dict[str, Any] = field(default_factory=dict)  # what it shows before the first message
    profile_calls: list[int] = field(default_factory=list)
    takes_personas: bool = True
    personas: dict[str, str] = field(default_factory=dict)  # names by id


@dataclass(slots=True)
class Person:
    psid: str
    name: str = field(repr=False)
    page: str = ""
    last_inbound_ms: int = 0
    has_blocked: bool = False
    picture: str = ""  # where it lies
    sees: list[Taken] = field(default_factory=list)  # what the page sent, in order


@dataclass(frozen=True, slots=True)
class Taken:
    """A message in a thread. Those of a page stand in the ledger."""

    mid: str
    page: str
    psid: str
    at_ms: int
    is_from_page: bool
    text: str = field(default="", repr=False)
    attachments: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    files: tuple[Media, ...] = ()
    quick_replies: tuple[str, ...] = ()
    presses: Mapping[str, str] = field(default_factory=dict, repr=False)  # what each quick reply and button brings back
    metadata: str = ""
    messaging_type: str = ""
    tag: str = ""
    persona: str = ""  # the name that the person sees, if not the page's
    app_id: str = ""
    is_hidden: bool = False  # the Conversations API does not show it yet


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` calls of an edge (`messages`, `message_attachments`, `me` …; "" = any).

    `error` answers with code and subcode; `status` with an empty body; `html` with a page of a gateway; `half` with
    half a JSON; `hang` never answers; `close` cuts the line. With `is_taken` the call had its effect all the same.
    """

    shape: Literal["error", "status", "html", "half", "hang", "close"] = "error"
    status: int = 400
    code: int = 1
    subcode: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_taken: bool = False
    times: int = 1
    edge: str = "messages"
    psid: str = ""  # only calls that name this person
    after: int = 0  # so many such calls go well before
