"""P14: Redis and PostgreSQL go away under six processes of one hub: how long views lag and answers are refused.

Redis: while it is gone somebody writes every second; the seconds from its return until both processes' screens show
all of it. PostgreSQL: it is restarted while both processes take replies; the seconds from its stop to the last refusal.
Whatever was acknowledged must have arrived once.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.scale.cluster import Cluster, Screen, clustered, until
from tests.servers import Postgres, Redis, find_postgres, find_redis

from bench.report import Figure, Goal, wrong

GONE_S, LONG_GONE_S = 6, 60
VIEWS, REFUSED = Goal(5.0, of="ours"), Goal(10.0, of="ours")
LETTERS = str.maketrans("0123456789", "ghijklmnop")  # a number that no mask takes for one
FEW = 10  # replies at each process before the restart, and after it


def run(*, long: bool = False) -> list[Figure]:
    postgres, redis = find_postgres(), find_redis()
    if postgres is None or redis is None or postgres.is_given or redis.is_given:
        raise RuntimeError("there are no servers on this machine that may be stopped")
    with postgres, redis, tempfile.TemporaryDirectory() as folder:
        postgres.sql("CREATE DATABASE outages")
        return asyncio.run(_run(Path(folder), postgres, redis, LONG_GONE_S if long else GONE_S))


async def _run(folder: Path, postgres: Postgres, redis: Redis, gone_s: int) -> list[Figure]:
    async with clustered(folder / "home", postgres.url("outages"), redis) as cluster:
        return [await _without_redis(cluster, redis, gone_s), await _restarted(cluster, postgres)]


async def _without_redis(cluster: Cluster, redis: Redis, gone_s: int) -> Figure:
    name = f"Redis gone for {gone_s} s, until every view is whole"
    said = [f"word {number} without a bus" for number in range(gone_s)]
    async with Screen(cluster.admins[0]) as first, Screen(cluster.admins[1]) as second, cluster.visitor(0) as visitor:
        await visitor.say("before")
        redis.stop()
        for text in said:
            await visitor.say(text)
            await asyncio.sleep(1)
        redis.start()
        began = time.perf_counter()
        await visitor.say("after")
        await asyncio.gather(first.shows("after"), second.shows("after"))
        took_s = time.perf_counter() - began
        whole = ["before", *said, "after"]
        if not first.texts == second.texts == whole:
            return wrong("P14", name, "a screen lacks a message, or shows one twice")
    return Figure("P14", name, "s", ((0.0, took_s),), VIEWS)


async def _restarted(cluster: Cluster, postgres: Postgres) -> Figure:
    name = "PostgreSQL restarted under load, from its stop to the last 503"
    psid, conversation = await cluster.person("Before the restart")
    taken: list[str] = []
    last_refused_at = [0.0]
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for web in (0, 1):
            group.create_task(_reply(cluster, web, conversation, taken, last_refused_at, is_over))
        await until(lambda: _has(taken, 2 * FEW))
        began = time.perf_counter()
        await asyncio.to_thread(postgres.stop, "fast")
        await asyncio.to_thread(postgres.start)
        await until(lambda: _has(taken, 4 * FEW))
        is_over.set()

    async def all_left() -> bool:
        return len(cluster.world.graph.received(psid)) >= len(taken)

    await until(all_left)
    if Counter(each.text for each in cluster.world.graph.received(psid)) != Counter(taken):
        return wrong("P14", name, "a reply was lost, or left twice")
    if not last_refused_at[0]:
        return wrong("P14", name, "nothing was refused: there was no load")
    return Figure("P14", name, "s", ((0.0, last_refused_at[0] - began),), REFUSED)


async def _reply(
    cluster: Cluster, web: int, conversation: int, taken: list[str], last_refused_at: list[float], end: asyncio.Event
) -> None:
    """Write replies one after the other, each until it is taken."""
    path = f"/api/conversations/{conversation}/replies"
    while not end.is_set():
        text = f"reply {secrets.token_hex(8).translate(LETTERS)}"
        body = {"client_id": secrets.token_hex(8), "text": text, "anyway": True}
        while True:
            async with cluster.admins[web].http.post(path, json=body) as answer:
                if answer.status < 300:
                    break
            last_refused_at[0] = time.perf_counter()
            await asyncio.sleep(0.1)
        taken.append(text)
        await asyncio.sleep(0.05)


async def _has(found: list[str], most: int) -> bool:
    return len(found) >= most
