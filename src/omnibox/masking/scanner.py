"""Finds card numbers in plain text: groups of digits, joined by separators, that make a number some scheme issues.

One pass from the left. A number begins and ends where a group of digits does. At each group the longest number that
fits is taken; one written as cards are written goes before one that is not, so «12 4111 1111 1111 1111» cannot lose
its card to a longer number that happens to fit. The work for each group is bounded: time is linear in the text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate, count, pairwise

from omnibox.masking.alphabet import BULLET, DASHES, GAP, LINE_BREAKS, LOOSE, STRICT
from omnibox.masking.brands import LENGTHS, LONGEST, SHORTEST, check_sums, find_range, is_weak
from omnibox.masking.surroundings import is_spared, is_telephone, joins_other_text, stands_near_card_word

_GROUPS_AT_ONCE = 1000  # bounds the memory for a text that is one endless row of numbers
_OVERLAP = LONGEST  # groups that the next part begins with: as many as a number has at most
_ROW = re.compile(  # a longer run of digits is no group: it ends a row
    rf"\d(?<!\d\d)\d{{0,18}}+(?!\d)(?:{GAP}{{1,4}}+\d{{1,19}}+(?!\d)){{0,{_GROUPS_AT_ONCE - 1}}}+"
)
_GROUP = re.compile(r"\d+")
_ALL_LOOSE = re.compile(f"[{LOOSE}]+")
_STRICT_CHARACTER = re.compile(f"[{STRICT}]")
_LONGEST_GAP = 3
_MOST_GROUPS = 5
_OLD_FORMS = frozenset({(4, 6, 5), (4, 6, 4), (4, 5, 6), (4, 3, 3, 3), (4, 4, 5)})

# A date of expiry that a card number must not take into itself: the separator is not that of the number.
_EXPIRY = re.compile(r"(?:0?[1-9]|1[0-2])([/\-.])(?:20)?\d\d(?!\d)")

_PRICE = re.compile(r"\s?(?:[€$£¥%]|(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?)\b)", re.IGNORECASE)

# A day in groups of its own, as «22-03-2026» or «2026-03-22», after or before a group that is no part of it.
_DAY = re.compile(
    rf"(?<!\d)(?:(?:0?[1-9]|[12]\d|3[01])({GAP})(?:0?[1-9]|1[0-2])\1(?:19|20)\d\d"
    rf"|(?:19|20)\d\d({GAP})(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12]\d|3[01]))(?!\d)"
)
_DASH = re.compile(f"[{DASHES}]")
_LONG_GROUP = 5  # longer than a code, a month, a year or the number of a list
_MAY_BE_DATE = re.compile(rf"\d{{1,2}} ?[/|\-.] ?\d|\d{{3,{_LONG_GROUP - 1}}}(?!\d)")

# At least the nine hidden digits of the shortest number: what a list's bullet point before a number never is.
_MASK_BEFORE = re.compile(rf"(?:{BULLET}{GAP}{{0,4}}){{9}}\Z")
_MASK_REACH = 9 * 5

_BLANKED = bytes(byte if 48 <= byte <= 57 else 32 for byte in range(256))
_TO_VALUE = bytes(max(0, byte - 48) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Card:
    """A card number in a text: its span, where its last four digits begin, and how many digits it has."""

    start: int
    end: int
    last_four: int
    length: int


@dataclass(frozen=True, slots=True)
class _Window:
    """The groups of a row from `first` up to but not including `stop`."""

    first: int
    stop: int
    is_weak: bool = False


@dataclass(slots=True)
class _Row:
    """Groups of digits with separators between them: values, and the count of digits before each group."""

    text: str
    start: int
    end: int
    values: bytes
    before: list[int]
    group_at: dict[int, int]
    fitting: dict[int, list[_Window]] = field(default_factory=dict)
    found_spans: list[tuple[int, int]] | None = None

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where each group stands in the text. Few rows are looked at so closely."""
        if self.found_spans is None:
            self.found_spans = [group.span() for group in _GROUP.finditer(self.text, self.start, self.end)]
        return self.found_spans

    @property
    def is_cut(self) -> bool:
        """Whether the row may go on after its end."""
        return len(self.before) > _GROUPS_AT_ONCE


