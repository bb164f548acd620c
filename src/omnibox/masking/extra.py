"""What a channel hides besides card numbers: the matches of its own patterns, such as the numbers of a loyalty card."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from omnibox.masking.alphabet import BULLET, INVISIBLE, Span
from omnibox.masking.plain import Masked, count_digits, hide, mask

MOST_PATTERNS = 10  # of one channel
KEPT = 4  # digits at the end of a match, as of a card number
LEAST_FOR_KEPT = 8  # digits of a match; of a shorter one all are hidden
_MOST_PASSES = 8  # what is hidden can make room for the next match
_PLACE = re.compile(rf"[\d{BULLET}]")
_DIGIT = re.compile(r"\d")
_UNSEEN = re.compile(f"[{INVISIBLE}]")  # as where a tag stood in HTML


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one channel. Everything that is masked for it is masked by card numbers first, then by these."""

    patterns: tuple[re.Pattern[str], ...] = ()

    def mask(self, text: str) -> Masked:
        """As `masking.mask`. Masking twice is masking once, here too."""
        masked = mask(text)
        return Masked(hide(masked, self.find(masked))) if self.patterns else masked

    def mask_html(self, source: str) -> Masked:
        """As `masking.mask_html`."""
        from omnibox.masking import markup

        masked = markup.mask_html(source)
        return Masked(markup.hide_found(masked, self.find)) if self.patterns else masked

    def mask_bytes(self, data: bytes) -> bytes:
        """As `masking.mask_bytes`."""
        from omnibox.masking.octets import hide_found, mask_bytes

        masked = mask_bytes(data)
        return hide_found(masked, self.find) if self.patterns else masked

    def find(self, text: str) -> Sequence[Span]:
        """The spans of the patterns' matches whose digits must not be seen, in order."""
        if not count_digits(text):
            return []
        if _UNSEEN.search(text):
            places = [at for at, each in enumerate(text) if not _UNSEEN.match(each)]
            found = self._find(_UNSEEN.sub("", text))
            return [(places[start], places[end - 1] + 1) for start, end in found]
        return self._find(text)

    def _find(self, text: str) -> Sequence[Span]:
        spans: list[Span] = []
        for _ in range(_MOST_PASSES):
            found = [_hidden_in(text, match) for pattern in self.patterns for match in pattern.finditer(text)]
            more = sorted(span for span in found if span is not None)
            if not more:
                break
            spans += more
            text = hide(text, more)
        return sorted(spans)


def _hidden_in(text: str, match: re.Match[str]) -> Span | None:
    """From the first to the last digit to hide. A hidden one counts as a digit, so that a match stays as it was."""
    places = [each.start() for each in _PLACE.finditer(text, *match.span())]
    hidden = places[: len(places) - (KEPT if len(places) >= LEAST_FOR_KEPT else 0)]
    if not hidden or not _DIGIT.search(text, hidden[0], hidden[-1] + 1):
        return None
    return hidden[0], hidden[-1] + 1


CARDS = Rules()
"""No patterns: card numbers, codes and dates only."""


@lru_cache(maxsize=128)
def rules_of(patterns: str | None) -> Rules:
    """The rules of a channel's stored patterns, one expression a line. Raises `NotLinear`."""
    if not patterns:
        return CARDS
    from omnibox.masking.linear import check

    return Rules(tuple(check(line).pattern for line in patterns.split("\n") if line))
