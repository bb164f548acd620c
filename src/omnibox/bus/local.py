"""What a bus is, and the one within a process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

Hint = Mapping[str, Any]
"""Ids, numbers and words of the code. Never what somebody wrote or is called: a bus may be a foreign server."""


class Bus(Protocol):
    """Rings reach whoever waits now; a follower that heard nothing looks again by itself after two seconds.

    Hints reach whoever listens, in every process, this one first; nobody may rely on them.
    """

    def ring(self, words: set[str]) -> None: ...

    def heard(self, word: str) -> int:
        """How often `word` has been rung."""

    async def wait(self, word: str, since: int, timeout_s: float = 2.0) -> None:
        """Sleep until `word` has been rung more than `since` times, or the time is over."""

    def tell(self, topic: str, hint: Hint) -> None: ...

    def listen(self, topic: str, hear: Callable[[Hint], None]) -> None:
        """From now on call `hear` with every hint on `topic`. It must not wait."""

    def is_whole(self) -> bool:
        """Whether what is told now reaches the other processes, as far as this one knows."""

    async def run(self) -> None:
        """Carry to and from other processes until cancelled; never ends by itself."""


class LocalBus:
    """Within one process. Rings are numbered per word, so one between two waits is not missed."""

    def __init__(self) -> None:
        self._rings: dict[str, int] = {}
        self._waiting: dict[str, asyncio.Event] = {}
        self._listening: dict[str, list[Callable[[Hint], None]]] = {}

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

    def tell(self, topic: str, hint: Hint) -> None:
        for hear in self._listening.get(topic, ()):
            hear(hint)

    def listen(self, topic: str, hear: Callable[[Hint], None]) -> None:
        self._listening.setdefault(topic, []).append(hear)

    def is_whole(self) -> bool:
        return True

    async def run(self) -> None:
        await asyncio.get_running_loop().create_future()
