"""A pretend platform on loopback: keeps what it got, answers what the test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Received:
    """One request that arrived, whole."""

    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def texts(self) -> list[str]:
        """Every text the request says, decoded: from its path, query, headers, and its JSON, form or raw body."""
        found = [self.path, *self.query.values(), *self.headers.values()]
        try:
            return found + list(_leaves(json.loads(self.body)))
        except ValueError:
            text = self.body.decode(errors="replace")
            return [*found, text, *(value for values in parse_qs(text).values() for value in values)]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the platform answers. `cut` breaks the connection: before the answer, or inside its body."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""


class Platform:
    """A server at `url`. `arrived` counts what reached it; without `answer` it says what `accept` says."""

    def __init__(self, accept: Callable[[Received], object] = lambda _: {}) -> None:
        self.requests: list[Received] = []
        self.url = ""
        self._accept = accept
        self._reply: Reply | None = None
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()
        self._released.set()
        self._got_one = asyncio.Event()

    @property
    def arrived(self) -> int:
        return len(self.requests)

    def answer(
        self, status: int = 200, body: bytes | object = None, headers: Mapping[str, str] | None = None, cut: str = ""
    ) -> None:
        """From now on answer this. `cut`: `before` or `inside` the answer the connection breaks."""
        encoded = body if isinstance(body, bytes) else json.dumps(body if body is not None else {}).encode()
        self._reply = Reply(status, encoded, headers or {}, cut)

    def hold(self) -> None:
        """From now on answer nothing until `close`."""
        self._released.clear()

    async def got_one(self) -> None:
        await self._got_one.wait()

    async def start(self) -> None:
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{rest:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def close(self) -> None:
        self._released.set()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = Received(request.method, request.path, dict(request.query), dict(request.headers), body)
        self.requests.append(received)
        self._got_one.set()
        await self._released.wait()
        reply = self._reply or Reply(body=json.dumps(self._accept(received)).encode())
        if reply.cut == "before":
            return self._broken(request)
        headers = {"Content-Type": "application/json", **reply.headers}
        if reply.cut == "inside":
            response = web.StreamResponse(
                status=reply.status, headers={**headers, "Content-Length": str(len(reply.body) + 9)}
            )
            await response.prepare(request)
            await response.write(reply.body)
            return self._broken(request)
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    @staticmethod
    def _broken(request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)
