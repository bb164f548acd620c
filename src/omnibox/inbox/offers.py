"""What a reply offers to choose from: held against what its channel takes, kept masked, known again when chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import sqlalchemy as sa

from omnibox.connector import Button, Card, Offer, Offers
from omnibox.fields import is_https
from omnibox.masking import Masked, mask
from omnibox.store import Transaction
from omnibox.store.tables import delivery, message

KEY = re.compile(r"(?P<part>[0-9a-f-]{36})\.(?P<number>[0-9]{1,4})")


class BadOffer(Exception):
    """A choice that the channel would not show. `at` is its place, `most` how many there may be or characters it may
    have."""

    def __init__(self, code: str, at: str, most: int | None = None) -> None:
        super().__init__(code)
        self.code, self.at, self.most = code, at, most


def hidden(offer: Offer, hide: Callable[[str], str]) -> Offer:
    """The offer with `hide` done to every text of it."""

    def button(given: Button) -> Button:
        return Button(hide(given.title), hide(given.url))

    def card(given: Card) -> Card:
        texts = hide(given.title), hide(given.subtitle), hide(given.image_url)
        return Card(*texts, buttons=tuple(map(button, given.buttons)))

    return Offer(
        tuple(map(button, offer.quick_replies)), tuple(map(button, offer.buttons)), tuple(map(card, offer.cards))
    )


# ── What a channel takes


def refuse_unfit(offer: Offer, text: str, takes: Offers | None, *, has_files: bool) -> None:
    """Raise `BadOffer` for the first thing that the channel does not take."""
    takes = takes or Offers()
    _refuse_many(offer.quick_replies, "quick_replies", takes.quick_replies)
    _refuse_many(offer.buttons, "buttons", takes.buttons)
    _refuse_many(offer.cards, "cards", takes.cards)
    if offer.buttons and offer.cards:
        raise BadOffer("buttons_beside_cards", "buttons")
    if not text.strip() and not offer.cards and (offer.buttons or not has_files):
        raise BadOffer("choices_need_text", "text")
    if offer.buttons and len(text) > takes.text:
        raise BadOffer("text_above_buttons", "text", takes.text)
    _refuse_buttons(offer.quick_replies, "quick_replies", takes.title)
    _refuse_buttons(offer.buttons, "buttons", takes.title)
    for place, card in enumerate(offer.cards):
        _refuse_card(card, f"cards[{place}]", takes)


def _refuse_card(card: Card, at: str, takes: Offers) -> None:
    _refuse_words(card.title, f"{at}.title", takes.card_title)
    if card.subtitle:
        _refuse_words(card.subtitle, f"{at}.subtitle", takes.card_subtitle)
    if card.image_url:
        _refuse_url(card.image_url, f"{at}.image_url")
    if not (card.subtitle or card.image_url or card.buttons):
        raise BadOffer("bare_card", at)
    _refuse_many(card.buttons, f"{at}.buttons", takes.card_buttons)
    _refuse_buttons(card.buttons, f"{at}.buttons", takes.title)


def _refuse_buttons(buttons: Sequence[Button], at: str, most: int) -> None:
    known: set[str] = set()
    for place, button in enumerate(buttons):
        _refuse_words(button.title, f"{at}[{place}]", most)
        if button.title in known:
            raise BadOffer("choice_twice", f"{at}[{place}]")
        known.add(button.title)
        if button.url:
            _refuse_url(button.url, f"{at}[{place}].url")


def _refuse_many(given: Sequence[object], at: str, most: int) -> None:
    if given and not most:
        raise BadOffer("no_choices", at)
    if len(given) > most:
        raise BadOffer("too_many_choices", at, most)


def _refuse_words(text: str, at: str, most: int) -> None:
    if not text:
        raise BadOffer("choice_without_words", at)
    if len(text) > most:
        raise BadOffer("choice_too_long", at, most)


def _refuse_url(url: str, at: str) -> None:
    if not is_https(url):
        raise BadOffer("bad_choice_url", at)


# ── As it is kept


def encode(offer: Offer) -> Masked:
    """As a column holds it: JSON, whose texts were masked one by one; it is masked once more, as any text is."""
    return mask(json.dumps(shape(offer), ensure_ascii=False))


def shape(offer: Offer) -> dict[str, Any]:
    """As the API takes and shows it."""
    return {
        "quick_replies": [button.title for button in offer.quick_replies],
        "buttons": [_button_shape(button) for button in offer.buttons],
        "cards": [
            {
                "title": card.title,
                "subtitle": card.subtitle,
                "image_url": card.image_url,
                "buttons": [_button_shape(button) for button in card.buttons],
            }
            for card in offer.cards
        ],
    }


def _button_shape(button: Button) -> dict[str, str]:
    return {"title": button.title, "url": button.url}


def decode(kept: str | None) -> Offer | None:
    """What a column holds; None where there is nothing, or an owner's expression has hidden what held it together."""
    try:
        found = json.loads(kept or "null")
        return None if found is None else read(found)
    except (ValueError, TypeError, LookupError):
        return None


def read(shaped: dict[str, Any]) -> Offer:
    """The offer of that shape."""

    def buttons(given: list[dict[str, str]]) -> tuple[Button, ...]:
        return tuple(Button(each["title"], each["url"]) for each in given)

    return Offer(
        tuple(Button(title) for title in shaped["quick_replies"]),
        buttons(shaped["buttons"]),
        tuple(
            Card(each["title"], each["subtitle"], each["image_url"], buttons(each["buttons"]))
            for each in shaped["cards"]
        ),
    )


def headline(offer: Offer | None) -> Masked:
    """What stands for a reply without words: the title of its first card."""
    return mask(offer.cards[0].title if offer and offer.cards else "")


# ── As it leaves and comes back


def keyed(offer: Offer, part_id: str) -> Offer:
    """The offer with a key for each choice that comes back: the part that carries it, and its number there."""
    numbers = count()

    def key(buttons: Sequence[Button]) -> tuple[Button, ...]:
        return tuple(_with_key(button, part_id, next(numbers)) for button in buttons)

    quick_replies, buttons = key(offer.quick_replies), key(offer.buttons)
    return Offer(quick_replies, buttons, tuple(replace(card, buttons=key(card.buttons)) for card in offer.cards))


def _with_key(button: Button, part_id: str, number: int) -> Button:
    return button if button.url else replace(button, key=f"{part_id}.{number}")


def note_choice(tx: Transaction, identity_id: int, message_id: int, chosen: str) -> None:
    """Remember which choice of ours a message is, where it is one that this person was offered."""
    found = KEY.fullmatch(chosen)
    if found is None:
        return
    offered = tx.execute(
        sa.select(message.c.id, message.c.offer)
        .join(delivery, delivery.c.message_id == message.c.id)
        .where(delivery.c.part_id == found["part"], delivery.c.identity_id == identity_id, delivery.c.has_offer)
    ).first()
    offer = decode(offered.offer) if offered is not None else None
    number = int(found["number"])
    if offered is not None and offer is not None and number < len(list(offer.choices())):
        chose = {"chose_id": offered.id, "choice": number}
        tx.execute(sa.update(message).where(message.c.id == message_id).values(chose))
