"""One WebSocket as a bounded queue with a writer of its own: whoever hands it a frame never waits for its peer."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

MOST_FRAMES = 256
MOST_BYTES = 1 << 20
SLOW_S = 10.0  # one write
PING_S = 20.0
SILENT_S = 60.0
HELLO_S = 5.0

PROTOCOL_ERROR = 4400
REFUSED = 4401
FORBIDDEN = 4403
NO_HELLO = 4408
RESTART = 1012


class Closed(Exception):
    """The peer is gone, or is sent away with a close code."""

    def __init__(self, code: int = 1000) -> None:
        super().__init__(code)
        self.code = code


class Socket:
    """Frames go out in order, or the socket is cut: the client resumes from its cursor."""

    __slots__ = ("_bytes", "_held", "_queue", "_ready", "_transport", "_ws", "cursor")

    def __init__(self, ws: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        self._ws = ws
        self._transport = transport
        self._queue: deque[bytes] = deque()
        self._bytes = 0
        self._ready = asyncio.Event()
        self._held: list[bytes] | None = None
        self.cursor = 0

    def hold(self) -> None:
        """Keep live frames back until `release`, so that what was missed goes out first, by `push_now`."""
        self._held = []

    def release(self) -> None:
        held, self._held = self._held or [], None
        for frame in held:
            self.push_now(frame)

    def push(self, frame: bytes) -> None:
        """Hand over one live frame."""
        if self._held is None:
            self.push_now(frame)
        else:
            self._held.append(frame)

    def push_now(self, frame: bytes) -> None:
        """Queue a frame. A peer that takes too little too late is cut off at once."""
        self._queue.append(frame)
        self._bytes += len(frame)
        if len(self._queue) > MOST_FRAMES or self._bytes > MOST_BYTES:
            self.abort()
        self._ready.set()

    def say(self, **frame: Any) -> None:
        self.push(msgspec.json.encode(frame, enc_hook=str))

    def abort(self) -> None:
        """End it now. `close()` would wait for a peer that does not read."""
        if self._transport is not None:
            self._transport.abort()

    async def write(self) -> None:
        """Send what is queued, for ever; ends the socket when one write takes too long."""
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                while self._queue:
                    frame = self._queue.popleft()
                    self._bytes -= len(frame)
                    await self._send(frame)
        except (ConnectionError, RuntimeError):
            self.abort()

    async def _send(self, frame: bytes) -> None:
        # Not wait_for: cancelling a send leaves a drain waiter behind that kills a later one.
        cut = asyncio.get_running_loop().call_later(SLOW_S, self.abort)
        try:
            await self._ws.send_str(frame.decode())
        finally:
            cut.cancel()

    async def hear(self, timeout_s: float) -> dict[str, Any]:
        """The next frame; raises `Closed` at the end, on silence, and on what is no frame."""
        try:
            async with asyncio.timeout(timeout_s):
                received = await self._ws.receive()
        except TimeoutError:
            raise Closed(NO_HELLO if timeout_s <= HELLO_S else 1000) from None
        if received.type is not WSMsgType.TEXT:
            raise Closed
        try:
            frame = msgspec.json.decode(received.data)
        except (msgspec.DecodeError, UnicodeError):
            raise Closed(PROTOCOL_ERROR) from None
        if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
            raise Closed(PROTOCOL_ERROR)
        return frame

    async def ping(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(PING_S)
            number += 1
            self.say(t="ping", n=number)


async def open_socket(request: web.Request, most_bytes: int) -> tuple[web.WebSocketResponse, Socket]:
    """Upgrade the request. No compression: deflate costs memory per connection."""
    ws = web.WebSocketResponse(compress=False, autoping=True, max_msg_size=most_bytes)
    await ws.prepare(request)
    transport = request.transport
    return ws, Socket(ws, transport if isinstance(transport, asyncio.Transport) else None)


async def close(ws: web.WebSocketResponse, code: int) -> None:
    """Close politely, but do not wait for a peer that does not answer."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(2):
            await ws.close(code=code)
