"""What is hidden from messages, and what was hidden without need."""

from __future__ import annotations

from omnibox.web.api.shapes import Id, Time, Wire


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
