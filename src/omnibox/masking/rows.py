"""Rows of groups of digits with separators between them, and the windows of a row that may be one number."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise
from operator import sub

from omnibox.masking.alphabet import GAP, INVISIBLE, LEAD_BYTES, STRICT, Span
from omnibox.masking.brands import LONGEST, SHORTEST

_GROUPS_AT_ONCE = 1000  # bounds the memory for a text that is one endless row of numbers
OVERLAP = LONGEST  # groups that the next part of an endless row begins with: as many as a number has at most
_ROW = re.compile(  # a longer run of digits is no group: it ends a row
    rf"\d(?<!\d\d)\d{{0,18}}+(?!\d)(?:{GAP}{{1,4}}+\d{{1,19}}+(?!\d)){{0,{_GROUPS_AT_ONCE - 1}}}+"
)
_GROUP = re.compile(r"\d+")
_UNSEEN = re.compile(f"[{INVISIBLE}]{{1,3}}")

_BLANKED = bytes(byte if 48 <= byte <= 57 else 32 for byte in range(256))

# For a first look at the bytes of a text: digits stay, separators and what may be one go, all else parts.
_NINE = ord("9")
_DIGITS_AND_BLANKS = bytes(byte if 48 <= byte <= 57 else _NINE if byte in LEAD_BYTES else 32 for byte in range(256))
_MAY_JOIN = bytes({*b"\t -", *(ord(each) for each in STRICT if each.isascii()), *range(128, 256)} - LEAD_BYTES)

# How cards are grouped: fours with a rest, or one of the old forms.
_USUAL_GROUPS = frozenset(
    {(4,) * count + (rest,) for count in (3, 4) for rest in (1, 2, 3, 4) if 4 * count + rest <= LONGEST}
    | {(4, 6, 5), (4, 6, 4), (4, 3, 3, 3)}
)
# UATP, and old Visa; by their first digit.
_GROUPS_OF_ONE_SCHEME: dict[tuple[int, ...], int] = {(4, 5, 6): ord("1"), (4, 4, 5): ord("4")}
_MOST_GROUPS = 5


class Row:
    """Groups of digits with separators between them: the digits, and the count of them before each group.

    `fitting` holds by first group the windows whose digits fit a scheme, the longest first.
    """

    __slots__ = ("_spans", "before", "digits", "end", "fitting", "start", "text")

    def __init__(self, text: str, start: int, end: int, digits: bytes, before: list[int]) -> None:
        self.text, self.start, self.end, self.digits, self.before = text, start, end, digits, before
        self.fitting: dict[int, list[Window]] = {}
        self._spans: list[Span] | None = None

    @property
    def spans(self) -> list[Span]:
        """Where each group stands in the text. Few rows are looked at so closely."""
        if self._spans is None:
            self._spans = [group.span() for group in _GROUP.finditer(self.text, self.start, self.end)]
        return self._spans

    @property
    def is_cut(self) -> bool:
        """Whether the row may go on after its end."""
        return len(self.before) > _GROUPS_AT_ONCE


class Window:
    """The groups of a row from `first` up to but not including `stop`.

    Groups with nothing to see between them, as where a tag stood in HTML, are one group to a reader: `gaps` holds what
    can be seen between the others.
    """

    __slots__ = ("_gaps", "_row", "end", "first", "is_grouped", "is_usual", "is_weak", "length", "start", "stop")

    def __init__(self, row: Row, first: int, stop: int, is_weak: bool) -> None:
        self.first, self.stop, self.is_weak = first, stop, is_weak
        self.start, self.end = row.spans[first][0], row.spans[stop - 1][1]
        self.length = row.before[stop] - row.before[first]
        self._row = row
        self._gaps: list[str] | None = None
        count = stop - first
        self.is_grouped = count > 1 and (
            (count <= _MOST_GROUPS and _is_usual(self._sizes(), row.digits[row.before[first]]))
            or (not row.text.isascii() and _is_usual(self._sizes_as_shown(), row.digits[row.before[first]]))
        )
        self.is_usual = self.is_grouped or count == 1

    @property
    def gaps(self) -> list[str]:
        """What stands between the groups, where it can be seen."""
        if self._gaps is None:
            gaps = self._all_gaps()
            self._gaps = gaps if self._row.text.isascii() else [gap for gap in gaps if not _UNSEEN.fullmatch(gap)]
        return self._gaps

    def _all_gaps(self) -> list[str]:
        spans, text = self._row.spans[self.first : self.stop], self._row.text
        return [text[left[1] : right[0]] for left, right in pairwise(spans)]

    def _sizes(self) -> tuple[int, ...]:
        """How many digits each group has."""
        before = self._row.before
        return tuple(map(sub, before[self.first + 1 : self.stop + 1], before[self.first : self.stop]))

    def _sizes_as_shown(self) -> tuple[int, ...]:
        """How many digits each group has to a reader."""
        sizes = self._sizes()
        shown = [sizes[0]]
        for gap, size in zip(self._all_gaps(), sizes[1:], strict=True):
            if _UNSEEN.fullmatch(gap):
                shown[-1] += size
            else:
                shown.append(size)
        return tuple(shown)


def _is_usual(sizes: tuple[int, ...], first_digit: int) -> bool:
    return sizes in _USUAL_GROUPS or _GROUPS_OF_ONE_SCHEME.get(sizes) == first_digit


def may_hold_number(text: str) -> bool:
    """Whether so many digits of a number stand in one row; false for most texts with digits, at little cost."""
    runs = text.encode("utf-8", "surrogatepass").translate(_DIGITS_AND_BLANKS, _MAY_JOIN).split()
    return bool(runs) and max(map(len, runs)) >= SHORTEST


def find_rows(text: str) -> Iterator[Row]:
    """Every row of groups that can hold a number. An endless row comes in parts that overlap by one number."""
    position = 0
    while (match := _ROW.search(text, position)) is not None:
        start, position = match.span()
        if position - start < SHORTEST:
            continue
        groups = _groups(match.group())
        digits = b"".join(groups)
        if len(digits) < SHORTEST:
            continue
        row = Row(text, start, position, digits, list(accumulate(map(len, groups), initial=0)))
        yield row
        if row.is_cut:
            position = row.spans[-OVERLAP][0]


def _groups(text: str) -> list[bytes]:
    """The groups of digits in a row, in ASCII."""
    if text.isascii():
        return text.encode().translate(_BLANKED).split()
    return [str(int(f"1{group}"))[1:].encode() for group in _GROUP.findall(text)]
