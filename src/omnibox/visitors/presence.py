"""Who is here: visitors by their open tabs, agents by their open screens. Kept in memory, told as hints."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field


def nothing(*who: object, is_here: bool = False) -> None:
    pass


@dataclass(slots=True)
class Presence:
    """Somebody is here while a socket is open in any process, and for `grace_s` after the last one closed.

    `came(id)` and `left(id)` are called when that turns; `turned(id, is_here=…)` when it turns in this process alone,
    which is what the other processes have to hear.
    """

    grace_s: float
    came: Callable[[int], None] = nothing
    left: Callable[[int], None] = nothing
    turned: Callable[..., None] = nothing
    _open: Counter[int] = field(default_factory=Counter)
    _leaving: dict[int, asyncio.TimerHandle] = field(default_factory=dict)
    _elsewhere: dict[str, set[int]] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)

    def opened(self, who: int) -> None:
        was_here = self.is_here(who)
        self._open[who] += 1
        self._seen.add(who)
        if leaving := self._leaving.pop(who, None):
            leaving.cancel()
        elif self._open[who] == 1:
            self.turned(who, is_here=True)
        if not was_here:
            self.came(who)

    def closed(self, who: int) -> None:
        self._open[who] -= 1
        if self._open[who] <= 0:
            del self._open[who]
            self._leaving[who] = asyncio.get_running_loop().call_later(self.grace_s, self._left, who)

    def _left(self, who: int) -> None:
        self._leaving.pop(who, None)
        self.turned(who, is_here=False)
        if not self.is_here(who):
            self.left(who)

    def is_here(self, who: int) -> bool:
        return who in self._open or who in self._leaving or any(who in them for them in self._elsewhere.values())

    def word(self, who: int) -> str | None:
        """`here`, `left`, or None for somebody this process has not heard of."""
        if self.is_here(who):
            return "here"
        return "left" if who in self._seen else None

    def everybody(self) -> set[int]:
        return {*self._open, *self._leaving}.union(*self._elsewhere.values())

    # ── Other processes

    def own(self) -> list[int]:
        """Those who are here by this process."""
        return [*self._open, *self._leaving]

    def hear(self, process: str, whole: Collection[int]) -> None:
        """Another process says who is here by it."""
        before = self._elsewhere.get(process, set())
        for who in set(whole) - before:
            self.hear_one(process, who, is_here=True)
        for who in before.difference(whole):
            self.hear_one(process, who, is_here=False)

    def hear_one(self, process: str, who: int, *, is_here: bool) -> None:
        """Somebody came or left in another process."""
        was_here = self.is_here(who)
        them = self._elsewhere.setdefault(process, set())
        (them.add if is_here else them.discard)(who)
        self._seen.add(who)
        if is_here and not was_here:
            self.came(who)
        elif was_here and not self.is_here(who):
            self.left(who)

    def forget(self, process: str) -> None:
        """Another process is gone."""
        self.hear(process, ())
        self._elsewhere.pop(process, None)
