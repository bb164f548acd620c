"""Finds card numbers in plain text: groups of digits, joined by separators, that make a number some scheme issues.

One pass from the left. A number begins and ends where a group of digits does. At each group the longest number that
fits is taken; one written as cards are written goes before one that is not, so «12 4111 1111 1111 1111» cannot lose
its card to a longer number that happens to fit. The work for each group is bounded: time is linear in the text.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass

from omnibox.masking.alphabet import LINE_BREAKS, STRICT
from omnibox.masking.brands import LENGTHS, LONGEST, SHORTEST, Sums, check_sums, find_range, is_checked, is_weak
from omnibox.masking.neighbours import (
    continues_fours,
    is_end_of_mask,
    is_in_column,
    is_inside_fours,
    is_part_of_other,
    is_telephone,
    takes_next,
)
from omnibox.masking.rows import OVERLAP, Row, Window, find_rows, may_hold_number
from omnibox.masking.surroundings import is_spared, joins_other_text, stands_near_card_word

_LONGEST_GAP = 3
_MANY_DIGITS = 200  # of a row: from here on running sums are cheaper than a sum for each window
_SHOWN = 4  # digits at the end of a number that stay
_STRICT = frozenset(STRICT)
_JOINING = frozenset(" -\xa0\u2009\u202f\u2011\u2013")  # the usual separators, for a quick answer


@dataclass(frozen=True, slots=True)
class Card:
    """A card number in a text: its span, where its last four digits begin, and how many digits it has."""

    start: int
    end: int
    last_four: int
    length: int


def find_cards(text: str) -> list[Card]:
    """The card numbers in `text`, in their order."""
    cards: list[Card] = []
    if not may_hold_number(text):
        return cards
    for row in find_rows(text):
        _fit(row)
        for first in row.fitting:
            after = cards[-1].end if cards else 0
            window = _choose(row, first, after) if row.spans[first][0] >= after else None
            if window is not None:
                cards.append(_card(row, window))
    return cards


def _fit(row: Row) -> None:
    """Note by first group the windows whose digits fit a scheme, a length and the check digit, the longest first."""
    digits, before = row.digits, row.before
    sums = check_sums(digits) if len(digits) > _MANY_DIGITS else None
    nearest = 0
    for first, start in enumerate(before[: -OVERLAP - 1] if row.is_cut else before):
        lengths = LENGTHS.get(digits[start : start + 2])
        if lengths is None:
            continue
        nearest = bisect_left(before, start + SHORTEST, nearest)
        for end in before[nearest : bisect_right(before, start + LONGEST, nearest)]:
            if end - start in lengths and _is_checked(digits, start, end, sums):
                found = find_range(digits[start:end])
                if found is not None:
                    window = Window(row, first, bisect_left(before, end), is_weak(found, end - start))
                    row.fitting.setdefault(first, []).insert(0, window)


def _is_checked(digits: bytes, start: int, end: int, sums: Sums | None) -> bool:
    """Whether the check digit is right: by the running sums of a long row, counted for itself in a short one."""
    if sums is None:
        return is_checked(digits[start:end])
    return (sums[end % 2][end] - sums[end % 2][start]) % 10 == 0


def _choose(row: Row, first: int, after: int) -> Window | None:
    """The number that begins with this group: the longest usual one, else the longest that hides no usual one."""
    accepted = [window for window in row.fitting[first] if _is_number(row, window, after)]
    for window in accepted:
        if window.is_usual:
            return window
    for window in accepted:
        if not _hides_usual(row, window, after):
            return window
    return None


def _hides_usual(row: Row, window: Window, after: int) -> bool:
    """Whether a number in a usual form begins inside this window."""
    return any(
        other.is_usual and _is_number(row, other, after)
        for first in range(window.first + 1, window.stop)
        for other in row.fitting.get(first, ())
    )


def _is_number(row: Row, window: Window, after: int) -> bool:
    """Whether digits that fit are a number of their own here, and not a part of something else."""
    text, start, end = row.text, window.start, window.end
    return (
        (not window.is_weak or _has_further_sign(row, window, after))
        and _is_joined(row, window, after)
        and not joins_other_text(text, start, end, row.spans[window.first][1])
        and not is_telephone(row, window)
        and not takes_next(row, window)
        and not is_end_of_mask(row, window.first)
        and not (is_inside_fours if window.is_usual else is_part_of_other)(row, window, after)
        and not is_spared(text, start, end)
    )


def _is_joined(row: Row, window: Window, after: int) -> bool:
    """Whether the separators may stand in one number.

    Spaces, dashes and invisible characters may, in any mixture. Dots, slashes, underscores and line breaks may when
    the same one stands between all groups, one line break also among spaces, and the groups are usual for cards.
    """
    if _JOINING.issuperset(window.gaps):
        return True
    gaps = [gap.replace("\r\n", "\n") for gap in window.gaps]
    if any(len(gap) > _LONGEST_GAP for gap in gaps):
        return False
    strict = [_STRICT.intersection(gap) for gap in gaps]
    kinds = set().union(*strict)
    if not kinds:
        return True
    if len(kinds) > 1 or not window.is_grouped:
        return False
    kind = kinds.pop()
    if not all(strict):
        is_wrapped = kind in LINE_BREAKS and sum(map(bool, strict)) == 1 and max(gap.count(kind) for gap in gaps) == 1
        # In tables many figures stand so.
        return is_wrapped and not (window.is_weak and is_part_of_other(row, window, after))
    if kind in LINE_BREAKS and max(gap.count(kind) for gap in gaps) > 1:
        return False
    return not is_in_column(row, window, after, kind)


def _has_further_sign(row: Row, window: Window, after: int) -> bool:
    """Whether a weak number is grouped as a card, and not the middle of a longer row of fours, or has a key word."""
    if window.is_grouped and not continues_fours(row, window, after):
        return True
    return stands_near_card_word(row.text, window.start, window.end)


def _card(row: Row, window: Window) -> Card:
    """The card in a window. Its last four digits may lie in several groups."""
    begin, stop = row.spans[window.stop - 1]
    if stop - begin >= _SHOWN:
        return Card(window.start, window.end, stop - _SHOWN, window.length)
    tail, left = window.end, _SHOWN
    for begin, stop in reversed(row.spans[window.first : window.stop]):
        tail = max(begin, stop - left)
        left -= stop - tail
        if not left:
            break
    return Card(window.start, window.end, tail, window.length)
