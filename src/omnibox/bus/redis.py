"""The bus over several processes: one Redis (or Valkey) channel per installation.

Nothing is kept there. What is published while a line is down is lost, so a new line rings every word once: whoever
waits looks into the log, which is the truth. Each process hears its own words come back; one that hears nothing for
`SILENT_S` has no line, whatever the socket says.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import msgspec

from omnibox.bus.local import Hint, LocalBus
from omnibox.logs import get_logger

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANSWER_S = 2.0  # for a server in the same house
BEAT_S = 2.0
SILENT_S = 6.0
AGAIN_S = 0.5  # between two tries to get a line
MOST_HINTS = 1_000  # waiting to be told; older ones are no longer worth telling
log = get_logger("omnibox.bus")


class Letter(msgspec.Struct, omit_defaults=True):
    """What travels: who speaks, which words rang, which hints go with them."""

    by: str
    words: list[str] = []
    hints: list[tuple[str, dict[str, Any]]] = []


class RedisBus(LocalBus):
    """`name` keeps installations apart that share a server."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self._url = url
        self._channel = f"omnibox {name}"
        self._me = secrets.token_hex(8)
        self._words: set[str] = set()
        self._hints: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_HINTS)
        self._outgoing = asyncio.Event()
        self._up: set[str] = set()  # which halves have a line: "in", "out"

    def ring(self, words: set[str]) -> None:
        super().ring(words)
        self._words |= words
        self._outgoing.set()

    def tell(self, topic: str, hint: Hint) -> None:
        super().tell(topic, hint)
        if "out" in self._up:  # told later it would no longer be true
            self._hints.append((topic, dict(hint)))
            self._outgoing.set()

    def is_whole(self) -> bool:
        return self._up == {"in", "out"}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._for_ever("in", self._hear), name="bus in")
            group.create_task(self._for_ever("out", self._speak), name="bus out")

    async def _for_ever(self, half: str, work: Callable[[Redis], Awaitable[None]]) -> None:
        from redis.exceptions import RedisError

        while True:
            try:
                async with aclosing(self._client()) as redis:
                    await work(redis)
            except (RedisError, OSError, TimeoutError) as error:
                if self.is_whole():
                    log.warning("the bus is down; followers look by themselves", error=type(error).__name__)
                self._up.discard(half)
                self._hints.clear()
            await asyncio.sleep(AGAIN_S)

    def _holds(self, half: str) -> bool:
        """Note that a half has its line; returns whether that is news."""
        if half in self._up:
            return False
        self._up.add(half)
        if self.is_whole():
            log.info("the bus is up")
        return True

    def _client(self) -> Redis:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        # Tries again are ours: the library's own would hide for seconds that there is no line.
        never = Retry(NoBackoff(), 0)
        return Redis.from_url(self._url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=never)

    async def _hear(self, redis: Redis) -> None:
        async with redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(self._channel)
            while True:
                async with asyncio.timeout(SILENT_S):
                    received = None
                    while received is None:
                        received = await subscription.get_message(timeout=SILENT_S)
                if self._holds("in"):
                    super().ring(set(self._rings) | set(self._waiting))
                self._take(received["data"])

    def _take(self, raw: bytes) -> None:
        try:
            letter = msgspec.json.decode(raw, type=Letter)
        except (msgspec.DecodeError, UnicodeError):
            log.warning("no letter of ours came over the bus")
            return
        if letter.by == self._me:
            return
        super().ring(set(letter.words))
        for topic, hint in letter.hints:
            try:
                super().tell(topic, hint)
            except Exception as error:  # the edge: another release may tell other things
                log.warning("a hint was not understood", topic=topic[:40], error=type(error).__name__)

    async def _speak(self, redis: Redis) -> None:
        while True:
            letter = Letter(self._me, sorted(self._words), list(self._hints))
            self._words.clear()
            self._hints.clear()
            self._outgoing.clear()
            async with asyncio.timeout(ANSWER_S):
                await redis.publish(self._channel, msgspec.json.encode(letter))
            self._holds("out")
            try:
                async with asyncio.timeout(BEAT_S):
                    await self._outgoing.wait()
            except TimeoutError:
                pass  # nothing to say: a beat, which tells the hearing half that the line holds
