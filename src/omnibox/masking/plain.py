"""Masks plain text: every digit of a card number but the last four becomes a bullet, codes and dates all of theirs."""

import re
from collections.abc import Callable, Sequence
from functools import cache

from omnibox.masking.alphabet import BULLET, LEAD_BYTES, Span

Finder = Callable[[str, int], tuple[list[Span], int]]


class Masked(str):
    """Text that has passed the mask. Only this package makes it, and the store where it reads a masked column."""

    __slots__ = ()


_NO_DIGIT_BYTES = bytes(set(range(256)) - set(b"0123456789") - LEAD_BYTES)
FEWEST_DIGITS = 3  # those of a security code

_DIGIT = re.compile(r"\d")
_ZEROED = bytes.maketrans(b"123456789", b"0" * 9)


def mask(text: str) -> Masked:
    """`text` with card numbers, security codes and dates of expiry hidden.

    Only digits change, each to one «•»: the length in characters stays. Masking twice is masking once.
    """
    if type(text) is Masked:
        return text
    # Most texts end here, so the count stands in line: a call would be a third of the whole cost.
    digits = len(text.encode("utf-8", "surrogatepass").translate(None, _NO_DIGIT_BYTES))
    if digits < FEWEST_DIGITS:
        return Masked(text)
    return Masked(hide(text, _finder()(text, digits)[0]))


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
    return _finder()(text, digits) if digits >= FEWEST_DIGITS else ([], 0)


@cache
def _finder() -> Finder:
    """The search itself: its tables and patterns are built for the first digits."""
    from omnibox.masking import finding

    return finding.find_hidden


def hide(text: str, spans: Sequence[Span]) -> str:
    """`text` with the digits in these spans as bullets. The spans are in order and may overlap."""
    if not spans:
        return text
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += (text[position:start], _hide_all(text[max(start, position) : end]))
        position = max(position, end)
    return "".join((*pieces, text[position:]))


def _hide_all(text: str) -> str:
    if text.isascii():
        return text.encode().translate(_ZEROED).decode().replace("0", BULLET)
    return _DIGIT.sub(BULLET, text)
