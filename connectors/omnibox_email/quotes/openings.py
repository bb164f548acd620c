"""Where history begins in a page: introductions, rules, blocks of headers, and what the HTML tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from omnibox_email.quotes.blocks import (
    field_of,
    foreign_block_end,
    header_block_end,
    headers_follow,
    is_drawn,
    is_reply_above,
    may_ask,
    may_open,
    rule_end,
)
from omnibox_email.quotes.introductions import Introduction, Strength
from omnibox_email.quotes.lines import Page
from omnibox_email.quotes.notes import notes_block_start, notes_columns_end, notes_frame_end

MOST_TECHNICAL = 12
_TECHNICAL = ("message-id:", "received:", "return-path:", "mime-version:", "content-type:")
MESSAGE_OF = re.compile(
    r"message du (?:: )?\d{1,2}/\d{1,2}/\d{2,4}\b.{0,20}\Z", re.I
)  # the first line of Orange's headers


@dataclass(frozen=True, slots=True)
class Hint:
    """What the HTML form of the mail tells: the line history begins at, and the one own words go on at."""

    start: int
    resumes: int | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """Lines that open history, up to and without `end`; own words may stand before it on its first line."""

    end: int
    is_sure: bool
    before: str = ""
    is_bare: bool = False


def find_openings(page: Page, introductions: Mapping[int, Introduction], hint: Hint | None) -> dict[int, Opening]:
    """All lines that open history, by number; `is_sure` means: whatever follows it."""
    found: dict[int, Opening] = {}
    for at in _worth_a_look(page, introductions, hint):
        one = _opening(page, introductions, hint, at)
        if one:
            found[at] = one
        start = None if one and one.is_sure else notes_block_start(page, at)
        if start is not None and not (start in found and found[start].is_sure):
            found[start] = Opening(at + 1, is_sure=True)
    return found


def _worth_a_look(page: Page, introductions: Mapping[int, Introduction], hint: Hint | None) -> list[int]:
    if may_ask(page.bare):
        found = set(range(len(page.lines)))
    else:
        found = {*may_open(page), *introductions, *([hint.start] if hint else [])}
    return [at for at in sorted(found) if page.bare[at] and (not page.marked[at] or at in introductions)]


def _opening(page: Page, introductions: Mapping[int, Introduction], hint: Hint | None, at: int) -> Opening | None:
    line, introduction = page.bare[at], introductions.get(at)
    if introduction and introduction.strength is Strength.STRONG:
        return Opening(introduction.end, is_sure=True, before=introduction.before)
    if end := rule_end(page, at) or notes_frame_end(page, at) or notes_columns_end(page, at):
        return Opening(end, is_sure=True)
    if field_of(line) and (end := _header_block(page, introductions, at)):
        return Opening(end, is_sure=True)
    if "@" in line and (end := foreign_block_end(page, at)):
        return Opening(end, is_sure=True)
    if is_reply_above(line) or (MESSAGE_OF.match(line) and headers_follow(page, at + 1)):
        return Opening(at + 1, is_sure=True)
    if hint and at == hint.start:
        return Opening(introduction.end if introduction else at, is_sure=True)
    if introduction:
        return Opening(introduction.end, is_sure=False, is_bare=introduction.strength is Strength.BARE)
    return None


def _is_technical(page: Page, at: int) -> bool:
    """Whether a header stands in the block that programs leave out of what they quote."""
    return any(line.lower().startswith(_TECHNICAL) for line in page.bare[at : at + MOST_TECHNICAL])


def _header_block(page: Page, introductions: Mapping[int, Introduction], at: int) -> int:
    above = at - 1
    while above >= 0 and at - above <= 3 and page.is_blank(above):
        above -= 1
    is_ruled = above >= 0 and (is_drawn(page.bare[above]) or bool(rule_end(page, above)))
    is_announced = above >= 0 and page.bare[above].endswith(":") and not page.marked[above]
    is_shown = is_announced and (above == at - 1 or _is_technical(page, at))
    if is_shown and not is_ruled and all(one.end != at for one in introductions.values()):
        return 0  # the writer shows the headers of a mail
    return header_block_end(page, at, is_ruled=is_ruled)
