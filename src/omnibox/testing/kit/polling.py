"""A source: hands over everything, moves no cursor that was not taken, ends when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from omnibox import connector as api
from omnibox.testing import inspection
from omnibox.testing.kit.applying import applies, source
from omnibox.testing.kit.base import Base, assert_cancels
from omnibox.testing.sources import MOST_ITEMS, StoreDown, Taking


class Polling(Base):
    @applies(source)
    async def test_a_source_hands_over_everything(self, one: Any, platform: Any) -> None:
        taking = await self._source(platform, 130)
        async with _running(one, taking):
            await asyncio.wait_for(taking.until_keys(130), self.patience_s)
        assert taking.largest <= MOST_ITEMS
        assert not [fault for item in taking.taken for fault in inspection.faults(item)]
        assert taking.is_untouched

    @applies(source)
    async def test_a_source_ends_soon_after_cancel(self, one: Any, platform: Any) -> None:
        await self._source(platform, 3)
        for idle_s in (0, 0.01, 0.1):  # busy, and at rest
            taking = Taking()
            async with _running(one, taking):
                await asyncio.wait_for(taking.until_keys(3), self.patience_s)
                await asyncio.sleep(idle_s)

    @applies(source)
    async def test_a_source_ends_while_the_store_is_stuck(self, one: Any, platform: Any) -> None:
        await self._source(platform, 3)
        taking = Taking(blocks=True)
        task = asyncio.ensure_future(one.run(taking))
        await asyncio.wait_for(taking.until_refused(), self.patience_s)
        await assert_cancels(task)
        assert taking.is_untouched
        await self._assert_all_arrive(platform, Taking(), 3)

    @applies(source)
    async def test_what_the_store_refused_comes_again(self, one: Any, platform: Any) -> None:
        await self._source(platform, 3)
        taking = Taking(fails=1)
        task = asyncio.ensure_future(one.run(taking))
        await asyncio.wait_for(taking.until_refused(), self.patience_s)
        with contextlib.suppress(TimeoutError, StoreDown, api.SendError):
            # It may end by the error or try again by itself; both are well.
            waits = {task, asyncio.ensure_future(taking.until_keys(3))}
            await asyncio.wait(waits, timeout=self.patience_s, return_when=asyncio.FIRST_COMPLETED)
            for waiter in waits:
                waiter.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        await self._assert_all_arrive(platform, taking, 3)

    @applies(source)
    async def test_a_source_goes_on_where_it_stopped(self, one: Any, platform: Any) -> None:
        taking = await self._source(platform, 3)
        async with _running(one, taking):
            await asyncio.wait_for(taking.until_keys(3), self.patience_s)
        seen = len(taking.taken)
        await self.fill(platform, 1)
        await self._assert_all_arrive(platform, taking, 4)
        assert len(taking.taken) == seen + 1, "it handed over again what was taken"

    async def _source(self, platform: Any, count: int) -> Taking:
        await self.fill(platform, count)
        return Taking()

    async def _assert_all_arrive(self, platform: Any, taking: Taking, count: int) -> None:
        context = self.new_context(platform)
        async with _running(self.connector(context), taking):
            await asyncio.wait_for(taking.until_keys(count), self.patience_s)
        await context.close()
        assert taking.is_untouched


@contextlib.asynccontextmanager
async def _running(one: Any, taking: Taking) -> AsyncIterator[None]:
    task = asyncio.ensure_future(one.run(taking))
    try:
        yield
    finally:
        await assert_cancels(task)
