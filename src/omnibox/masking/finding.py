"""Finds what must not be seen in a text: card numbers first, then codes and dates, beside them or after a key word."""

import re

from omnibox.masking import between, codes, scanner
from omnibox.masking.alphabet import Span
from omnibox.masking.brands import SHORTEST
from omnibox.masking.plain import FEWEST_DIGITS, hide

_DIGITS = re.compile(r"\d+")
_QUERY = re.compile(r"[?&][^\s=&#?]{1,40}=[^\s&#]++")
_ESCAPED_SPACE = re.compile("%20|%2D", re.IGNORECASE)


def find_hidden(text: str, digits: int) -> tuple[list[Span], int]:
    """The spans whose digits must not be seen, in order, and the number of cards among them.

    `digits` is how many there are, or more.
    """
    if digits >= SHORTEST and between.may_hold_markup(text):
        reading = between.Reading(text)
        if reading.text is not text:
            spans, found = _find(reading.text, digits)
            return list(reading.to_source(spans)), found
    return _find(text, digits)


def _find(text: str, digits: int) -> tuple[list[Span], int]:
    shown = _without_escapes(text)
    cards = scanner.find_cards(shown) if digits >= SHORTEST else []
    spans = [(card.start, card.last_four) for card in cards]
    if digits - sum(card.length for card in cards) >= FEWEST_DIGITS:
        spans = sorted({*spans, *codes.find_codes(hide(shown, spans), cards)})
    if shown is not text:  # the digits of an escape are none of the number's
        spans = [run.span() for span in spans for run in _DIGITS.finditer(shown, *span)]
    return spans, len(cards)


def _without_escapes(text: str) -> str:
    """The text with the blanks in a link's query read as blanks: they are written «+», «%20» or «%2D» there."""
    if "=" not in text:
        return text
    return _QUERY.sub(lambda match: _ESCAPED_SPACE.sub("   ", match.group()).replace("+", " "), text)
