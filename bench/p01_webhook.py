"""P01: a signed webhook until its 200, durable, against the same server without a store; and whether 200 is kept."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import sqlite3
import time
from collections import Counter

import uvloop

from bench.load import Driven, Requests, drive
from bench.report import Figure, Goal, percentile, wrong
from bench.servers import Hub, Server, bare, hub
from omnibox.testing.world.demo import PAGE
from omnibox.testing.world.graph import Graph

SENDERS = 997
BODY_BYTES = 338
SECRET = "0123456789abcdef0123456789abcdef"
WORDS = "Hello, I have a question about my order, could you please tell me when it will be on its way to me? "
ROUND_S, ROUNDS = 2.0, 3
KILL_AFTER_S, KILLS = 3.0, 3
GOAL = Goal(4.0, aim=2.0)
NAME = "webhook ingest"


class Writers:
    """People who write to the page, each message with a new id, signed as the platform signs."""

    def __init__(self) -> None:
        self._number = itertools.count()

    def body(self, number: int) -> tuple[str, bytes]:
        """The message's id and a body of exactly 338 bytes."""
        mid = f"m_{number:08d}AbCdEfGhIjKlMnOpQrSt"
        now_ms = int(time.time() * 1000)
        said = {
            "sender": {"id": str(7_000_000_000 + number % SENDERS)},
            "recipient": {"id": PAGE},
            "timestamp": now_ms,
            "message": {"mid": mid, "text": ""},
        }
        envelope = {"object": "page", "entry": [{"id": PAGE, "time": now_ms, "messaging": [said]}]}
        room = BODY_BYTES - len(json.dumps(envelope, separators=(",", ":")))
        said["message"] = {"mid": mid, "text": (WORDS * 2)[:room]}
        return mid, json.dumps(envelope, separators=(",", ":")).encode()

    def requests(self, path: str, most: int | None = None) -> Requests:
        """Requests without end, or `most` of them."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        for number in self._number if most is None else itertools.islice(self._number, most):
            mid, body = self.body(number)
            signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            yield (
                mid,
                f"{head}X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body,
            )


def run(*, long: bool = False) -> list[Figure]:
    return uvloop.run(_run(long=long))


async def _run(*, long: bool) -> list[Figure]:
    graph = Graph(app_secret=SECRET)
    await graph.start()
    try:
        with bare("webhook", SECRET) as limit, hub([f"127.0.0.1:{graph.port}"]) as ours:
            bench = Bench(limit, ours, await connect(ours, graph))
            await bench.warm_up()
            return [*await bench.rounds(long=long), await bench.kills(10 if long else KILLS)]
    finally:
        await graph.stop()


async def connect(ours: Hub, graph: Graph) -> str:
    """The path of the hook of a live page that has people."""
    page = graph.add_page(PAGE, "Bench")
    for number in range(SENDERS):
        graph.add_person(str(7_000_000_000 + number), f"Person {number}", page.id)
    settings = {"app_secret": SECRET, "app_id": graph.app_id, "graph_base": graph.base}
    channel = {"name": "Bench", "address": PAGE, "settings": {"page_access_token": page.token}}
    admin = await ours.own()
    try:
        made = await admin.connect("messenger", "Bench", settings, channel)
    finally:
        await admin.close()
    return "/hooks/" + str(made["hook_url"]).rpartition("/hooks/")[2]


class Bench:
    """The two servers and everything that was answered 200 so far."""

    def __init__(self, limit: Server, ours: Hub, path: str) -> None:
        self._limit, self._ours, self._path = limit, ours, path
        self._writers = Writers()
        self._answered: list[str] = []

    async def warm_up(self) -> None:
        """Every sender has written once, and the errands that new people cause are done."""
        await self._drive_ours(64, 30, SENDERS)
        await drive(self._limit.port, self._writers.requests("/hooks/bare", SENDERS), seconds=30)
        async with asyncio.timeout(60):
            while _read(self._ours, "SELECT count(*) FROM job WHERE kind = 'profile'") != [(0,)]:
                await asyncio.sleep(0.1)

    async def _drive_ours(self, connections: int, seconds: float, most: int | None = None) -> Driven:
        requests = self._writers.requests(self._path, most)
        driven = await drive(self._ours.port, requests, connections=connections, seconds=seconds)
        self._answered += driven.answered
        return driven

    async def rounds(self, *, long: bool) -> list[Figure]:
        figures: list[Figure] = []
        for connections, times in ((64, ROUNDS), (16, 1), (256, 1)):
            pairs, ours = [], Driven()
            for _ in range(ROUNDS if long else times):
                limit_us = (await self._cost(self._limit, self._limit_round, connections))[0]
                ours_us, ours = await self._cost(self._ours.server, self._drive_ours, connections)
                if ours.refused or ours.lost:
                    return [*figures, wrong("P01", NAME, f"{ours.refused} refused, {ours.lost} lost")]
                pairs.append((limit_us, ours_us))
            waits = f"{ours.rate:,.0f}/s, p50 {_ms(ours, 0.5)}, p99 {_ms(ours, 0.99)} ms"
            goal = GOAL if connections == 64 else None
            figures.append(Figure("P01", f"{NAME}, {connections} connections", "µs", tuple(pairs), goal, note=waits))
        if fault := self._fault():
            return [wrong("P01", NAME, fault)]
        return figures

    async def _limit_round(self, connections: int, seconds: float) -> Driven:
        return await drive(
            self._limit.port, self._writers.requests("/hooks/bare"), connections=connections, seconds=seconds
        )

    async def _cost(self, server: Server, load: object, connections: int) -> tuple[float, Driven]:
        """CPU microseconds of the server per answered request."""
        before = server.cpu_s()
        driven: Driven = await load(connections, ROUND_S)  # type: ignore[operator]
        return (server.cpu_s() - before) * 1e6 / max(1, len(driven.answered)), driven

    async def kills(self, times: int) -> Figure:
        """Under load, as the power goes: what was answered must be stored, once."""
        for _ in range(times):
            asyncio.get_running_loop().call_later(KILL_AFTER_S, self._ours.server.kill)
            driven = await self._drive_ours(64, KILL_AFTER_S + 5)
            if not driven.lost:
                return wrong("P01", f"{NAME}, kill -9", "the kill hit nothing that was on its way")
            await asyncio.to_thread(self._ours.start)
            if fault := self._fault():
                return wrong("P01", f"{NAME}, kill -9", fault)
        note = f"{times} kills, {len(self._answered):,} answered, 0 missing, 0 doubled"
        return Figure(
            "P01", f"{NAME}, kill -9: missing or doubled", "messages", ((0, 0),), Goal(0, of="ours"), note=note
        )

    def _fault(self) -> str:
        """What is wrong with the stored messages, if anything is. Unanswered ones may be there, but once."""
        stored = Counter(mid for (mid,) in _read(self._ours, "SELECT external_id FROM message WHERE kind = 'inbound'"))
        missing = sum(1 for mid in self._answered if mid not in stored)
        doubled = sum(1 for times in stored.values() if times > 1)
        people = _read(self._ours, "SELECT count(*) FROM conversation")[0][0]
        if missing or doubled:
            return f"{missing} answered messages missing, {doubled} doubled"
        return "" if people == SENDERS else f"{people} conversations of {SENDERS} people"


def _ms(driven: Driven, share: float) -> str:
    return f"{percentile(driven.waits_s, share) * 1000:.1f}"


def _read(ours: Hub, question: str) -> list[tuple[int | str, ...]]:
    database = sqlite3.connect(f"file:{ours.database}?mode=ro", uri=True)
    try:
        return database.execute(question).fetchall()
    finally:
        database.close()
