"""One line into the door: bytes in and out, bounded in memory and in time.

With a buffer of our own, since the standard streams keep what came before STARTTLS: a stranger on the network could
slip commands in front of the encrypted ones (CVE-2021-33515 and its kin).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

LONGEST_LINE = 4096  # RFC 5321 4.5.3.1 asks for 512, and more with extensions
ENOUGH = 1 << 18  # bytes that wait here at most, while nobody reads them
END = b"\r\n.\r\n"


class Gone(Exception):
    """The other side hung up, was silent for too long, or talks nonsense."""


class Line(asyncio.Protocol):
    """`opened` is called with the line once it stands."""

    def __init__(self, opened: Callable[[Line], None]) -> None:
        self._opened = opened
        self._buffer = bytearray()
        self._news: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._is_paused = False
        self.is_over = False
        self.is_encrypted = False
        self.transport: asyncio.Transport | None = None

    # ── What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if not self.is_encrypted:
            self._opened(self)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > ENOUGH and not self._is_paused and self.transport:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self.is_over = True
        self._wake()
        return False

    def connection_lost(self, _: Exception | None) -> None:
        self.is_over = True
        self._writable.set()
        self._wake()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # ── Reading

    @property
    def peer(self) -> str:
        """The IP address at the other end; empty at a socket file."""
        name = self.transport.get_extra_info("peername") if self.transport else None
        return str(name[0]) if isinstance(name, tuple) and name else ""

    async def _more(self, timeout_s: float) -> None:
        """Wait until more has come; raises `Gone`."""
        if self.is_over:
            raise Gone
        if self._is_paused and self.transport and len(self._buffer) <= ENOUGH:
            self._is_paused = False
            self.transport.resume_reading()
        self._news = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await self._news
        except TimeoutError:
            raise Gone from None
        finally:
            self._news = None

    async def read_line(self, timeout_s: float) -> bytes:
        """A command without its end. Only CRLF ends one: who sends a bare LF smuggles (RFC 5321 2.3.8)."""
        async with _Within(timeout_s):
            seen = 0
            while (end := self._buffer.find(b"\n", seen)) < 0:
                seen = len(self._buffer)
                if seen > LONGEST_LINE:
                    raise Gone
                await self._more(timeout_s)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if len(line) > LONGEST_LINE or not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            raise Gone
        return line[:-2]

    async def read_mail(self, most: int, silence_s: float, total_s: float) -> bytes | None:
        """The mail up to the lone dot, its dots unstuffed; None where it was larger than `most` bytes.

        Only CRLF dot CRLF ends it. A dot between bare line ends is text of the mail, so what follows is never taken
        for commands (SMTP smuggling). All of a mail that is too large is read and none of it kept.
        """
        async with _Within(total_s):
            got, is_too_big, looked = bytearray(b"\r\n"), False, 0
            while True:
                got += self._buffer
                self._buffer.clear()
                found = got.find(END, max(0, looked - len(END) + 1))
                if found >= 0:
                    break
                if len(got) > most:
                    is_too_big = True
                    del got[: -len(END)]
                looked = len(got)
                await self._more(silence_s)
        self._buffer += got[found + len(END) :]
        del got[found + 2 :]
        return None if is_too_big or len(got) > most + 2 else bytes(got.replace(b"\r\n.", b"\r\n")[2:])

    # ── Writing

    async def write(self, data: bytes, timeout_s: float) -> None:
        """Raises `Gone` where the other side takes nothing."""
        if self.transport is None or self.transport.is_closing():
            raise Gone
        self.transport.write(data)
        try:
            async with asyncio.timeout(timeout_s):
                await self._writable.wait()
        except TimeoutError:
            raise Gone from None

    async def encrypt(self, context: ssl.SSLContext, word: bytes, timeout_s: float) -> None:
        """Say `word` and go on encrypted; raises `Gone` where that fails or something was slipped in before it."""
        if self._buffer or self.transport is None or self.transport.is_closing():
            raise Gone
        self.transport.pause_reading()  # what comes from here on is the encryption's
        self.transport.write(word)
        self.is_encrypted = True
        loop = asyncio.get_running_loop()
        try:
            transport = await loop.start_tls(
                self.transport, self, context, server_side=True, ssl_handshake_timeout=timeout_s
            )
        except (OSError, ssl.SSLError, TimeoutError):
            raise Gone from None
        if transport is None:
            raise Gone
        self.transport = transport

    def close(self, last: bytes = b"") -> None:
        """Say a last word, if the other side still listens, and hang up."""
        if self.transport is None or self.transport.is_closing():
            return
        if last:
            self.transport.write(last)
        self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Within:
    """`asyncio.timeout` that raises `Gone`."""

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *error: object) -> None:
        try:
            await self._timeout.__aexit__(*error)  # type: ignore[arg-type]  # the three of the protocol, as they came
        except TimeoutError:
            raise Gone from None
