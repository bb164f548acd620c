"""A mail's text as lines, each with what the readers of quotes need to know about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 256 * 1024
MOST_LINES = 5000
LONGEST_LINE = 1000
LONGEST_FRAMED = 300
PARTS, FEWEST_AT_ONCE = 8, 8
TOO_LONG = "\ufffd"  # stands for a line that is not looked at

# Zero-width and direction marks, which programs strew into names and dates.
_UNSEEN = dict.fromkeys([0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)])
# GroupWise and Gnus draw marks around or before the introduction itself: «>>> Ann <ann@x.example> 4/2/2012 9:12 AM
# >>>», «>>> On 4/2/2012 at 9:12 AM, in message …», «>>>>> "AB" == Ann <ann@x.example> writes:».
_FRAMED = re.compile(
    r">>> ?(?:[^>\s].{1,150}\d{1,2}[:.]\d{2}.{0,12}>>>|On .{6,60}, in message .{3,200}"
    r"|(?:>> )?On .{6,200}\b(?:wrote|writes|said):|>> .{1,60} == .{3,150}:)\Z"
)
_MARKS = re.compile(r"[ \t\u00a0]{0,3}(?:[>\uff1e][ \t\u00a0]?)+")

_SIGNS = {code: None for code in range(128) if not chr(code).isalnum()}
# Any of these, and a line of ASCII is not yet as it is compared.
_UNEVEN = ("  ", *"\t\r\v\f\x1c\x1d\x1e\x1f")


def bare(line: str) -> str:
    """The line as it is compared: no marks of direction, plain blanks, nothing at its ends."""
    if not line.isascii():
        line = line.translate(_UNSEEN)
    return " ".join(line.split())


def is_blank(line: str) -> bool:
    """Whether nothing is to be seen on the line."""
    return not (line[:1].isalnum() or (line.strip() if line.isascii() else bare(line)))


def is_marked(line: str) -> bool:
    """Whether the line begins with a quotation mark (`>`)."""
    return line.lstrip(" \t\u00a0").startswith((">", "\uff1e")) and _MARKS.match(line) is not None


def depth(line: str) -> int:
    """How many quotation marks the line begins with."""
    found = _MARKS.match(line)
    return found.group().count(">") + found.group().count("\uff1e") if found else 0


def unmarked(line: str) -> str:
    """The line without its quotation marks."""
    found = _MARKS.match(line)
    return line[found.end() :] if found else line


def squash(text: str) -> str:
    """Letters and digits alone, case folded: the same for the plain and the HTML form of a sentence."""
    letters = text.translate(_SIGNS) if text.isascii() else "".join(filter(str.isalnum, text))
    return letters.casefold()


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a text that is looked at; `rest` lies beyond the limits and is only passed on."""

    lines: tuple[str, ...]
    bare: tuple[str, ...]
    marked: tuple[bool, ...]
    rest: tuple[str, ...]

    def is_blank(self, at: int) -> bool:
        return not self.bare[at]

    def next_filled(self, at: int) -> int:
        """The first line from `at` on that is not blank; the number of lines where there is none."""
        while at < len(self.lines) and not self.bare[at]:
            at += 1
        return at

    def end_of_marked(self, at: int) -> int:
        while at < len(self.lines) and self.marked[at]:
            at += 1
        return at


def page_of(text: str) -> Page:
    lines = text.split("\n")
    count = min(len(lines), MOST_LINES) if len(text) <= MOST_CHARACTERS else _within_limits(lines)
    kept = lines[:count]
    marked = [False] * count
    first = text.find(">")
    if first >= 0 or "\uff1e" in text:
        marked = list(map(is_marked, kept)) if "\uff1e" in text else [">" in line and is_marked(line) for line in kept]
        if text.find(">From ", first) >= 0:
            _unmark_escaped(kept, marked)
        if text.find(">>>", first) >= 0:
            _unmark_framed(kept, marked)
    shown = _evened(kept)
    if len(text) > LONGEST_LINE and max(map(len, shown)) > LONGEST_LINE:
        shown = [line if len(line) <= LONGEST_LINE else TOO_LONG for line in shown]
    return Page(tuple(kept), tuple(shown), tuple(marked), tuple(lines[count:]))


def _evened(lines: Sequence[str]) -> list[str]:
    """The lines as they are compared: most are so already, so those that are not are looked for part by part."""
    if _are_even(lines):
        return list(lines)
    if len(lines) <= FEWEST_AT_ONCE:
        return [bare(line) if len(line) <= LONGEST_LINE else TOO_LONG for line in lines]
    size = max(FEWEST_AT_ONCE, len(lines) // PARTS)
    return [line for at in range(0, len(lines), size) for line in _evened(lines[at : at + size])]


def _are_even(lines: Sequence[str]) -> bool:
    """Whether all lines are as they are compared already: joined by one blank they have no two in a row."""
    text = " ".join(filter(None, lines))
    return text.isascii() and text.strip(" ") == text and not any(map(text.__contains__, _UNEVEN))


def _within_limits(lines: Sequence[str]) -> int:
    size = 0
    for count, line in enumerate(lines[:MOST_LINES]):
        size += len(line)
        if size > MOST_CHARACTERS:
            return count
    return min(len(lines), MOST_LINES)


def _unmark_escaped(lines: Sequence[str], marked: list[bool]) -> None:
    """Mailbox files put `>` before a line that begins with «From »; alone among others it is no quotation."""
    for at, line in enumerate(lines):
        if line.startswith(">From ") and not any(marked[max(0, at - 1) : at]) and not any(marked[at + 1 : at + 2]):
            marked[at] = False


def is_framed(line: str) -> bool:
    """Whether the line introduces a quotation although it begins with marks itself."""
    return line.startswith(">>>") and len(line) <= LONGEST_FRAMED and _FRAMED.match(line) is not None


def _unmark_framed(lines: Sequence[str], marked: list[bool]) -> None:
    """An introduction in a frame of marks is no quotation, where it stands below an unmarked line."""
    for at, line in enumerate(lines):
        if marked[at] and not any(marked[max(0, at - 1) : at]) and is_framed(line.strip()):
            marked[at] = False
