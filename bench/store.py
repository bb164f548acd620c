"""The group-commit writer with whole inbound messages, against raw sqlite3 with as many messages to a commit.

Then with a disk that takes half a second for each commit: the loop must not feel it.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import tempfile
import threading
import time
from collections.abc import Awaitable
from pathlib import Path

import sqlalchemy as sa

from bench.report import Figure, Goal, percentile, wrong
from omnibox.blobs import Folder
from omnibox.clock import now
from omnibox.connector import Capabilities, Inbound
from omnibox.inbox.intake import Intake
from omnibox.inbox.origin import Origin
from omnibox.masking import mask
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction
from omnibox.store.migrations import migrate
from omnibox.store.tables import channel, connection, message

SENDERS = 997
CALLERS = (1, 16, 64)
SECONDS, LONG_S = 1.0, 5.0
ROUNDS = 3
COMMIT_S, SLOW_S, SLOW_CALLERS, TICK_S = 0.5, 2.0, 64, 0.005
TEXT = ("Hello, I have a question about my order, could you please tell me when it will be on its way to me? " * 2)[
    :160
]
TABLES = """
CREATE TABLE contact (id INTEGER PRIMARY KEY, address TEXT NOT NULL UNIQUE);
CREATE TABLE conversation (id INTEGER PRIMARY KEY, contact INTEGER NOT NULL UNIQUE, last_text TEXT, unread INTEGER);
CREATE TABLE message (id INTEGER PRIMARY KEY, conversation INTEGER, key TEXT NOT NULL UNIQUE, text TEXT, at INTEGER);
CREATE TABLE event (seq INTEGER PRIMARY KEY, type TEXT NOT NULL, message INTEGER, at INTEGER);
"""


def run(*, long: bool = False) -> list[Figure]:
    return asyncio.run(_run(LONG_S if long else SECONDS))


async def _run(seconds: float) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="omnibox-bench-") as folder:
        raw, ours = Raw(Path(folder)), await _ours(Path(folder))
        try:
            raw.round(64, seconds)
            await ours.round(64, seconds)
            figures = []
            for callers in CALLERS:
                rounds = [(raw.round(callers, seconds), await ours.round(callers, seconds)) for _ in range(ROUNDS)]
                figures.append(Figure("store", f"messages, {callers} callers", "messages/s", tuple(rounds)))
            figures.append(await _slow_disk(ours))
            stored = await ours.stored()
        finally:
            await ours.store.stop()
            raw.close()
    if stored != ours.taken:
        return [wrong("store", "messages", f"{stored} stored of {ours.taken} that were taken")]
    return figures


async def _slow_disk(ours: Ours) -> Figure:
    """How late the loop is while commits take half a second; `limit` is how late it is without them."""
    name = f"loop lag, commits of {COMMIT_S * 1000:.0f} ms, p99"
    rounds, worst = [], 0.0
    for _ in range(ROUNDS):
        calm = await _lags_ms(asyncio.sleep(SLOW_S))
        before, began = ours.taken, time.perf_counter()
        sa.event.listen(sa.Engine, "commit", _take_long)
        try:
            lags = await _lags_ms(ours.round(SLOW_CALLERS, SLOW_S))
        finally:
            sa.event.remove(sa.Engine, "commit", _take_long)
        if ours.taken - before > SLOW_CALLERS * (time.perf_counter() - began) / COMMIT_S:
            return wrong("store", name, "the commits were not slow")
        rounds.append((percentile(calm, 0.99), percentile(lags, 0.99)))
        worst = max(worst, *lags)
    return Figure("store", name, "ms", tuple(rounds), Goal(50, of="ours"), note=f"worst {worst:.1f} ms")


def _take_long(connection: sa.Connection) -> None:
    """What a slow disk does to a commit: the writer waits in the system, and other threads may run."""
    if threading.current_thread().name == "store writer":
        time.sleep(COMMIT_S)


async def _lags_ms(work: Awaitable[object]) -> list[float]:
    """How many milliseconds late a task woke that is due every few, while `work` went on."""
    lags: list[float] = []
    working = asyncio.ensure_future(work)
    while not working.done():
        due_at = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        lags.append((time.perf_counter() - due_at) * 1000)
    await working
    return lags


class Raw:
    """The same rows without any layer, in one thread."""

    def __init__(self, folder: Path) -> None:
        self._database = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {TABLES}")
        self._number = itertools.count()

    def close(self) -> None:
        self._database.close()

    def round(self, callers: int, seconds: float) -> float:
        """Messages per second with `callers` of them to a commit."""
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            self._database.execute("BEGIN IMMEDIATE")
            for number in itertools.islice(self._number, callers):
                self._take(number)
            self._database.execute("COMMIT")
            count += callers
        return count / (time.perf_counter() - began)

    def _take(self, number: int) -> None:
        run, at = self._database.execute, time.time_ns() // 1000
        address = f"person-{number % SENDERS}"
        run("INSERT INTO contact (address) VALUES (?) ON CONFLICT DO NOTHING", (address,))
        (who,) = run("SELECT id FROM contact WHERE address = ?", (address,)).fetchone()
        run(
            "INSERT INTO conversation (contact, last_text, unread) VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET last_text = excluded.last_text, unread = unread + 1",
            (who, TEXT),
        )
        values = (who, f"m_{number}", TEXT, at)
        told = run("INSERT INTO message (conversation, key, text, at) VALUES (?, ?, ?, ?)", values).lastrowid
        run("INSERT INTO event (type, message, at) VALUES ('message.added', ?, ?)", (told, at))


class Ours:
    """Callers that wait for each message to be durable before they bring the next."""

    def __init__(self, store: Store, intake: Intake, origin: Origin) -> None:
        self.store, self._intake, self._origin = store, intake, origin
        self._number = itertools.count()
        self.taken = 0

    async def round(self, callers: int, seconds: float) -> float:
        began, before = time.perf_counter(), self.taken
        await asyncio.gather(*(self._bring(began + seconds) for _ in range(callers)))
        return (self.taken - before) / (time.perf_counter() - began)

    async def _bring(self, ends_at: float) -> None:
        while time.perf_counter() < ends_at:
            number = next(self._number)
            said = Inbound(
                f"m_{number}", f"person-{number % SENDERS}", "shop", now(), external_id=f"m_{number}", text=TEXT
            )
            (result,) = await self._intake.receive(self._origin, [said])
            assert result.outcome == "stored"
            self.taken += 1

    async def stored(self) -> int:
        """Rows that a reader sees."""
        wanted = sa.select(sa.func.count()).select_from(message)
        return int(await self.store.read(lambda tx: tx.execute(wanted).scalar_one()))


async def _ours(folder: Path) -> Ours:
    url = f"sqlite:///{folder / 'ours.db'}"
    await migrate(url)
    store = Store(url, ring=lambda words: None)
    await store.start()

    def connect(tx: Transaction) -> tuple[int, int]:
        state = {"name": mask("Bench"), "settings": "", "state": "active", "created_at": tx.clock()}
        row = {"connector": "bench", "hook_key": "bench", "rev": 0} | state
        made = tx.execute(sa.insert(connection).returning(connection.c.id), row).scalar_one()
        row = {"connection_id": made, "address": "shop", "key": "bench"} | state
        return made, tx.execute(sa.insert(channel).returning(channel.c.id), row).scalar_one()

    made, shop = (await store.write(connect)).result
    intake = Intake(store, Folder(folder / "files"), Secrets.load(folder, {}))
    return Ours(store, intake, Origin(made, Capabilities(), {"shop": shop}, lambda token: None))
