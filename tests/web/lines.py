"""A client's end of a socket, byte by byte, and how it comes to be an agent's screen."""

from __future__ import annotations

import asyncio
import json
import socket as sockets_of_the_system
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.web.house import House

from omnibox.web.websocket import CLOSE, TEXT

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455 §1.3, with the answer it must get
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Line:
    """A client's end of a socket, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, kind: int, payload: bytes, *, is_last: bool = True, mask: bytes = b"mask") -> None:
        size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
        key = (mask * (len(payload) // 4 + 1))[: len(payload)]
        body = bytes(a ^ b for a, b in zip(payload, key, strict=True))
        self.raw(bytes(((0x80 if is_last else 0) | kind,)) + size + mask + body)

    def raw(self, data: bytes) -> None:
        self._writer.write(data)

    def say(self, **frame: Any) -> None:
        self.send(TEXT, json.dumps(frame).encode())

    async def hear(self) -> tuple[int, bytes]:
        """Kind and payload of the next frame; raises `IncompleteReadError` at the end."""
        async with asyncio.timeout(10):
            first, size = await self._reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await self._reader.readexactly(2 if size == 126 else 8))
            return first & 0x0F, await self._reader.readexactly(size)

    async def hear_frame(self, wanted: str) -> dict[str, Any]:
        while True:
            kind, payload = await self.hear()
            assert kind == TEXT, (kind, payload)
            frame: dict[str, Any] = json.loads(payload)
            if frame["t"] == wanted:
                return frame

    async def hear_end(self) -> int:
        """The code it is closed with; 1006 where it is cut."""
        try:
            while True:
                kind, payload = await self.hear()
                if kind == CLOSE:
                    return int.from_bytes(payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            return 1006


@asynccontextmanager
async def line(house: House, path: str, *headers: str, receive_bytes: int = 0) -> AsyncIterator[Line]:
    client = sockets_of_the_system.socket()
    if receive_bytes:
        client.setsockopt(sockets_of_the_system.SOL_SOCKET, sockets_of_the_system.SO_RCVBUF, receive_bytes)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", house.server.port))
    reader, writer = await asyncio.open_connection(sock=client, limit=256)
    wanted = ["Upgrade: websocket", "Connection: keep-alive, Upgrade", f"Sec-WebSocket-Key: {KEY}"]
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{house.server.port}", *wanted, "Sec-WebSocket-Version: 13"]
    writer.write(("\r\n".join([*lines, *headers]) + "\r\n\r\n").encode())
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert b"Sec-WebSocket-Accept: " + ACCEPT in head
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


def screen(house: House, *, who: str = "agent", **options: Any) -> Any:
    return line(house, "/ws", f"Cookie: omnibox_session={house.tokens[who]}", **options)


async def snapshot_of(house: House) -> dict[str, Any]:
    found: dict[str, Any] = (await (await house.browser("agent")).get("/api/snapshot")).json
    return found


async def greet(house: House, end: Line) -> None:
    snapshot = await snapshot_of(house)
    end.say(t="hello", v=1, token=snapshot["pass"], epoch=snapshot["epoch"], cursor=snapshot["seq"])
    await end.hear_frame("welcome")


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)
