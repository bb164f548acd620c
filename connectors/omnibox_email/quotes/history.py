"""Which lines of a mail are history and which are the writer's own."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from omnibox_email.abreast import Steps
from omnibox_email.quotes.blocks import (
    field_of,
    header_block_end,
    is_drawn,
    is_rule,
    may_open,
    rule_end,
)
from omnibox_email.quotes.devices import is_device_line
from omnibox_email.quotes.introductions import Strength, introductions
from omnibox_email.quotes.lines import Page, bare, depth, page_of, squash, unmarked
from omnibox_email.quotes.openings import MESSAGE_OF, Hint, Opening, find_openings

MOST_GREETING = 40
LOOK_INSIDE = 12
FEWEST_CLOSE = 3  # marked lines that are history although they touch the own line above
NEAR = 6
FAR = 200
WRAPPED_AFTER = 60
LONGEST_WRAPPED = 40
MOST_LOOKUPS = 300
SHORTEST_PART = 12

_INITIALS = re.compile(r"[ \t]{0,4}[^\W\d_]{1,10}>+(?:[ \t]|\Z)")
_PIPED = re.compile(r"[ \t]{0,3}\|(?:[ \t](?!.*\|[ \t]*\Z)|\Z)")  # «| text», but no row of a table
_OLD_MARKS = re.compile(r"[ \t]{0,3}[:%](?:[ \t]|\Z)")  # of newsreaders
_SPACED = re.compile(r"[ \t]{0,3}>+(?:[ \t]|\Z)")
_PROMPT = re.compile(r"[ \t]{0,3}>>>(?: |\Z)")
_CODE = re.compile(
    r"[{}\\$|;=]|--\w|\(\)|\w/\w+/|\A\s*(?:(?:sudo|cd|ls|cat|git|npm|make|pip|import|select|echo|docker|curl) "
    r"|(?:ls|pwd|dir)\Z)",
    re.I,
)


class _Kept:
    """Own lines in order; where history was taken out between them one blank line at most is left."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.has_gap = False
        self.wants_blank = False
        self.has_cut = False

    def add(self, lines: Sequence[str]) -> None:
        for at, line in enumerate(lines):
            if not self.has_gap:
                self.lines.extend(lines[at:])
                break
            if not bare(line):
                self.wants_blank = True
                continue
            if self.lines and self.wants_blank:
                self.lines.append("")
            self.has_gap = self.wants_blank = False
            self.lines.append(line)

    def cut(self, *, drops_rules: bool) -> None:
        """Something was taken out here; a rule drawn above an introduction or header block goes with it."""
        while self.lines and (not (last := bare(self.lines[-1])) or (drops_rules and is_rule(last))):
            self.wants_blank = self.lines.pop().strip() == "" or self.wants_blank
        if drops_rules:
            self._drop_headers()
        self.has_gap = self.has_cut = True

    def _drop_headers(self) -> None:
        """«Кому: …», «Тема: …» below a rule, which Yandex writes above its introduction."""
        start = len(self.lines)
        while start and (found := field_of(bare(self.lines[start - 1]))) and found[0] in ("to", "cc", "subject"):
            start -= 1
        if 0 < start < len(self.lines) and is_drawn(bare(self.lines[start - 1])):
            del self.lines[start:]
            self.cut(drops_rules=True)


def without_history(page: Page, hint: Hint | None = None) -> Steps[list[str] | None]:
    """The lines of a text that are not history; None where there is no history."""
    found = introductions(page)
    yield
    openings = find_openings(page, found, hint)
    yield
    if not (openings or any(page.marked)):
        return None
    kept = _Scan(page, hint, openings).run()
    return kept.lines if kept.has_cut else None


