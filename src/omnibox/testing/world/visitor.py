"""A visitor of a website: the chat widget's side of the visitor door, without a browser."""

from __future__ import annotations

import asyncio
import secrets
from types import TracebackType
from typing import Any

import aiohttp

ANSWER_S = 10


class Visitor:
    """One tab. `messages` holds what it would show, by id; `answers` every ack and nack."""

    def __init__(self, base: str, site: str, origin: str, token: str = "", forwarded_for: str = "") -> None:
        self._base = base
        self._site = site
        self._headers = {"Origin": origin} | ({"X-Forwarded-For": forwarded_for} if forwarded_for else {})
        self.token = token
        self.epoch = ""
        self.cursor: int | None = None
        self.messages: dict[int, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.welcome: dict[str, Any] = {}
        self.hints: list[dict[str, Any]] = []
        self._http: aiohttp.ClientSession | None = None
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the socket is there, as far as this side knows."""
        return self._reading is not None and not self._reading.done()

    async def __aenter__(self) -> Visitor:
        self._http = aiohttp.ClientSession(headers=self._headers)
        try:
            self._ws = await self._http.ws_connect(f"{self._base}/w/ws?site={self._site}")
            hello = {"t": "hello", "v": 1, "token": self.token, "epoch": self.epoch, "cursor": self.cursor}
            await self._ws.send_json(hello)
            self._reading = asyncio.create_task(self._read(self._ws))
            await self.until(lambda: bool(self.welcome))
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._ws is not None:
            await self._ws.close()
        if self._http is not None:
            await self._http.close()

    async def say(self, text: str, files: tuple[str, ...] = (), client_id: str = "") -> dict[str, Any]:
        """Send a message and wait for its ack or nack."""
        client_id = client_id or secrets.token_hex(8)
        await self.send(t="op", kind="message", client_id=client_id, text=text, files=list(files))
        await self.until(lambda: client_id in self.answers)
        return self.answers[client_id]

    async def send(self, **frame: Any) -> None:
        assert self._ws is not None
        await self._ws.send_json(frame)

    async def until(self, holds: Any) -> None:
        """Wait until `holds()`; raises `TimeoutError` after ten seconds, `ConnectionError` when the socket ends."""
        async with asyncio.timeout(ANSWER_S):
            while not holds():
                if self._reading is not None and self._reading.done():
                    raise ConnectionResetError("the socket was closed")
                self._changed.clear()
                await self._changed.wait()

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        try:
            async for received in ws:
                if received.type is aiohttp.WSMsgType.TEXT:
                    await self._take(received.json())
                    self._changed.set()
        except ConnectionError:
            return
        finally:
            asyncio.get_running_loop().call_soon(self._changed.set)

    async def _take(self, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "welcome":
                self.welcome = frame
                self.token = frame.get("token") or self.token
                self.epoch = frame["epoch"]
                if frame.get("cursor") is not None:
                    self.cursor = frame["cursor"]
                    self.messages = {each["id"]: each for each in frame.get("messages", ())}
            case "events":
                for event in frame["events"]:
                    self.messages[event["message"]["id"]] = event["message"]
                self.cursor = frame["upto"]
                await self.send(t="at", cursor=self.cursor)
            case "ack" | "nack":
                self.answers[frame["client_id"]] = frame
            case "ping":
                await self.send(t="pong", n=frame["n"])
            case "hint":
                self.hints.append(frame)
