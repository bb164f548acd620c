"""One suite for both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omnibox.bus import LocalBus
from omnibox.store import Store
from omnibox.store.migrations import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with no tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/omnibox.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


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
