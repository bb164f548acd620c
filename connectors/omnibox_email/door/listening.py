"""The door: listens where a mail server hands mail over, and answers 250 only for what is stored."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import socket
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from omnibox.connector import (
    BadSettings,
    Check,
    Context,
    Echo,
    Envelope,
    Inbound,
    Notice,
    Receipt,
    Temporary,
    Unreadable,
)
from omnibox_email import intake
from omnibox_email.door.line import Gone, Line
from omnibox_email.door.talk import House, Letter, Talk
from omnibox_email.heads import addresses
from omnibox_email.intake import Ours, Place
from omnibox_email.mailbox.fetching import shared

if TYPE_CHECKING:
    from omnibox.connector import Receive
    from omnibox_email.account import Account
    from omnibox_email.door.settings import DoorSettings
    from omnibox_email.faults import Timings

MOST_LINES = 50
MOST_OFFERS = 2  # of a mail that cannot be taken in: then its sender hears that it will not arrive
REMEMBERED = timedelta(days=7)
STORING_S = 120.0
BUSY = "421 4.3.2 too many connections, come again\r\n"
LATER = "451 4.3.0 it cannot be stored just now, come again"
TAKEN = "250 2.6.0 stored"
UNREADABLE = "554 5.6.0 this mail cannot be read"
LOOPING = "554 5.4.6 this mail goes in circles"
SOCKET_MODE = 0o660


class Door:
    """The source of a connection to which mail is brought."""

    def __init__(self, context: Context, account: Account, ours: Ours, timings: Timings) -> None:
        assert account.door
        self._context = context
        self._settings: DoorSettings = account.door
        self._ours = ours
        self._timings = timings
        self._lines: dict[Line, asyncio.Task[None]] = {}

    async def run(self, receive: Receive) -> None:
        """Serves until cancelled; raises a `SendError` where it cannot listen."""
        house = self._house(receive)
        server = await listen(self._settings, lambda: Line(lambda line: self._open(line, house)))
        self._context.log.info("the mail door is open", connection=self._context.connection)
        try:
            await asyncio.Event().wait()
        finally:
            close(server, self._settings)
            await self._hang_up()

    def _house(self, receive: Receive) -> House:
        room = shared().room

        async def reserve(weight: int) -> int | None:
            try:
                async with asyncio.timeout(self._timings.command_s):
                    return await room.take(weight)
            except TimeoutError:
                return None

        async def take(letter: Letter) -> str:
            return await self._take(letter, receive)

        return House(
            is_lmtp=self._settings.is_lmtp,
            most_bytes=self._settings.most_bytes,
            tls=self._settings.tls(),
            knows=self._ours.owns,
            reserve=reserve,
            release=room.give,
            take=take,
            silence_s=self._timings.data_s,
            mail_s=self._timings.after_dot_s,
        )

    # ── Lines

    def _open(self, line: Line, house: House) -> None:
        if not self._settings.path and not self._settings.admits(line.peer):
            self._context.log.warning("a stranger came to the mail door", connection=self._context.connection)
            line.close(b"554 5.7.1 you may not hand mail over here\r\n")
            return
        if len(self._lines) >= MOST_LINES:
            line.close(BUSY.encode())
            return
        task = asyncio.create_task(self._talk(line, house))
        self._lines[line] = task
        task.add_done_callback(lambda _: self._lines.pop(line, None))

    async def _talk(self, line: Line, house: House) -> None:
        try:
            await Talk(line, house).run()
        except Gone:
            line.close(b"421 4.4.2 closing\r\n")
        except asyncio.CancelledError:
            line.close(b"421 4.3.2 closing\r\n")
            raise
        except Exception as error:  # a defect of ours costs one line, and no mail: it was not answered
            self._context.log.warning(
                "a line at the mail door failed", connection=self._context.connection, error=type(error).__name__
            )
            line.abort()

    async def _hang_up(self) -> None:
        tasks = list(self._lines.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=0.5)

    # ── Mails

    async def _take(self, letter: Letter, receive: Receive) -> str:
        """The answer for a letter; 250 only once all of it is durable."""
        async with shared().parsers:
            items = await asyncio.to_thread(opened, letter, self._ours)
        if any(isinstance(item, Unreadable) and item.kind == "mail_loop" for item in items):
            return LOOPING
        if any(isinstance(item, Unreadable) for item in items):
            return await self._refuse(letter, items, receive)
        try:
            async with asyncio.timeout(STORING_S):
                outcomes = await receive(items, receive.cursor)
        except Exception as error:  # whatever the store says: the mail stays with the server that brings it
            self._context.log.warning(
                "a mail was not stored; it will be offered again",
                connection=self._context.connection,
                error=type(error).__name__,
            )
            return LATER
        if "quarantined" in outcomes:
            return await self._refuse(letter, (), receive)
        return TAKEN

    async def _refuse(self, letter: Letter, stubs: Sequence[Envelope], receive: Receive) -> str:
        """Its server keeps what we cannot read, twice; then the sender hears, and the admin sees a trace."""
        key = f"door {hashlib.sha256(letter.raw).hexdigest()}"
        try:
            async with asyncio.timeout(STORING_S):
                offers = int(await self._context.recall(key) or 0) + 1
                await self._context.remember(key, str(offers), datetime.now(UTC) + REMEMBERED)
                if offers > MOST_OFFERS and stubs:
                    await receive(stubs, receive.cursor)
        except Exception as error:  # as above: nothing is answered for what is not stored
            self._context.log.warning(
                "an unreadable mail was not noted; it will be offered again",
                connection=self._context.connection,
                error=type(error).__name__,
            )
            return LATER
        self._context.log.warning(
            "a mail cannot be read", connection=self._context.connection, offers=offers, size=len(letter.raw)
        )
        return UNREADABLE if offers > MOST_OFFERS else LATER


def opened(letter: Letter, ours: Ours) -> list[Envelope]:
    """The envelopes of a letter; the addresses it was handed over for count before those it shows."""
    place = Place("", 0, 0, datetime.now(UTC))
    raw = letter.raw
    if not raw:
        return [intake.unreadable("empty", place, size=0)]
    if not _has_return_path(raw):
        # Whoever delivers a mail for good writes the envelope's sender on top (RFC 5321 4.4).
        raw = b"Return-Path: <" + letter.sender.encode("utf-8", "replace") + b">\r\n" + raw
    return [_addressed(item, letter, ours) for item in intake.take_in(raw, place, ours)]


def _has_return_path(raw: bytes) -> bool:
    head = raw[: 1 << 16].lower()
    return head.startswith(b"return-path:") or b"\nreturn-path:" in head.partition(b"\r\n\r\n")[0]


def _addressed(item: Envelope, letter: Letter, ours: Ours) -> Envelope:
    if isinstance(item, Unreadable):
        return replace(item, at="", position="")  # it stands nowhere; its digest names it
    if isinstance(item, Inbound):
        tokens = addresses.tokens_in(letter.recipients, ours.channels)
        return replace(
            item,
            to=addresses.channel_of(letter.recipients, ours.channels),
            tokens=tuple(dict.fromkeys((*tokens, *item.tokens))),
            position="",
        )
    if isinstance(item, Receipt):
        return replace(item, to=addresses.channel_of(letter.recipients, ours.channels), position="")
    return replace(item, position="") if isinstance(item, (Echo, Notice)) else item


# ── Listening


async def listen(settings: DoorSettings, protocol: Callable[[], Line]) -> asyncio.Server:
    """Raises `Temporary`, never `ChannelDown`: replies may leave though no mail can come in."""
    loop = asyncio.get_running_loop()
    try:
        if settings.path:
            sock = await asyncio.to_thread(_bind_file, settings.path)
            return await loop.create_unix_server(protocol, sock=sock)
        return await loop.create_server(protocol, settings.host, settings.port, reuse_address=True)
    except OSError as error:
        is_taken = error.errno == errno.EADDRINUSE
        raise Temporary("email.door_taken" if is_taken else "email.door_address") from None


def close(server: asyncio.Server, settings: DoorSettings) -> None:
    """Stop listening. The file goes first: once it is free, it may be another process's."""
    if settings.path:
        Path(settings.path).unlink(missing_ok=True)
    server.close()


