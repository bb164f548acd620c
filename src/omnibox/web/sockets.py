"""The open sockets of this process: each takes frames in order and never keeps whoever hands it one waiting.

A socket is taken over from the HTTP server once it is upgraded: it then is a protocol on the transport, with no task
while it is idle. The transport's buffer is its bounded queue and the event loop the writer, so a frame that is made
once goes to any number of sockets as it is. A peer that does not read is cut by `abort()`; it resumes by its cursor.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any, Protocol

import msgspec
from aiohttp import web

from omnibox.logs import get_logger
from omnibox.metrics import LOOP_LATE_SECONDS
from omnibox.store import StoreUnavailable
from omnibox.web import websocket
from omnibox.web.errors import ApiError, raised_at
from omnibox.web.websocket import (
    NOT_TEXT,
    Broken,
    Framed,
    FrameReader,
    accept_of,
    close_frame,
    pong_frame,
    text_frame,
)

MOST_BYTES = 1 << 20  # handed to one socket and not yet taken by its peer when the next frame comes
MOST_HELD = 256  # live frames behind a long catching up
MOST_WAITING = 32  # frames of a client that wait for the one before; then it is not read for a while
PING_S = 20.0
SILENT_S = 60.0
HELLO_S = 5.0
LAST_WORD_S = 2.0  # for the peer's answer to a close
BUCKETS = 10  # one a second is looked after, so each socket every ten seconds

NORMAL = 1000
RESTART = 1012
PROTOCOL_ERROR = 4400
REFUSED = 4401
FORBIDDEN = 4403
NO_HELLO = 4408

log = get_logger("omnibox.sockets")


class Closed(Exception):
    """The peer is gone, or is sent away with a close code."""

    def __init__(self, code: int = NORMAL) -> None:
        super().__init__(code)
        self.code = code


class Talk(Protocol):
    """What is behind a socket: it hears the frames one after the other, and that there are no more."""

    async def take(self, frame: dict[str, Any]) -> None:
        """Raises `Closed` to end the socket."""

    def leave(self) -> None: ...


class Socket(asyncio.Protocol):
    """Frames go out in order, or the socket is cut: the client resumes from its cursor."""

    __slots__ = (
        "_bucket",
        "_drained",
        "_handed",
        "_has_ended",
        "_heard_at",
        "_held",
        "_inbox",
        "_mark",
        "_reader",
        "_room",
        "_task",
        "_transport",
        "cursor",
        "talk",
    )

    def __init__(self, room: Sockets, bucket: set[Socket], transport: asyncio.Transport, most_bytes: int) -> None:
        self._room = room
        self._bucket = bucket
        self._transport = transport
        self._reader = FrameReader(most_bytes)
        self._inbox: deque[dict[str, Any]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._held: deque[Framed] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._has_ended = False
        self._heard_at = room.now()
        self._handed = 0  # bytes given to the transport so far
        self._mark = 0  # how many of them must have left when it is looked after next
        self.talk: Talk | None = None
        self.cursor = 0

    # ── Out

    def hold(self) -> None:
        """Keep live frames back until `release`, so that what was missed goes out first, by `push_now`."""
        self._held = deque()

    async def release(self) -> None:
        """Hand over what was held back, as the peer takes it; raises `Closed` when the socket ends."""
        while self._held:
            self.push_now(self._held.popleft())
            await self.drained()
        self._held = None

    def push(self, frame: Framed) -> None:
        """Hand over one live frame."""
        if self._held is None:
            self.push_now(frame)
        elif len(self._held) < MOST_HELD:
            self._held.append(frame)
        else:
            self.abort()

    def push_now(self, frame: bytes) -> None:
        """Send a frame. A peer that has too much to take already is cut off at once; one frame never is too much."""
        if self._has_ended:
            return
        if self._drained is not None and self.waiting_bytes > MOST_BYTES:
            self.abort()
            return
        self._transport.write(frame)
        self._handed += len(frame)

    def say(self, **frame: Any) -> None:
        self.push(framed(frame))

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was sent; raises `Closed` when the socket ends."""
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self._has_ended:
            raise Closed

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    # ── The end

    def abort(self) -> None:
        """End it now. Closing politely would wait for a peer that does not read."""
        if not self._has_ended:
            self._has_ended = True
            self._room.aborted += 1
        self._transport.abort()

    def close(self, code: int) -> None:
        """Say goodbye; it ends with the peer's answer, or two seconds later."""
        if self._has_ended:
            return
        self.push_now(close_frame(code))
        self._has_ended = True
        asyncio.get_running_loop().call_later(LAST_WORD_S, self._transport.abort)
        self._leave()

    def connection_lost(self, error: Exception | None) -> None:
        self._has_ended = True
        self._bucket.discard(self)
        self._room.silent.discard(self)
        self.resume_writing()
        self._leave()

    def _leave(self) -> None:
        talk, self.talk = self.talk, None
        if talk is not None:
            talk.leave()
        self._inbox = None
        if self._task is not None:
            self._task.cancel()

    # ── In

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._room.now()
        try:
            for received in self._reader.feed(data):
                match received.kind:
                    case websocket.TEXT:
                        self._hear(received.payload)
                    case websocket.PING:
                        self.push_now(pong_frame(received.payload))
                    case websocket.PONG:
                        pass
                    case websocket.CLOSE:
                        self.close(NORMAL)
                        self._transport.close()  # once what is written has left
                        return
                    case _:
                        raise Broken(NOT_TEXT)
        except (Broken, Closed) as ended:
            self.close(ended.code)

    def _hear(self, text: bytes) -> None:
        if self.talk is None:
            return
        try:
            frame = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError):
            raise Closed(PROTOCOL_ERROR) from None
        if not isinstance(frame, dict) or not isinstance(frame.get("t"), str):
            raise Closed(PROTOCOL_ERROR)
        self._room.silent.discard(self)
        if self._inbox is None:
            self._inbox = deque()
            self._task = asyncio.get_running_loop().create_task(self._take_all(), name="socket")
        self._inbox.append(frame)
        if len(self._inbox) == MOST_WAITING:
            self._transport.pause_reading()

    async def _take_all(self) -> None:
        """Hear what has come, in order; there is a task only while there is something."""
        try:
            while self._inbox and self.talk is not None:
                frame = self._inbox.popleft()
                if len(self._inbox) == MOST_WAITING - 1 and not self._transport.is_closing():
                    self._transport.resume_reading()
                await self.talk.take(frame)
        except Closed as closed:
            code = closed.code
        except (ApiError, StoreUnavailable, ConnectionError):
            code = RESTART  # not now: they come again after a while
        except Exception as error:  # the edge: a defect ends this socket alone
            log.error("a socket's frame failed", error=type(error).__name__, raised=raised_at(error))
            code = RESTART
        else:
            self._inbox = self._task = None
            return
        self._task = None
        self.close(code)

    # ── Now and then

    @property
    def waiting_bytes(self) -> int:
        """What the peer has not taken yet."""
        return self._transport.get_write_buffer_size()

    def look_after(self, ping: Framed | None) -> None:
        """Cut a peer that takes nothing or says nothing, else ask for a sign of life."""
        if self._handed - self.waiting_bytes < self._mark:
            self.abort()  # what was handed over at the last look is still here
            return
        if self._room.now() - self._heard_at > SILENT_S:
            self.close(NORMAL)
            return
        if ping is not None:
            self.push_now(ping)  # also to one that catches up: it says nothing else
        self._mark = self._handed

    def expect_hello(self) -> None:
        if self._room.now() - self._heard_at > HELLO_S:
            self.close(NO_HELLO)


