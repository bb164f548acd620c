"""An answer that is always the same, kept as the bytes that go out."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web

from omnibox.web.server import HEADERS


class Ready(web.Response):
    """200 with a short text. To make such an answer anew takes aiohttp a third of the time of a whole webhook.

    One object answers everybody, so it holds nothing of a request; `suits` says for which it may be taken.
    """

    def __init__(self, body: bytes) -> None:
        super().__init__(body=body, content_type="text/plain")
        headers = {"Content-Type": "text/plain", "Content-Length": str(len(body)), **HEADERS}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._head = f"HTTP/1.1 200 OK\r\n{lines}".encode()
        self._said = body

    @staticmethod
    def suits(request: web.Request) -> bool:
        """Whether its line stays open, as lines of platforms do."""
        return request.version == HttpVersion11 and request.keep_alive

    @property
    def keep_alive(self) -> bool:
        return True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Send all of it."""
        if request.transport is None:
            raise ConnectionResetError
        request.transport.write(self._head + _date(int(time.time())) + self._said)

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to send."""


@lru_cache(1)
def _date(second: int) -> bytes:
    return f"Date: {formatdate(second, usegmt=True)}\r\n\r\n".encode()
