"""A hub on a database with many conversations, on SQLite or PostgreSQL, and a signed-in client that asks in turn."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.servers import find_postgres

from bench.data import Filled, fill, settle, vocabulary
from bench.servers import Hub
from bench.talk import fill_talk
from omnibox.bus import LocalBus
from omnibox.inbox.indexing import make_indexer, start_anew
from omnibox.secrets import random_token
from omnibox.store import Store
from omnibox.store.migrations import migrate
from omnibox.team import sessions
from omnibox.web.auth import COOKIE

KEPT = "OMNIBOX_BENCH_DATA"
NOTES = "filled.json"
TALK = 5000
DATABASES = ("SQLite", "PostgreSQL")
OPTIONS = ("shared_buffers = '512MB'", "maintenance_work_mem = '256MB'", "max_wal_size = '4GB'")


class Client:
    """One browser's line to the hub: a request after the other, on one connection."""

    def __init__(self, port: int, cookie: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": cookie}

    def ask(self, path: str) -> tuple[float, Any]:
        """Milliseconds until the answer was read, and the answer; raises `RuntimeError` where it is not 200."""
        began = time.perf_counter()
        self._line.request("GET", path, headers=self._headers)
        answer = self._line.getresponse()
        body = answer.read()
        took_ms = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{path.partition('?')[0]}: {answer.status}")
        return took_ms, json.loads(body) if body.startswith(b"{") else None

    def close(self) -> None:
        self._line.close()


@dataclass(frozen=True, slots=True)
class House:
    """A served database, full."""

    hub: Hub
    url: str
    client: Client
    filled: Filled
    talk: int  # a conversation with thousands of messages

    @property
    def is_embedded(self) -> bool:
        return self.url.startswith("sqlite")

    def warm(self) -> None:
        """Read all its files once. What is measured is a database in use, not the disk of this machine, and what was
        filled an hour ago is no longer in memory."""
        files = [self.hub.database] if self.is_embedded else (self.hub.folder / "pg" / "data" / "base").glob("*/*")
        for path in files:
            with path.open("rb") as file:
                while file.read(1 << 22):
                    pass


@contextmanager
def house(database: str, *, conversations: int, messages: int, is_indexed: bool = False) -> Iterator[House]:
    """A hub whose owner answers a third of the open conversations. Raises `RuntimeError` without a PostgreSQL.

    With `OMNIBOX_BENCH_DATA` it stands on what an earlier run has filled there, and leaves it for the next.
    """
    place = Path(folder) / f"{database.lower()}-{conversations}" if (folder := os.environ.get(KEPT)) else None
    if place is not None:
        is_indexed = True  # for every bench that comes
        if not (place / NOTES).exists():
            shutil.rmtree(place, ignore_errors=True)  # its filling was cut off
            place.mkdir(parents=True)
    with ExitStack() as stack:
        url = stack.enter_context(_postgres(place)) if database == "PostgreSQL" else ""
        hub = Hub(settings=[f'database_url = "{url}"'] if url else [], kept=place)
        stack.callback(hub.close)
        url = url or f"sqlite:///{hub.database}"
        if place is not None and (place / NOTES).exists():
            notes = json.loads((place / NOTES).read_text())
            talk, filled = notes.pop("talk"), Filled(**notes, words=vocabulary())
            asyncio.run(migrate(url))  # what the hub would do at its start, where it takes longer than one waits
        else:
            hub.start()
            asyncio.run(_own(hub))
            hub.server.stop()
            filled, talk = asyncio.run(_fill(url, conversations, messages, is_indexed=is_indexed))
            if place is not None:
                notes = {name: number for name, number in asdict(filled).items() if name != "words"}
                (place / NOTES).write_text(json.dumps(notes | {"talk": talk}))
        hub.start()
        client = Client(hub.port, asyncio.run(_sign_in(url)))
        stack.callback(client.close)
        yield House(hub, url, client, filled, talk)


@contextmanager
def _postgres(place: Path | None) -> Iterator[str]:
    """The address of a database `bench`."""
    found = find_postgres(place)
    if found is None:
        raise RuntimeError("there is no PostgreSQL on this machine")
    is_fresh = place is None or not (place / "pg").exists()
    with found as server:
        if is_fresh:
            if not server.is_given:
                for option in OPTIONS:
                    server.sql(f"ALTER SYSTEM SET {option}")
                server.stop("fast")
                server.start()
            server.sql("CREATE DATABASE bench")
        yield server.url("bench")


async def _own(hub: Hub) -> None:
    await (await hub.own()).close()


async def _sign_in(url: str) -> str:
    """The cookie of a new session of the owner, whose password nobody has kept."""
    token = random_token()
    store = Store(url)
    await store.start()
    try:
        await store.write(lambda tx: sessions.start(tx, 1, sessions.hash_of(token), sessions.STAY))
    finally:
        await store.stop()
    return f"{COOKIE}={token}"


async def _fill(url: str, conversations: int, messages: int, *, is_indexed: bool) -> tuple[Filled, int]:
    filled = await fill(url, conversations=conversations, messages=messages)
    if is_indexed:
        store = Store(url)
        await store.start()
        try:
            await store.write(start_anew)  # the rows came without events
            await make_indexer(store, LocalBus()).catch_up()
        finally:
            await store.stop()
    talk = await fill_talk(url, filled.channel_id, TALK)  # in no index: searches find what they found without it
    await settle(url)
    return filled, talk
