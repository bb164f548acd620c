"""P03: from the moment a visitor's message is due until it is on the agent's socket, against a relay in memory."""

from __future__ import annotations

import asyncio
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

VISITORS = 50
EVERY_S, ROUND_S, ROUNDS = 1.0, 4.0, 3
ARRIVE_S = 10
SITE = "http://shop.bench.example"
LETTERS = str.maketrans("0123456789", "abcdefghij")  # a number that no mask takes for one


def run(*, long: bool = False) -> list[Figure]:
    return uvloop.run(_run(ROUND_S * (5 if long else 1)))


async def _run(round_s: float) -> list[Figure]:
    async with AsyncExitStack() as stack:
        relay = await _relay(stack, stack.enter_context(bare("relay")).base)
        ours = await _ours(stack, stack.enter_context(hub()))
        await relay.round(1.0)
        await ours.round(1.0)
        medians, tails = [], []
        for _ in range(ROUNDS):
            limit, found = await relay.round(round_s), await ours.round(round_s)
            if not limit or not found:
                return [wrong("P03", "web chat", f"{len(ours.missing)} messages never reached the agent")]
            medians.append((percentile(limit, 0.5), percentile(found, 0.5)))
            tails.append((percentile(limit, 0.99), percentile(found, 0.99)))
    name = f"web chat, {VISITORS} visitors, message to agent"
    return [
        Figure("P03", f"{name}, p99", "ms", tuple(tails), Goal(2.0)),
        Figure("P03", f"{name}, p50", "ms", tuple(medians)),
    ]


class Chat:
    """Sockets of one server: those of the visitors, and the agent's."""

    def __init__(self, agent: aiohttp.ClientWebSocketResponse, visitors: list[Any]) -> None:
        self._agent = agent
        self._visitors = visitors
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
            (began + turn * EVERY_S + rng.random() * EVERY_S, place)
            for turn in range(int(seconds / EVERY_S))
            for place in range(VISITORS)
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


async def _relay(stack: AsyncExitStack, base: str) -> Chat:
    http = await stack.enter_async_context(aiohttp.ClientSession())
    agent = await http.ws_connect(f"{base}/ws")
    visitors = [await http.ws_connect(f"{base}/w/ws") for _ in range(VISITORS)]
    chat = Chat(agent, visitors)
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


async def _ours(stack: AsyncExitStack, found: Hub) -> Chat:
    admin = await found.own()
    stack.push_async_callback(admin.close)
    channel = {"name": "Shop", "address": "shop", "settings": {"origins": [SITE]}}
    site = site_key(await admin.connect("webchat", "Website", {}, channel))
    chat = Chat(await _agent(admin, found.base), [await _visitor(stack, found.base, site) for _ in range(VISITORS)])
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


async def _visitor(stack: AsyncExitStack, base: str, site: str) -> _Sender:
    return _Sender(await stack.enter_async_context(Visitor(base, site, SITE)))
