"""The WebSocket protocol on the wire (RFC 6455): the upgrade, frames to send, a reader of what a client sends.

aiohttp's own sockets hold 12 KiB each and send frame by frame; the feed needs thousands of idle ones, and one frame
for all of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NewType

from aiohttp import web

Framed = NewType("Framed", bytes)
"""A frame with its header, ready for any number of transports."""

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MOST_CONTROL = 125

BROKEN = 1002  # against the protocol
NOT_TEXT = 1003
TOO_BIG = 1009


class Broken(Exception):
    """What the client sent is no WebSocket traffic that is taken here; `code` closes it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def accept_of(request: web.Request) -> bytes | None:
    """The answer to an upgrade (RFC 6455 §4.2.2); None where the request asks for none."""
    headers = request.headers
    wishes = {word.strip() for word in headers.get("Connection", "").lower().split(",")}
    key = headers.get("Sec-WebSocket-Key", "").strip()
    if headers.get("Upgrade", "").lower() != "websocket" or "upgrade" not in wishes or not _is_key(key):
        return None
    if headers.get("Sec-WebSocket-Version") != "13":
        return None
    accept = base64.b64encode(hashlib.sha1(key.encode() + GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False


# ── What goes out


def text_frame(text: bytes) -> Framed:
    """`text` (UTF-8) as one frame."""
    return _frame(TEXT, text)


def close_frame(code: int) -> Framed:
    return _frame(CLOSE, code.to_bytes(2))


def pong_frame(payload: bytes) -> Framed:
    return _frame(PONG, payload)


def _frame(kind: int, payload: bytes) -> Framed:
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | kind, size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, 126)) + size.to_bytes(2)
    else:
        head = bytes((0x80 | kind, 127)) + size.to_bytes(8)
    return Framed(head + payload)


# ── What comes in


@dataclass(frozen=True, slots=True)
class Received:
    """A whole message, its fragments joined, or a control frame."""

    kind: int
    payload: bytes


class FrameReader:
    """Cuts a client's bytes into messages of at most `most` bytes. Keeps nothing between whole frames."""

    __slots__ = ("_buffer", "_kind", "_most", "_parts")

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = b""
        self._kind = 0  # of the message whose fragments are in `_parts`
        self._parts: list[bytes] | None = None

    def feed(self, data: bytes) -> Iterator[Received]:
        """The messages that are complete with `data`. Raises `Broken`."""
        data = self._buffer + data if self._buffer else data
        self._buffer = b""
        at = 0
        while (found := self._cut(data, at)) is not None:
            first, payload, at = found
            if (received := self._join(first, payload)) is not None:
                yield received
        self._buffer = data[at:]

    def _cut(self, data: bytes, at: int) -> tuple[int, bytes, int] | None:
        """The frame that begins at `at`: its first byte, what it carries, and where it ends; None while it is short."""
        have = len(data) - at
        if have < 2:
            return None
        first, size = data[at], data[at + 1] & 0x7F
        if first & 0x70 or not data[at + 1] & 0x80:  # no extension was agreed on, and a client masks
            raise Broken(BROKEN)
        if first & 0x08 and (size > MOST_CONTROL or not first & 0x80):
            raise Broken(BROKEN)
        head = 2
        if size > MOST_CONTROL:
            head += 2 if size == 126 else 8
            if have < head:
                return None
            size = int.from_bytes(data[at + 2 : at + head])
        if size > self._most:
            raise Broken(TOO_BIG)
        begin = at + head + 4
        if len(data) < begin + size:
            return None
        return first, _unmasked(data[begin - 4 : begin], data[begin : begin + size]), begin + size

    def _join(self, first: int, payload: bytes) -> Received | None:
        kind, is_last = first & 0x0F, bool(first & 0x80)
        if kind in (CLOSE, PING, PONG):
            return Received(kind, payload)
        if kind not in (CONTINUATION, TEXT, BINARY) or (kind == CONTINUATION) != (self._parts is not None):
            raise Broken(BROKEN)
        if self._parts is None:
            if is_last:
                return Received(kind, payload)
            self._kind, self._parts = kind, [payload]
            return None
        self._parts.append(payload)
        if sum(map(len, self._parts)) > self._most or len(self._parts) > 1024:
            raise Broken(TOO_BIG)
        if not is_last:
            return None
        whole, self._parts = b"".join(self._parts), None
        return Received(self._kind, whole)


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    """RFC 6455 §5.3; as one number, which is the fastest way without a library."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)
