"""How fast a page may ask: Meta's published rates, and the share of the page's and the app's quota that is used up.

Meta says with every answer how much is used (`X-App-Usage`, `X-Page-Usage`, `X-Business-Use-Case-Usage`, in percent of
an hour's quota). From 80 % on calls are spread out, from 95 % on only those go that a customer waits for.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from omnibox.connector import Temporary
from omnibox_messenger.decoding import decode, elements, member, number

Kind = Literal["text", "media", "thread", "other"]
RATES: Mapping[Kind, float] = {"text": 300, "media": 10, "thread": 2, "other": 20}
"""Calls a second for a page: texts, files (the rate of audio and video), the Conversations API (March 2026)."""

OURS = 0.9  # of those rates: Meta counts by its own clock
BURST_S = 1.0  # so much of a quiet time may be made up for at once
SLOW_AT, LAST_AT, FULL = 80.0, 95.0, 100.0  # percent
GAP_S, LAST_GAP_S = 10.0, 50.0  # what the gap between two calls grows by up to 95 %, and from there to 100 %
FULL_S = 60.0  # until a call is tried again, where Meta names no time
LONGEST_S = 3600.0
PATIENCE_S = 5.0  # a call waits here so long for its turn; beyond that the page's queue waits
NEAR_LIMIT = "messenger.near_limit"

_HEADERS = ("x-app-usage", "x-page-usage")
_SHARES = ("call_count", "total_time", "total_cputime")


@dataclass(slots=True)
class Pace:
    """The turns of one page. `clock` runs in seconds and never goes back."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    usage: float = 0.0
    _full_until: float = 0.0
    _turns: dict[Kind, float] = field(default_factory=dict)

    def hear(self, headers: Mapping[str, str]) -> None:
        """Take note of what an answer says about the quota; nothing where it says nothing."""
        given = {name.lower(): value for name, value in headers.items() if "-usage" in name.lower()}
        uses = list(_uses(given))
        if not uses:
            return
        self.usage = max((share for use in uses for share in _shares(use)), default=0.0)
        minutes = max((number(member(use, "estimated_time_to_regain_access")) or 0.0 for use in uses), default=0.0)
        if self.usage >= FULL or minutes > 0:
            wait_s = min(60 * minutes, LONGEST_S) if minutes > 0 else FULL_S
            self._full_until = max(self._full_until, self.clock() + wait_s)

    async def turn(self, kind: Kind, *, is_urgent: bool = True, patience_s: float = PATIENCE_S) -> None:
        """Returns when a call may go; raises `Temporary` for the whole page where that takes long.

        Calls that nobody waits for are refused from 95 % on.
        """
        now = self.clock()
        if now < self._full_until:
            raise Temporary(NEAR_LIMIT, self._full_until - now, whole_channel=True)
        if not is_urgent and self.usage >= LAST_AT:
            raise Temporary(NEAR_LIMIT, 10 * FULL_S)
        gap_s = max(1 / (OURS * RATES[kind]), self._gap())
        first = now - (BURST_S if self.usage < SLOW_AT else 0.0)
        at = max(self._turns.get(kind, first), first)
        if at - now > patience_s:
            raise Temporary(NEAR_LIMIT, at - now, whole_channel=True)
        self._turns[kind] = at + gap_s
        if at > now:
            await self.sleep(at - now)

    def _gap(self) -> float:
        """Seconds between two calls: none below 80 %, more up to 95 %, and many from there on."""
        over = max(self.usage - SLOW_AT, 0.0) / (LAST_AT - SLOW_AT)
        last = max(self.usage - LAST_AT, 0.0) / (FULL - LAST_AT)
        return min(over, 1.0) * GAP_S + min(last, 1.0) * LAST_GAP_S


def _uses(headers: Mapping[str, str]) -> Iterator[object]:
    for name in _HEADERS:
        if name in headers:
            yield _decoded(headers[name])
    business = _decoded(headers.get("x-business-use-case-usage", ""))
    for found in business.values() if isinstance(business, dict) else ():
        yield from elements(found)


def _shares(use: object) -> Iterator[float]:
    for name in _SHARES:
        yield number(member(use, name)) or 0.0


def _decoded(header: str) -> object:
    try:
        return decode(header.encode()) if header else None
    except ValueError:
        return None
