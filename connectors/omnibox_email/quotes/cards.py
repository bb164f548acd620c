"""The name cards people close a mail with: which lines are a name with what belongs to it, and no words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnibox_email.charsets import words
from omnibox_email.quotes.lines import LONGEST_LINE
from omnibox_email.quotes.signature_words import GREETING

LONGEST_BLOCK = 14
LONGEST_NAME = 50

PHONE = re.compile(
    r"(?:\+|\(|\b0|\b1[ -.])[\d ()./\u00a0-]{6,}\d|\b\d{3}[-. ]\d{3}[-. ]\d{3,4}\b|(?:\d{2}[ .]){4}\d{2}\b"
)
CONTACT = re.compile(
    r"https?://|www\.|@|\b(?:tel|phone|fon|fax|mob|mobile|cell|handy|telefon|tél|teléfono|móvil|office|direct"
    r"|m|t|p|f|e|w)\s?[.:]\s?\S|\b(?:gmbh|ltd|inc|llc|s\.?r\.?l|s\.?a\.?s|corp|kg|sp\. z o|a/s|oy|ab|bv|b\.v"
    r"|plc|co\.)\b",
    re.I,
)
_SENTENCE = re.compile(r"[.?!。？！:]\)?\Z")
_ABBREVIATED = re.compile(r"(?<![^\W\d_])[^\W\d_]{1,5}\.\Z")  # «Ltd.», «B. Sc.», «Ann S.»
_DEPUTY = re.compile(r"(?:i\. ?[AaVv]\.|ppa\.) ?")  # who signs for somebody else, as in German offices
_COLUMNS = re.compile(r" [|•·] ")
_PICTURE = re.compile(r"(?:\[(?:cid:|image:|https?://)[^\]]{1,300}\](?:<[^>]{1,300}>)?\s?){1,9}\Z", re.I)
_WORD = re.compile(r"[^\W\d_][\w.'’-]*")
_PARTICLES = words("de da do dos das del della di van von der den ten ter la le du des y e und et bin al zu af")


def is_signature(lines: Sequence[str], *, is_expected: bool) -> bool:
    """Whether short lines are a name with what belongs to it."""
    if not lines:
        return is_expected
    if len(lines) > LONGEST_BLOCK or any(len(line) > 120 for line in lines) or not is_short(lines[0]):
        return False
    if any(re.match(r"(?:[-*•]|\d+[.)])\s", line) for line in lines):
        return False
    has_contact = any(map(is_reached, lines))
    if is_expected:
        return has_contact or not (lines[0].endswith((".", "!")) or any(is_sentence(line) for line in lines))
    return is_name(lines[0]) and (has_contact or len(lines) <= 3) and not any(is_sentence(line) for line in lines)


def is_block(lines: Sequence[str], *, needs_name: bool) -> bool:
    if needs_name and not is_short(lines[0]):
        return False
    if any(is_sentence(line) or len(line) > 160 for line in lines):
        return False
    return len(lines) <= 5 or any(map(is_reached, lines))


def is_full_block(lines: Sequence[str]) -> bool:
    has_contact = any(map(is_reached, lines[1:]))
    return has_contact and is_name(lines[0]) and not any(is_sentence(line) for line in lines)


def is_card(rows: Sequence[str]) -> bool:
    """Whether lines are a full name and at least two pieces to reach it by, whatever pictures stand between them."""
    pieces = [piece for row in rows if not _PICTURE.match(row) for piece in _COLUMNS.split(row)]
    if len(pieces) < 3 or not (1 < len(pieces[0].split()) <= 5 and is_name(pieces[0].strip("*_"))):
        return False
    return sum(map(is_reached, pieces[1:])) >= 2 and not any(map(is_sentence, pieces))


def is_reached(line: str) -> bool:
    """Whether a line tells how to reach somebody: a number, an address, a firm."""
    shown = line[:LONGEST_LINE]  # `PHONE` is quadratic in brackets
    return bool(PHONE.search(shown) or CONTACT.search(shown))


def is_sentence(line: str) -> bool:
    """Whether a line reads like own words rather than like a part of a signature."""
    if re.match(r"p\.? ?[sd]\b", line, re.I) or line.endswith(("?", "？")) or GREETING.match(line):
        return True
    count = len(line.split())
    if not ((count > 1 and _SENTENCE.search(line) and not _ABBREVIATED.search(line)) or count > 12):
        return False
    return not is_reached(line)


def is_short(line: str) -> bool:
    return len(line) <= 80 and not is_sentence(line) and len(line.split()) <= 8


def is_name(line: str) -> bool:
    """Whether a line could be a person's or a firm's name: few words, capital letters."""
    if len(line) > LONGEST_NAME or _SENTENCE.search(line.rstrip(".")):
        return False
    words = _WORD.findall(_DEPUTY.sub("", line))
    small = [word for word in words if word[:1].islower() and word.casefold() not in _PARTICLES]
    return 0 < len(words) <= 5 and (not small or (len(words) <= 2 and len(small) == len(words)))


def with_links(lines: list[str]) -> list[str]:
    """The lines with each link that a line announces («Secured with …:») joined to it."""
    out: list[str] = []
    for line in lines:
        if out and out[-1].endswith(":") and line.startswith(("http://", "https://", "www.")):
            out[-1] += f" {line}"
        else:
            out.append(line)
    return out
