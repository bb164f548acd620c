"""One answer for all who ask the same at the same time: what a thousand screens ask for when their lines come back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Shared:
    """Of each question one answer is being found at a time; whoever comes meanwhile waits, with all the others, for
    the next. So no answer is older than the question, and a crowd costs two."""

    def __init__(self) -> None:
        self._begun: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def answer(self, question: Hashable, find: Callable[[], Awaitable[T]]) -> T:
        """What `find` gives, or raises. It runs to its end also when its callers leave."""
        finding = self._next.get(question)
        if finding is None:
            before = self._begun.get(question)
            finding = self._next[question] = asyncio.create_task(self._find(question, before, find))
            finding.add_done_callback(_end)
        return cast("T", await asyncio.shield(finding))

    async def _find(self, question: Hashable, before: asyncio.Task[Any] | None, find: Callable[[], Awaitable[T]]) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._begun[question] = self._next.pop(question)
        try:
            return await find()
        finally:
            del self._begun[question]


def _end(finding: asyncio.Task[Any]) -> None:
    if not finding.cancelled():
        finding.exception()  # whoever asked may have left; then nobody else looks at it
