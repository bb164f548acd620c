"""A SQLite file that is held, or whose disk is slow: who writes waits or is refused, who reads does not notice."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from tests.faults.hooks import post, said
from tests.faults.houses import times
from tests.inbox.house import House

from omnibox.web import readiness

PATIENCE_MS = 300  # of the writer, in place of its five seconds
COMMIT_S = 0.5
MOST_LAG_S = 0.05


@contextmanager
def held(house: House) -> Iterator[None]:
    """Another program has the write lock."""
    assert house.config.database_path is not None
    holder = sqlite3.connect(house.config.database_path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.execute("ROLLBACK")
        holder.close()


@contextmanager
def writers(moment: str, do: Any) -> Iterator[None]:
    """`do(connection)` in the writer's thread at each begin or commit."""

    def listen(connection: sa.Connection) -> None:
        if threading.current_thread().name == "store writer":
            do(connection)

    sa.event.listen(sa.Engine, moment, listen)
    try:
        yield
    finally:
        sa.event.remove(sa.Engine, moment, listen)


async def test_a_short_lock_delays_and_refuses_nothing_and_commits_are_flushed(house: House) -> None:
    """What was acknowledged survives a power cut: WAL with `synchronous=FULL`, asked of the hub's own writer."""

    def pragma(tx: Any) -> tuple[Any, ...]:
        return tuple(
            tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        )

    assert (await house.hub.store.write(pragma)).result == ("wal", 2)
    graph = house.world.graph
    async with aiohttp.ClientSession() as http:
        with held(house):
            posting = [asyncio.create_task(post(http, graph, said(graph, f"text {n}"))) for n in range(5)]
            for _ in range(10):
                assert await house.rows() == []  # a reader is never in the way, nor kept waiting
            assert not any(each.done() for each in posting)
        assert {(await each).status for each in posting} == {200}
    (row,) = await house.rows()
    assert sorted(each["text"] for each in await house.messages(row["id"])) == [f"text {n}" for n in range(5)]


async def test_a_long_lock_acknowledges_nothing_and_stops_no_reader(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "READY_TIMEOUT_S", 0.5)
    graph = house.world.graph
    await graph.write("7001", "before")
    row = await house.row("Ada Moreno")
    click = {"client_id": secrets.token_hex(8), "text": "answer"}
    path = f"/api/conversations/{row['id']}/replies"
    with writers("begin", lambda connection: connection.exec_driver_sql(f"PRAGMA busy_timeout={PATIENCE_MS}")):
        async with aiohttp.ClientSession() as http, house.visitor() as visitor:
            with held(house):
                refused = await post(http, graph, said(graph, "meanwhile"))
                assert (refused.status, refused.retry_after) == (503, "2")
                with pytest.raises(RuntimeError, match=r"503.*store_unavailable.*Another program"):
                    await house.admin.ask("POST", path, click)
                nack = await visitor.say("chat", client_id="chat-00001")
                assert (nack["t"], nack["final"]) == ("nack", False)
                assert [each["text"] for each in await house.messages(row["id"])] == ["before"]
                async with http.get(f"{house.base}/readyz") as answer:
                    assert answer.status == 503
            async with http.get(f"{house.base}/readyz") as answer:
                assert answer.status == 200
            assert (await post(http, graph, said(graph, "meanwhile"))).status == 200
            await house.admin.ask("POST", path, click)
            visitor.answers.clear()
            assert (await visitor.say("chat", client_id="chat-00001"))["t"] == "ack"
    texts = [each["text"] for each in await house.messages(row["id"])]
    assert texts == ["before", "meanwhile", "answer"]
    assert len(await house.rows()) == 2


async def test_a_disk_that_takes_half_a_second_to_commit_does_not_hold_the_loop(house: House) -> None:
    """Counted in turns of the loop, not in time: during each commit it turns as often as a lag of 50 ms would allow."""
    turns, during = 0, []

    def slow(_: Any) -> None:
        before = turns
        time.sleep(COMMIT_S)
        during.append(turns - before)

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(MOST_LAG_S / 10)
            turns += 1

    graph, turning = house.world.graph, asyncio.create_task(turn())
    async with aiohttp.ClientSession() as http:
        with writers("commit", slow):
            async with asyncio.TaskGroup() as group:
                for n in range(times(4, 40)):
                    group.create_task(post(http, graph, *(said(graph, f"{n} {each}") for each in range(10))))
                reading = group.create_task(_read_on(house))
                while len(during) < times(3, 20):
                    await asyncio.sleep(0.01)
                reading.cancel()
    turning.cancel()
    assert median(during) >= COMMIT_S / MOST_LAG_S, during  # a busy machine leaves us out now and then


async def _read_on(house: House) -> None:
    while True:
        await house.rows()