class _Scan:
    """One pass from the first line to the last."""

    def __init__(self, page: Page, hint: Hint | None, openings: Mapping[int, Opening]) -> None:
        self.page = page
        self.hint = hint
        self.openings = openings
        self.is_sure = False
        self.kept = _Kept()
        self.numbers = sorted(self.openings)
        self.evidence = [at for at, one in self.openings.items() if self._is_evidence(one)]
        self.below: tuple[frozenset[str], str] | None = None
        self.first_filled = page.next_filled(0)
        self.starts_marked = _is_at(page.marked, self.first_filled)
        self.last_opening = max(self.evidence, default=-1)
        self.count_marked = sum(page.marked)
        self.lookups = MOST_LOOKUPS

    def run(self) -> _Kept:
        page, at = self.page, 0
        while at < len(self.page.lines):
            page = self.page
            if page.marked[at] and at not in self.openings:
                at = self._marked_block(at)
                continue
            opening = self.openings.get(at)
            if opening is None:
                if self._is_tail_of_marked(at):
                    self.kept.cut(drops_rules=False)
                    at += 1
                else:
                    end = self._end_of_plain(at)
                    self.kept.add(page.lines[at:end])
                    at = end
                continue
            following = self._after(at, opening)
            if following is None:
                self.kept.add(page.lines[at : at + 1])
                at += 1
            elif following < 0:
                return self._end(at, opening)
            else:
                self._open(opening)
                at = following
        self._pass_on_rest()
        return self.kept

    def _end_of_plain(self, at: int) -> int:
        """The next line behind `at` that is marked or opens history."""
        place = bisect_right(self.numbers, at)
        end = self.numbers[place] if place < len(self.numbers) else len(self.page.lines)
        try:
            return self.page.marked.index(True, at + 1, end)
        except ValueError:
            return end

    def _open(self, opening: Opening) -> None:
        self.is_sure = True
        if opening.before:
            self.kept.add([opening.before])
        self.kept.cut(drops_rules=True)

    def _end(self, at: int, opening: Opening) -> _Kept:
        """Everything below is history, but for what the HTML shows as own words again."""
        self._open(opening)
        if self.hint and self.hint.resumes is not None and self.hint.start <= at < self.hint.resumes:
            self.kept.wants_blank = True
            self.kept.add(self.page.lines[self.hint.resumes :])
        return self.kept

    def _pass_on_rest(self) -> None:
        """What lies beyond the limits: only marked lines go, and only where it is clear that they are history."""
        if self.is_sure:
            self.kept.add([line for line in self.page.rest if not line.startswith(">")])
        else:
            self.kept.add(self.page.rest)

    def _is_evidence(self, opening: Opening) -> bool:
        """Whether an opening shows that the mail holds history: a name alone does not."""
        if opening.is_sure:
            return True
        return not opening.is_bare and _is_at(self.page.marked, self.page.next_filled(opening.end))

    def _after(self, at: int, opening: Opening) -> int | None:
        """The marked line that history goes on at; -1 where all below is history; None where this is no history."""
        page = self.page
        following, is_sure = page.next_filled(opening.end), opening.is_sure
        for _ in range(4):  # a rule, then headers or an introduction
            next_one = self.openings.get(following)
            if next_one is None or next_one.end <= following:
                break
            is_sure = is_sure or next_one.is_sure
            following = page.next_filled(next_one.end)
        if _is_at(page.marked, following):
            return None if opening.is_bare and self._quotes_within_own(at, following) else following
        if following < len(page.lines) and self._take_other_marks(following, opening):
            return following
        if not is_sure:
            return None
        if opening.end == at:  # known by the HTML alone: an introduction in a language we do not read
            marked = next((near for near in range(at, min(at + NEAR, len(page.lines))) if page.marked[near]), None)
            return -1 if marked is None else marked
        return -1

    def _quotes_within_own(self, at: int, marked: int) -> bool:
        """Whether «Ann wrote:» and a single marked block stand amid own words: the writer may quote a book."""
        page = self.page
        if self.is_sure or self.first_filled >= at:
            return False
        below = page.next_filled(page.end_of_marked(marked))
        if below >= len(page.lines) or below in self.openings or _begins_signature(page.lines[below]):
            return False
        place = bisect_right(self.numbers, below)
        end = self.numbers[place] if place < len(self.numbers) else len(page.lines)
        return not any(page.marked[below : min(end, below + FAR)])

    def _take_other_marks(self, at: int, opening: Opening) -> bool:
        """Whether initials («AB> text»), bars or the like mark lines from here on; these count as marked then."""
        marks = (_INITIALS, _PIPED) if opening.is_bare else (_INITIALS, _PIPED, _OLD_MARKS)
        mark = next((one for one in marks if one.match(self.page.lines[at])), None)
        if mark is None:
            return False
        marked = tuple(
            is_marked or (number >= at and mark.match(line) is not None)
            for number, (is_marked, line) in enumerate(zip(self.page.marked, self.page.lines, strict=True))
        )
        self.page = replace(self.page, marked=marked)
        return True

    # ---- marked blocks ----

    def _marked_block(self, start: int) -> int:
        end = self.page.end_of_marked(start)
        if self.hint and start <= self.hint.start < end:
            self.is_sure = True
        if not self.is_sure and _is_only_headers(self.page, start, end):
            self.kept.cut(drops_rules=True)
            self.is_sure = True
            following = self.page.next_filled(end)
            return end if _is_at(self.page.marked, following) else len(self.page.lines)
        if self.is_sure or self._is_history(start, end):
            self.kept.cut(drops_rules=field_of(self.page.bare[start]) is not None)
        else:
            self.kept.add(self.page.lines[start:end])
        return end

    def _is_history(self, start: int, end: int) -> bool:
        """Whether a marked block above any opening is history: writers mark lines of their own as well."""
        page = self.page
        has_before = self.first_filled < start
        if self.last_opening > end:
            is_history = not has_before and not self._is_typed(start, end)
            return is_history or self._stands_below(start, end)
        below = page.next_filled(end)
        has_after = bool(page.rest) or (below < len(page.lines) and not _begins_signature(page.lines[below]))
        if _tells_of_itself(page, start, end):
            self.is_sure = True
            return True
        if self._is_typed(start, end):
            return False
        if not has_before:
            return has_after and not _is_code(page.lines[start:end])
        above = self._line_above(start)
        if above.endswith((":", "：")) or _is_code(page.lines[start:end]):
            return False
        if not has_after:
            if page.is_blank(start - 1):
                return True
            spaced = sum(_SPACED.match(line) is not None for line in page.lines[start:end])
            return end - start >= FEWEST_CLOSE and 2 * spaced >= end - start
        return self.starts_marked or self._answers_follow_a_greeting(start, end)

    def _is_typed(self, start: int, end: int) -> bool:
        """Whether the lines were typed at a prompt: Python's, Ruby's with its result below, or code with an answer."""
        page = self.page
        if all(_PROMPT.match(line) for line in page.lines[start:end]):
            return True
        is_answered = end < len(page.lines) and not page.is_blank(end)
        return is_answered and (page.bare[end].startswith("=>") or _is_code(page.lines[start:end]))

    def _line_above(self, at: int) -> str:
        at -= 1
        while at >= 0 and self.page.is_blank(at):
            at -= 1
        return self.page.bare[at] if at >= 0 else ""

    def _stands_below(self, start: int, end: int) -> bool:
        """Whether the lines were copied from the history below."""
        lines = [
            content for line in self.page.lines[start : min(end, start + 50)] if (content := squash(unmarked(line)))
        ]
        return bool(lines) and 2 * sum(map(self._is_below, lines)) >= len(lines)

    def _is_below(self, content: str) -> bool:
        """Whether the letters of a line stand in the history; parts of its lines are looked for a limited number of
        times."""
        if self.below is None:
            squashed = [squash(unmarked(line)) for line in self.page.lines[min(self.evidence) :]]
            self.below = frozenset(squashed), "".join(squashed)
        lines, letters = self.below
        if content in lines:
            return True
        if len(content) < SHORTEST_PART or self.lookups <= 0:
            return False
        self.lookups -= 1
        return content in letters

    def _answers_follow_a_greeting(self, start: int, end: int) -> bool:
        """«Hello Ann,», then quoted lines with answers between them, the introduction having been deleted."""
        page = self.page
        first = page.bare[self.first_filled]
        second = page.next_filled(self.first_filled + 1)
        is_greeted = len(first) <= MOST_GREETING and first.endswith((",", "!")) and _is_at(page.marked, second)
        blanks_around = page.is_blank(start - 1) and end < len(page.lines) and page.is_blank(end)
        return is_greeted and blanks_around and self.count_marked > end - start

    def _is_tail_of_marked(self, at: int) -> bool:
        """Whether the line is the end of a marked one that was wrapped without its mark."""
        page = self.page
        if not self.is_sure or not 0 < at < len(page.lines) - 1 or not (page.marked[at - 1] and page.marked[at + 1]):
            return False
        line, above = page.bare[at], page.bare[at - 1]
        first = line.split(" ", 1)[0]
        is_wrapped = len(above) >= WRAPPED_AFTER and len(above) + len(first) > 70
        is_part = 0 < len(line) <= LONGEST_WRAPPED and (line[0].islower() or line[0].isdigit())
        return is_wrapped and is_part and above[-1] not in ".?!:" and bool(page.bare[at + 1].strip("> "))


