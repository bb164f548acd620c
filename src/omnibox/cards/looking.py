"""Looks at one value as intake would: what of it would be hidden, and how to speak of that without saying it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal

from omnibox.masking import CARDS, Masked, Rules, mask, mask_raw
from omnibox.masking.brands import find_range
from omnibox.masking.plain import count_digits, find_hidden
from omnibox.masking.scanner import find_cards

Kind = Literal["text", "html", "raw"]
_DIGIT = re.compile(r"\d")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_SOLID = re.compile(r"(?<!\d)\d{13,19}(?!\d)")
_ALONE = re.compile(r"[^\s\"'<>]+")  # a value of one piece, as ids and addresses are


@dataclass(frozen=True, slots=True)
class Seen:
    """What would be hidden in a value: card numbers as «Visa •••• 1111»; codes and dates; matches of own patterns."""

    cards: tuple[str, ...] = ()
    codes: int = 0
    own: int = 0
    digits: frozenset[str] = frozenset()  # of the numbers, whole: they never leave this process

    def __bool__(self) -> bool:
        return bool(self.cards or self.codes or self.own)


NOTHING = Seen()


def look(text: str, kind: Kind = "text", rules: Rules = CARDS) -> Seen:
    """What intake would hide in `text`."""
    if count_digits(text) == 0:
        return NOTHING
    masked = apply(text, kind)
    own = int(apply(masked, kind, rules) != masked) if rules.patterns else 0
    if masked == text:
        return Seen(own=own) if own else NOTHING
    cards, digits = _cards(html.unescape(_TAG.sub("", text)) if kind == "html" else text)
    if kind == "text":
        spans, found = find_hidden(text)
        cards = (*cards, *["card number"] * (found - len(cards)))
        return Seen(cards, max(0, len(spans) - len(cards)), own, digits)
    return Seen(cards, 0 if cards else 1, own, digits)


def spared(text: str) -> frozenset[str]:
    """The numbers in `text` that would be hidden if they stood alone, and stay where they stand: in links and the like.

    In the words of an index and in the bytes of a file they do stand alone.
    """
    runs = _SOLID.findall(text)
    if not runs:
        return frozenset()
    masked = mask(text)
    return frozenset(number for run in runs if run in masked for number in look(run).digits)


def apply(text: str, kind: Kind, rules: Rules = CARDS) -> Masked:
    """The text as intake would store it today."""
    if kind == "html":
        return rules.mask_html(str(text))
    return rules.mask(mask_raw(str(text)) if kind == "raw" else str(text))


def _cards(text: str) -> tuple[tuple[str, ...], frozenset[str]]:
    names: list[str] = []
    numbers: set[str] = set()
    for card in find_cards(text):
        number = "".join(str(int(digit)) for digit in _DIGIT.findall(text[card.start : card.end]))
        row = find_range(number.encode())
        names.append(f"{row.scheme if row else 'card number'} •••• {number[-4:]}")
        numbers.add(number)
    return tuple(names), frozenset(numbers)


def is_id(text: str, seen: Seen) -> bool:
    """Whether a value is an id or an address that looks like a number: in one piece, its digits in one run each."""
    is_whole = not seen.own and _ALONE.fullmatch(text) is not None
    return is_whole and all(number in text for number in seen.digits)
