"""Kept lines to web servers, for the requests that replies leave by: a small POST, a small answer.

aiohttp's client spends three quarters of its time on what no such request has (cookies, redirects, traces, streams,
proxies), which was a third of what a reply cost in all (bench/p06_outbound.py). It still does everything else, and it
is its parser, llhttp, that reads the answers here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpResponseParser
from aiohttp.http_exceptions import HttpProcessingError

from omnibox.outbound.guard import Guard

if TYPE_CHECKING:
    from aiohttp import StreamReader
    from aiohttp.http import RawResponseMessage
    from yarl import URL


class Server(NamedTuple):
    """Where a line leads."""

    host: str
    port: int
    is_secure: bool


class Reply(NamedTuple):
    """A whole answer; `body` is None where it is too long or packed in a way we cannot open."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None


class Line(BaseProtocol):
    """One connection; at most one request is on it. It closes itself when it cannot carry another."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(asyncio.get_running_loop())
        self._most_bytes = most_bytes
        self._answered: asyncio.Future[Reply] | None = None
        self._answers: list[tuple[RawResponseMessage, StreamReader]] = []
        self.free_since = 0.0  # by the loop's clock

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def ask(self, request: bytes, leaving: Callable[[], None]) -> asyncio.Future[Reply]:
        """Send; the answer to come, or ConnectionError where none does that makes sense."""
        if self.transport is None or self.transport.is_closing():
            raise ConnectionResetError
        self._answered = self._loop.create_future()
        self._parser = HttpResponseParser(self, self._loop, self._most_bytes // 2, read_until_eof=True)
        leaving()
        self.transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        if self._parser is None:
            self.drop()  # nobody asked: what follows would be taken for the next answer
            return
        try:
            messages, _, _ = self._parser.feed_data(data)
            # 1xx says that the real one follows, but 101 that no HTTP does.
            self._answers += (each for each in messages if each[0].code // 100 != 1 or each[0].code == 101)
            self._settle_if_whole()
        except HttpProcessingError:
            self._settle(None)

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._parser is not None and exc is None:  # a body that a fault cut off is not whole
            with suppress(HttpProcessingError):
                self._parser.feed_eof()  # one without a length ends here
                self._settle_if_whole()
        self._settle(None)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Nothing: a body is taken when it is whole, so none was held back."""

    def _settle_if_whole(self) -> None:
        parser = self._parser
        if parser is None or not self._answers:
            return
        (head, content), *more = self._answers
        if head.code < 200:
            self._settle(None)
        elif content.exception() is not None or self._reading_paused:
            # Paused: what was read and unpacked fills the parser's buffer, twice the limit it was given, or a body came
            # in so many crumbs that they cost more than they are worth.
            self._settle(Reply(head.code, head.headers, None))
            self.drop()
        elif content.is_eof():
            self._settle(Reply(head.code, head.headers, content.read_nowait()))
            # The parser tells of what it has begun to read when it hears that nothing follows.
            if head.should_close or more or parser.feed_eof() is not None:
                self.drop()

    def _settle(self, reply: Reply | None) -> None:
        """Tell who asked, if nobody did yet; without a reply the line goes."""
        answered, self._answered, self._answers, self._parser = self._answered, None, [], None
        if reply is None:
            self.drop()
        if answered is None or answered.done():
            return
        if reply is None:
            answered.set_exception(ConnectionAbortedError())
        else:
            answered.set_result(reply)

    def drop(self) -> None:
        """End it at once; what was still to come goes nowhere."""
        if self.transport is not None:
            self.transport.abort()


class Lines:
    """The lines of one client, by server. One that lay idle for `idle_s` is not used again."""

    def __init__(self, guard: Guard, idle_s: float, most_bytes: int) -> None:
        self._guard = guard
        self._idle_s = idle_s
        self._most_bytes = most_bytes
        self._free: dict[Server, list[Line]] = {}
        self._busy: set[Line] = set()
        self._is_closed = False
        self._sweeping: asyncio.TimerHandle | None = None

    async def ask(self, target: URL, request: bytes, leaving: Callable[[], None], timeout_s: float) -> Reply:
        """The answer to a request, which is sent whole; `leaving` is called just before.

        Raises `SendError` before anything left, OSError and TimeoutError at any time.
        """
        server = Server(target.raw_host or "", target.port or 0, target.scheme == "https")
        async with asyncio.timeout(timeout_s):
            return await self._ask(server, request, leaving, timeout_s)

    async def _ask(self, server: Server, request: bytes, leaving: Callable[[], None], timeout_s: float) -> Reply:
        line = self._take(server) or await self._connect(server, timeout_s)
        if self._is_closed:
            line.drop()  # meanwhile; nothing has left
        self._busy.add(line)
        try:
            reply = await line.ask(request, leaving)
        except BaseException:
            line.drop()
            raise
        finally:
            self._busy.discard(line)
        if line.is_open:
            self._put_back(server, line)
        return reply

    def close(self) -> None:
        self._is_closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for line in [*self._busy, *(line for lines in self._free.values() for line in lines)]:
            line.drop()
        self._free.clear()

    def _take(self, server: Server) -> Line | None:
        free = self._free.get(server)
        oldest = asyncio.get_running_loop().time() - self._idle_s
        while free:
            line = free.pop()
            if line.is_open and line.free_since > oldest:
                return line
            line.drop()
        return None

    def _put_back(self, server: Server, line: Line) -> None:
        loop = asyncio.get_running_loop()
        line.free_since = loop.time()
        self._free.setdefault(server, []).append(line)
        if self._sweeping is None:
            self._sweeping = loop.call_later(self._idle_s, self._sweep)

    def _sweep(self) -> None:
        """Close what has lain idle for too long, and look again while anything lies."""
        loop = asyncio.get_running_loop()
        oldest = loop.time() - self._idle_s
        for server, lines in list(self._free.items()):
            for line in lines:
                if line.free_since <= oldest:
                    line.drop()
            self._free[server] = [line for line in lines if line.is_open]
            if not self._free[server]:
                del self._free[server]
        self._sweeping = loop.call_later(self._idle_s / 2, self._sweep) if self._free else None

    async def _connect(self, server: Server, timeout_s: float) -> Line:
        link = await self._guard.connect(server.host, server.port, timeout_s)
        try:
            _, line = await asyncio.get_running_loop().create_connection(
                lambda: Line(self._most_bytes),
                sock=link,
                ssl=_secure() if server.is_secure else None,
                server_hostname=server.host.rstrip(".") if server.is_secure else None,
            )
        except BaseException:
            link.close()
            raise
        return line


@cache
def _secure() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
