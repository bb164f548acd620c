"""The receiving end a source talks to in tests: takes items and cursor together, or refuses both."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from omnibox.connector import Envelope

MOST_ITEMS = 100


class StoreDown(Exception):
    """The store cannot take anything now; nothing was taken."""


class Taking:
    """A `Receive`. `fails` refuses that many calls first; `blocks` never answers.

    Hand the same one to a second `run` to play a restart: it holds the last committed cursor.
    """

    def __init__(self, *, fails: int = 0, blocks: bool = False) -> None:
        self.cursor: Mapping[str, Any] = {}
        self.taken: list[Envelope] = []
        self.largest = 0
        self.refused = 0
        self.waits: list[float] = []
        self.alarms: list[str] = []
        self._committed = "{}"
        self._fails = fails
        self._blocks = blocks
        self._changed = asyncio.Event()

    @property
    def keys(self) -> list[str]:
        """The event keys of what was taken, in order."""
        return [str(getattr(item, "event_key", "")) for item in self.taken]

    @property
    def is_untouched(self) -> bool:
        """Whether `cursor` is what was last committed: nobody changed it in place."""
        return bool(json.loads(self._committed) == self.cursor)

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        self.largest = max(self.largest, len(items))
        committed = json.dumps(cursor, sort_keys=True)
        if self._blocks or self.refused < self._fails:
            self.refused += 1
            self._changed.set()
            if self._blocks:
                await asyncio.Event().wait()
            raise StoreDown
        # A commit gives way to others once, so that a source that does not wait for it is found out.
        await asyncio.sleep(0)
        known = set(self.keys)
        self.taken += items
        self._committed, self.cursor = committed, json.loads(committed)
        self._changed.set()
        return ["duplicate" if getattr(item, "event_key", None) in known else "stored" for item in items]

    async def missing(self, positions: Sequence[str]) -> list[str]:
        known = {getattr(item, "position", "") for item in self.taken}
        return [position for position in positions if position not in known]

    async def counted(self, there: int, missing: int, code: str = "") -> None:
        del there
        self.alarms += [code] if missing else []

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def until_keys(self, count: int) -> None:
        """Wait until `count` different event keys were taken."""
        while len(set(self.keys)) < count:
            self._changed.clear()
            await self._changed.wait()

    async def until_refused(self) -> None:
        """Wait until a call was refused or is held."""
        while not self.refused:
            self._changed.clear()
            await self._changed.wait()
