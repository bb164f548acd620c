"""An agent's screen that only follows the live feed: what it shows, and every gap or repetition it was given."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from typing import Any

import aiohttp
from tests.faults.houses import SOON_S

from omnibox.testing.world.demo import Admin

AGAIN_S = 0.05
LOST = (aiohttp.ClientError, ConnectionError, TimeoutError, RuntimeError)


class Screen:
    """Opened at the log's head; whatever ends its socket, it resumes from its cursor."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self.cursor = 0
        self.added: Counter[str] = Counter()  # how often each text was announced as new
        self.came_at: dict[str, float] = {}
        self.problems: list[str] = []
        self.codes: list[int | None] = []  # with which its sockets ended
        self.is_live = asyncio.Event()
        self.trouble: str | None = None  # why nothing is stored, as the banner would say
        self._epoch = self._pass = ""
        self._following: asyncio.Task[None] | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None

    async def open(self) -> None:
        snapshot = await self._admin.ask("GET", "/api/snapshot")
        self._epoch, self.cursor, self._pass = snapshot["epoch"], snapshot["seq"], snapshot["pass"]
        self._following = asyncio.create_task(self._follow())
        await self.is_live.wait()

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])

    def cut(self) -> None:
        """The line breaks, without a word."""
        self.is_live.clear()
        if self._ws is not None and (transport := self._ws.get_extra_info("socket")) is not None:
            transport.shutdown(2)

    async def shows(self, *texts: str) -> None:
        """Wait until it shows all of these."""
        async with asyncio.timeout(SOON_S):
            while not all(self.added[text] for text in texts):
                await asyncio.sleep(0.01)

    async def _follow(self) -> None:
        while True:
            try:
                await self._one_socket()
            except LOST:
                self.is_live.clear()
            await asyncio.sleep(AGAIN_S)
            try:  # a pass lasts a minute
                self._pass = (await self._admin.ask("GET", "/api/snapshot"))["pass"]
            except LOST:
                continue

    async def _one_socket(self) -> None:
        # A stalled or vanished server must not keep a test: the peer's goodbye is not waited for.
        async with self._admin.http.ws_connect("/ws", timeout=aiohttp.ClientWSTimeout(ws_close=0.2)) as ws:
            self._ws = ws
            hello = {"t": "hello", "v": 1, "token": self._pass, "epoch": self._epoch, "cursor": self.cursor}
            await ws.send_json(hello)
            async for received in ws:
                if received.type is aiohttp.WSMsgType.TEXT:
                    await self._take(ws, received.json())
            self.is_live.clear()
            self.codes.append(ws.close_code)

    async def _take(self, ws: aiohttp.ClientWebSocketResponse, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "welcome":
                self.trouble = frame["trouble"]
                self.is_live.set()
            case "hint" if frame["kind"] == "trouble":
                self.trouble = frame["code"]
            case "reset" if frame["reason"] == "pass":
                await ws.close()  # a pass lasts a minute, and this machine may have been busy
            case "reset":
                self.problems.append(f"sent away: {frame['reason']}")
            case "ping":
                await ws.send_json({"t": "pong", "n": frame["n"]})
            case "events":
                if frame["after"] != self.cursor:
                    self.problems.append(f"events after {frame['after']} where {self.cursor} had been shown")
                for event in frame["events"]:
                    if event["type"] == "message.added":
                        text = sys.intern(event["message"]["text"])  # one copy for a thousand screens
                        self.added[text] += 1
                        self.came_at.setdefault(text, time.perf_counter())
                self.cursor = frame["upto"]
