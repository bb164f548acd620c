"""P06: queued replies until they are at a sink, with a durable state for each, against the bare client."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import sys
import time
from collections import Counter

import uvloop
from aiohttp import web

from bench.load import Requests, drive
from bench.report import Figure, Goal, wrong
from bench.servers import BARE, Hub, hub, run_aside, spare_port
from omnibox.testing.world.demo import Admin

PEOPLE, LONG, ROUNDS = 2_000, 5_000, 3
IN_FLIGHT = 64
SECRET = secrets.token_hex(16)
ALL_S = 40


class Sink:
    """Takes replies and counts their ids; while it is shut it refuses whoever comes, so that a hub pauses the channel
    and replies queue up."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.times: list[float] = []
        self.is_open = False

    async def take(self, request: web.Request) -> web.Response:
        reply = json.loads(await request.read())
        if not self.is_open:
            raise web.HTTPForbidden
        self.seen[reply["id"]] += 1
        self.times.append(time.perf_counter())
        return web.Response(text="{}", content_type="application/json")

    def start_over(self, *, is_open: bool) -> None:
        self.seen.clear()
        self.times.clear()
        self.is_open = is_open

    def rate(self) -> float:
        """Replies per second once as many as fit were in flight."""
        return (len(self.times) - IN_FLIGHT) / (self.times[-1] - self.times[IN_FLIGHT - 1])


def run(*, long: bool = False) -> list[Figure]:
    return [uvloop.run(_run(LONG if long else PEOPLE))]


async def _run(people: int) -> Figure:
    sink, port = Sink(), spare_port()
    app = web.Application()
    app.router.add_post("/", sink.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        with hub([f"127.0.0.1:{port}"]) as found:
            admin = await found.own()
            try:
                return await _figure(found, admin, sink, f"http://127.0.0.1:{port}/", people)
            finally:
                await admin.close()
    finally:
        await runner.cleanup()


async def _figure(found: Hub, admin: Admin, sink: Sink, url: str, people: int) -> Figure:
    name = f"outbound, {people} replies"
    connection, conversations = await _set_up(found, admin, url, people)
    rounds, cpu_us, bare_us = [], [], []
    for _ in range(ROUNDS):
        sink.start_over(is_open=True)
        spent_s = await asyncio.to_thread(run_aside, [sys.executable, str(BARE / "client.py"), url, str(people)])
        bare_us.append(float(spent_s) / people * 1e6)
        limit = sink.rate()
        sink.start_over(is_open=False)
        await reply_to_all(admin, conversations)
        before_s = found.server.cpu_s()
        sink.start_over(is_open=True)
        await admin.ask("POST", f"/api/connections/{connection}/enable")
        if fault := await _until_sent(admin, sink, people):
            return wrong("P06", name, fault)
        rounds.append((limit, sink.rate()))
        cpu_us.append((found.server.cpu_s() - before_s) / people * 1e6)
    note = f"{min(cpu_us):,.0f} µs of the hub's CPU each, {min(bare_us):,.0f} of the bare client's"
    return Figure("P06", name, "replies/s", tuple(rounds), Goal(0.5, "≥"), note=note)


async def _set_up(found: Hub, admin: Admin, url: str, people: int) -> tuple[int, list[int]]:
    """A live channel on which `people` have written: its connection, and their conversations."""
    channel = {"name": "Shop", "address": "shop", "settings": {}}
    made = await admin.connect("hook", "Hook", {"secret": SECRET, "url": url}, channel)
    path = "/hooks/" + str(made["hook_url"]).rpartition("/hooks/")[2]
    wrote = await drive(found.port, _questions(path, people), seconds=30)
    if len(wrote.answered) != people:
        raise RuntimeError(f"{len(wrote.answered)} of {people} could write")
    ids: list[int] = []
    cursor = ""
    while True:
        page = await admin.ask("GET", f"/api/conversations?view=all&limit=200{cursor}")
        ids += [row["id"] for row in page["conversations"]]
        if not page["next"]:
            return made["id"], ids
        cursor = f"&before={page['next']}"


def _questions(path: str, people: int) -> Requests:
    for number in range(people):
        item = {"id": f"q{number}", "from": f"person-{number}", "to": "shop", "text": "Is it on its way?"}
        body = json.dumps(item | {"time": time.time()}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Signature: {signature}\r\n"
        yield item["id"], f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def reply_to_all(admin: Admin, conversations: list[int]) -> None:
    """One reply in each conversation."""
    waiting = iter(conversations)

    async def answer() -> None:
        for conversation in waiting:
            body = {"client_id": secrets.token_hex(8), "text": "Thank you, it is on its way."}
            await admin.ask("POST", f"/api/conversations/{conversation}/replies", body)

    await asyncio.gather(*(answer() for _ in range(8)))


async def _until_sent(admin: Admin, sink: Sink, people: int) -> str:
    """What is wrong once all is quiet: each reply must be at the sink once, and no channel may be waiting."""
    ends_at = time.perf_counter() + ALL_S
    while len(sink.times) < people and time.perf_counter() < ends_at:
        await asyncio.sleep(0.02)
    while time.perf_counter() < ends_at:
        snapshot = await admin.ask("GET", "/api/snapshot")
        if not any(channel["waiting"] for channel in snapshot["channels"]):
            break
        await asyncio.sleep(0.1)
    doubled = sum(1 for times in sink.seen.values() if times > 1)
    if len(sink.seen) != people or doubled:
        return f"{len(sink.seen)} of {people} replies arrived, {doubled} of them twice"
    return ""
