"""The least WebSocket server: a frame of any client goes to all, built once, on a raw protocol: `fanout.py PORT`."""

import asyncio
import base64
import hashlib
import sys
from typing import cast

import uvloop

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
members: set[asyncio.Transport] = set()


class Member(asyncio.Protocol):
    """Takes an upgrade, then short text frames that are masked with zeros."""

    __slots__ = ("_is_open", "_transport")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            self._is_open = True
            members.add(self._transport)
            return
        text = data[8:] if data[1] & 0x7F == 126 else data[6:]
        size = bytes((len(text),)) if len(text) < 126 else b"\x7e" + len(text).to_bytes(2)
        frame = b"\x81" + size + text
        for each in members:
            each.write(frame)

    def connection_lost(self, error: Exception | None) -> None:
        members.discard(self._transport)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Member, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


uvloop.run(main())
