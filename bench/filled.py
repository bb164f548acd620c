"""A hub on a database with many conversations, on SQLite or PostgreSQL, and a signed-in client that asks in turn."""

from __future__ import annotations

import asyncio
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.servers import find_postgres

from bench.data import Filled, fill
from bench.servers import Hub
from omnibox.bus import LocalBus
from omnibox.inbox.indexing import make_indexer, start_anew
from omnibox.store import Store

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

    @property
    def is_embedded(self) -> bool:
        return self.url.startswith("sqlite")


@contextmanager
def house(database: str, *, conversations: int, messages: int, is_indexed: bool = False) -> Iterator[House]:
    """A hub whose owner answers a third of the open conversations. Raises `RuntimeError` without a PostgreSQL."""
    with ExitStack() as stack:
        settings: list[str] = []
        url = ""
        if database == "PostgreSQL":
            found = find_postgres()
            if found is None:
                raise RuntimeError("there is no PostgreSQL on this machine")
            server = stack.enter_context(found)
            if not server.is_given:
                for option in OPTIONS:
                    server.sql(f"ALTER SYSTEM SET {option}")
                server.stop("fast")
                server.start()
            server.sql("CREATE DATABASE bench")
            url = server.url("bench")
            settings.append(f'database_url = "{url}"')
        hub = Hub(settings=settings)
        stack.callback(hub.close)
        url = url or f"sqlite:///{hub.database}"
        hub.start()
        cookie = asyncio.run(_own(hub))
        hub.server.stop()
        filled = asyncio.run(_fill(url, conversations, messages, is_indexed=is_indexed))
        hub.start()
        client = Client(hub.port, cookie)
        stack.callback(client.close)
        yield House(hub, url, client, filled)


async def _own(hub: Hub) -> str:
    admin = await hub.own()
    try:
        return "; ".join(f"{morsel.key}={morsel.value}" for morsel in admin.http.cookie_jar)
    finally:
        await admin.close()


async def _fill(url: str, conversations: int, messages: int, *, is_indexed: bool) -> Filled:
    filled = await fill(url, conversations=conversations, messages=messages)
    if is_indexed:
        store = Store(url)
        await store.start()
        try:
            await store.write(start_anew)  # the rows came without events
            await make_indexer(store, LocalBus()).catch_up()
        finally:
            await store.stop()
    return filled
