"""P04: one event until all open screens have it, against a raw server that sends one frame to all.

Then the same stream of events with a tenth of the screens not reading, against itself without them: the kernel's
buffers fill, then ours, then the sockets are cut, and the others must not notice.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack

import aiohttp
import msgspec
import uvloop

from bench.crowd import Crowd, masked, upgrade
from bench.report import Figure, Goal, percentile, wrong
from bench.servers import Hub, bare, hub
from omnibox.testing.world.demo import Admin, site_key
from omnibox.testing.world.visitor import Visitor

SCREENS, MANY = 1_000, 9_000
SHOTS, ROUNDS = 5, 7
REST_S = 0.2  # between two shots
MIXED, MANY_MIXED = 100, 1_000  # screens, of which a tenth does not read
STREAM, TEXT = 400, 19_000  # events, and characters of each: 8 MB, which no buffer holds
SITE = "https://shop.bench.example"
PASS_LASTS = 500  # sockets that come with one pass, which is good for a minute
LETTERS = str.maketrans("0123456789", "abcdefghij")  # a number that no mask takes for one


def run(*, long: bool = False) -> list[Figure]:
    figures = []
    for count in (SCREENS, MANY) if long else (SCREENS,):
        figures += uvloop.run(_run(count))
    return [*figures, uvloop.run(_stalled(MANY_MIXED if long else MIXED))]


async def _run(count: int) -> list[Figure]:
    name = f"fan-out to {count:,} screens"
    async with AsyncExitStack() as stack:
        limit = await _raw(stack, stack.enter_context(bare("fanout")).port, count)
        ours = await Screens.open(stack, stack.enter_context(hub()))
        await ours.join(count)
        await limit.shots()
        await ours.shots()  # warm, and the size of the frame is known
        limit.pad = ours.frame_bytes
        tails, medians, worst = [], [], []
        for _ in range(ROUNDS):
            there, here = await limit.shots(), await ours.shots()
            for waits, who, from_them in ((there, limit, "the raw server's"), (here, ours, "our")):
                if len(waits) != SHOTS * count:
                    return [wrong("P04", name, _missing(SHOTS * count - len(waits), from_them, who.crowd))]
            tails.append((percentile(there, 0.99), percentile(here, 0.99)))
            medians.append((percentile(there, 0.5), percentile(here, 0.5)))
            worst.append((max(there), max(here)))
    return [
        Figure("P04", f"{name}, p99", "ms", tuple(tails), Goal(1.5, aim=1.3)),
        Figure("P04", f"{name}, p50", "ms", tuple(medians)),
        Figure("P04", f"{name}, worst", "ms", tuple(worst)),
    ]


async def _stalled(count: int) -> Figure:
    name = f"{count:,} screens, a tenth of them stalled, p99 of the others"
    idle = count // 10
    reading = count - idle
    async with AsyncExitStack() as stack:
        screens = await Screens.open(stack, stack.enter_context(hub()))
        await screens.join(reading)
        await screens.stream(20)
        calm = await screens.stream(STREAM)
        await screens.join_stalled(idle)
        stalled = await screens.stream(STREAM)
        if missing := 2 * STREAM * reading - len(calm) - len(stalled):
            return wrong("P04", name, _missing(missing, "our", screens.crowd))
        if (cut := await screens.cut()) != idle:
            return wrong("P04", name, f"{cut} of {idle} stalled screens were cut")
    pair = percentile(calm, 0.99), percentile(stalled, 0.99)
    return Figure("P04", name, "ms", (pair,), Goal(2.0), note="limit: without them")


def _missing(count: int, whose: str, crowd: Crowd) -> str:
    return f"{count} of {whose} frames did not arrive, and {crowd.gone} sockets ended"


class Shooter:
    """Sends marked events, one after the other, and hears when each is everywhere."""

    def __init__(self, crowd: Crowd, event: Callable[[bytes, int], bytes]) -> None:
        self.crowd = crowd
        self._event = event
        self._number = 0
        self.pad = 200

    async def shots(self) -> list[float]:
        waits: list[float] = []
        for _ in range(SHOTS):
            self._number += 1
            mark = f"shot {self._number:06d}.".translate(LETTERS).encode()
            frame = masked(self._event(mark, self.pad))
            waits += await self.crowd.fire(mark, lambda frame=frame: self._send(frame), len(self.crowd.members))  # type: ignore[misc]
            await asyncio.sleep(REST_S)
        return waits

    def _send(self, frame: bytes) -> None:
        self.crowd.members[0].transport.write(frame)


async def _raw(stack: AsyncExitStack, port: int, count: int) -> Shooter:
    crowd = Crowd(port, is_greeted=False)
    stack.push_async_callback(crowd.close)
    await crowd.open(count, lambda _: upgrade(port, "/ws"), lambda _: b"")
    return Shooter(crowd, lambda mark, pad: mark.ljust(pad))


class Screens(Shooter):
    """Agents' sockets of one hub; the events are notes that one of them writes into a conversation."""

    frame_bytes = 0
    admin: Admin
    request: bytes

    async def cut(self) -> int:
        """How many sockets the hub has ended; they themselves do not notice while they do not read."""
        async with self.admin.http.get("/metrics") as answer:
            found = re.search(r"^omnibox_sockets_cut_total (\d+)", await answer.text(), re.M)
        return int(found[1]) if found else 0

    async def stream(self, count: int) -> list[float]:
        """Long events one after the other, each sent when the one before is with all who read; none after one that
        did not arrive."""
        waits: list[float] = []
        reading = sum(not each.is_stalled for each in self.crowd.members)
        for number in range(1, count + 1):
            self._number += 1
            mark = f"shot {self._number:06d}.".translate(LETTERS).encode()
            frame = masked(self._event(mark, TEXT))
            waits += await self.crowd.fire(mark, lambda frame=frame: self._send(frame), reading)  # type: ignore[misc]
            if len(waits) != number * reading:
                break
        return waits

    async def join(self, count: int) -> None:
        """So many more screens."""
        for first in range(0, count, PASS_LASTS):
            hello = await _hello(self.admin)
            await self.crowd.open(min(PASS_LASTS, count - first), lambda _: self.request, lambda _, hello=hello: hello)  # type: ignore[misc]

    async def join_stalled(self, count: int) -> None:
        """So many more, with next to no buffer in the kernel, that read their welcome and no more."""
        self.crowd.small_from = len(self.crowd.members)
        await self.join(count)
        for member in self.crowd.members[-count:]:
            member.stall()

    @classmethod
    async def open(cls, stack: AsyncExitStack, found: Hub) -> Screens:
        admin = await found.own()
        stack.push_async_callback(admin.close)
        conversation = await _conversation(admin, found.base)
        crowd = Crowd(found.port, is_greeted=True)
        stack.push_async_callback(crowd.close)
        cookies = admin.http.cookie_jar.filter_cookies(admin.http._base_url)  # type: ignore[arg-type]
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())

        def note(mark: bytes, size: int) -> bytes:
            text = mark.decode()
            words = {"t": "op", "kind": "note", "client_id": text.replace(" ", "-").rstrip("."),
                     "conversation": conversation, "text": text.ljust(size, "~")}  # fmt: skip
            return msgspec.json.encode(words)

        screens = cls(crowd, note)
        screens.admin = admin
        screens.request = upgrade(found.port, "/ws", [f"Cookie: {cookie}", f"Origin: {found.base}"])
        screens.frame_bytes = await _frame_bytes(admin, found.base, note)
        return screens


async def _conversation(admin: Admin, base: str) -> int:
    channel = {"name": "Shop", "address": "shop", "settings": {"origins": [SITE]}}
    site = site_key(await admin.connect("webchat", "Website", {}, channel))
    async with Visitor(base, site, SITE) as visitor:
        await visitor.say("Hello, is anybody there?")
    listed = await admin.ask("GET", "/api/conversations?view=all")
    return int(listed["conversations"][0]["id"])


async def _hello(admin: Admin) -> bytes:
    snapshot = await admin.ask("GET", "/api/snapshot")
    words = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"], "cursor": snapshot["seq"]}
    return msgspec.json.encode(words)


async def _frame_bytes(admin: Admin, base: str, note: Callable[[bytes, int], bytes]) -> int:
    """The size of the frame that one such note makes."""
    async with admin.http.ws_connect("/ws", headers={"Origin": base}) as ws:
        await ws.send_str((await _hello(admin)).decode())
        await ws.receive()
        await ws.send_str(note(b"shot zero.", 0).decode())
        async for received in ws:
            if received.type is aiohttp.WSMsgType.TEXT and '"events":[{' in received.data:
                return len(received.data.encode())
    raise RuntimeError("the note was not heard of")
