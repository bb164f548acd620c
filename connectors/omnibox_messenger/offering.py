"""Quick replies, buttons and cards as the Send API takes them."""

from __future__ import annotations

from typing import Any

from omnibox.connector import Button, Card, Offer, Offers
from omnibox_messenger.rendering import LONGEST_QUICK_REPLY, MOST_QUICK_REPLIES, quick_reply

OFFERS = Offers(
    quick_replies=MOST_QUICK_REPLIES,
    buttons=3,
    cards=10,
    card_buttons=3,
    title=LONGEST_QUICK_REPLY,
    text=640,
    card_title=80,
    card_subtitle=80,
)
"""Limits of Meta's pages on quick replies, the button template and the generic template (read November 2026)."""


def message(text: str, offer: Offer | None) -> dict[str, Any]:
    """The member `message` for a text and what goes with it; without a text and cards only what goes with a file."""
    said: dict[str, Any] = {"text": text} if text else {}
    if offer is None:
        return said
    if offer.cards:
        said = _template("generic", elements=[_element(card) for card in offer.cards])
    elif offer.buttons:
        said = _template("button", text=text, buttons=[_button(button) for button in offer.buttons])
    if offer.quick_replies:
        said["quick_replies"] = [quick_reply(each.title, each.key) for each in offer.quick_replies]
    return said


def _template(kind: str, **members: object) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": {"template_type": kind, **members}}}


def _element(card: Card) -> dict[str, Any]:
    shown = {"title": card.title, "subtitle": card.subtitle, "image_url": card.image_url}
    element: dict[str, Any] = {name: value for name, value in shown.items() if value}
    return element | ({"buttons": [_button(button) for button in card.buttons]} if card.buttons else {})


def _button(button: Button) -> dict[str, str]:
    if button.url:
        return {"type": "web_url", "title": button.title, "url": button.url}
    return {"type": "postback", "title": button.title, "payload": button.key}
