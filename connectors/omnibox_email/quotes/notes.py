"""Headers as Lotus Notes writes them above what it quotes: names and dates without labels, columns and frames."""

from __future__ import annotations

import re

from omnibox_email.quotes.blocks import ADDRESSED, HOUR, MOST_BLOCK_LINES, YEAR, field_of
from omnibox_email.quotes.history_words import FIELDS
from omnibox_email.quotes.lines import LONGEST_LINE, Page

MOST_LINES = 10

_FRAME = re.compile(r"\||>--")
_COLUMN = re.compile(r"\s{3}([^\W\d_]{1,12})\Z")
_LABELLED_COLUMN = re.compile(r"\s{3}([^\W\d_][^\s:]{0,14}):(?:\s|\Z)")
_INDENT = " " * 8
# «02/04/2012 09:12 AM», or with the sender before it, as Notes writes above «To: …»
_NOTES_DATE = re.compile(
    r"(?:\S.{1,120} on )?\d{1,4}[./-]\d{1,2}[./-]\d{2,4} "
    r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: ?[AP]M)?(?: [A-Z]{1,5}\d?)?\Z"
)


def notes_block_start(page: Page, at: int) -> int | None:
    """Where a block as Lotus Notes wrote it begins, whose date, or whose label «To», is line `at`; None for others.

    Name, date, then «To», «cc» and «Subject» as lines or columns without colons.
    """
    line = page.bare[at]
    if (line[:1].isdigit() or " on " in line) and _NOTES_DATE.match(line):
        return _notes_lines_start(page, at)
    if _column_kind(page, at) != "to":
        return None
    labels = range(at + 1, min(len(page.lines), at + MOST_LINES))
    dates = range(max(0, at - 4), min(len(page.lines), at + 3))
    has_date = any(YEAR.search(page.bare[near]) and HOUR.search(page.bare[near]) for near in dates)
    if not has_date or not any(_column_kind(page, below) == "subject" for below in labels):
        return None
    start, blanks = at, 0
    while start and blanks < 2 and at - start < MOST_LINES:
        above = page.bare[start - 1]
        if (
            len(above) > 60
            or above.endswith((".", "!", "?", ","))
            or (page.marked[start - 1] and not above.startswith(">"))
        ):
            break
        if not above and any(map(_NOTES_DATE.match, page.bare[start + 1 : at])):
            break  # name and date stand together
        blanks = 0 if above else blanks + 1
        start -= 1
    return page.next_filled(start)


def _notes_lines_start(page: Page, dated: int) -> int | None:
    """As `notes_block_start`, where values stand beside the labels; neither name nor date, on line `dated`, has one."""
    to = dated + 1
    while to < min(len(page.lines), dated + MOST_LINES) and _is_passed_over(page.bare[to]):
        to += 1
    kinds = [_leading_kind(line) for line in page.bare[to : to + MOST_LINES]]
    if kinds[:1] != ["to"] or "subject" not in kinds:
        return None
    if not page.bare[dated][:1].isdigit():
        return dated  # the name stands before the date
    name = dated - 1
    while name > 0 and page.is_blank(name) and dated - name < 3:
        name -= 1
    is_name = name == dated - 1 or (name >= 0 and ADDRESSED.search(page.bare[name]))
    return name if name >= 0 and is_name and not page.is_blank(name) else dated


def _is_passed_over(line: str) -> bool:
    """Whether a line may stand between the date and the labels."""
    return not line or line.startswith("Sent by:")


def _leading_kind(line: str) -> str | None:
    """The kind of the label that a line begins with, with a colon or a blank behind it."""
    found = field_of(line)
    if found:
        return found[0]
    label, _, value = line.partition(" ")
    kind = FIELDS.get(label.casefold()) if label[:1].isupper() else None
    return kind if kind != "to" or "@" in value else None


def notes_frame_end(page: Page, at: int) -> int:
    """The line after the headers that Lotus Notes drew a frame of dashes and bars round; 0 where none begins."""
    if not page.bare[at].startswith("|--"):
        return 0
    kinds, end = set(), at
    for near in range(at, min(len(page.lines), at + MOST_BLOCK_LINES)):
        line = page.bare[near]
        if line and not _FRAME.match(line):
            break
        if found := field_of(line):
            kinds.add(found[0])
        end = near + 1 if line else end
    return end if {"to", "subject"} <= kinds else 0


def notes_columns_end(page: Page, at: int) -> int:
    """The line after the headers that early Lotus Notes set beside the sender's name and date; 0 where none begin."""
    if not page.lines[at].startswith(_INDENT) or (at and not page.is_blank(at - 1)):
        return 0
    kinds, end, has_date = set(), at, False
    while end < min(len(page.lines), at + MOST_LINES) and not page.is_blank(end):
        for label in _LABELLED_COLUMN.findall(page.lines[end][:LONGEST_LINE]):
            kinds.add(FIELDS.get(label.casefold()))
        has_date = has_date or bool(YEAR.search(page.bare[end]) and HOUR.search(page.bare[end]))
        end += 1
    return end if has_date and {"to", "subject"} <= kinds else 0


def _column_kind(page: Page, at: int) -> str | None:
    """The kind of a label without a colon that is all of a line or its last column."""
    line = page.bare[at]
    if not line or len(line) > 90:
        return None
    last = None if line.casefold() in FIELDS else _COLUMN.search(page.lines[at].rstrip())
    label = last.group(1) if last else line
    return None if label[:1].islower() else FIELDS.get(label.casefold())
