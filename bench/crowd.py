"""A crowd of raw WebSockets in one process: each says hello, answers pings, and notes when a marked frame arrived."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from typing import cast

KEY = "AAAAAAAAAAAAAAAAAAAAAA=="
AT_ONCE = 64  # sockets that are being opened
OPEN_S, ARRIVE_S = 30, 30
SMALL_BYTES = 4096
OVERLAP = 64  # bytes kept of the last piece, so that a mark cut in two is found
PING, RESET = b'"t":"ping"', b'"t":"reset"'
PONG = b'{"t":"pong","n":1}'


def upgrade(port: int, path: str, headers: Sequence[str] = ()) -> bytes:
    """The request that opens a socket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def masked(text: bytes) -> bytes:
    """A client's text frame, masked with zeros: allowed, and free."""
    size = bytes((0x80 | len(text),)) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
    return b"\x81" + size + bytes(4) + text


class Member(asyncio.Protocol):
    """One socket of the crowd."""

    def __init__(self, crowd: Crowd, number: int, request: bytes, hello: bytes) -> None:
        self._crowd = crowd
        self.number = number
        self._request = request
        self._hello = hello
        self._tail = b""
        self._found = b""  # the last mark
        self.is_stalled = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by name
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        at = time.perf_counter()
        seen = self._tail + data
        if not self.ready.done():
            self._open(seen)
            return
        mark, done = self._crowd.mark, max(0, len(seen) - OVERLAP)
        if mark and mark != self._found and (place := seen.find(mark)) >= 0:
            self._found, done = mark, max(done, place + len(mark))
            self._crowd.arrived(at)
        if (place := seen.find(PING)) >= 0:  # also beside a mark: who answers no ping for a minute is sent away
            done = max(done, place + len(PING))
            self.transport.write(masked(PONG))
        self._tail = seen[done:]

    def _open(self, seen: bytes) -> None:
        head, found, rest = seen.partition(b"\r\n\r\n")
        self._tail = seen
        if not found:
            return
        if b" 101 " not in head[:16]:
            self.ready.set_exception(RuntimeError(f"no socket: {head[:60]!r}"))
        elif self._hello:
            self.transport.write(masked(self._hello))
            self._hello, self._tail = b"", head + found
        elif RESET in rest:
            self.ready.set_exception(RuntimeError(f"not welcome: {rest[-OVERLAP:]!r}"))
        elif rest or not self._crowd.is_greeted:
            self.ready.set_result(None)
            self._tail = b""

    def stall(self) -> None:
        """Read no more; what was read before counts no more either."""
        self.is_stalled = True
        self.transport.pause_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lost(self)
        if not self.ready.done():
            self.ready.set_exception(ConnectionResetError("the socket was closed"))


class Crowd:
    """Sockets of one server, all open. `is_greeted`: the server answers a hello."""

    def __init__(self, port: int, *, is_greeted: bool) -> None:
        self._port = port
        self.is_greeted = is_greeted
        self.members: list[Member] = []
        self.small_from = 1 << 30  # members from this number on have next to no buffer in the kernel
        self.mark = b""
        self.gone = 0  # sockets that ended though they read
        self._waits_ms: list[float] = []
        self._fired_at = 0.0
        self._all_there = asyncio.Event()
        self._expected = 0

    async def open(self, count: int, request: Callable[[int], bytes], hello: Callable[[int], bytes]) -> None:
        """Open `count` more sockets, a few at a time."""
        numbers = iter(range(len(self.members), len(self.members) + count))
        await asyncio.gather(*(self._open_some(numbers, request, hello) for _ in range(AT_ONCE)))

    async def _open_some(self, numbers: object, request: Callable[[int], bytes], hello: Callable[[int], bytes]) -> None:
        loop = asyncio.get_running_loop()
        for number in numbers:  # type: ignore[attr-defined]
            member = Member(self, number, request(number), hello(number) if self.is_greeted else b"")
            async with asyncio.timeout(OPEN_S):
                line = socket.socket()
                if number >= self.small_from:
                    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
                line.settimeout(0)
                await loop.sock_connect(line, ("127.0.0.1", self._port))
                await loop.create_connection(lambda member=member: member, sock=line)  # type: ignore[misc]
                await member.ready
            self.members.append(member)
        self.members.sort(key=lambda member: member.number)

    def arrived(self, at: float) -> None:
        self._waits_ms.append((at - self._fired_at) * 1000)
        if len(self._waits_ms) >= self._expected:
            self._all_there.set()

    def lost(self, member: Member) -> None:
        """A socket has ended; if it was read, what is still to come will not come to all."""
        if not member.is_stalled:
            self.gone += 1
            self._all_there.set()

    async def fire(self, mark: bytes, fire: Callable[[], None], expected: int) -> list[float]:
        """Milliseconds from `fire` until a socket has the frame with `mark`, of each that got it; `expected` is all.

        It ends early where a socket ends.
        """
        self.mark, self._waits_ms, self._expected = mark, [], expected
        if not self.gone:
            self._all_there.clear()
        self._fired_at = time.perf_counter()
        fire()
        try:
            async with asyncio.timeout(ARRIVE_S):
                await self._all_there.wait()
        except TimeoutError:
            pass
        self.mark = b""
        return self._waits_ms

    async def close(self) -> None:
        for member in self.members:
            member.transport.abort()
        self.members.clear()
        await asyncio.sleep(0)