def find_cards(text: str) -> list[Card]:
    """The card numbers in `text`, in their order."""
    cards: list[Card] = []
    for row in _rows(text):
        row.fitting = _fitting(row)
        for first in row.fitting:
            after = cards[-1].end if cards else 0
            window = _choose(row, first, after) if row.spans[first][0] >= after else None
            if window is not None:
                cards.append(_card(row, window))
    return cards


def _rows(text: str) -> Iterator[_Row]:
    """Every row of groups that can hold a number. An endless row comes in parts that overlap by one number."""
    position = 0
    while (match := _ROW.search(text, position)) is not None:
        start, position = match.span()
        if position - start < SHORTEST:
            continue
        groups = _groups(match.group())
        values = b"".join(groups).translate(_TO_VALUE)
        if len(values) < SHORTEST:
            continue
        before = list(accumulate(map(len, groups), initial=0))
        row = _Row(text, start, position, values, before, dict(zip(before, count(), strict=False)))
        yield row
        if row.is_cut:
            position = row.spans[-_OVERLAP][0]


def _groups(text: str) -> list[bytes]:
    """The groups of digits in a row, in ASCII."""
    if text.isascii():
        return text.encode().translate(_BLANKED).split()
    return [str(int(f"1{group}"))[1:].encode() for group in _GROUP.findall(text)]


def _fitting(row: _Row) -> dict[int, list[_Window]]:
    """By first group, the windows whose digits fit a scheme, a length and the check digit, the longest first."""
    values, group_at = row.values, row.group_at
    even, odd = check_sums(values)
    fitting: dict[int, list[_Window]] = {}
    for first, start in enumerate(row.before[: -_OVERLAP - 1] if row.is_cut else row.before[:-1]):
        if start + SHORTEST > len(values):
            break
        for length in LENGTHS[values[start] * 10 + values[start + 1]]:
            end = start + length
            if end not in group_at:
                continue
            sums = odd if end % 2 else even
            if (sums[end] - sums[start]) % 10:
                continue
            found = find_range(values[start:end])
            if found:
                window = _Window(first, group_at[end], is_weak(found, length))
                fitting.setdefault(first, []).append(window)
    return fitting


def _choose(row: _Row, first: int, after: int) -> _Window | None:
    """The number that begins with this group: the longest usual one, else the longest that hides no usual one."""
    accepted = [window for window in row.fitting[first] if _is_number(row, window, after)]
    for window in accepted:
        if _is_usual(row, window):
            return window
    for window in accepted:
        if not _hides_usual(row, window, after):
            return window
    return None


def _is_number(row: _Row, window: _Window, after: int) -> bool:
    """Whether digits that fit are a number of their own here, and not a part of something else."""
    text, start, end = row.text, row.spans[window.first][0], row.spans[window.stop - 1][1]
    return (
        (not window.is_weak or _has_further_sign(row, window, after))
        and _is_joined(row, window)
        and not joins_other_text(text, start, end, row.spans[window.first][1])
        and not _is_telephone(row, window)
        and not _takes_next(row, window)
        and not _is_end_of_mask(row, window)
        and (_is_usual(row, window) or not _is_part_of_other(row, window, after))
        and not is_spared(text, start, end)
    )


def _gaps(row: _Row, window: _Window) -> list[str]:
    spans = row.spans[window.first : window.stop]
    return [row.text[left[1] : right[0]] for left, right in pairwise(spans)]


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
    if len(kinds) > 1 or not _is_grouped(row, window):
        return False
    kind = kinds.pop()
    if kind not in LINE_BREAKS:
        return all(strict)
    most = max(gap.count(kind) for gap in gaps)
    return most == 1 and (all(strict) or sum(map(bool, strict)) == 1)


def _is_grouped(row: _Row, window: _Window) -> bool:
    """Whether a number is grouped as on cards: fours with a rest, or one of the old forms."""
    if not 1 < window.stop - window.first <= _MOST_GROUPS:
        return False
    sizes = tuple(end - start for start, end in row.spans[window.first : window.stop])
    return (set(sizes[:-1]) == {4} and sizes[-1] <= 4) or sizes in _OLD_FORMS


