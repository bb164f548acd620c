"""The house with its people and conversations, and one that is empty."""

from __future__ import annotations

import asyncio
import copy
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.web.house import Furniture, House, furnish

from omnibox.store.migrations import migrate
from omnibox.web.api import ROUTES, Table

OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with all tables and nobody in, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    asyncio.run(migrate(f"sqlite:///{folder}/omnibox.db"))
    return folder


@pytest.fixture(scope="session")
def furnished(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Furniture]:
    """A home folder with people and conversations, to be copied."""
    folder = tmp_path_factory.mktemp("furnished") / "home"
    shutil.copytree(migrated, folder)
    return folder, asyncio.run(furnish(folder))


@pytest.fixture
async def build_house(migrated: Path, furnished: tuple[Path, Furniture], tmp_path: Path) -> AsyncIterator[OpenHouse]:
    """Makes a house that differs from the usual one: `await build_house(public_url=…)`."""
    houses: list[House] = []

    async def build(*, people: bool = True, table: Table = ROUTES, **config: Any) -> House:
        folder = tmp_path / f"house{len(houses)}"
        source, furniture = furnished if people else (migrated, Furniture())
        shutil.copytree(source, folder)
        house = House(folder, copy.deepcopy(furniture), table, **config)
        await house.open()
        houses.append(house)
        return house

    yield build
    for house in houses:
        await house.close()


@pytest.fixture
async def house(build_house: OpenHouse) -> House:
    """An omnibox with owner, admins, agents and conversations."""
    return await build_house()


@pytest.fixture
async def empty_house(build_house: OpenHouse) -> House:
    """An omnibox that was never set up."""
    return await build_house(people=False)
