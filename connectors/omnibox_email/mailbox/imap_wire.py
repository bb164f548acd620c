"""The wire below an IMAP line: aioimaplib's protocol with its faults repaired.

The library's own feed recurses per line, loses commands when the line drops, cuts "* " out of answers and writes mail
text into its log. Here every response is collected whole (line, literal, line, …) before anything is made of it.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

from aioimaplib import aioimaplib as library  # type: ignore[import-untyped]

from omnibox_email.faults import Lost, Throttled, Timings
from omnibox_email.mailbox.imap_words import LITERAL
from omnibox_email.mailbox.throttles import wait_asked

_log = logging.getLogger("aioimaplib.aioimaplib")  # it would print what customers wrote
_log.disabled = True
_log.setLevel(logging.CRITICAL + 1)

LONGEST_LINE = 16 << 20
LONGEST_LITERAL = 48 << 20
LONGEST_COMMAND_S = 900

_CHANGED = re.compile(rb"(\d+) (EXISTS|EXPUNGE)\b", re.I)
_STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.I)

Pieces = list[bytes | bytearray]


class Wire(library.IMAP4ClientProtocol):  # type: ignore[misc] # the library has no types
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
        self._missing: int | None = None  # bytes of the literal that comes next
        self._woken = asyncio.Event()
        self._exists = 0
        self._noticed = 0
        self._may_idle = False
        self._challenge_answers: list[str] = []
        self._farewell = b""

    # -- feeding --

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if command := self._pending():
            command._reset_timer()
        try:
            self._take_pieces()
        except Exception as error:  # whatever it is, this line speaks no IMAP we understand
            self._break_off(type(error).__name__)

    def _take_pieces(self) -> None:
        """Take every line and literal off the buffer that is there whole."""
        buffer, at = self._buffer, 0
        while True:
            if self._missing is not None:
                if len(buffer) - at < self._missing:
                    break
                self._pieces.append(buffer[at : at + self._missing])
                at += self._missing
                self._missing = None
            end = buffer.find(b"\r\n", at + max(0, self._searched - 1))
            if end < 0:
                self._searched = len(buffer) - at
                if self._searched > LONGEST_LINE:
                    raise ValueError("line too long")
                break
            line = bytes(buffer[at:end])
            at, self._searched = end + 2, 0
            self._pieces.append(line)
            self._missing = self._announced(line)
            if self._missing is None:
                response, self._pieces = self._pieces, []
                self._answer(response)
        del buffer[:at]

    def _announced(self, line: bytes) -> int | None:
        """The length of the literal that follows a line of an untagged response; None where none does."""
        first = self._pieces[0]
        if not line.endswith(b"}") or not first.startswith(b"*") or _STATUS.match(first):
            return None
        announced = LITERAL.search(line)
        if announced is None:
            return None
        if int(announced.group(1)) > LONGEST_LITERAL:
            raise ValueError("literal too long")
        return int(announced.group(1))

    def _answer(self, response: Pieces) -> None:
        first = bytes(response[0])
        if not self.greeting.done():
            if re.match(rb"\* (?:OK|PREAUTH)\b", first, re.I):
                self.greeting.set_result(first)
            else:
                self._farewell = first
                self._break_off("greeting")
        elif first.startswith(b"* "):
            self._untagged(first[2:], response)
        elif first.startswith(b"+"):
            self._continuation(first)
        elif first:
            self._response_done(first)
            self._woken.set()

    def _untagged(self, first: bytes, response: Pieces) -> None:
        if changed := _CHANGED.match(first):
            self._note_change(changed)
        elif first[:3].upper() == b"BYE":
            self._farewell = first
            self._woken.set()
        if command := self._pending():
            # Not by `append_to_resp`, which sets a timer for each piece: `data_received` has.
            response[0] = first
            command._resp_lines += response

    def _note_change(self, changed: re.Match[bytes]) -> None:
        if changed.group(2).upper() == b"EXISTS":
            self._exists = int(changed.group(1))
            self._woken.set()
        else:
            self._exists -= 1
            self._noticed -= 1

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
            self.greeting.set_exception(self._lost("email.line_lost"))
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

    @property
    def has_news(self) -> bool:
        """Whether the folder has grown since `after` was asked; servers say so amid any answer."""
        return self._exists != self._noticed

    async def run(self, name: str, *args: str, prefix: str = "") -> tuple[str, Pieces]:
        """(`OK`, `NO` or `BAD`, the response's pieces). Raises `Lost` where no answer comes."""
        if self.is_lost:
            raise self._lost("email.line_lost")
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
            raise self._lost("email.line_lost") from None
        return response.result.upper(), response.lines

    def _lost(self, code: str, said: bytes = b"") -> Lost:
        """What the loss of this line means, by what the server said last."""
        wait_s = wait_asked(said or self._farewell)
        return Lost(code) if wait_s is None else Throttled("email.throttled", wait_s)

    async def idle(self, seconds: float) -> bool:
        """Wait until the server has news, at most `seconds`; whether it had. Then the line is proved alive.

        Raises `Lost` where IDLE is not granted or DONE is not answered: a black hole gives no other sign.
        """
        if self.is_lost:
            raise self._lost("email.line_lost")
        self._may_idle = False
        command = library.Command("IDLE", self.new_tag(), loop=self.loop)
        self.pending_sync_command = command
        self.send(str(command))
        await self._until(lambda: self._may_idle or self.pending_sync_command is None, self.timings.idle_answer_s)
        if self.is_lost or self.pending_sync_command is None:
            self.abort()
            raise self._lost("email.line_lost")
        await self._until(lambda: self.has_news or self.pending_sync_command is None, seconds, may_end=True)
        if self.is_lost:
            raise self._lost("email.line_lost")
        if self.pending_sync_command is not None:
            self.send("DONE")
            await self._until(lambda: self.pending_sync_command is None, self.timings.idle_answer_s)
        if self.is_lost:
            raise self._lost("email.line_lost")
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
