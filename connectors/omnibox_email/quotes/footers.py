"""What nobody writes by hand below a mail: footers of mailing lists, trackers, scanners, lawyers' notices."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnibox_email.quotes.cards import LONGEST_BLOCK, is_reached, is_sentence
from omnibox_email.quotes.ends import above_rules, filled_above, is_bare_rule, paragraph, possible_rules
from omnibox_email.quotes.lines import LONGEST_LINE, bare, is_blank
from omnibox_email.quotes.notice_words import (
    CONDITION,
    FIRST_PERSON,
    HEADING,
    HOUSE,
    REGISTERED,
    SAID,
    SCANNED,
    THIS_MAIL,
)
from omnibox_email.quotes.signature_words import (
    ANNOUNCES,
    BOILER,
    DISCLAIMER,
    FOOTER,
    PRINTING,
    TRACKER,
    TRACKER_PIECE,
    VIRUS,
)

LONGEST_NOTICE = 40
MOST_OF_NOTICE = 2500
SHORTEST_DISCLAIMER = 100
SHORTEST_NOTICE = 40
SHORTEST_OF_LAWYERS = 60
SHORTEST_ADVERT = 30
SHORTEST_RULE = 20
LONGEST_ADVERT = 4
FEWEST_SAID = 3  # things that lawyers say
FEWEST_REGISTERED = 2  # numbers and names a firm has to state

_MARK = 8
_MARKS = ("_" * _MARK, "=" * _MARK, "-" * _MARK)  # what a long rule begins with
_DIGIT = re.compile(r"\d")
_REACHES = re.compile(r"@|https?:|www\.")
_FRAMED = re.compile(r"[_=-]{8,60} \S.{5,200}\S [_=-]{8,}\Z")  # «__________ Information from ESET … __________»
_LINK = re.compile(r"(?:https?://|www\.)\S{3,500}\Z")
_LIST_RULE = re.compile(r"(?:-=){6,}-?\Z|#{20,}\Z|---\Z")  # Groups.io's, LISTSERV's, Lyris's
_SUBSCRIBED = re.compile(r"to unsubscribe|currently subscribed|unsubscribe:|you receive all messages", re.I)
_BEGINNINGS = (*THIS_MAIL, *SAID[0], *SAID[1])
# One of these stands in the first line of whatever `SCANNED` and `HOUSE` find.
_HINTS = (
    "scanned",
    "checked",
    "swept",
    "virus",
    "spam",
    "geprüft",
    "views",
    "opinions",
    "a tree",
    "datenschutz",
    "privacy",
)


def footer(lines: Sequence[str]) -> int:
    """What a mailing list adds below a rule, or below a single dash or `--` that lost its blank."""
    for at in reversed(possible_rules(lines, max(0, len(lines) - LONGEST_BLOCK) + 1)):
        shown = bare(lines[at])
        is_list = _LIST_RULE.match(shown) is not None
        if is_list or (len(shown) >= SHORTEST_RULE and not shown.strip("_-")) or shown in ("-", "--", "—"):
            below = " ".join(bare(line)[:300] for line in lines[at + 1 :])
            if (_SUBSCRIBED if is_list else FOOTER).search(below) and _REACHES.search(below):
                return at
            if not is_list:
                return 0
    return 0


def advert(lines: Sequence[str]) -> int:
    """What a mail service or a scanner adds: lines with a link below a long line of underscores, or below a frame."""
    first = max(0, len(lines) - LONGEST_BLOCK)
    if not any(map("".join(lines[first:]).__contains__, _MARKS)):
        return 0
    for at in range(len(lines) - 1, first, -1):
        if lines[at][:_MARK] not in _MARKS:
            continue
        shown = bare(lines[at])[:LONGEST_LINE]
        below = [line for one in lines[at + 1 :] if (line := bare(one))]
        if len(shown) >= SHORTEST_ADVERT and not shown.strip("_"):
            return at if 0 < len(below) <= LONGEST_ADVERT and _LINK.search(below[-1][:LONGEST_LINE]) else 0
        if _FRAMED.match(shown) and VIRUS.search(" ".join((shown, *below))[:LONGEST_LINE]):
            return at
    return 0


def tracker(lines: Sequence[str]) -> int:
    """The last lines where they are nothing but what a program that watches for readers put there."""
    start = len(lines)
    while start > max(1, len(lines) - LONGEST_BLOCK):
        shown = bare(lines[start - 1])
        if shown and (len(shown) > LONGEST_LINE or not TRACKER_PIECE.match(shown)):
            break
        start -= 1
    if not any(TRACKER.search(bare(line)[:LONGEST_LINE]) for line in lines[start:]):
        return 0
    while start < len(lines) and is_blank(lines[start]):
        start += 1
    return start if is_blank(lines[start - 1]) else 0


def disclaimer(lines: Sequence[str]) -> int:
    """A last paragraph of legal boiler plate, or the end of one that begins with name and numbers."""
    start = paragraph(lines, len(lines), LONGEST_NOTICE)
    for at in range(start, len(lines)):
        text = " ".join(bare(line)[:LONGEST_LINE] for line in lines[at:])[:2000]
        if at == start and PRINTING.match(text):
            return at
        if len(text) < SHORTEST_DISCLAIMER:
            return at if at == start and _is_short_disclaimer(lines, at, text) else 0
        if at and DISCLAIMER.match(text) and _has_boiler_plate(text) and not FIRST_PERSON.search(text):
            return _with_heading(lines, at)
        if is_sentence(bare(lines[at])):
            return 0
    return 0


def _is_short_disclaimer(lines: Sequence[str], at: int, text: str) -> bool:
    """Whether it says «This e-mail is confidential.» below numbers to reach somebody by."""
    return bool(DISCLAIMER.match(text) and BOILER.search(text)) and is_reached(filled_above(lines, at))


def _has_boiler_plate(text: str) -> bool:
    """Whether at least two of the words lawyers use stand in a text."""
    return len({found.lower()[:5] for found in BOILER.findall(text)}) > 1


def notice(lines: Sequence[str]) -> int:
    """A last paragraph that a house adds below all its mails, in whatever language, with its rules and its link."""
    start, end = _last_paragraph(lines, len(lines))
    if end - start == 1 and _LINK.match(bare(lines[start])[:LONGEST_LINE]):
        start, end = _last_paragraph(lines, start)
    if sum(map(len, lines[start:end])) < SHORTEST_NOTICE:
        return 0
    text = " ".join(" ".join(lines[start:end])[:MOST_OF_NOTICE].split())
    if text.endswith(("?", "？")) or not _is_notice(text, lines, start):
        return 0
    return _with_heading(lines, start)


def _last_paragraph(lines: Sequence[str], end: int) -> tuple[int, int]:
    """The paragraph that ends above `end`, without the rules around it."""
    end = _filled_end(lines, end)
    while end and is_bare_rule(lines[end - 1]):
        end = _filled_end(lines, end - 1)
    start = paragraph(lines, end, LONGEST_NOTICE) if end else 0
    while start < end and is_bare_rule(lines[start]):
        start += 1
    return start, end


def _with_heading(lines: Sequence[str], at: int) -> int:
    """`at`, or the line of a heading such as «Disclaimer» or of a rule above it."""
    heading = _filled_end(lines, at) - 1
    is_headed = heading > 0 and is_blank(lines[heading - 1]) and HEADING.match(bare(lines[heading])[:LONGEST_LINE])
    return above_rules(lines, heading if is_headed else at)


def _filled_end(lines: Sequence[str], end: int) -> int:
    """The line after the last one above `end` that is not blank."""
    while end and is_blank(lines[end - 1]):
        end -= 1
    return end


def _is_notice(text: str, lines: Sequence[str], start: int) -> bool:
    """Whether a paragraph says what notices say, from its first line on: own words may stand above them."""
    folded, first = text.casefold(), lines[start][:LONGEST_LINE].casefold()
    is_one = len(text) >= SHORTEST_OF_LAWYERS and _is_of_lawyers(folded, first)
    if not is_one and any(map(first.__contains__, _HINTS)):
        is_one = bool(SCANNED.search(first) or HOUSE.match(text))
    if not is_one and _DIGIT.search(text) and sum(map(folded.__contains__, REGISTERED)) >= FEWEST_REGISTERED:
        above = filled_above(lines, start)
        is_one = not above.endswith((":", "：")) and not ANNOUNCES.search(above)
    return is_one and not FIRST_PERSON.search(text)


def _is_of_lawyers(folded: str, first: str) -> bool:
    if not any(map(folded.__contains__, CONDITION)):
        return False
    if not any(map(first.__contains__, _BEGINNINGS)):
        return False
    count = sum(any(map(folded.__contains__, said)) for said in SAID)
    is_secret = any(map(folded.__contains__, SAID[0]))
    return count >= FEWEST_SAID if is_secret else count > FEWEST_SAID and any(map(folded.__contains__, THIS_MAIL))


# What goes only where history was cut off below: the rest of the text may be about such a notice.
OF_HISTORY = (disclaimer, notice, advert)
