"""One suite for both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from omnibox.bus import LocalBus
from omnibox.store import Store
from omnibox.store.migrations import migrate


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
async def store(url: str, bus: LocalBus) -> AsyncIterator[Store]:
    """A started store with all tables."""
    await migrate(url)
    store = Store(url, ring=bus.ring)
    await store.start()
    yield store
    await store.stop()
