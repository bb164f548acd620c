"""One cluster for all tests here: its start is the dear part."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.faults.figures import figure
from tests.scale.cluster import Cluster, clustered
from tests.servers import Postgres, Redis

__all__ = ["cluster", "figure"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    own_postgres: Postgres, own_redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    own_postgres.sql('CREATE DATABASE "omnibox_scale"')
    home: Path = tmp_path_factory.mktemp("scale") / "home"
    async with clustered(home, own_postgres.url("omnibox_scale"), own_redis) as cluster:
        yield cluster
