"""A submission server on loopback that keeps every mail it takes, and fails at any stage when told to."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Stage = Literal["connect", "ehlo", "auth", "mail", "rcpt", "data", "body", "dot"]
Kind = Literal["refuse", "close", "reset", "hang"]
LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Submitted:
    """One mail as it was handed over. `user` is who had logged in."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes = field(repr=False)
    user: str = ""


@dataclass(slots=True)
class SmtpFault:
    """What goes wrong at `stage`, the next `times` times (-1: always), for `address` only where one is given."""

    stage: Stage
    kind: Kind
    code: int = 451
    text: str = "4.3.0 not now"
    address: str = ""
    times: int = 1
    keeps: bool = True  # at `dot`: the mail was taken, only the answer is lost


class _Broken(Exception):
    """The connection ends here."""


class SmtpServer:
    """Speaks ESMTP on 127.0.0.1. `accepts` checks a login; `taken` is told of each mail and may name its queue id."""

    def __init__(
        self,
        accepts: Callable[[str, str], bool] | None = None,
        taken: Callable[[Submitted], str | None] | None = None,
        accepts_token: Callable[[str, str], bool] | None = None,
    ) -> None:
        self.received: list[Submitted] = []
        self.port = 0
        self.delay_s = 0.0
        self.size_limit = 50 << 20
        self.offers = ["8BITMIME", "SMTPUTF8"]
        self.connections = 0
        self.commands: list[str] = []
        self.heard: Callable[[str], None] = lambda what: None  # told of commands before their answer, and of mails
        self.lines: Callable[[str], None] = lambda line: None  # told of whole command lines
        self._accepts = accepts
        self._taken = taken
        self._accepts_token = accepts_token
        self._faults: list[SmtpFault] = []
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()
        self._number = itertools.count(1)
        self._changed = asyncio.Event()

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LONGEST_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()
        await self.drop()

    async def drop(self) -> None:
        """End every connection at once."""
        sessions = list(self._sessions)
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    async def until_received(self, count: int) -> None:
        """Wait until `count` mails were taken."""
        while len(self.received) < count:
            self._changed.clear()
            await self._changed.wait()

    async def until_gone(self) -> None:
        """Wait until no connection is open."""
        while self._sessions:
            self._changed.clear()
            await self._changed.wait()

    # -- faults --

    def refuse(self, stage: Stage, code: int, text: str = "no", *, address: str = "", times: int = 1) -> None:
        """Answer `code` at `stage`."""
        self._faults.append(SmtpFault(stage, "refuse", code, text, address, times))

    def break_at(self, stage: Stage, kind: Kind = "close", *, times: int = 1, keeps: bool = True) -> None:
        """Close, reset or fall silent at `stage`; `body` is amid the data, `dot` after it."""
        self._faults.append(SmtpFault(stage, kind, times=times, keeps=keeps))

    def heal(self) -> None:
        """No more faults."""
        self._faults.clear()
        self.delay_s = 0.0

    def _fault(self, stage: Stage, address: str = "") -> SmtpFault | None:
        for fault in self._faults:
            if fault.stage == stage and fault.times and fault.address.lower() in ("", address.lower()):
                fault.times -= 1
                return fault
        return None

    # -- serving --

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session
        self._sessions.add(session)
        self.connections += 1
        try:
            await _Session(self, reader, writer).run()
        except (_Broken, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._sessions.discard(session)
            writer.close()
            self._changed.set()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    def _take(self, mail: Submitted) -> str:
        self.received.append(mail)
        queued = self._taken(mail) if self._taken else None
        self._changed.set()
        self.heard("SMTP dot")
        return queued or f"queued as {next(self._number):X}"


class _Session:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.user = ""
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def run(self) -> None:
        if await self._passes("connect"):
            await self._say(220, "world.example ESMTP")
        while line := await self.reader.readline():
            words = line.decode("utf-8", "surrogateescape").strip()
            verb, _, rest = words.partition(" ")
            self.server.lines(words)
            self.server.commands.append(verb.upper())
            self.server.heard(f"SMTP {verb.upper()}")
            if self.server.delay_s:
                await asyncio.sleep(self.server.delay_s)
            if verb.upper() == "QUIT":
                await self._say(221, "bye")
                return
            await self._command(verb.upper(), rest)

    async def _command(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO" | "HELO":
                if await self._passes("ehlo"):
                    await self._greet(verb)
            case "AUTH":
                await self._auth(rest)
            case "MAIL":
                await self._mail(rest)
            case "RCPT":
                await self._rcpt(rest)
            case "DATA":
                await self._data()
            case "RSET":
                self._reset()
                await self._say(250, "ok")
            case "NOOP":
                await self._say(250, "ok")
            case _:
                await self._say(500, "unknown command")

    async def _greet(self, verb: str) -> None:
        lines = ["world.example"]
        if verb == "EHLO":
            lines += [f"SIZE {self.server.size_limit}", *self.server.offers]
            tokens = " XOAUTH2" if self.server._accepts_token else ""
            lines += [f"AUTH PLAIN LOGIN{tokens}"] if self.server._accepts else []
        for line in lines[:-1]:
            self.writer.write(f"250-{line}\r\n".encode())
        await self._say(250, lines[-1])

    async def _auth(self, rest: str) -> None:
        if not await self._passes("auth"):
            return
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "XOAUTH2":
            await self._auth_by_token(_decoded(initial or await self._ask("")))
            return
        if mechanism.upper() == "PLAIN":
            words = _decoded(initial or await self._ask("")).split("\0")
            user, password = [*words, "", "", ""][1:3]
        else:
            user = _decoded(initial or await self._ask("VXNlcm5hbWU6"))
            password = _decoded(await self._ask("UGFzc3dvcmQ6"))
        if self.server._accepts and self.server._accepts(user, password):
            self.user = user
            await self._say(235, "2.7.0 welcome")
        else:
            await self._say(535, "5.7.8 user or password is wrong")

    async def _auth_by_token(self, words: str) -> None:
        user, _, rest = words.removeprefix("user=").partition("\x01auth=Bearer ")
        if self.server._accepts_token and self.server._accepts_token(user, rest.rstrip("\x01")):
            self.user = user
            await self._say(235, "2.7.0 welcome")
            return
        await self._ask("eyJzdGF0dXMiOiI0MDEifQ==")
        await self._say(535, "5.7.8 credentials not accepted")

    async def _ask(self, challenge: str) -> str:
        self.writer.write(f"334 {challenge}\r\n".encode())
        await self.writer.drain()
        return (await self.reader.readline()).decode("ascii", "replace").strip()

    async def _mail(self, rest: str) -> None:
        address = _address(rest)
        if not await self._passes("mail", address):
            return
        if self.server._accepts and not self.user:
            await self._say(530, "5.7.0 log in first")
            return
        self._reset()
        self.sender = address
        await self._say(250, "2.1.0 ok")

    async def _rcpt(self, rest: str) -> None:
        address = _address(rest)
        if not await self._passes("rcpt", address):
            return
        if self.sender is None:
            await self._say(503, "5.5.1 MAIL first")
            return
        self.recipients.append(address)
        await self._say(250, "2.1.5 ok")

    async def _data(self) -> None:
        if not await self._passes("data"):
            return
        if not self.recipients:
            await self._say(503, "5.5.1 RCPT first")
            return
        await self._say(354, "go ahead")
        lines: list[bytes] = []
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise _Broken
            if not lines and not await self._passes("body"):
                return
            lines.append(line[1:] if line.startswith(b".") else line)
        mail = Submitted(self.sender or "", tuple(self.recipients), b"".join(lines), self.user)
        self._reset()
        fault = self.server._fault("dot")
        if fault and fault.kind == "refuse":
            await self._say(fault.code, fault.text)
            return
        said = self.server._take(mail) if fault is None or fault.keeps else ""
        if fault:
            await self._break(fault)
        await self._say(250, f"2.0.0 ok {said}")

    def _reset(self) -> None:
        self.sender, self.recipients = None, []

    async def _passes(self, stage: Stage, address: str = "") -> bool:
        fault = self.server._fault(stage, address)
        if fault is None:
            return True
        if fault.kind == "refuse":
            await self._say(fault.code, fault.text)
            return False
        await self._break(fault)
        return False

    async def _break(self, fault: SmtpFault) -> None:
        if fault.kind == "hang":
            await asyncio.Event().wait()
        if fault.kind == "reset":
            self.writer.transport.abort()
        raise _Broken

    async def _say(self, code: int, text: str) -> None:
        self.writer.write(f"{code} {text}\r\n".encode())
        await self.writer.drain()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "replace")
    except ValueError:
        return ""


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
