"""Meta's side of the webhook: events are batched, signed and posted until the receiver takes them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp


@dataclass(frozen=True, slots=True)
class PageEvent:
    """One element on its way: the page it belongs to, the array it stands in, its time."""

    page: str
    at_ms: int
    element: dict[str, Any] = field(repr=False)
    array: str = "messaging"


@dataclass(slots=True)
class Switches:
    """How the deliveries misbehave."""

    batch: int = 1  # most events in one call
    copies: int = 1  # every call is made so often
    shuffle: random.Random | None = None  # what waits leaves in its order
    retry_waits_s: Sequence[float] = (0.05, 0.1, 0.2, 0.5, 1, 1, 2, 2, 5, 5)
    timeout_s: float = 20


class Hooks:
    """Posts events to one address, in order, each until it is answered 200 or the retries are used up."""

    def __init__(self, app_secret: str) -> None:
        self.url = ""
        self.switches = Switches()
        self.undelivered: list[PageEvent] = []
        self.calls = 0
        self.taken: list[PageEvent] = []  # answered 200, in the order of the answers
        self.heard: Callable[[str], None] = lambda what: None  # told of each call that was answered 200
        self._secret = app_secret
        self._waiting: deque[PageEvent] = deque()
        self._is_busy = False
        self._gate = asyncio.Event()
        self._gate.set()
        self._change = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="graph hooks")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def hold(self) -> None:
        """Keep all events back until `release()`."""
        self._gate.clear()

    def drop(self) -> None:
        """What waits is never delivered: Meta has given up, or the page is no longer subscribed."""
        self._waiting.clear()

    def release(self) -> None:
        self._gate.set()

    async def put(self, *events: PageEvent) -> None:
        async with self._change:
            self._waiting.extend(events)
            self._change.notify_all()

    async def settled(self, timeout_s: float = 30) -> None:
        """Returns when nothing waits any more; raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._change:
            await self._change.wait_for(lambda: not self._waiting and not self._is_busy)

    async def _run(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.switches.timeout_s)) as session:
            while True:
                async with self._change:
                    await self._change.wait_for(lambda: bool(self._waiting and self.url))
                await self._gate.wait()
                self._is_busy = True
                try:
                    await self._deliver(session, self._taken())
                finally:
                    async with self._change:
                        self._is_busy = False
                        self._change.notify_all()

    def _taken(self) -> list[PageEvent]:
        if self.switches.shuffle is not None:
            mixed = list(self._waiting)
            self.switches.shuffle.shuffle(mixed)
            self._waiting = deque(mixed)
        return [self._waiting.popleft() for _ in range(min(self.switches.batch, len(self._waiting)))]

    async def _deliver(self, session: aiohttp.ClientSession, events: list[PageEvent]) -> None:
        body = webhook_body(events)
        for _ in range(self.switches.copies):
            if not await self._post(session, body):
                self.undelivered += events
                return
        self.taken += events

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(self._secret, body)}
        for wait_s in (*self.switches.retry_waits_s, 0):
            self.calls += 1
            try:
                async with session.post(self.url, data=body, headers=headers, allow_redirects=False) as answer:
                    if answer.status == 200:
                        self.heard("webhook answered")
                        return True
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(wait_s)
        return False


def webhook_body(events: Sequence[PageEvent]) -> bytes:
    """The body Meta would post: one entry per run of events of the same page, non-ASCII escaped."""
    entries: list[dict[str, Any]] = []
    for event in events:
        if not entries or entries[-1]["id"] != event.page or event.array not in entries[-1]:
            entries.append({"id": event.page, "time": event.at_ms, event.array: []})
        entries[-1][event.array].append(event.element)
        entries[-1]["time"] = event.at_ms
    return json.dumps({"object": "page", "entry": entries}, separators=(",", ":")).encode()


def signature(app_secret: str, body: bytes) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
