"""Who is here: visitors by their open tabs, agents by their open screens. Kept in memory, told as hints."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Presence:
    """Somebody is here while a socket is open, and for `grace_s` after the last one closed.

    `came(id)` and `left(id)` are called when that turns.
    """

    grace_s: float
    came: Callable[[int], None] = lambda who: None
    left: Callable[[int], None] = lambda who: None
    _open: Counter[int] = field(default_factory=Counter)
    _leaving: dict[int, asyncio.TimerHandle] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def opened(self, who: int) -> None:
        self._open[who] += 1
        self._seen.add(who)
        if leaving := self._leaving.pop(who, None):
            leaving.cancel()
        elif self._open[who] == 1:
            self.came(who)

    def closed(self, who: int) -> None:
        self._open[who] -= 1
        if self._open[who] <= 0:
            del self._open[who]
            self._leaving[who] = asyncio.get_running_loop().call_later(self.grace_s, self._left, who)

    def _left(self, who: int) -> None:
        self._leaving.pop(who, None)
        self.left(who)

    def is_here(self, who: int) -> bool:
        return who in self._open or who in self._leaving

    def word(self, who: int) -> str | None:
        """`here`, `left`, or None for somebody this process has not seen."""
        if self.is_here(who):
            return "here"
        return "left" if who in self._seen else None

    def anybody(self) -> bool:
        return bool(self._open)
