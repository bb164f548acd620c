"""Where runs and sweeps play: a hub with an owner and three channels, the platforms around it, and a tab left open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign.hub import Hub
from tests.faults.campaign.inbox import Desk, LiveView
from tests.faults.campaign.people import People
from tests.faults.campaign.schedule import heal

from omnibox.testing.world.demo import Admin, World, connect_world

OWNER, PASSWORD = "owner@brightleaf.example", "correct horse battery staple"


@dataclass(slots=True)
class Stage:
    """`live` is the open tab: it has followed the feed since before the first message."""

    hub: Hub
    world: World
    desk: Desk
    live: LiveView
    folder: Path
    rounds: int = 0
    heard: Callable[[str], None] = lambda what: None
    latest: People | None = None

    def people(self, seed: str = "", per_channel: int = 1) -> People:
        """Customers nobody has heard of, and a live view that begins with them."""
        self.rounds += 1
        name = f"n{self.rounds}"
        people = People(name, seed or name, self.hub, self.world, live=self.live, desk=self.desk, each=per_channel)
        self.live.messages.clear()
        self.live.announced.clear()
        people.listen(self.heard)
        self.latest = people
        return people

    def listen(self, heard: Callable[[str], None]) -> None:
        """Tell of whatever the world hears from now on: calls, commands, acknowledgements."""
        self.heard = self.desk.heard = heard
        graph, house = self.world.graph, self.world.house
        graph.heard = graph.hooks.heard = house.imap.heard = house.smtp.heard = heard
        if self.latest is not None:
            self.latest.listen(heard)


@asynccontextmanager
async def stage(folder: Path, database_url: str = "") -> AsyncIterator[Stage]:
    """Set up by the public API, as an owner's browser would; `database_url` is empty for SQLite in the folder."""
    async with AsyncExitStack() as stack:
        world = World()
        await world.start()
        stack.push_async_callback(world.stop)
        heal(world)
        hub = Hub(folder / "home", world.targets, database_url)
        admin = Admin(hub.base)
        stack.push_async_callback(admin.close)
        stack.push_async_callback(hub.close)
        await hub.start()
        await admin.own(await hub.setup_code(), OWNER, PASSWORD)
        await connect_world(admin, world)
        desk = Desk(admin)
        await desk.learn_channels()
        live = LiveView(desk)
        await live.open()
        following = asyncio.create_task(live.follow())
        try:
            yield Stage(hub, world, desk, live, folder)
        finally:
            following.cancel()
            await asyncio.wait([following])
