"""Masks plain text: every digit of a card number but the last four becomes a bullet, codes and dates all of theirs."""

import re
from collections.abc import Sequence

from omnibox.masking.alphabet import BULLET, Span


class Masked(str):
    """Text that has passed the mask. Only this package makes it, and the store where it reads a masked column."""

    __slots__ = ()


# Bytes of UTF-8 that begin no decimal digit. A digit outside ASCII begins with one of eight bytes that hardly occur
# in the languages of Europe, so a text in one of these is left with its ASCII digits (and its emoji).
_LEAD_BYTES = frozenset({character.encode()[0] for character in "٠۰߀०႐꘠０𝟎"})
_NO_DIGIT_BYTES = bytes(set(range(256)) - set(b"0123456789") - _LEAD_BYTES)
FEWEST_DIGITS = 3  # those of a security code

_DIGIT = re.compile(r"\d")
_DIGITS = re.compile(r"\d+")
_QUERY = re.compile(r"[?&][^\s=&#?]{1,40}=[^\s&#]++")
_ESCAPED_SPACE = re.compile("%20|%2D", re.IGNORECASE)


def mask(text: str) -> Masked:
    """`text` with card numbers, security codes and dates of expiry hidden.

    Only digits change, each to one «•»: the length in characters stays. Masking twice is masking once.
    """
    if type(text) is Masked:
        return text
    # Most texts end here, so the count stands in line: a call would be a third of the whole cost.
    if len(text.encode("utf-8", "surrogatepass").translate(None, _NO_DIGIT_BYTES)) < FEWEST_DIGITS:
        return Masked(text)
    return Masked(hide(text, find_hidden(text)[0]))


def mask_counted(text: str) -> tuple[Masked, int]:
    """The masked text, and how many card numbers were found in it."""
    spans, found = find_hidden(text)
    return Masked(hide(text, spans)), found


def count_digits(text: str) -> int:
    """How many decimal digits of any script `text` may hold; never too few."""
    return len(text.encode("utf-8", "surrogatepass").translate(None, _NO_DIGIT_BYTES))


def find_hidden(text: str) -> tuple[list[Span], int]:
    """The spans whose digits must not be seen, in order, and the number of cards among them."""
    digits = count_digits(text)
    if digits < FEWEST_DIGITS:
        return [], 0
    # Their tables and patterns are built for the first digits.
    from omnibox.masking import between, brands

    if digits >= brands.SHORTEST and between.may_hold_markup(text):
        reading = between.Reading(text)
        if reading.text is not text:
            spans, found = _find_hidden(reading.text, digits)
            return list(reading.to_source(spans)), found
    return _find_hidden(text, digits)


def _find_hidden(text: str, digits: int) -> tuple[list[Span], int]:
    from omnibox.masking import brands, codes, scanner

    shown = _without_escapes(text)
    cards = scanner.find_cards(shown) if digits >= brands.SHORTEST else []
    spans = [(card.start, card.last_four) for card in cards]
    spans = sorted({*spans, *codes.find_codes(hide(shown, spans), cards)})
    if shown is not text:  # the digits of an escape are none of the number's
        spans = [run.span() for span in spans for run in _DIGITS.finditer(shown, *span)]
    return spans, len(cards)


def _without_escapes(text: str) -> str:
    """The text with the blanks in a link's query read as blanks: they are written «+», «%20» or «%2D» there."""
    if "=" not in text:
        return text
    return _QUERY.sub(lambda match: _ESCAPED_SPACE.sub("   ", match.group()).replace("+", " "), text)


def hide(text: str, spans: Sequence[Span]) -> str:
    """`text` with the digits in these spans as bullets. The spans are in order and may overlap."""
    if not spans:
        return text
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += (text[position:start], _DIGIT.sub(BULLET, text[max(start, position) : end]))
        position = max(position, end)
    return "".join((*pieces, text[position:]))
