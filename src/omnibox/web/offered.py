"""What a reply may offer, as requests and answers write it. Apart from the other shapes: a start needs it."""

from __future__ import annotations

from pydantic import Field

from omnibox.web.api.shapes import Wire


class OfferedButton(Wire):
    """It opens `url`, or, without one, comes back as a message that was `chosen`."""

    title: str
    url: str = ""


class OfferedCard(Wire):
    title: str
    subtitle: str = ""
    image_url: str = ""
    buttons: list[OfferedButton] = Field([], max_length=50)


class Offer(Wire):
    """What the customer may choose from. Choices are counted through: quick replies, buttons, the cards' buttons."""

    quick_replies: list[str] = Field([], max_length=50)
    buttons: list[OfferedButton] = Field([], max_length=50)
    cards: list[OfferedCard] = Field([], max_length=50)
