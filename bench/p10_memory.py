"""P10: resident memory of one idle process, with no channel and with three."""

from __future__ import annotations

import asyncio
import time

from bench.report import Figure, Goal
from bench.servers import bare, hub
from omnibox.testing.world.demo import World, connect_world

REST_S = 5.0


def run(*, long: bool = False) -> list[Figure]:
    with bare("page") as server:
        server.until_page()
        time.sleep(1)
        limit = server.rss_mb()
    first, idle = _idle()
    connected = asyncio.run(_connected())
    return [
        Figure("P10", "memory, idle, no channel", "MB", ((limit, idle),), Goal(90, of="ours", aim=72)),
        Figure("P10", "memory, idle, after the first start", "MB", ((limit, first),)),
        Figure("P10", "memory, idle, three channels", "MB", ((limit, connected),), Goal(110, of="ours")),
    ]


def _idle() -> tuple[float, float]:
    """After a start that made the database, and after one that found it."""
    with hub() as found:
        time.sleep(REST_S)
        first = found.server.rss_mb()
        found.server.stop()
        found.start()
        time.sleep(REST_S)
        return first, found.server.rss_mb()


async def _connected() -> float:
    """With a website, a page and a mailbox, set up before the last start."""
    world = World()
    await world.start()
    try:
        with hub(world.targets) as found:
            admin = await found.own()
            await connect_world(admin, world)
            await admin.close()
            await asyncio.to_thread(found.server.stop)
            await asyncio.to_thread(found.start)
            await asyncio.sleep(REST_S)
            return found.server.rss_mb()
    finally:
        await world.stop()
