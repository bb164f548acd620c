"""Comparing what a folder holds with what was taken from it: a mail that was passed over is fetched, and told of."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from omnibox_email.intake import position_of
from omnibox_email.mailbox.cursors import Keeper
from omnibox_email.mailbox.fetching import Fetcher

if TYPE_CHECKING:
    from omnibox_email.mailbox.imap import Line
    from omnibox_email.mailbox.imap_words import Folder

MOST_ASKED = 500
MISSING = "email.mail_missing"


class Counter:
    """Compares each folder when reading begins and every `every_s` seconds."""

    def __init__(self, keeper: Keeper, fetcher: Fetcher, every_s: float) -> None:
        self._keeper = keeper
        self._fetcher = fetcher
        self._every_s = every_s
        self._due: dict[str, float] = {}
        self._found: dict[str, tuple[int, int]] = {}

    async def count(self, line: Line, opened: Folder, *, is_sent: bool) -> None:
        """Compare the open folder, if it is time to. What is missing is fetched; what still is, raises the alarm."""
        now = asyncio.get_running_loop().time()
        mark = self._keeper.mark(opened.name)
        if mark is None or mark.start < 0 or self._due.get(opened.name, 0) > now:
            return
        there: list[int] = []
        if mark.uid > mark.start:
            there = [
                uid for uid in await line.search("UID", f"{mark.start + 1}:{mark.uid}") if mark.start < uid <= mark.uid
            ]
        missing = await self._missing(opened, there)
        if missing:
            missing = await self._fetch(line, opened, missing, is_sent=is_sent)
        self._due[opened.name] = now + self._every_s
        self._found[opened.name] = len(there), len(missing)
        totals = [sum(each) for each in zip(*self._found.values(), strict=True)]
        await self._keeper.receive.counted(totals[0], totals[1], MISSING)

    async def _fetch(self, line: Line, opened: Folder, uids: list[int], *, is_sent: bool) -> list[int]:
        """Take mails that were passed over; returns those that are there and still not taken."""
        idle: set[int] = set()  # they have nothing to store
        async with aclosing(self._fetcher.read(line, opened, uids, is_sent=is_sent)) as batches:
            async for batch in batches:
                await self._keeper.take(opened.name, batch.items, None)
                told = {getattr(item, "position", "") for item in batch.items}
                idle |= {uid for uid, place in batch.places.items() if place.position not in told}
        there = set(await line.search("UID", f"{uids[0]}:{uids[-1]}"))
        return [uid for uid in await self._missing(opened, uids) if uid in there and uid not in idle]

    async def _missing(self, opened: Folder, uids: list[int]) -> list[int]:
        missing: list[int] = []
        for start in range(0, len(uids), MOST_ASKED):
            asked = {position_of(opened.name, opened.uidvalidity, uid): uid for uid in uids[start : start + MOST_ASKED]}
            missing += [asked[one] for one in await self._keeper.receive.missing(list(asked))]
        return sorted(missing)
