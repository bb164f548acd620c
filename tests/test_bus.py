"""What both buses promise, within one process and between two. A Redis that goes away costs time and nothing else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from omnibox.bus import Bus, Hint, LocalBus
from omnibox.bus.redis import RedisBus
from tests.servers import Redis

LONG_S = 20.0


@dataclass(frozen=True, slots=True)
class Pair:
    """Where one process stands and where another does; for the bus within a process that is the same place."""

    here: Bus
    there: Bus


@pytest.fixture(params=["local", "redis"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    if request.param == "local":
        bus = LocalBus()
        yield Pair(bus, bus)
        return
    server: Redis = request.getfixturevalue("redis_server")
    async with joined(server) as pair:
        yield pair


@asynccontextmanager
async def joined(server: Redis) -> AsyncIterator[Pair]:
    """Two ends that hear each other."""
    name = secrets.token_hex(4)
    here, there = RedisBus(server.url, name), RedisBus(server.url, name)
    running = [asyncio.create_task(bus.run()) for bus in (here, there)]
    try:
        await until(lambda: here.is_whole() and there.is_whole())
        yield Pair(here, there)
    finally:
        for task in running:
            task.cancel()
        await asyncio.wait(running)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not holds():
            await asyncio.sleep(0.01)


def collected(bus: Bus, topic: str) -> list[Hint]:
    found: list[Hint] = []
    bus.listen(topic, found.append)
    return found


async def test_a_ring_wakes_who_waits_on_either_side(pair: Pair) -> None:
    for bus in (pair.here, pair.there):
        rung = bus.heard("events")
        waiting = asyncio.create_task(bus.wait("events", rung, LONG_S))
        await asyncio.sleep(0)
        pair.here.ring({"events", "jobs"})
        await waiting
        assert bus.heard("events") > rung


async def test_a_ring_between_looking_and_waiting_is_not_missed(pair: Pair) -> None:
    rung = pair.there.heard("events")
    pair.here.ring({"events"})
    await until(lambda: pair.there.heard("events") > rung)
    async with asyncio.timeout(LONG_S):
        await pair.there.wait("events", rung, 2 * LONG_S)


async def test_another_word_wakes_nobody(pair: Pair) -> None:
    rung = pair.there.heard("deliveries")
    jobs = pair.there.heard("jobs")
    pair.here.ring({"jobs"})
    await until(lambda: pair.there.heard("jobs") > jobs)
    assert pair.there.heard("deliveries") == rung


async def test_who_hears_nothing_wakes_by_itself(pair: Pair) -> None:
    rung = pair.here.heard("silence")
    await pair.here.wait("silence", rung, 0.01)
    assert pair.here.heard("silence") == rung


async def test_a_hint_is_heard_once_on_each_side_in_order(pair: Pair) -> None:
    sides = [collected(pair.here, "typing"), collected(pair.there, "typing")]
    others = collected(pair.there, "presence")
    for number in range(3):
        pair.here.tell("typing", {"conversation": number, "by": "contact"})
    pair.here.tell("end", {})
    await until(lambda: all(len(side) == 3 for side in sides))
    assert [hint["conversation"] for hint in sides[0]] == [0, 1, 2] == [hint["conversation"] for hint in sides[1]]
    assert others == []


async def test_installations_on_one_server_do_not_hear_each_other(redis_server: Redis) -> None:
    async with joined(redis_server) as ours, joined(redis_server) as theirs:
        heard = collected(theirs.there, "typing")
        before = theirs.there.heard("events")
        ours.here.ring({"events"})
        ours.here.tell("typing", {"conversation": 1})
        theirs.here.tell("typing", {"conversation": 2})
        await until(lambda: bool(heard))
        assert heard == [{"conversation": 2}]
        assert theirs.there.heard("events") == before


async def test_after_an_outage_everybody_looks_again(own_redis: Redis) -> None:
    async with joined(own_redis) as pair:
        rung = pair.there.heard("events")
        pair.here.ring({"events"})
        await until(lambda: pair.there.heard("events") > rung)
        own_redis.stop()
        await until(lambda: not pair.here.is_whole() and not pair.there.is_whole())
        heard = collected(pair.there, "typing")
        at_home = collected(pair.here, "typing")
        rung = pair.there.heard("events")
        pair.here.ring({"events"})  # lost on its way
        pair.here.tell("typing", {"conversation": 1})
        assert at_home == [{"conversation": 1}]
        own_redis.start()
        await until(lambda: pair.here.is_whole() and pair.there.is_whole())
        assert pair.there.heard("events") > rung
        pair.here.tell("typing", {"conversation": 2})
        await until(lambda: bool(heard))
        assert heard == [{"conversation": 2}], "a hint of before the outage is no longer true"


async def test_a_server_that_hangs_is_no_line(own_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibox.bus.redis.SILENT_S", 0.5)
    monkeypatch.setattr("omnibox.bus.redis.ANSWER_S", 0.3)
    monkeypatch.setattr("omnibox.bus.redis.BEAT_S", 0.1)
    async with joined(own_redis) as pair:
        own_redis.freeze()
        await until(lambda: not pair.here.is_whole())
        pair.here.ring({"events"})  # nobody waits for it
        own_redis.thaw()
        await until(lambda: pair.here.is_whole() and pair.there.is_whole())


async def test_what_is_no_letter_is_passed_over(own_redis: Redis) -> None:
    from redis.asyncio import Redis as Client

    async with joined(own_redis) as pair:
        heard = collected(pair.there, "typing")
        pair.there.listen("odd", lambda hint: heard.append(hint["of another release"]))
        async with Client.from_url(own_redis.url) as stranger:
            channels = await stranger.pubsub_channels("omnibox *")
            for junk in (
                b"\xff",
                b"[]",
                b'{"by": 1}',
                b'{"by":"x","words":"events"}',
                b'{"by":"x","hints":[["odd",{}]]}',
            ):
                await stranger.publish(channels[0], junk)
        pair.here.tell("typing", {"conversation": 3})
        await until(lambda: bool(heard))
        assert heard == [{"conversation": 3}]
