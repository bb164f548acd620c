"""What a connector is lent and gives to, for tests: a context, a receiving end, a part."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from omnibox.connector import BadSettings, ChannelSettings, Envelope, Outbound, Temporary
from omnibox_email import Email
from omnibox_email.faults import Timings

ADDRESS = "help@shop.example"
PASSWORD = "correct-horse-battery"
CUSTOMER = "ana@customer.example"
INSTALLATION = "test1"
PART_ID = "0193a5b0-7c1e-7000-8000-0000000000f1"
TOKEN = "42.abcdefghijklmnopqrstuvwxyz"
QUICK = Timings(
    connect_s=5, command_s=5, data_s=5, after_dot_s=5, idle_answer_s=0.4, poll_s=0.05, kept_s=5, backoff_base_s=0.02
)


class QuickEmail(Email):
    """The connector with waits that fit a test."""

    timings = QUICK


class Lines:
    """Keeps what was logged."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts}")

    warning = info


class FakeContext:
    """Plain sockets, and signatures made with a fixed key."""

    connection = "7"
    installation = INSTALLATION
    hook_url = "https://omnibox.example/hooks/x"
    http: Any = None

    def __init__(self, settings: Mapping[str, Any], channels: Sequence[ChannelSettings] | None = None) -> None:
        self.settings = dict(settings)
        self.channels = channels if channels is not None else [ChannelSettings(ADDRESS, "Shop")]
        self.log = Lines()

    def setting(self, name: str) -> Any:
        value = self.settings.get(name)
        if value in (None, ""):
            raise BadSettings(f"the setting {name} is missing", name)
        return value

    def channel(self, address: str) -> ChannelSettings:
        for channel in self.channels:
            if channel.address == address:
                return channel
        raise BadSettings("there is no channel of that address")

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().sock_connect(sock, (host, port))
        except OSError:
            sock.close()
            raise Temporary("connect_failed") from None
        return sock

    def sign(self, purpose: str, value: str) -> str:
        mac = hmac.new(b"key", f"{purpose} {value}".encode(), hashlib.sha256).hexdigest()
        return f"{value}.{mac[:26]}"

    def verify(self, purpose: str, token: str) -> str | None:
        value = token.rpartition(".")[0]
        return value if hmac.compare_digest(self.sign(purpose, value), token) else None

    async def save_secret(self, name: str, value: str) -> None:
        self.settings[name] = value

    async def stored_setting(self, name: str) -> Any:
        return self.settings.get(name)

    async def remember(self, key: str, value: str, until: datetime) -> None:
        return

    async def recall(self, key: str) -> str | None:
        return None


class Shelf:
    """A receiving end: items and cursor are taken together, known event keys are duplicates."""

    def __init__(self, cursor: Mapping[str, Any] | None = None) -> None:
        self.cursor: Mapping[str, Any] = cursor or {}
        self.items: list[Envelope] = []
        self.outcomes: list[str] = []
        self.largest = 0
        self.known: set[str] = set()
        self.counts: list[tuple[int, int, str]] = []
        self.waits: list[float] = []
        self._changed = asyncio.Event()

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        known = {getattr(item, "event_key", None) for item in self.items}
        outcomes = ["duplicate" if getattr(item, "event_key", "?") in known else "stored" for item in items]
        self.items += [item for item, outcome in zip(items, outcomes, strict=True) if outcome == "stored"]
        self.outcomes += outcomes
        self.known |= {getattr(item, "position", "") for item in items}
        self.largest = max(self.largest, len(items))
        self.cursor = cursor
        self._changed.set()
        return outcomes

    async def missing(self, positions: Sequence[str]) -> list[str]:
        return [position for position in positions if position not in self.known]

    async def counted(self, there: int, missing: int, code: str = "") -> None:
        self.counts.append((there, missing, code))
        self._changed.set()

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def until(self, count: int) -> None:
        """Wait until `count` different items were stored."""
        await self._until(lambda: len(self.items) >= count)

    async def until_offered(self, count: int) -> None:
        """Wait until `count` items were handed over, duplicates included."""
        await self._until(lambda: len(self.outcomes) >= count)

    async def until_cursor(self) -> None:
        await self._until(lambda: bool(self.cursor))

    async def _until(self, is_reached: Any) -> None:
        async with asyncio.timeout(20):
            while not is_reached():
                self._changed.clear()
                await self._changed.wait()


async def turns_until(is_reached: Any) -> None:
    """Let the loop turn until `is_reached()`; for what has happened already and only has to be noticed."""
    async with asyncio.timeout(5):
        for _ in range(1_000_000):
            if is_reached():
                return
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def running(email: Email, shelf: Shelf) -> AsyncIterator[asyncio.Task[None]]:
    """The connector's source, running; it must end when it is told to."""
    task = asyncio.create_task(email.run(shelf))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done(), "the source goes on after cancel"


async def outcome(task: asyncio.Task[None]) -> BaseException | None:
    """The error a source ended with."""
    async with asyncio.timeout(20):
        await asyncio.wait({task})
    return task.exception()


def part(**changed: Any) -> Outbound:
    """A reply of an agent."""
    plain = Outbound(
        id=PART_ID,
        address=CUSTOMER,
        written_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        channel=ADDRESS,
        text="Dear Ana,\nit left today.",
        subject="Where is my order?",
        refs=("first@customer.example", "second@customer.example"),
        tokens=(TOKEN,),
    )
    return replace(plain, **changed)


def mail(
    text: str = "Hello", *, number: int = 1, sender: str = CUSTOMER, to: str = ADDRESS, extra: str = "", size: int = 0
) -> bytes:
    """A small mail as it stands in a mailbox."""
    body = text + ("\r\n" + "x" * 76) * (size // 78)
    return (
        f"From: Ana <{sender}>\r\nTo: {to}\r\nSubject: Question {number}\r\n"
        f"Message-ID: <m{number}@customer.example>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n{extra}\r\n{body}\r\n"
    ).encode()
