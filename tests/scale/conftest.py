"""One cluster for all tests here: its start is the dear part."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from tests.scale.cluster import Cluster, clustered
from tests.servers import Postgres, Redis, find_postgres, find_redis


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A server that a test may restart."""
    server = find_postgres()
    if server is None or server.is_given:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    with server:
        yield server


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A server that a test may stop."""
    server = find_redis()
    if server is None or server.is_given:
        pytest.skip("redis-server is not installed")
    with server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(
    own_postgres: Postgres, own_redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    own_postgres.sql('CREATE DATABASE "omnibox_scale"')
    home: Path = tmp_path_factory.mktemp("scale") / "home"
    async with clustered(home, own_postgres.url("omnibox_scale"), own_redis) as cluster:
        yield cluster
