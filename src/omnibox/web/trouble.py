"""What keeps the store from taking anything, told in the log and above every open page until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from omnibox.logs import get_logger
from omnibox.store import Store, StoreUnavailable
from omnibox.web.errors import TROUBLES

LOOK_S = 1.0
ANSWER_S = 10.0  # longer than SQLite waits for whoever holds the database
AWAY = "away"
log = get_logger("omnibox.store")


@dataclass(slots=True)
class Trouble:
    """`word` is one of `TROUBLES` or `away`, empty while all is well; `tell` hears it whenever it changes."""

    store: Store
    tell: Callable[[str], None]
    word: str = ""
    _since: float = 0.0

    async def run(self) -> None:
        """Once a write has failed, try to store something until that works again; for ever.

        A failure alone says nothing yet: what heals before the first try is nobody's trouble.
        """
        while True:
            await asyncio.sleep(LOOK_S)
            if (self.store.trouble or self.word) and (found := await self._try()) != self.word:
                self._note(found)

    async def _try(self) -> str:
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.store.prove()
        except (StoreUnavailable, TimeoutError) as error:
            return str(error) if str(error) in TROUBLES else AWAY
        return ""

    def _note(self, found: str) -> None:
        if not self.word:
            self._since = monotonic()
        self.word = found
        if found:
            log.warning("the store takes nothing", trouble=found)
        else:
            log.warning("the store goes on", seconds=round(monotonic() - self._since, 1))
        self.tell(found)
