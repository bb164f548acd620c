"""Finds card numbers in plain text: groups of digits, joined by separators, that make a number some scheme issues.

One pass from the left. A number begins and ends where a group of digits does. At each group the longest number that
fits is taken; one written as cards are written goes before one that is not, so «12 4111 1111 1111 1111» cannot lose
its card to a longer number that happens to fit. The work for each group is bounded: time is linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

from omnibox.masking.alphabet import BULLET, GAP, LINE_BREAKS, LOOSE, STRICT
from omnibox.masking.brands import LENGTHS, LONGEST, SHORTEST, find_range, has_check_digit, is_weak
from omnibox.masking.surroundings import is_spared, is_telephone, joins_other_text, stands_near_card_word

_GROUPS_AT_ONCE = 1000  # bounds the memory for a text that is one endless row of numbers
_ROW = re.compile(rf"\d\d*+(?:{GAP}{{1,4}}+\d++){{0,{_GROUPS_AT_ONCE - 1}}}+")
_GROUP = re.compile(r"\d+")
_ALL_LOOSE = re.compile(f"[{LOOSE}]+")
_STRICT_CHARACTER = re.compile(f"[{STRICT}]")
_LONGEST_GAP = 3

# A date of expiry that a card number must not take into itself: the separator is not that of the number.
_EXPIRY = re.compile(r"(?:0?[1-9]|1[0-2])([/\-.])(?:20)?\d\d(?!\d)")

# At least the nine hidden digits of the shortest number: what a list's bullet point before a number never is.
_MASK_BEFORE = re.compile(rf"(?:{BULLET}{GAP}{{0,4}}){{9}}\Z")
_MASK_REACH = 9 * 5

_TO_VALUE = bytes(byte - 48 if 48 <= byte <= 57 else 0 for byte in range(256))
_NO_DIGITS = bytes(byte for byte in range(256) if not 48 <= byte <= 57)


@dataclass(frozen=True, slots=True)
class Card:
    """A card number in a text: its span, where its last four digits begin, and how many digits it has."""

    start: int
    end: int
    last_four: int
    length: int


@dataclass(frozen=True, slots=True)
class _Row:
    """Groups of digits with separators between them: spans in the text, values, and the count before each group."""

    text: str
    spans: list[tuple[int, int]]
    values: bytes
    before: list[int]
    group_at: dict[int, int]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Window:
    """The groups of a row from `first` up to but not including `stop`."""

    first: int
    stop: int


def find_cards(text: str) -> list[Card]:
    """The card numbers in `text`, in their order."""
    cards: list[Card] = []
    for row in _rows(text):
        first, last = 0, len(row.spans) - (LONGEST if row.is_cut else 0)
        while first < last:
            window = _choose(row, first, cards[-1].end if cards else 0)
            if window is not None:
                cards.append(_card(row, window))
            first = first + 1 if window is None else window.stop
    return cards


def _rows(text: str) -> Iterator[_Row]:
    """Every row of groups that can hold a number. An endless row comes in parts that overlap by one number."""
    position = 0
    while (match := _ROW.search(text, position)) is not None:
        start, position = match.span()
        if position - start < SHORTEST:
            continue
        values = _values(match.group())
        if len(values) < SHORTEST:
            continue
        spans = [group.span() for group in _GROUP.finditer(text, start, position)]
        is_cut = len(spans) == _GROUPS_AT_ONCE
        before = list(accumulate((end - begin for begin, end in spans), initial=0))
        yield _Row(text, spans, values, before, {count: index for index, count in enumerate(before)}, is_cut)
        if is_cut:
            position = spans[-LONGEST][0]


def _values(text: str) -> bytes:
    """The values of the digits in `text`, one byte each."""
    if text.isascii():
        return text.encode().translate(_TO_VALUE, _NO_DIGITS)
    return bytes(int(character) for character in text if character.isdecimal())


def _choose(row: _Row, first: int, after: int) -> _Window | None:
    """The number that begins with this group: the longest usual one, else the longest that hides no usual one."""
    fitting = _fitting(row, first)
    if not fitting:
        return None
    accepted = [window for window in fitting if _is_number(row, window, after)]
    for window in accepted:
        if _is_usual(row, window):
            return window
    for window in accepted:
        if not _hides_usual(row, window, after):
            return window
    return None


def _fitting(row: _Row, first: int) -> list[_Window]:
    """Windows from this group whose digits fit a scheme, a length and the check digit, the longest first."""
    start = row.before[first]
    values = row.values
    if len(values) - start < SHORTEST:
        return []
    windows: list[_Window] = []
    for length in LENGTHS[values[start] * 10 + values[start + 1]]:
        stop = row.group_at.get(start + length)
        if stop is not None and has_check_digit(digits := values[start : start + length]) and find_range(digits):
            windows.append(_Window(first, stop))
    return windows


def _is_number(row: _Row, window: _Window, after: int) -> bool:
    """Whether digits that fit are a number of their own here, and not a part of something else."""
    text, start, end = row.text, row.spans[window.first][0], row.spans[window.stop - 1][1]
    return (
        _is_joined(row, window)
        and not joins_other_text(text, start, end, row.spans[window.first][1])
        and not _is_telephone(row, window)
        and not _takes_expiry(row, window)
        and not _is_end_of_mask(row, window)
        and (not _is_weak(row, window) or _has_further_sign(row, window, after))
        and not is_spared(text, start, end)
    )


def _gaps(row: _Row, window: _Window) -> list[str]:
    spans = row.spans[window.first : window.stop]
    return [row.text[left[1] : right[0]] for left, right in pairwise(spans)]


def _sizes(row: _Row, window: _Window) -> tuple[int, ...]:
    return tuple(end - start for start, end in row.spans[window.first : window.stop])


def _is_joined(row: _Row, window: _Window) -> bool:
    """Whether the separators may stand in one number.

    Spaces, dashes and invisible characters may, in any mixture. Dots, slashes, underscores and line breaks may when
    the same one stands between all groups, one line break also among spaces, and the groups are usual for cards.
    """
    gaps = [gap.replace("\r\n", "\n") for gap in _gaps(row, window)]
    if any(len(gap) > _LONGEST_GAP for gap in gaps):
        return False
    strict = [set(_STRICT_CHARACTER.findall(gap)) for gap in gaps]
    kinds = set().union(*strict)
    if not kinds:
        return True
    if len(kinds) > 1 or not _is_grouped(_sizes(row, window)):
        return False
    kind = kinds.pop()
    if kind not in LINE_BREAKS:
        return all(strict)
    most = max(gap.count(kind) for gap in gaps)
    return most == 1 and (all(strict) or sum(map(bool, strict)) == 1)


def _is_grouped(sizes: tuple[int, ...]) -> bool:
    """Whether a number is grouped as on cards: fours with a rest, or one of the old forms."""
    fours = len(sizes) > 1 and set(sizes[:-1]) == {4} and sizes[-1] <= 4
    return fours or sizes in {(4, 6, 5), (4, 6, 4), (4, 5, 6), (4, 3, 3, 3), (4, 4, 5)}


def _is_usual(row: _Row, window: _Window) -> bool:
    sizes = _sizes(row, window)
    return len(sizes) == 1 or _is_grouped(sizes)


def _hides_usual(row: _Row, window: _Window, after: int) -> bool:
    """Whether a number in a usual form begins inside this window."""
    for first in range(window.first + 1, window.stop):
        if row.before[first + 1] - row.before[first] < 4:
            continue
        for other in _fitting(row, first):
            if _is_usual(row, other) and _is_number(row, other, after):
                return True
    return False


def _is_telephone(row: _Row, window: _Window) -> bool:
    """Whether the window is what follows a plus sign, or lies in the longest number that can follow one."""
    if not is_telephone(row.text, row.spans[0][0]):
        return False
    return window.first == 0 or row.before[window.stop] <= 15  # E.164: at most 15 digits


def _takes_expiry(row: _Row, window: _Window) -> bool:
    """Whether the last groups are «12/27» or the like, written with another separator than the number."""
    own = row.text[row.spans[window.first][1] : row.spans[window.first + 1][0]] if _count(window) > 1 else ""
    for index in range(max(window.first + 1, window.stop - 2), window.stop):
        date = _EXPIRY.match(row.text, row.spans[index][0])
        if date and date[1] != own.strip():
            return True
    return False


def _count(window: _Window) -> int:
    return window.stop - window.first


def _is_end_of_mask(row: _Row, window: _Window) -> bool:
    """Whether the window begins with the last four digits of a number that is already masked."""
    if row.before[window.first] >= 4:
        return False
    start = row.spans[0][0]
    return _MASK_BEFORE.search(row.text, max(0, start - _MASK_REACH), start) is not None


def _is_weak(row: _Row, window: _Window) -> bool:
    digits = row.values[row.before[window.first] : row.before[window.stop]]
    found = find_range(digits)
    return found is None or is_weak(found, len(digits))


def _has_further_sign(row: _Row, window: _Window, after: int) -> bool:
    """Whether a weak number is grouped as a card, and not the middle of a longer row of fours, or has a key word."""
    start, end = row.spans[window.first][0], row.spans[window.stop - 1][1]
    if _is_grouped(_sizes(row, window)) and not _continues_fours(row, window, after):
        return True
    return stands_near_card_word(row.text, start, end)


def _continues_fours(row: _Row, window: _Window, after: int) -> bool:
    """Whether a group of four digits that belongs to no card stands before the window, as in a parcel number."""
    if window.first == 0 or _is_end_of_mask(row, _Window(window.first - 1, window.stop)):
        return False
    start, end = row.spans[window.first - 1]
    gap = row.text[end : row.spans[window.first][0]]
    return end - start == 4 and end > after and _ALL_LOOSE.fullmatch(gap) is not None


def _card(row: _Row, window: _Window) -> Card:
    """The card in a window. Its last four digits may lie in several groups."""
    start, end = row.spans[window.first][0], row.spans[window.stop - 1][1]
    tail, left = end, 4
    for begin, stop in reversed(row.spans[window.first : window.stop]):
        tail = max(begin, stop - left)
        left -= stop - tail
        if not left:
            break
    return Card(start, end, tail, row.before[window.stop] - row.before[window.first])
