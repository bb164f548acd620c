"""A load generator for one HTTP server: raw keep-alive connections, one request in flight on each."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LAST_ANSWER_S = 10
Requests = Iterator[tuple[str, bytes]]
"""Each a key of the caller's and the bytes to send."""


@dataclass(slots=True)
class Driven:
    """What came of a round: the keys that were answered 200, how many were not, and how long each took."""

    answered: list[str] = field(default_factory=list)
    refused: int = 0
    lost: int = 0
    took_s: float = 0.0
    waits_s: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.answered) / self.took_s


class _Line(asyncio.Protocol):
    def __init__(self, requests: Requests, ends_at: float, driven: Driven, done: asyncio.Future[None]) -> None:
        self._requests = requests
        self._ends_at = ends_at
        self._driven = driven
        self._done = done
        self._buffer = bytearray()
        self._key: str | None = None
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self._ask()

    def _ask(self) -> None:
        found = next(self._requests, None) if time.perf_counter() < self._ends_at else None
        if found is None:
            self._key = None
            self._transport.close()
            return
        self._key, request = found
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(b"\r\n\r\n")
        length = LENGTH.search(self._buffer, 0, head + 2) if head >= 0 else None
        if length is None or len(self._buffer) < head + 4 + int(length[1]):
            return
        if self._buffer.startswith(b"HTTP/1.1 200 ") and self._key is not None:
            self._driven.answered.append(self._key)
            self._driven.waits_s.append(time.perf_counter() - self._sent_at)
        else:
            self._driven.refused += 1
        self._buffer.clear()
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._key is not None:
            self._driven.lost += 1
        if not self._done.done():
            self._done.set_result(None)


async def drive(port: int, requests: Requests, *, connections: int = 64, seconds: float = 2.0) -> Driven:
    """Send for `seconds` (or until the requests end), then wait for the last answers."""
    loop = asyncio.get_running_loop()
    driven = Driven()
    began = time.perf_counter()
    ends: list[asyncio.Future[None]] = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(
            lambda done=done: _Line(requests, began + seconds, driven, done),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
        ends.append(done)
    async with asyncio.timeout(seconds + LAST_ANSWER_S):
        await asyncio.gather(*ends)
    driven.took_s = time.perf_counter() - began
    return driven
