"""The doorbell between whoever writes and whoever follows. It carries a word, never content, and may lose rings."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Bus(Protocol):
    """Rings reach whoever waits now; a follower that heard nothing looks again by itself after two seconds."""

    def ring(self, words: set[str]) -> None: ...
    def heard(self, word: str) -> int:
        """How often `word` has been rung."""

    async def wait(self, word: str, since: int, timeout_s: float = 2.0) -> None:
        """Sleep until `word` has been rung more than `since` times, or the time is over."""


class LocalBus:
    """Within one process. Rings are numbered per word, so one between two waits is not missed."""

    def __init__(self) -> None:
        self._rings: dict[str, int] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    def ring(self, words: set[str]) -> None:
        for word in words:
            self._rings[word] = self._rings.get(word, 0) + 1
            if waiting := self._waiting.pop(word, None):
                waiting.set()

    def heard(self, word: str) -> int:
        return self._rings.get(word, 0)

    async def wait(self, word: str, since: int, timeout_s: float = 2.0) -> None:
        if self._rings.get(word, 0) == since:
            waiting = self._waiting.setdefault(word, asyncio.Event())
            try:
                async with asyncio.timeout(timeout_s):
                    await waiting.wait()
            except TimeoutError:
                pass
