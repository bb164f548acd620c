"""What can be connected, as data: look, limits, forms, steps."""

from __future__ import annotations

from typing import Any, Literal

from omnibox.web.api.shapes import Wire


class Colour(Wire):
    light: str
    dark: str


class FileLimits(Wire):
    count: int
    bytes: int
    types: list[str]


class Offers(Wire):
    """How many choices of each kind one reply may bring (0: none), and how many characters their words may have."""

    quick_replies: int
    buttons: int
    cards: int
    card_buttons: int
    title: int
    text: int  # above buttons
    card_title: int
    card_subtitle: int


class Window(Wire):
    until_s: int
    mode: str
    authors: list[str]
    needs: str


class Capabilities(Wire):
    max_text: int | None
    formats: list[str]
    files: FileLimits | None
    offers: Offers | None
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
