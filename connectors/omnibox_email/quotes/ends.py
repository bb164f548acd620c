"""The lines of a text looked at from their end: the last paragraph, the rule above it, what stands above that."""

from __future__ import annotations

import re
from collections.abc import Sequence

from omnibox_email.quotes.cards import LONGEST_BLOCK
from omnibox_email.quotes.lines import bare, is_blank

BARE_RULE = re.compile(r"[-–—_=~*.·#]{1,200}\Z")
_DRAWN_OF = ("-", "_", "#")


def is_bare_rule(line: str) -> bool:
    return not line[:1].isalnum() and BARE_RULE.match(bare(line)) is not None


def strip_end(lines: Sequence[str]) -> list[str]:
    end = len(lines)
    while end and is_blank(lines[end - 1]):
        end -= 1
    return list(lines[:end])


def possible_rules(lines: Sequence[str], start: int) -> list[int]:
    """The lines from `start` on that could be drawn; others may begin with marks that nobody sees."""
    tail = "".join(lines[start:])
    if tail.isascii() and not any(map(tail.__contains__, _DRAWN_OF)):
        return []
    ends = enumerate(lines[start:], start)
    return [at for at, line in ends if line.lstrip().startswith(_DRAWN_OF) or not line.isascii()]


def above_rules(lines: Sequence[str], at: int) -> int:
    """`at`, or the line of a delimiter drawn directly above it."""
    above = at
    while above and (is_blank(lines[above - 1]) or is_bare_rule(lines[above - 1])):
        above -= 1
    return above if not all(map(is_blank, lines[above:at])) else at


def filled_above(lines: Sequence[str], at: int) -> str:
    """The last line above `at` that is not blank, as it is compared."""
    return next((line for one in reversed(lines[:at]) if (line := bare(one))), "")


def paragraph(lines: Sequence[str], end: int, most: int = LONGEST_BLOCK) -> int:
    """The first line of the paragraph that ends above `end`."""
    start = end - 1
    while start > 0 and not is_blank(lines[start - 1]) and end - start < most:
        start -= 1
    return start
