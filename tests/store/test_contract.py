"""What every other room relies on in the store, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.util import await_only

from omnibox.bus import LocalBus
from omnibox.events import events_after, follow, read_head
from omnibox.masking import Masked, mask
from omnibox.store import Store, StoreUnavailable, Transaction, insert
from omnibox.store.columns import Instant
from omnibox.store.migrations import migrate
from omnibox.store.tables import contact, event, throttle


def note(name: str, *, fails: bool = False) -> Any:
    """An item that stores a row, announces an event, and may then fail."""

    def write(tx: Transaction) -> str:
        row = {"purpose": "test", "subject": name, "since": tx.clock(), "tries": 0}
        tx.execute(insert(throttle).on_conflict_do_nothing(), row)
        tx.announce("test.noted", word=name)
        if fails:
            raise ValueError(name)
        return name

    return write


def names(tx: sa.Connection) -> set[str]:
    return set(tx.execute(sa.select(throttle.c.subject)).scalars())


async def test_a_write_is_seen_by_the_next_read(store: Store) -> None:
    written = await store.write(note("a"))
    assert written.result == "a"
    assert written.seq == 1
    assert await store.read(names) == {"a"}


async def test_a_failing_item_alone_fails(store: Store) -> None:
    """The others of its batch are committed, and their events are dense."""
    items = [store.write(note(f"n{i}", fails=i % 7 == 3)) for i in range(60)]
    results = await asyncio.gather(*items, return_exceptions=True)
    failed = {f"n{i}" for i in range(60) if i % 7 == 3}
    assert {str(r) for r in results if isinstance(r, ValueError)} == failed
    assert await store.read(names) == {f"n{i}" for i in range(60)} - failed
    events = await store.read(lambda tx: events_after(tx, 0))
    assert [each.seq for each in events] == list(range(1, 61 - len(failed)))
    assert not failed & {each.word for each in events}


async def test_events_are_dense_and_a_resuming_reader_misses_none(store: Store, url: str) -> None:
    """Two writers as two processes would have, and a reader that begins anew from its cursor again and again."""
    other = Store(url)
    await other.start()
    seen: list[int] = []

    async def read_on() -> None:
        while len(seen) < 300:
            after = seen[-1] if seen else 0
            seen.extend(each.seq for each in await store.read(partial(events_after, after=after)))
            await asyncio.sleep(0)

    async def write(which: Store, first: int) -> None:
        for start in range(first, first + 150, 10):
            await asyncio.gather(*(which.write(note(f"w{i}")) for i in range(start, start + 10)))

    async with asyncio.timeout(60):
        await asyncio.gather(read_on(), write(store, 0), write(other, 1000))
    await other.stop()
    assert seen == list(range(1, 301))


async def test_following_yields_every_event_even_when_rings_are_lost(store: Store, url: str) -> None:
    silent = Store(url)  # rings nobody's bell
    await silent.start()
    seen: list[str | None] = []

    async def follow_all() -> None:
        async for batch in follow(store, LocalBus(), 0):
            seen.extend(each.word for each in batch)
            if len(seen) == 3:
                return

    following = asyncio.create_task(follow_all())
    for name in ("a", "b", "c"):
        await silent.write(note(name))
    async with asyncio.timeout(30):
        await following
    await silent.stop()
    assert seen == ["a", "b", "c"]


async def test_one_read_sees_one_snapshot(store: Store) -> None:
    """A write that commits between two statements of one read is seen by neither."""
    await store.write(note("before"))
    loop = asyncio.get_running_loop()
    between = asyncio.Event()
    go_on = asyncio.Event()

    def read_twice(tx: sa.Connection) -> tuple[set[str], set[str]]:
        first = names(tx)
        loop.call_soon_threadsafe(between.set)
        if store.is_embedded:  # there a read has a thread of its own
            asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result(10)
        else:
            await_only(go_on.wait())
        return first, names(tx)

    reading = asyncio.create_task(store.read(read_twice))
    await between.wait()
    await store.write(note("meanwhile"))
    go_on.set()
    first, second = await reading
    assert first == second == {"before"}
    assert await store.read(names) == {"before", "meanwhile"}


async def test_concurrent_read_modify_write_loses_no_update(store: Store, url: str) -> None:
    """Two stores, as two processes, each reading a number and writing the next one."""
    await store.write(note("counter"))
    other = Store(url)
    await other.start()

    def add_one(tx: Transaction) -> None:
        mine = throttle.c.subject == "counter"
        value = tx.execute(sa.select(throttle.c.tries).where(mine).with_for_update()).scalar_one()
        tx.execute(sa.update(throttle).where(mine).values(tries=value + 1))

    async with asyncio.timeout(60):
        await asyncio.gather(*((store if i % 2 else other).write(add_one) for i in range(200)))
    await other.stop()
    value = await store.read(
        lambda tx: tx.execute(sa.select(throttle.c.tries).where(throttle.c.subject == "counter")).scalar_one()
    )
    assert value == 200


async def test_a_lost_commit_answer_doubles_nothing(store: Store) -> None:
    """COMMIT reaches the database, its answer does not reach us: every caller hears that nobody knows."""
    await store.write(note("first"))
    writer: Any = store._writer
    engine = writer._engine
    lose = {"next": True}

    dialect = engine.dialect
    commit = dialect.do_commit

    def commit_and_lose(connection: Any) -> None:
        commit(connection)
        if lose.pop("next", False):
            raise ConnectionResetError("the answer was lost")

    dialect.do_commit = commit_and_lose
    results = await asyncio.gather(*(store.write(note(f"n{i}")) for i in range(5)), return_exceptions=True)
    dialect.do_commit = commit
    assert any(isinstance(result, StoreUnavailable) for result in results)
    again = [await store.write(note(f"n{i}")) for i in range(5)]  # with the same keys, as callers are told to
    assert [each.result for each in again] == [f"n{i}" for i in range(5)]
    rows = await store.read(lambda tx: list(tx.execute(sa.select(throttle.c.subject)).scalars()))
    assert sorted(rows) == ["first", "n0", "n1", "n2", "n3", "n4"]


async def test_a_write_that_fails_alone_is_undone_and_says_why(store: Store) -> None:
    with pytest.raises(ValueError, match="bad"):
        await store.write(note("bad", fails=True))
    assert await store.read(names) == set()
    assert (await store.read(read_head)).seq == 0


async def test_unmasked_text_is_refused_by_type(store: Store) -> None:
    def write(text: str) -> Any:
        return lambda tx: tx.execute(sa.insert(contact), {"name": text, "created_at": tx.clock(), "rev": 0})

    with pytest.raises(sa.exc.StatementError, match="unmasked"):
        await store.write(write("Ana"))
    await store.write(write(mask("Ana")))
    name = await store.read(lambda tx: tx.execute(sa.select(contact.c.name)).scalar_one())
    assert name == "Ana"
    assert isinstance(name, Masked)


async def test_errors_print_no_parameters(store: Store) -> None:
    """A SQL error holds the statement and not what people wrote."""
    row = {"seq": 1, "type": "x", "at": None}
    with pytest.raises(sa.exc.IntegrityError) as caught:
        await store.write(lambda tx: tx.execute(sa.insert(event), row | {"word": "4111111111111111"}))
    assert "4111" not in str(caught.value)


async def test_times_come_back_aware_and_exact(store: Store) -> None:
    moments: list[Any] = []

    def write(tx: Transaction) -> None:
        moments.append(tx.clock())
        row = {"purpose": "t", "subject": "t", "since": moments[0], "tries": 0}
        tx.execute(sa.insert(throttle), row)

    await store.write(write)
    read = await store.read(lambda tx: tx.execute(sa.select(throttle.c.since)).scalar_one())
    assert read == moments[0]
    assert read.utcoffset().total_seconds() == 0
    assert isinstance(throttle.c.since.type, Instant)


async def test_stopping_finishes_what_is_queued(store: Store, url: str) -> None:
    other = Store(url)
    await other.start()
    writing = [asyncio.ensure_future(other.write(note(f"q{i}"))) for i in range(50)]
    await asyncio.sleep(0)
    await other.stop()
    done = await asyncio.gather(*writing, return_exceptions=True)
    stored = await store.read(names)
    assert {result.result for result in done if not isinstance(result, BaseException)} == stored
    assert len(stored) == 50


async def test_no_write_is_lost_between_the_pieces_that_the_writer_gets(store: Store) -> None:
    """More at one go than it is given in one piece, and more of them while those are committed."""
    writing: list[asyncio.Future[Any]] = []
    async with asyncio.timeout(30):
        for piece in range(3):
            writing += [asyncio.ensure_future(store.write(note(f"p{piece}.{i}"))) for i in range(300)]
            for _ in range(5):
                await asyncio.sleep(0)
        await asyncio.gather(*writing)
    assert len(await store.read(names)) == 900
    assert store.queued == 0


async def test_a_stopped_store_says_so(url: str) -> None:
    await migrate(url)
    store = Store(url)
    with pytest.raises(StoreUnavailable):
        await store.write(note("a"))
    await store.start()
    await store.stop()
    with pytest.raises(StoreUnavailable):
        await store.write(note("a"))
    with pytest.raises(StoreUnavailable):
        await store.read(names)


async def test_a_write_handed_in_while_the_store_stops_does_not_wait_for_ever(store: Store, url: str) -> None:
    other = Store(url)
    await other.start()
    writing = asyncio.create_task(other.write(note("before")))
    await asyncio.sleep(0)
    stopping = asyncio.create_task(other.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    async with asyncio.timeout(20):
        with pytest.raises(StoreUnavailable):
            await other.write(note("late"))
        with pytest.raises(StoreUnavailable):
            await other.write_together(lambda tx, brought: [each(tx) for each in brought], note("late, too"))
        await stopping
    assert (await writing).result == "before"
    assert await store.read(names) == {"before"}


async def test_migrating_twice_changes_nothing(url: str) -> None:
    assert await migrate(url) is True
    assert await migrate(url) is False
