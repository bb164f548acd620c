"""What a connector says of itself, as data: limits, windows, settings, look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Window:
    """Until `until_s` seconds after the contact's last message, `authors` may answer in `mode`.

    `needs` names a boolean channel setting that must be on. Windows are tried in order; the first that fits decides.
    `title` names the way of answering where it is not the ordinary one.
    """

    until_s: int
    mode: str = ""
    authors: frozenset[str] = frozenset({"agent", "bot", "system"})
    needs: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Waits between tries in seconds (the last one repeats), at most `most` tries within `for_s` seconds."""

    waits: tuple[float, ...] = (2, 8, 30, 120, 300)
    most: int = 6
    for_s: float = 3600


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many replies leave in `per_s` seconds, as the number channel setting `setting` says; empty: any."""

    setting: str
    per_s: float


@dataclass(frozen=True, slots=True)
class FileLimits:
    """What the platform takes: files in one reply, bytes of one file, content types (`image/*` fits; empty = all)."""

    count: int = 10
    bytes: int = 25_000_000
    types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offers:
    """What choices the platform takes: how many of each kind in one reply (0: none), how many characters their words.

    Buttons stand below a text of at most `text` characters; each of the cards has at most `card_buttons` of them.
    """

    quick_replies: int = 0
    buttons: int = 0
    cards: int = 0
    card_buttons: int = 0
    title: int = 20
    text: int = 640
    card_title: int = 80
    card_subtitle: int = 80


@dataclass(frozen=True, slots=True)
class AddressKind:
    """What kind of address a contact has here. Unscoped kinds (email) are one person on every channel."""

    name: str
    is_scoped: bool = True
    folds_case: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the platform allows, as data, so that core and inbox need not know the platform.

    `quotes` names the boolean channel setting with which a reply brings the message it answers; `acknowledges` the text
    setting that, once filled in, answers a person's first message by itself.
    """

    address: AddressKind = AddressKind("id")
    max_text: int | None = None
    formats: frozenset[str] = frozenset({"text"})
    files: FileLimits | None = None
    offers: Offers | None = None
    receipts: frozenset[str] = frozenset()
    windows: tuple[Window, ...] = ()
    retry: Retry = Retry()
    paces: tuple[Pace, ...] = ()
    quotes: str = ""
    acknowledges: str = ""
    threads_by: Literal["contact", "refs"] = "contact"
    dedupe_scope: Literal["channel", "installation"] = "channel"
    idempotent: bool = False
    marks_leaving: bool = False
    live: bool = False
    has_subject: bool = False
    has_recipients: bool = False
    max_body: int = 1 << 20
    send_timeout_s: float = 60


@dataclass(frozen=True, slots=True)
class Look:
    """How the inbox shows the channel. The icon is the package's `icon.svg`: one path in a 24 × 24 box."""

    title: str
    light: str = "#565E6C"
    dark: str = "#A3ACB9"
    in_list: bool = True
    noun: str = "message"
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting, declared: the core makes the form and the check of it.

    `kind` is one of text, secret, number, boolean, choice, email, url, host, list, origins, color, long, consent.
    `address` marks the channel setting that is the channel's own address; `origins` are websites, as browsers name
    them; `consent` is what an owner's consent gave, which nobody types. `when` names other settings and the values of
    them with which the field is asked for at all, `required_if` those with which it must be filled in.
    """

    name: str
    kind: str = "text"
    title: str = ""
    help: str = ""
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    group: str = ""
    placeholder: str = ""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    makes: Literal["", "token"] = ""  # `token`: the core fills it with a random value that the admin copies


@dataclass(frozen=True, slots=True)
class Step:
    """One step of setting up, in the words a person needs. `{hook_url}` and `{setting}` are filled in."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of `check()`. `ok` None: could not be tried yet. `cure` says what to do, never «contact support»."""

    name: str
    ok: bool | None
    why: str = ""
    cure: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """One of our addresses on this connection, with its typed settings."""

    address: str
    name: str = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