class Sockets:
    """All sockets of this process, and the one task that looks after them."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self.now = now
        self.silent: set[Socket] = set()  # have not said hello
        self.aborted = 0
        self._buckets: list[set[Socket]] = [set() for _ in range(BUCKETS)]
        self._turn = 0

    def __iter__(self) -> Iterator[Socket]:
        return iter([socket for bucket in self._buckets for socket in bucket])

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def take_over(self, request: web.Request, most_bytes: int) -> tuple[Socket, web.StreamResponse]:
        """Upgrade the request: the socket, and what the handler must return. Raises 400 where that is not asked for.

        From here on the connection is no longer the HTTP server's. The caller gives the socket its `talk` at once.
        """
        answer, transport = accept_of(request), request.transport
        if answer is None or transport is None or transport.is_closing():
            raise ApiError(400, "protocol", "This address is for WebSockets.")
        bucket = min(self._buckets, key=len)
        socket = Socket(self, bucket, transport, most_bytes)
        bucket.add(socket)
        self.silent.add(socket)
        server = request.protocol
        transport.set_protocol(socket)
        server.transport = None
        # The server's end of the connection goes as if the client had left, once its task has seen the handler end.
        request.task.add_done_callback(lambda _: server.connection_lost(None))
        socket.push_now(answer)
        return socket, Taken()

    async def run(self) -> None:
        """Look after everybody, for ever."""
        round_s = float(BUCKETS)
        while True:
            due_at = self.now() + round_s / BUCKETS
            await asyncio.sleep(round_s / BUCKETS)
            LOOP_LATE_SECONDS.observe(max(0.0, self.now() - due_at))
            self._turn += 1
            number, place = divmod(self._turn, BUCKETS)
            is_time = number % int(PING_S / round_s) == 0
            ping = framed({"t": "ping", "n": number}) if is_time else None
            for socket in tuple(self._buckets[place]):
                socket.look_after(ping)
            for socket in tuple(self.silent):
                socket.expect_hello()

    async def stop(self) -> None:
        """Send everybody away for a moment, and wait until they went, as long as a last word may take."""
        for socket in self:
            socket.close(RESTART)
        for _ in range(int(LAST_WORD_S / 0.05) + 10):
            if not len(self):
                return
            await asyncio.sleep(0.05)


class Taken(web.StreamResponse):
    """Stands for an answer that has already left: the server must write nothing more."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> None:
        return

    async def write_eof(self, data: bytes = b"") -> None:
        return


def framed(frame: dict[str, Any]) -> Framed:
    """A frame of the feed, for any number of sockets."""
    return text_frame(msgspec.json.encode(frame, enc_hook=str))
