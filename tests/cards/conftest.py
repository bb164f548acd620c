"""One suite for both databases."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cards.keeping import Kept, keep


@pytest.fixture(params=["sqlite", "postgresql"])
async def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    """An installation with a few messages in it."""
    home = tmp_path / "home"
    url = f"sqlite:///{home}/omnibox.db"
    return await keep(home, url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))


@pytest.fixture
async def embedded(tmp_path: Path) -> Kept:
    """The same, on SQLite alone."""
    home = tmp_path / "home"
    return await keep(home, f"sqlite:///{home}/omnibox.db")