def _bind_file(path: str) -> socket.socket:
    """A bound socket file; one that a killed process left behind is put away first. Raises `OSError`."""
    place = Path(path)
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(place.stat().st_mode):
            raise OSError(errno.EEXIST, "there is another file")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(2)
            try:
                probe.connect(path)
            except (ConnectionRefusedError, FileNotFoundError):
                place.unlink(missing_ok=True)
            else:
                raise OSError(errno.EADDRINUSE, "somebody listens there")
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.bind(path)
        place.chmod(SOCKET_MODE)
        sock.setblocking(False)  # noqa: FBT003 # the standard library takes no keyword
    except BaseException:
        sock.close()
        raise
    return sock


# ── Checking

STEPS = ("Mail door certificate", "Mail door")


async def check(settings: DoorSettings) -> AsyncIterator[Check]:
    """Whether the door can open, or is open already."""
    try:
        settings.tls()
    except BadSettings as error:
        yield Check(STEPS[0], ok=False, why="The certificate cannot be used.", cure=str(error))
        return
    yield Check(STEPS[0], ok=True, why="STARTTLS is offered" if settings.certificate else "not encrypted")
    try:
        server = await listen(settings, lambda: Line(Line.abort))
    except Temporary as error:
        if error.code == "email.door_taken":
            yield await _check_taken(settings)
            return
        cure = "Use an address of this machine and a port from 1024 on, or a socket file in a folder that omnibox owns."
        yield Check(STEPS[1], ok=False, why="omnibox may not listen there.", cure=cure)
    else:
        close(server, settings)
        yield Check(STEPS[1], ok=True, why="free; it opens when the connection is switched on")


async def _check_taken(settings: DoorSettings) -> Check:
    """Somebody listens there: ourselves, if it greets as we do."""
    greeting = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(5):
            if settings.path:
                reader, writer = await asyncio.open_unix_connection(settings.path)
            else:
                host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
                reader, writer = await asyncio.open_connection(host, settings.port)
            greeting = await reader.read(200)
            writer.transport.abort()
    if greeting.startswith((b"220 omnibox", b"554 5.7.1 you may not", b"421 4.3.2 too many")):
        return Check(STEPS[1], ok=True, why="open")
    cure = "Choose another port or file, or end the other program. One connection of omnibox can have the address."
    return Check(STEPS[1], ok=False, why="Another program listens there.", cure=cure)
