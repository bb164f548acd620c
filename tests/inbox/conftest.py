"""What the tests of the inbox live in: a house with the world's channels, a house of letters, a desk without doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.inbox.desk import Desk, open_desk
from tests.inbox.house import PASSWORD, House, configured
from tests.inbox.mailroom import Room, mailroom

from omnibox.app import listening, running
from omnibox.bus import LocalBus
from omnibox.store import Store
from omnibox.store.migrations import migrate
from omnibox.testing.world.demo import Admin, World, connect_world


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A hub with the world's three channels, live."""
    world = World()
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        config = configured(tmp_path / "home", world)
        shifted = House(None, "", None, world, config)  # type: ignore[arg-type]
        shifted.hub = await stack.enter_async_context(running(config, setup_code="code", clock=shifted.clock))
        shifted.hub.checks_answers = True
        port = await stack.enter_async_context(listening(shifted.hub, "127.0.0.1", 0))
        shifted.base = shifted.hub.connections.base_url = f"http://127.0.0.1:{port}"
        shifted.admin = Admin(shifted.base)
        stack.push_async_callback(shifted.admin.close)
        await shifted.admin.own("code", "owner@shop.example", PASSWORD)
        await connect_world(shifted.admin, world)
        yield shifted


@pytest.fixture
async def desk(url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    await migrate(url)
    bus = LocalBus()
    store = Store(url, ring=bus.ring)
    await store.start()
    yield await open_desk(store, bus, tmp_path)
    await store.stop()


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with mailroom(tmp_path / "home") as room:
        yield room


@pytest.fixture(params=["sqlite", "postgresql"])
async def either(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Room]:
    """For what the store has a part in."""
    settings = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgres_url")}
    async with mailroom(tmp_path / "home", **settings) as room:
        yield room
