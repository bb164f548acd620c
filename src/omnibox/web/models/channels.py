"""Where messages come from and go to: connections, their channels, their health and consent."""

from __future__ import annotations

from typing import Any

from omnibox.model import ConnectionState
from omnibox.web.api.shapes import Id, Time, Wire


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


class DeviceCode(Wire):
    user_code: str
    url: str
    expires_at: str
    interval_s: float


class DeviceAnswer(Wire):
    is_given: bool


class ErasureAsked(Wire):
    """Somebody asked, through a platform, to be erased. `subject` is the platform's id of the person."""

    id: Id
    connection: Id
    code: str
    subject: str | None
    contact: Id | None
    asked_at: Time
    done_at: Time | None


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


class CheckResult(Wire):
    name: str
    ok: bool | None
    why: str
    cure: str


class Checked(Wire):
    checks: list[CheckResult]


class Quarantined(Wire):
    id: Id
    connection: Id
    kind: str
    at: Time
    size: int
    reason: str
    excerpt: str
