"""Reading: connections that ended meanwhile, and many at once."""

from __future__ import annotations

import asyncio

import pytest
import sqlalchemy as sa
from tests.servers import Postgres

from omnibox.store import Reader, Store, StoreUnavailable

ONE = sa.text("SELECT 1")


def one(tx: Reader) -> int:
    return int(tx.execute(ONE).scalar_one())


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_connection_that_ended_in_the_pool_fails_no_read(
    store: Store, url: str, postgres_server: Postgres
) -> None:
    await asyncio.gather(*(store.read(one) for _ in range(8)))
    name = url.rpartition("/")[2]
    postgres_server.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    assert await asyncio.gather(*(store.read(one) for _ in range(8))) == [1] * 8


async def test_more_readers_than_connections_wait_for_their_turn(store: Store) -> None:
    assert await asyncio.gather(*(store.read(one) for _ in range(100))) == [1] * 100


async def test_a_query_that_fails_takes_no_connection_along(store: Store) -> None:
    def fails(tx: Reader) -> None:
        tx.execute(sa.text("SELECT * FROM nowhere"))

    def gives_up(tx: Reader) -> None:
        raise LookupError

    for _ in range(20):
        with pytest.raises((sa.exc.DBAPIError, StoreUnavailable)):
            await store.read(fails)
        with pytest.raises(LookupError):
            await store.read(gives_up)
    assert await store.read(one) == 1