def _begins_signature(line: str) -> bool:
    shown = bare(line)
    return shown in ("--", "__", "___") or is_device_line(shown) or (len(shown) >= 20 and is_drawn(shown))


def _is_at(flags: Sequence[bool], at: int) -> bool:
    return at < len(flags) and flags[at]


def _is_only_headers(page: Page, start: int, end: int) -> bool:
    """Whether the marked lines are nothing but the headers of a mail, whose text follows without marks."""
    if end - start > LOOK_INSIDE:
        return False
    if MESSAGE_OF.match(unmarked(page.bare[start])) or rule_end(page, start):
        start += 1
    if start == end or not field_of(page.bare[start]):
        return False
    inner = page_of("\n".join(unmarked(line) for line in page.lines[start:end]))
    return all(not line or field_of(line) for line in inner.bare) and header_block_end(inner, 0, is_ruled=True) > 2


def _tells_of_itself(page: Page, start: int, end: int) -> bool:
    """Whether a marked block shows by its content that it is a mail: headers, an introduction, older marks."""
    inner = page_of("\n".join(unmarked(line) for line in page.lines[start : min(end, start + LOOK_INSIDE)]))
    if any(one.strength is Strength.STRONG for one in introductions(inner).values()):
        return True
    for at in may_open(inner):
        if rule_end(inner, at) or (field_of(inner.bare[at]) and header_block_end(inner, at, is_ruled=at == 0)):
            return True
    depths = {depth(line) for line in page.lines[start:end]}
    return len(depths) > 1 and 1 in depths


def _is_code(lines: Sequence[str]) -> bool:
    content = [one for line in lines[:50] if (one := unmarked(line).strip())]
    return bool(content) and 2 * sum(_CODE.search(line) is not None for line in content) >= len(content)
