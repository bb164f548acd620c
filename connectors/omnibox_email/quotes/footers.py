"""What nobody writes by hand below a mail: footers of mailing lists, trackers, scanners, lawyers' notices."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from omnibox_email.quotes.cards import LONGEST_BLOCK, is_card, is_reached, is_sentence
from omnibox_email.quotes.ends import above_rules, filled_above, is_bare_rule, paragraph, possible_rules
from omnibox_email.quotes.lines import LONGEST_LINE, bare, is_blank
from omnibox_email.quotes.notice_words import (
    CONDITION,
    FIRST_PERSON,
    FOUND,
    HEADING,
    HOUSE,
    MAY_BE,
    OF_BILLING,
    PRIVACY,
    REGISTERED,
    SAID,
    SCANNED,
    THIS_MAIL,
    TITLED,
)
from omnibox_email.quotes.persons import is_of_a_person, says_what_happened
from omnibox_email.quotes.signature_words import (
    ANNOUNCES,
    BOILER,
    CLOSING,
    DISCLAIMER,
    FOOTER,
    GREETING,
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
LONGEST_OF_SCANNERS = 500
LONGEST_OF_CARD = 80
SHORTEST_ADVERT = 30
SHORTEST_RULE = 20
LONGEST_ADVERT = 4
FEWEST_SAID = 3  # things that lawyers say
FEWEST_REGISTERED = 2  # numbers and names a firm has to state

_MARK = 8
_MARKS = ("_" * _MARK, "=" * _MARK, "-" * _MARK)  # what a long rule begins with
_DIGIT = re.compile(r"\d")
_WEB = re.compile(r"for (?:more|further) information,? please (?:visit|see)|(?:https?://|www\.)\S{1,300}", re.I)
_REACHES = re.compile(r"@|https?:|www\.")
_FRAMED = re.compile(r"[_=-]{8,60} \S.{5,200}\S [_=-]{8,}\Z")  # «__________ Information from ESET … __________»
_LINK = re.compile(r"(?:https?://|www\.)\S{3,500}\Z")
# Rules of Groups.io, LISTSERV and Lyris, each with the lines its program writes below it, which begin so.
_OF_LISTS = (
    (
        re.compile(r"(?:-=){6,}-?\Z"),
        re.compile(r"groups\.io links: you receive all messages|unsubscribe: https?://", re.I),
    ),
    (
        re.compile(r"#{20,}\Z"),
        re.compile(
            r"to unsubscribe from the \S{1,80} list,? (?:click (?:on )?the following link|send)\b.{0,40}:", re.I
        ),
    ),
    (re.compile(r"---\Z"), re.compile(r"you are currently subscribed to \S{1,80} as\b", re.I)),
)
_POSTSCRIPT = re.compile(r"\A\W{0,4}(?:p\.? ?s\b|n\.? ?b\b|nachtrag)", re.I)
_BILL = re.compile(r"invoice|\brechnung|factur|fattur|faktur|fatura", re.I)
_BEGINNINGS = (*THIS_MAIL, *SAID[0], *SAID[1])


def footer(lines: Sequence[str]) -> int:
    """What a mailing list adds below a rule, or below a single dash or `--` that lost its blank."""
    for at in reversed(possible_rules(lines, max(0, len(lines) - LONGEST_BLOCK) + 1)):
        shown = bare(lines[at])
        if said := next((said for rule, said in _OF_LISTS if rule.match(shown)), None):
            first = next((line for one in lines[at + 1 :] if (line := bare(one)[:LONGEST_LINE])), "")
            if said.match(first) and any(map(_REACHES.search, lines[at + 1 :])):
                return at
        elif (len(shown) >= SHORTEST_RULE and not shown.strip("_-")) or shown in ("-", "--", "—"):
            below = " ".join(bare(line)[:300] for line in lines[at + 1 :])
            is_one = FOOTER.search(below) and _REACHES.search(below) and not FIRST_PERSON.search(below)
            return at if is_one else 0
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
        if at and DISCLAIMER.match(text) and _has_boiler_plate(text) and _is_conditional(text):
            return 0 if _is_spoken(lines, at, text, says_what_happened) else _with_heading(lines, at)
        if is_sentence(bare(lines[at])):
            return 0
    return 0


def _is_short_disclaimer(lines: Sequence[str], at: int, text: str) -> bool:
    """Whether it says «This e-mail is confidential.» below numbers to reach somebody by."""
    return bool(DISCLAIMER.match(text) and BOILER.search(text)) and is_reached(filled_above(lines, at))


def _has_boiler_plate(text: str) -> bool:
    """Whether at least two of the words lawyers use stand in a text."""
    return len({found.lower()[:5] for found in BOILER.findall(text)}) > 1


def _is_conditional(text: str) -> bool:
    """Whether it says under which condition or what may be, as lawyers do, or begins with a title of theirs."""
    folded = text.casefold()
    return any(map(folded.__contains__, CONDITION)) or bool(TITLED.match(text) or MAY_BE.search(folded))


def notice(lines: Sequence[str]) -> int:
    """A last paragraph that a house adds below all its mails, in whatever language, with its rules and its link."""
    start, end = _last_paragraph(lines, len(lines))
    if end - start == 1 and _LINK.match(bare(lines[start])[:LONGEST_LINE]):
        start, end = _last_paragraph(lines, start)
    if sum(map(len, lines[start:end])) < SHORTEST_NOTICE:
        return 0
    text = " ".join(" ".join(lines[start:end])[:MOST_OF_NOTICE].split())
    if not _is_notice(text, lines, start) or _is_spoken(lines, start, text):
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
    if len(text) >= SHORTEST_OF_LAWYERS and _is_of_lawyers(folded, first):
        return True
    if HOUSE.match(text):
        return True
    if scanned := SCANNED.match(text):
        return len(text) <= LONGEST_OF_SCANNERS and not FOUND.search(_WEB.sub("", text), scanned.end())
    is_of_house = _DIGIT.search(text) and sum(map(folded.__contains__, REGISTERED)) >= FEWEST_REGISTERED
    return bool(is_of_house or PRIVACY.match(text)) and _is_signed(lines, start) and not _is_asked_for(lines, start)


def _is_spoken(lines: Sequence[str], start: int, text: str, is_own: Callable[[str], bool] = is_of_a_person) -> bool:
    """Whether a paragraph is somebody's own words: by what it says, or since what stands above leads to it.

    Below a signature hardly anybody goes on.
    """
    if _is_signed(lines, start):
        return any(sign.search(text) for sign in (_POSTSCRIPT, FIRST_PERSON, _BILL))
    return _is_led_to(lines, start) or is_own(text)


def _is_led_to(lines: Sequence[str], start: int) -> bool:
    """Whether what stands above a paragraph is a greeting, or goes on in it."""
    above = filled_above(lines, start)
    if above.endswith((":", "：")) or (above.endswith((",", "，", "،")) and not CLOSING.match(above)):
        return True
    return GREETING.match(above[:LONGEST_LINE]) is not None


def _is_asked_for(lines: Sequence[str], start: int) -> bool:
    """Whether what stands above leads to numbers of the firm."""
    above = _filled(lines, start)
    return ANNOUNCES.search(above[-1]) is not None or any(map(OF_BILLING.search, above))


def _is_signed(lines: Sequence[str], start: int) -> bool:
    """Whether a formula with a name, or a name card, stands above: what a person says stands above that."""
    for shown in reversed(_filled(lines, start)[-LONGEST_BLOCK:]):
        if CLOSING.match(shown):
            return True
        if is_sentence(shown) or len(shown) > LONGEST_OF_CARD:
            break
    end = _filled_end(lines, start)
    return is_card([bare(line) for line in lines[paragraph(lines, end) : end]])


def _filled(lines: Sequence[str], end: int) -> list[str]:
    """The last lines above `end` that are not blank."""
    return [shown for line in lines[max(0, end - LONGEST_NOTICE) : end] if (shown := bare(line)[:LONGEST_LINE])]


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
