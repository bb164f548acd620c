"""P03: from the moment a visitor's message is due until it is on the agent's socket, against a relay in memory."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import uvloop

from bench.report import Figure, Goal, percentile, wrong
from bench.servers import Hub, bare, hub
from omnibox.testing.world.demo import Admin, site_key
from omnibox.testing.world.visitor import Visitor

VISITORS, EVERY_S, ROUND_S = 50, 1.0, 4.0
MANY, MANY_EVERY_S, MANY_ROUND_S = 1_000, 5.0, 20.0
ROUNDS = 3
AT_ONCE = 16  # visitors who come at the same time
ARRIVE_S = 10
SITE = "https://shop.bench.example"
LETTERS = str.maketrans("0123456789", "abcdefghij")  # a number that no mask takes for one


def run(*, long: bool = False) -> list[Figure]:
    """With `long` also 1,000 visitors who say something every five seconds."""
    figures = uvloop.run(_run(VISITORS, EVERY_S, ROUND_S * (5 if long else 1)))
    return figures + uvloop.run(_run(MANY, MANY_EVERY_S, MANY_ROUND_S)) if long else figures


async def _run(visitors: int, every_s: float, round_s: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        relay = await _relay(stack, stack.enter_context(bare("relay")).base, visitors, every_s)
        served = stack.enter_context(hub(settings=['trusted_proxies = ["127.0.0.1"]']))
        ours = await _ours(stack, served, visitors, every_s)
        await relay.round(every_s)
        await ours.round(every_s)
        medians, tails = [], []
        for _ in range(ROUNDS):
            limit, found = await relay.round(round_s), await ours.round(round_s)
            if not limit or not found:
                return [wrong("P03", "web chat", f"{len(ours.missing)} messages never reached the agent")]
            medians.append((percentile(limit, 0.5), percentile(found, 0.5)))
            tails.append((percentile(limit, 0.99), percentile(found, 0.99)))
    name = f"web chat, {visitors:,} visitors, message to agent"
    return [
        Figure("P03", f"{name}, p99", "ms", tuple(tails), Goal(2.0)),
        Figure("P03", f"{name}, p50", "ms", tuple(medians)),
    ]


class Chat:
    """Sockets of one server: those of the visitors, and the agent's."""

    def __init__(self, agent: aiohttp.ClientWebSocketResponse, visitors: list[Any], every_s: float) -> None:
        self._agent = agent
        self._visitors = visitors
        self._every_s = every_s
        self._number = 0
        self._due_at: dict[str, float] = {}
        self._waits_ms: list[float] = []
        self._all_there = asyncio.Event()

    @property
    def missing(self) -> dict[str, float]:
        return self._due_at

    async def read(self) -> None:
        """Follow the agent's socket for as long as it is open."""
        async for received in self._agent:
            at = time.perf_counter()
            frame = received.json()
            if frame["t"] == "ping":
                await self._agent.send_json({"t": "pong", "n": frame["n"]})
            for event in frame.get("events", ()):
                due_at = self._due_at.pop(event["message"]["text"], None) if event.get("message") else None
                if due_at is not None:
                    self._waits_ms.append((at - due_at) * 1000)
            if not self._due_at:
                self._all_there.set()

    async def round(self, seconds: float) -> list[float]:
        """Milliseconds of every message; empty if one did not arrive. Lateness of the sender counts."""
        self._waits_ms.clear()
        self._all_there.clear()
        began = time.perf_counter() + 0.1
        rng = random.Random(3)
        plan = sorted(
            (began + (turn + rng.random()) * self._every_s, place)
            for turn in range(int(seconds / self._every_s))
            for place in range(len(self._visitors))
        )
        for due_at, place in plan:
            await asyncio.sleep(max(0, due_at - time.perf_counter()))
            self._number += 1
            text = f"message {str(self._number).translate(LETTERS)}"
            self._due_at[text] = due_at
            client_id = f"bench-{self._number:08d}"
            await self._visitors[place].send_json(
                {"t": "op", "kind": "message", "client_id": client_id, "text": text, "files": []}
            )
        try:
            async with asyncio.timeout(ARRIVE_S):
                await self._all_there.wait()
        except TimeoutError:
            return []
        return list(self._waits_ms)


async def _relay(stack: AsyncExitStack, base: str, count: int, every_s: float) -> Chat:
    http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    agent = await http.ws_connect(f"{base}/ws")
    visitors = [await http.ws_connect(f"{base}/w/ws") for _ in range(count)]
    chat = Chat(agent, visitors, every_s)
    for follow in (chat.read(), *(_drain(each) for each in visitors)):
        _keep(stack, asyncio.create_task(follow))
    return chat


async def _drain(ws: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in ws:
        pass


def _keep(stack: AsyncExitStack, task: asyncio.Task[None]) -> None:
    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def _ours(stack: AsyncExitStack, found: Hub, count: int, every_s: float) -> Chat:
    admin = await found.own()
    stack.push_async_callback(admin.close)
    channel = {"name": "Shop", "address": "shop", "settings": {"origins": [SITE]}}
    site = site_key(await admin.connect("webchat", "Website", {}, channel))
    visitors: list[_Sender] = []
    for first in range(0, count, AT_ONCE):
        coming = range(first, min(first + AT_ONCE, count))
        visitors += await asyncio.gather(*(_visitor(stack, found.base, site, number) for number in coming))
    chat = Chat(await _agent(admin, found.base), visitors, every_s)
    _keep(stack, asyncio.create_task(chat.read()))
    return chat


async def _agent(admin: Admin, base: str) -> aiohttp.ClientWebSocketResponse:
    snapshot = await admin.ask("GET", "/api/snapshot")
    ws = await admin.http.ws_connect("/ws", headers={"Origin": base})
    hello = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"], "cursor": snapshot["seq"]}
    await ws.send_json(hello)
    welcome = await ws.receive_json()
    if welcome["t"] != "welcome":
        raise RuntimeError(f"the agent was not welcome: {welcome['t']}")
    return ws


class _Sender:
    """A visitor as `Chat` knows one."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor

    async def send_json(self, frame: dict[str, Any]) -> None:
        await self._visitor.send(**frame)


async def _visitor(stack: AsyncExitStack, base: str, site: str, number: int) -> _Sender:
    # New visitors are counted by their address; each of these has one of its own, told by the proxy we play.
    address = str(ipaddress.ip_address("10.0.0.1") + number)
    return _Sender(await stack.enter_async_context(Visitor(base, site, SITE, forwarded_for=address)))
