"""Reading: connections that ended meanwhile, and many at once."""

from __future__ import annotations

import asyncio
import threading

import pytest
import sqlalchemy as sa
from tests.servers import Postgres

from omnibox.store import Reader, Store, StoreUnavailable
from omnibox.store import store as stores
from omnibox.store import tables as t
from omnibox.store.hot import Hot

ONE = sa.text("SELECT 1")


def one(tx: Reader) -> int:
    return int(tx.execute(ONE).scalar_one())


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_a_connection_that_ended_in_the_pool_fails_no_read(
    store: Store, url: str, postgres_server: Postgres
) -> None:
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{url.rpartition('/')[2]}'"
    await asyncio.gather(*(store.read(one) for _ in range(8)))
    postgres_server.sql(end)
    assert await asyncio.gather(*(store.read(one) for _ in range(8))) == [1] * 8
    postgres_server.sql(end)
    assert await asyncio.gather(*(store.look_up(Hot(ONE), {}) for _ in range(8))) == [[(1,)]] * 8


async def test_what_is_looked_up_is_what_a_query_function_reads(store: Store) -> None:
    await store.prove()
    wanted = sa.select(t.throttle).where(t.throttle.c.purpose == sa.bindparam("purpose"))
    (read,) = await store.read(lambda tx: tx.execute(wanted, {"purpose": "store"}).all())
    (found,) = await store.look_up(Hot(wanted), {"purpose": "store"})
    assert tuple(found) == tuple(read)
    assert found.since.tzinfo is not None
    assert await store.look_up(Hot(wanted), {"purpose": "nothing"}) == []


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_one_statement_needs_no_transaction_around_it(store: Store) -> None:
    isolation = sa.text("SELECT current_setting('transaction_isolation')")
    for _ in range(2):  # on one connection
        assert await store.look_up(Hot(isolation), {}) == [("read committed",)]
        assert await store.read(lambda tx: tx.execute(isolation).scalar()) == "repeatable read"


async def test_more_readers_than_connections_wait_for_their_turn(store: Store) -> None:
    assert await asyncio.gather(*(store.read(one) for _ in range(100))) == [1] * 100


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_read_that_outlasts_the_stop_leaves_no_thread_behind(
    store: Store, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread of a reader keeps the process from ending."""
    monkeypatch.setattr(stores, "STOP_S", 0.01)
    has_begun, may_end = threading.Event(), threading.Event()
    await asyncio.to_thread(has_begun.is_set)  # that pool is the loop's
    before = set(threading.enumerate())
    other = Store(url)
    await other.start()

    def slow(tx: Reader) -> int:
        has_begun.set()
        assert may_end.wait(20)
        return one(tx)

    reading = asyncio.create_task(other.read(slow))
    assert await asyncio.to_thread(has_begun.wait, 20)
    await other.stop()
    may_end.set()
    assert await reading == 1
    left = {each for each in threading.enumerate() if each not in before and not each.daemon}
    for each in left:
        await asyncio.to_thread(each.join, 5)
    assert not any(each.is_alive() for each in left)


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
