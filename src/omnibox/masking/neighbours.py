"""What the groups beside a window of a row say: that it is a piece of a telephone number, a date, a column, an id."""

import re

from omnibox.masking.alphabet import BULLET, DASHES, GAP, LINE_BREAKS, LOOSE
from omnibox.masking.rows import Row, Window
from omnibox.masking.surroundings import follows_plus

# A date of expiry that a card number must not take into itself: the separator is not that of the number.
_EXPIRY = re.compile(r"(?:0?[1-9]|1[0-2])([/\-.])(?:20)?\d\d(?!\d)")

_PRICE = re.compile(r"\s?(?:[€$£¥%]|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)\b)", re.IGNORECASE)

# A day in groups of its own, as «22-03-2026» or «2026-03-22», after or before a group that is no part of it.
_DAY = re.compile(
    rf"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])({GAP})(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d"
    rf"|(?:19|20)\d\d({GAP})(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01]))(?!\d)"
)
_ALL_LOOSE = re.compile(f"[{LOOSE}]+")
_ALL_DASHES = re.compile(f"[{DASHES}]+")

# What may follow a number in unusual groups: a date of expiry, a code, or one short number such as an amount.
_DATE_OR_CODE = (
    rf"(?:0?[1-9]|1[0-2]) ?[/|\-.] ?(?:20)?\d\d(?!\d)|\d{{3}}(?!\d)(?!{GAP}{{1,3}}[\d{BULLET}])"
    r"|\d{3,4}[ ,](?:0?[1-9]|1[0-2])[/|\-.]\d"
)
_IS_DATE_OR_CODE = re.compile(_DATE_OR_CODE)
_MAY_FOLLOW = re.compile(rf"{_DATE_OR_CODE}|\d{{4}}(?!\d)(?!{GAP}{{1,3}}[\d{BULLET}])|\d{{1,2}} ?[^\W\d_]")
_ORDER_NUMBER = re.compile(r"3\d\d-\d{7}-\d{7}")  # of a great shop

# At least the nine hidden digits of the shortest number: what a list's bullet point before a number never is.
_MASK_BEFORE = re.compile(rf"(?:{BULLET}{GAP}{{0,4}}){{9}}\Z")
_MASK_REACH = 9 * 5
# A code or a date that is hidden already: the groups of the row before it was.
_HIDDEN_BEFORE = re.compile(rf"{BULLET}(?:[{DASHES}]|(?<={BULLET}{BULLET})[{LOOSE}]{{1,4}})\Z")
_FOUR_HIDDEN_BEFORE = re.compile(rf"{BULLET}{{4}}[{LOOSE}]{{1,4}}\Z")
_HIDDEN_REACH = 4 + 4
_LONGEST_TELEPHONE = 15  # digits after the plus sign, by E.164


def is_telephone(row: Row, window: Window) -> bool:
    """Whether the window is what follows a plus sign, or lies in the longest number that can follow one."""
    if not follows_plus(row.text, row.start):
        return False
    return window.first == 0 or row.before[window.stop] <= _LONGEST_TELEPHONE


def takes_next(row: Row, window: Window) -> bool:
    """Whether a shorter number is followed by a price, or by «12/27» with another separator than the number's."""
    others = row.fitting[window.first]
    if len(others) == 1:
        return False
    own = "".join(window.gaps[:1]).strip()
    for other in others:
        if other.stop == window.stop - 1 and _PRICE.match(row.text, window.end):
            return True
        if window.stop - 2 <= other.stop < window.stop:
            date = _EXPIRY.match(row.text, row.spans[other.stop][0])
            if date and date[1] != own:
                return True
    return False


def is_end_of_mask(row: Row, first: int) -> bool:
    """Whether this group is among the last four digits of a number that is already masked."""
    if row.before[first] >= 4:
        return False
    left = max(0, row.start - _MASK_REACH)
    return BULLET in row.text[left : row.start] and _MASK_BEFORE.search(row.text, left, row.start) is not None


