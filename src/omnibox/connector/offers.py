"""What a reply lets the customer choose from, beside its words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press: it opens `url`, or, without one, comes back as the `chosen` of a message with its `key`."""

    title: str = field(repr=False)
    url: str = field(default="", repr=False)
    key: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One of several things shown side by side. `image_url` is fetched by the platform."""

    title: str = field(repr=False)
    subtitle: str = field(default="", repr=False)
    image_url: str = field(default="", repr=False)
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """`quick_replies` vanish once one is tapped; `buttons` stay below the text; `cards` stand for themselves."""

    quick_replies: tuple[Button, ...] = ()
    buttons: tuple[Button, ...] = ()
    cards: tuple[Card, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.quick_replies or self.buttons or self.cards)

    def choices(self) -> Iterator[Button]:
        """Everything that can be pressed, in the order in which choices are counted."""
        yield from self.quick_replies
        yield from self.buttons
        for card in self.cards:
            yield from card.buttons
