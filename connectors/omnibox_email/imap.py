"""One IMAP line: aioimaplib's protocol with its faults repaired, and the few commands we need.

The library's own feed recurses per line, loses commands when the line drops, cuts "* " out of answers and writes mail
text into its log. Here every response is collected whole (line, literal, line, …) before anything is made of it.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aioimaplib import aioimaplib as library  # type: ignore[import-untyped]

from omnibox_email import dates
from omnibox_email.faults import LoginRefused, Lost, NoFolder, Refused, Timings
from omnibox_email.imap_words import LITERAL, Fetched, Folder, Size, fetched_in, listed_in, quoted, quoted_name, uid_set

_log = logging.getLogger("aioimaplib.aioimaplib")  # it would print what customers wrote
_log.disabled = True
_log.setLevel(logging.CRITICAL + 1)

LONGEST_LINE = 16 << 20
LONGEST_LITERAL = 48 << 20
LONGEST_COMMAND_S = 900

_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.I)
_RESPONSE_CODE = re.compile(rb"\[([A-Z-]+)")
_TEMPORARY = frozenset({b"UNAVAILABLE", b"INUSE", b"LIMIT", b"SERVERBUG", b"CONTACTADMIN"})

Pieces = list[bytes | bytearray]


class Line(library.IMAP4ClientProtocol):  # type: ignore[misc] # the library has no types
    """A connection on which one owner runs one command at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timings: Timings) -> None:
        super().__init__(loop)
        self.transport: Any = None
        self.pending_sync_command: Any = None
        self.timings = timings
        self.greeting: asyncio.Future[bytes] = loop.create_future()
        self.is_lost = False
        self._buffer = bytearray()
        self._searched = 0
        self._pieces: Pieces = []
        self._literal: bytearray | None = None
        self._missing = 0
        self._woken = asyncio.Event()
        self._exists = 0
        self._noticed = 0
        self._may_idle = False
        self._challenge_answers: list[str] = []

    # -- feeding --

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if command := self._pending():
            command._reset_timer()
        try:
            while self._step():
                pass
        except Exception as error:  # whatever it is, this line speaks no IMAP we understand
            self._break_off(type(error).__name__)

    def _step(self) -> bool:
        """Take one line or literal off the buffer; False when more bytes are needed."""
        if self._literal is not None:
            taken = min(self._missing, len(self._buffer))
            self._literal += self._buffer[:taken]
            del self._buffer[:taken]
            self._missing -= taken
            if self._missing:
                return False
            self._pieces.append(self._literal)
            self._literal = None
            return True
        end = self._buffer.find(b"\r\n", max(0, self._searched - 1))
        if end < 0:
            self._searched = len(self._buffer)
            if self._searched > LONGEST_LINE:
                raise ValueError("line too long")
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._searched = 0
        self._pieces.append(line)
        announced = LITERAL.search(line) if not _STATUS.match(self._pieces[0]) else None
        if announced and self._pieces[0].startswith(b"*"):
            self._missing = int(announced.group(1))
            if self._missing > LONGEST_LITERAL:
                raise ValueError("literal too long")
            self._literal = bytearray()
            return True
        response, self._pieces = self._pieces, []
        self._answer(response)
        return True

    def _answer(self, response: Pieces) -> None:
        first = bytes(response[0])
        if not self.greeting.done():
            if re.match(rb"\* (?:OK|PREAUTH)\b", first, re.I):
                self.greeting.set_result(first)
            else:
                self._break_off("greeting")
        elif first.startswith(b"+"):
            self._continuation(first)
        elif first.startswith(b"* "):
            self._untagged(response)
        elif first:
            self._response_done(first)
            self._woken.set()

    def _untagged(self, response: Pieces) -> None:
        first = bytes(response[0])[2:]
        if count := re.match(rb"(\d+) EXISTS\b", first, re.I):
            self._exists = int(count.group(1))
            self._woken.set()
        elif re.match(rb"\d+ EXPUNGE\b", first, re.I):
            self._exists -= 1
            self._noticed -= 1
        elif first[:3].upper() == b"BYE":
            self._woken.set()
        if command := self._pending():
            for piece in (first, *response[1:]):
                command.append_to_resp(piece)

    def _continuation(self, line: bytes) -> None:
        command = self.pending_sync_command
        if command is None:
            return
        if command.name == "IDLE":
            self._may_idle = True
            self._woken.set()
        elif command.name == "AUTHENTICATE":
            # A refused login sends a challenge that wants an empty answer before it says NO.
            self.send(self._challenge_answers.pop(0) if self._challenge_answers else "")

    def _pending(self) -> Any:
        return self.pending_sync_command or next(iter(self.pending_async_commands.values()), None)

    def send(self, line: str, scrub: str | None = None) -> None:
        """Write one line; unlike the library's, it logs nothing."""
        del scrub
        self.transport.write(f"{line}\r\n".encode())

    # -- ending --

    def connection_lost(self, exc: Exception | None) -> None:
        self._break_off(type(exc).__name__ if exc else "closed")

    def _break_off(self, why: str) -> None:
        """Fail whoever waits: the library would let them wait for ever."""
        self.is_lost = True
        if not self.greeting.done():
            self.greeting.set_exception(Lost("email.line_lost"))
            self.greeting.exception()  # nobody may come to ask for it
        waiting = [self.pending_sync_command, *self.pending_async_commands.values()]
        self.pending_sync_command = None
        self.pending_async_commands.clear()
        for command in waiting:
            if command is not None:
                command._exception = library.Abort(why)
                command.close(b"", "KO")
        self._woken.set()
        self.abort()

    def abort(self) -> None:
        self.is_lost = True
        if self.transport is not None:
            self.transport.abort()

    # -- commands --

    async def run(self, name: str, *args: str, prefix: str = "") -> tuple[str, Pieces]:
        """(`OK`, `NO` or `BAD`, the response's pieces). Raises `Lost` where no answer comes."""
        if self.is_lost:
            raise Lost("email.line_lost")
        command = library.Command(
            name, self.new_tag(), *args, prefix=prefix, loop=self.loop, timeout=self.timings.command_s
        )
        try:
            async with asyncio.timeout(LONGEST_COMMAND_S):
                response = await self.execute(command)
        except library.CommandTimeout:
            self.abort()
            raise Lost("email.line_silent") from None
        except (library.AioImapException, TimeoutError):
            self.abort()
            raise Lost("email.line_lost") from None
        return response.result.upper(), response.lines

    async def ask_capabilities(self) -> None:
        result, lines = await self.run("CAPABILITY")
        words = next((bytes(line).split()[1:] for line in lines if line.upper().startswith(b"CAPABILITY")), [])
        if result != "OK" or not words:
            raise Lost("email.no_imap")
        self.capabilities = {word.decode("ascii", "replace").upper() for word in words}

    def can(self, capability: str) -> bool:
        return capability in self.capabilities

    async def log_in(self, user: str, password: str) -> None:
        """Raises `LoginRefused`, or `Lost` where the server says that it cannot just now."""
        if self.can("LOGINDISABLED"):
            raise Refused("email.login_needs_tls")
        if (user + password).isascii() and not re.search(r"[\x00-\x1f\x7f]", user + password):
            result, lines = await self.run("LOGIN", quoted(user), quoted(password))
        else:
            answer = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
            has_initial = self.can("SASL-IR")
            self._challenge_answers = [] if has_initial else [answer]
            result, lines = await self.run("AUTHENTICATE", "PLAIN", *([answer] if has_initial else []))
        if result != "OK":
            said = _RESPONSE_CODE.search(bytes(lines[-1]).upper()) if lines else None
            if said and said.group(1) in _TEMPORARY:
                raise Lost("email.login_unavailable")
            raise LoginRefused("email.login_refused")
        self.state = library.AUTH
        await self.ask_capabilities()

    async def upgrade(self, context: ssl.SSLContext, host: str) -> None:
        """STARTTLS. What the server said before counts for nothing (RFC 3501 6.2.1)."""
        await self.ask_capabilities()
        if not self.can("STARTTLS"):
            raise Refused("email.no_starttls")
        result, _ = await self.run("STARTTLS")
        if result != "OK" or self._buffer:  # bytes behind the answer would be taken for encrypted ones
            raise Refused("email.no_starttls")
        self.transport = await self.loop.start_tls(
            self.transport, self, context, server_hostname=host, ssl_handshake_timeout=self.timings.connect_s
        )

    async def examine(self, folder: str) -> Folder:
        """Open a folder for reading only: flags are other people's business."""
        result, lines = await self.run("EXAMINE", quoted_name(folder))
        if result != "OK":
            raise NoFolder(folder)
        self.state = library.SELECTED
        text = b"\n".join(bytes(line) for line in lines)
        validity, following = (re.search(name + rb" (\d+)", text, re.I) for name in (b"UIDVALIDITY", b"UIDNEXT"))
        return Folder(folder, int(validity.group(1)) if validity else 0, int(following.group(1)) if following else None)

    async def search(self, *criteria: str) -> list[int]:
        """The UIDs that fit, ascending."""
        result, lines = await self.run("SEARCH", *criteria, prefix="UID")
        if result != "OK":
            raise Lost("email.search_refused")
        found = {
            int(word)
            for line in lines[:-1]
            if line[:6].upper() == b"SEARCH"
            for word in bytes(line)[6:].split()
            if word.isdigit()
        }
        return sorted(found)

    @property
    def has_news(self) -> bool:
        """Whether the folder has grown since `after` was asked; servers say so amid any answer."""
        return self._exists != self._noticed

    async def after(self, uid: int) -> list[int]:
        """The UIDs above `uid`. Servers answer `n:*` with the last mail even when `n` is too high: filtered."""
        self._noticed = self._exists
        return [one for one in await self.search("UID", f"{uid + 1}:*") if one > uid]

    async def sizes(self, uids: Sequence[int]) -> dict[int, Size]:
        found = {}
        for fetched in await self._fetch(uids, "(UID RFC822.SIZE INTERNALDATE)"):
            size = re.search(rb"RFC822\.SIZE (\d+)", fetched.facts, re.I)
            date = re.search(rb'INTERNALDATE "([^"]{10,40})"', fetched.facts, re.I)
            when = dates.parse_date(date.group(1).decode("ascii", "replace")) if date else None
            found[fetched.uid] = Size(int(size.group(1)) if size else 0, when or datetime.now(UTC))
        return found

    async def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        fetched = await self._fetch(uids, "(UID BODY.PEEK[])")
        return {one.uid: one.body for one in fetched if one.body is not None}

    async def body_in_steps(self, uid: int, size: int, step: int = 1 << 20) -> bytes | None:
        """A big mail, fetched piece by piece; None when it is gone meanwhile."""
        body = bytearray()
        while len(body) < size + step:
            fetched = await self._fetch([uid], f"(UID BODY.PEEK[]<{len(body)}.{step}>)")
            piece = next((one.body for one in fetched if one.uid == uid), None)
            if piece is None:
                return None
            body += piece
            if len(piece) < step:
                break
        return bytes(body)

    async def _fetch(self, uids: Sequence[int], what: str) -> list[Fetched]:
        result, lines = await self.run("FETCH", uid_set(uids), what, prefix="UID")
        if result != "OK":
            raise Lost("email.fetch_refused")
        return list(fetched_in(lines))

    async def folders(self) -> list[tuple[str, frozenset[str]]]:
        """(name, attributes in lower case) of every folder."""
        result, lines = await self.run("LIST", '""', '"*"')
        if result != "OK":
            return []
        return [found for i, line in enumerate(lines) if (found := listed_in(line, lines[i + 1 : i + 2]))]

    async def idle(self, seconds: float) -> bool:
        """Wait until the server has news, at most `seconds`; whether it had. Then the line is proved alive.

        Raises `Lost` where IDLE is not granted or DONE is not answered: a black hole gives no other sign.
        """
        if self.is_lost:
            raise Lost("email.line_lost")
        self._may_idle = False
        command = library.Command("IDLE", self.new_tag(), loop=self.loop)
        self.pending_sync_command = command
        self.send(str(command))
        await self._until(lambda: self._may_idle or self.pending_sync_command is None, self.timings.idle_answer_s)
        if self.is_lost or self.pending_sync_command is None:
            self.abort()
            raise Lost("email.line_lost")
        await self._until(lambda: self.has_news or self.pending_sync_command is None, seconds, may_end=True)
        if self.is_lost:
            raise Lost("email.line_lost")
        if self.pending_sync_command is not None:
            self.send("DONE")
            await self._until(lambda: self.pending_sync_command is None, self.timings.idle_answer_s)
        if self.is_lost:
            raise Lost("email.line_lost")
        return self.has_news

    async def _until(self, is_reached: Any, seconds: float, *, may_end: bool = False) -> None:
        try:
            async with asyncio.timeout(seconds):
                while not (is_reached() or self.is_lost):
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            if not may_end:
                self.abort()
                raise Lost("email.line_silent") from None


async def dial(sock: Any, host: str, security: str, context: ssl.SSLContext | None, timings: Timings) -> Line:
    """A line on the connected socket, greeted and encrypted as asked. Raises `Lost`, `Refused` or `ssl.SSLError`."""
    loop = asyncio.get_running_loop()
    line = Line(loop, timings)
    is_tls = security == "tls"
    try:
        async with asyncio.timeout(timings.connect_s):
            await loop.create_connection(
                lambda: line,
                sock=sock,
                ssl=context if is_tls else None,
                server_hostname=host if is_tls else None,
                ssl_handshake_timeout=timings.connect_s if is_tls else None,
            )
            greeting = await line.greeting
            line.state = library.AUTH if b"PREAUTH" in greeting.upper()[:12] else library.NONAUTH
            if security == "starttls":
                assert context
                await line.upgrade(context, host)
            await line.ask_capabilities()
    except TimeoutError:
        _let_go(line, sock)
        raise Lost("email.no_greeting") from None
    except BaseException:
        _let_go(line, sock)
        raise
    return line


def _let_go(line: Line, sock: Any) -> None:
    line.abort()
    if line.transport is None:  # else the transport closes it
        sock.close()