def _is_usual(row: _Row, window: _Window) -> bool:
    """Whether a number is written as cards are: without a break or grouped."""
    return window.stop - window.first == 1 or _is_grouped(row, window)


def _hides_usual(row: _Row, window: _Window, after: int) -> bool:
    """Whether a number in a usual form begins inside this window."""
    return any(
        _is_usual(row, other) and _is_number(row, other, after)
        for first in range(window.first + 1, window.stop)
        for other in row.fitting.get(first, ())
    )


def _is_part_of_other(row: _Row, window: _Window, after: int) -> bool:
    """Whether a number in unusual groups holds a day, or is a piece of a longer one: «304-1234567-7654321»."""
    start, end = row.spans[window.first][0], row.spans[window.stop - 1][1]
    if _DAY.search(row.text, start, end):
        return True
    gaps = set(_gaps(row, window))
    if len(gaps) > 1:
        return False
    gap = gaps.pop()
    is_dash = _DASH.fullmatch(gap) is not None
    return _follows_group(row, window, after, gap, is_dash) or _precedes_group(row, window, gap, is_dash)


def _follows_group(row: _Row, window: _Window, after: int, gap: str, is_dash: bool) -> bool:
    """Whether the same separator ties it to a group before that belongs to no card; a hidden code is such a group."""
    start = row.spans[window.first][0]
    if not row.text.endswith(gap, 0, start):
        return False
    if window.first == 0:
        return is_dash and row.text.endswith(BULLET, 0, start - len(gap))
    before, end = row.spans[window.first - 1]
    if end != start - len(gap) or end <= after or _is_end_of_mask(row, _Window(window.first - 1, window.stop)):
        return False
    return is_dash or end - before >= _LONG_GROUP


def _precedes_group(row: _Row, window: _Window, gap: str, is_dash: bool) -> bool:
    """Whether the same separator ties it to a group behind that is no code, no date and not the next card."""
    end = row.spans[window.stop - 1][1]
    if window.stop == len(row.spans) or window.stop in row.fitting:
        return False
    start, stop = row.spans[window.stop]
    if row.text[end:start] != gap:
        return False
    return stop - start >= _LONG_GROUP or (is_dash and _MAY_BE_DATE.match(row.text, start) is None)


def _is_telephone(row: _Row, window: _Window) -> bool:
    """Whether the window is what follows a plus sign, or lies in the longest number that can follow one."""
    if not is_telephone(row.text, row.spans[0][0]):
        return False
    return window.first == 0 or row.before[window.stop] <= 15  # E.164: at most 15 digits


def _takes_next(row: _Row, window: _Window) -> bool:
    """Whether a shorter number is followed by a price, or by «12/27» with another separator than the number's."""
    own = "".join(_gaps(row, window)[:1]).strip()
    for other in row.fitting[window.first]:
        if other.stop == window.stop - 1 and _PRICE.match(row.text, row.spans[other.stop][1]):
            return True
        if window.stop - 2 <= other.stop < window.stop:
            date = _EXPIRY.match(row.text, row.spans[other.stop][0])
            if date and date[1] != own:
                return True
    return False


def _is_end_of_mask(row: _Row, window: _Window) -> bool:
    """Whether the window begins with the last four digits of a number that is already masked."""
    if row.before[window.first] >= 4:
        return False
    start = row.spans[0][0]
    return _MASK_BEFORE.search(row.text, max(0, start - _MASK_REACH), start) is not None


def _has_further_sign(row: _Row, window: _Window, after: int) -> bool:
    """Whether a weak number is grouped as a card, and not the middle of a longer row of fours, or has a key word."""
    start, end = row.spans[window.first][0], row.spans[window.stop - 1][1]
    if _is_grouped(row, window) and not _continues_fours(row, window, after):
        return True
    return stands_near_card_word(row.text, start, end)


def _continues_fours(row: _Row, window: _Window, after: int) -> bool:
    """Whether a group of four digits or more that belongs to no card stands before, as in a parcel number."""
    if window.first == 0 or _is_end_of_mask(row, _Window(window.first - 1, window.stop)):
        return False
    start, end = row.spans[window.first - 1]
    gap = row.text[end : row.spans[window.first][0]]
    return end - start >= 4 and end > after and _ALL_LOOSE.fullmatch(gap) is not None


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
