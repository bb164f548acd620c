"""What all tests share: the guard against silent skips, and a PostgreSQL of their own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.servers import Postgres, Redis, find_postgres, find_redis

# A busy machine is no failure. In CI hypothesis takes its profile «ci», which draws the same cases every time.
settings.register_profile("omnibox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
if os.environ.get("CI") != "true":
    settings.load_profile("omnibox")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """In CI a skipped test is a failure: a missing server must not make the run green."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr[-1] if report.longrepr else 'no reason'}"
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server of this run; skips where the programs are missing."""
    server = find_postgres()
    if server is None:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    with server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Postgres) -> Iterator[str]:
    """An empty database, dropped afterwards."""
    name = f"omnibox_{secrets.token_hex(6)}"
    postgres_server.sql(f'CREATE DATABASE "{name}"')
    yield postgres_server.url(name)
    postgres_server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with no tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/omnibox.db"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A Redis server of this run; skips where the program is missing."""
    server = find_redis()
    if server is None:
        pytest.skip("redis-server is not installed")
    with server:
        yield server


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[Postgres]:
    """A PostgreSQL of one module, which may restart it and read its files."""
    server = find_postgres()
    if server is None or server.is_given:
        pytest.skip("PostgreSQL's programs (initdb, pg_ctl) are not installed")
    with server:
        yield server


@pytest.fixture(scope="module")
def own_redis() -> Iterator[Redis]:
    """A Redis of one module, which may stop it."""
    server = find_redis()
    if server is None or server.is_given:
        pytest.skip("redis-server is not installed")
    with server:
        yield server
