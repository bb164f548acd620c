"""PostgreSQL restarts or drops its sessions under load: a few refusals, nothing lost, nothing to be started again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.faults.figures import Figure
from tests.faults.hooks import Answered, post, said
from tests.faults.houses import all_messages, at_rest, opened, people, received, times, until
from tests.faults.screens import Screen
from tests.inbox.house import House
from tests.servers import Postgres

PEOPLE = 4
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()"


@pytest.fixture
async def house(tmp_path: Path, postgres_url: str, postgres_server: Postgres) -> AsyncIterator[House]:
    """On a database whose server may die: of this one every commit is kept, unlike of the other tests' ones."""
    postgres_server.sql(f'ALTER DATABASE "{postgres_url.rpartition("/")[2]}" SET synchronous_commit = on')
    async with opened(tmp_path / "home", database_url=postgres_url) as house:
        yield house


class Load:
    """Customers who write, an agent who answers, each until it is taken; and a screen that only follows."""

    def __init__(self, house: House, rows: dict[str, Any]) -> None:
        self._house, self._rows = house, rows
        self.written: dict[str, list[str]] = {psid: [] for psid in rows}
        self.answered: dict[str, list[str]] = {psid: [] for psid in rows}
        self.refusals: Counter[int] = Counter()
        self.refused_at: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._screen = Screen(house.admin)

    async def start(self) -> None:
        await self._screen.open()
        for psid in self._rows:
            self._tasks += [asyncio.create_task(self._write(psid)), asyncio.create_task(self._answer(psid))]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended

    async def more(self, count: int = 2) -> None:
        """Until everybody got so many more words through: that is what «healed» means."""
        before = {psid: (len(self.written[psid]), len(self.answered[psid])) for psid in self._rows}
        await until(
            lambda: all(
                len(self.written[psid]) >= wrote + count and len(self.answered[psid]) >= answers + count
                for psid, (wrote, answers) in before.items()
            )
        )

    async def _write(self, psid: str) -> None:
        graph = self._house.world.graph
        async with aiohttp.ClientSession() as http:
            while True:
                text = f"{psid} says {len(self.written[psid])}"
                while (answer := await post(http, graph, said(graph, text, psid=psid))).status != 200:
                    self._note(answer)
                    await asyncio.sleep(0.02)
                self.written[psid].append(text)

    async def _answer(self, psid: str) -> None:
        path = f"/api/conversations/{self._rows[psid]['id']}/replies"
        while True:
            text, click = f"{psid} hears {len(self.answered[psid])}", secrets.token_hex(8)
            while True:
                body = {"client_id": click, "text": text}
                async with self._house.admin.http.post(path, json=body) as answer:
                    if answer.status in (200, 201):
                        break
                    self._note(Answered(answer.status, answer.headers.get("Retry-After")))
                await asyncio.sleep(0.02)
            self.answered[psid].append(text)
            await asyncio.sleep(0.05)

    def _note(self, answer: Answered) -> None:
        self.refusals[answer.status] += 1
        self.refused_at.append(time.monotonic())
        assert answer.retry_after or answer.status != 503

    async def compare(self) -> None:
        """Everything that was taken is there once, and went out once."""
        assert set(self.refusals) <= {503}, self.refusals  # honest, and never a defect
        await at_rest(self._house, [row["id"] for row in self._rows.values()])
        for psid, row in self._rows.items():
            messages = await all_messages(self._house.admin, row["id"])
            inbound = [each["text"] for each in messages if each["kind"] == "inbound"]
            answers = [each["text"] for each in messages if each["kind"] == "outbound"]
            # The last one may have been stored without our hearing of it before the load was stopped.
            assert inbound[1:][: len(self.written[psid])] == self.written[psid]
            assert len(inbound) - 1 - len(self.written[psid]) in (0, 1)
            assert answers[: len(self.answered[psid])] == self.answered[psid]
            assert received(self._house, psid) == answers
            await self._screen.shows(*inbound[1:], *answers)
        await self._screen.close()
        assert self._screen.problems == []
        assert set(self._screen.added.values()) == {1}


@pytest.fixture
async def load(house: House) -> Load:
    load = Load(house, await people(house, PEOPLE))
    await load.start()
    return load


async def test_a_restart_under_load_and_terminated_sessions_lose_and_double_nothing(
    load: Load, house: House, postgres_server: Postgres, figure: Figure
) -> None:
    await load.more()
    outages, healings = [], []
    for _ in range(times(1, 20)):
        load.refused_at.clear()
        await asyncio.to_thread(postgres_server.stop)
        await until(lambda: load.refusals[503] > PEOPLE)
        await asyncio.to_thread(postgres_server.start)
        started_at = time.monotonic()
        await load.more()
        load.refusals[503] = 0
        outages.append(load.refused_at[-1] - load.refused_at[0])
        healings.append(max(0.0, load.refused_at[-1] - started_at))
    figure("503s, first to last of a restart", outages)
    figure("503s, after the server is back", healings)
    database = house.config.store_url.rpartition("/")[2]
    for _ in range(times(3, 100)):
        await asyncio.to_thread(postgres_server.sql, KILL.format(database=database))
        await load.more(1)
    async with house.admin.http.get("/readyz") as answer:
        assert answer.status == 200
    await load.stop()
    await load.compare()
    taken = sum(map(len, (*load.written.values(), *load.answered.values())))
    figure(f"{taken} messages and replies taken, each there once; sessions ended", [times(3, 100)], unit="times")
