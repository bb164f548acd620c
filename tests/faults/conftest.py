"""The hub that most tests of single faults strike: SQLite, the world's three channels."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.faults.figures import figure
from tests.faults.houses import opened
from tests.inbox.house import House

__all__ = ["figure", "house"]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path / "home") as house:
        yield house