def continues_fours(row: Row, window: Window, after: int) -> bool:
    """Whether a group of four digits or more that belongs to no card stands before, as in a parcel number."""
    if window.first == 0:
        return _stands_behind(_FOUR_HIDDEN_BEFORE, row)
    if not _has_left(row, window, after):
        return False
    start, end = row.spans[window.first - 1]
    return end - start >= 4 and _ALL_LOOSE.fullmatch(row.text, end, window.start) is not None


def is_inside_fours(row: Row, window: Window, after: int) -> bool:
    """Whether a grouped number has a group of four or more before it and another one behind it that is no date or code,
    as the middle of a parcel number has.
    """
    if not (window.is_grouped and _has_right(row, window) and continues_fours(row, window, after)):
        return False
    start, end = row.spans[window.stop]
    is_tied = _ALL_LOOSE.fullmatch(row.text, window.end, start) is not None
    return is_tied and not (_IS_DATE_OR_CODE.match(row.text, start) or _PRICE.match(row.text, end))


def is_in_column(row: Row, window: Window, after: int, kind: str) -> bool:
    """Whether figures of the same kind go on above or below groups that this dot, slash or line break parts."""
    is_line = kind in LINE_BREAKS
    if _has_left(row, window, after):
        start, end = row.spans[window.first - 1]
        gap = row.text[end : window.start]
        if (kind in gap and end - start == 4) if is_line else gap == kind:
            return True
    if _has_right(row, window):
        start, end = row.spans[window.stop]
        return kind in row.text[window.end : start] and end - start >= 4
    return False


def is_part_of_other(row: Row, window: Window, after: int) -> bool:
    """Whether a number in unusual groups holds a day, or is a piece of a longer row: «304-1234567-7654321»."""
    if window.length == window.stop - window.first:  # nothing but a number is written with every digit apart
        return False
    return (
        _ORDER_NUMBER.fullmatch(row.text, window.start, window.end) is not None
        or _follows_group(row, window, after)
        or _precedes_group(row, window)
        or _DAY.search(row.text, window.start, window.end) is not None
    )


def _has_left(row: Row, window: Window, after: int) -> bool:
    """Whether a group stands before that belongs to no card, shown or masked."""
    if window.first == 0 or row.spans[window.first - 1][1] <= after:
        return False
    return not is_end_of_mask(row, window.first - 1)


def _stands_behind(hidden: re.Pattern[str], row: Row) -> bool:
    left = max(0, row.start - _HIDDEN_REACH)
    return BULLET in row.text[left : row.start] and hidden.search(row.text, left, row.start) is not None


def _has_right(row: Row, window: Window) -> bool:
    """Whether a group stands behind that begins no other number."""
    return window.stop < len(row.spans) and window.stop not in row.fitting


def _follows_group(row: Row, window: Window, after: int) -> bool:
    """Whether it is tied to a group before that belongs to no card; a hidden code after a dash is such a group.

    The number of a list, one digit and a blank, is not.
    """
    if window.first == 0:
        return _stands_behind(_HIDDEN_BEFORE, row)
    if not _has_left(row, window, after):
        return False
    start, end = row.spans[window.first - 1]
    gap = row.text[end : window.start]
    if _ALL_LOOSE.fullmatch(gap) is None:
        return False
    return end - start > 1 or _ALL_DASHES.fullmatch(gap) is not None or gap != " "


def _precedes_group(row: Row, window: Window) -> bool:
    """Whether it is tied to a group behind that is no code, no date, no price and not the next card."""
    if not _has_right(row, window):
        return False
    start = row.spans[window.stop][0]
    gap = row.text[window.end : start]
    if _ALL_LOOSE.fullmatch(gap) is None:
        return False
    is_tied = _ALL_DASHES.fullmatch(gap) is not None and gap in window.gaps
    follows = _MAY_FOLLOW.match(row.text, start)
    return follows is None or (is_tied and follows.end() - start < 3)
