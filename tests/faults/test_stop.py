"""SIGTERM amid the day's work: what was begun is finished, nobody is left in doubt, and the process goes in time."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from tests.e2e.conftest import Stage
from tests.faults.hooks import post, said
from tests.faults.houses import SOON_S, all_messages, times
from tests.faults.processes import served
from tests.faults.screens import LOST, Screen

from omnibox.testing.world.demo import PAGE
from omnibox.testing.world.visitor import Visitor

STOP_S = 10  # the promise
RESTART = 1012
PEOPLE = [str(7100 + number) for number in range(4)]


class Day:
    """Customers who write, an agent who answers each of them, a visitor who is there, a screen that is open."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.screen = Screen(stage.admin)
        self._rows: dict[str, int] = {}
        self._written: dict[str, int] = dict.fromkeys(PEOPLE, 0)
        self._answered: dict[str, list[str]] = {psid: [] for psid in PEOPLE}

    async def begin(self) -> None:
        graph = self._stage.world.graph
        for psid in PEOPLE:
            graph.add_person(psid, f"Customer {psid}", PAGE)
            await graph.write(psid, "Hello")
        async with asyncio.timeout(SOON_S):
            while len(self._rows) < len(PEOPLE):
                rows = (await self._stage.admin.ask("GET", "/api/conversations"))["conversations"]
                labels = {row["contact"]["label"]: row["id"] for row in rows}
                self._rows = {psid: labels[f"Customer {psid}"] for psid in PEOPLE if f"Customer {psid}" in labels}
                await asyncio.sleep(0.05)
        await self.screen.open()
        graph.delay_s = 0.15  # so that something is always on its way

    async def write(self, psid: str) -> None:
        graph = self._stage.world.graph
        async with aiohttp.ClientSession() as http:
            while True:
                text = f"{psid} says {self._written[psid]}"
                while (await post(http, graph, said(graph, text, psid=psid))).status != 200:
                    await asyncio.sleep(0.02)
                self._written[psid] += 1
                await asyncio.sleep(0.03)

    async def answer(self, psid: str) -> None:
        while True:
            text = f"{psid} hears {len(self._answered[psid])}"
            click = {"client_id": secrets.token_hex(8), "text": text}
            while True:
                with contextlib.suppress(*LOST):
                    await self._stage.admin.ask("POST", f"/api/conversations/{self._rows[psid]}/replies", click)
                    break
                await asyncio.sleep(0.02)
            self._answered[psid].append(text)
            await asyncio.sleep(0.03)

    async def chat(self) -> None:
        desk, number = self._stage.world.desk, 0
        visitor = Visitor(self._stage.served.base, desk.site, desk.base)
        while True:
            with contextlib.suppress(*LOST):
                async with visitor:
                    while True:
                        number += 1
                        await visitor.say(f"chat {number}")
                        await asyncio.sleep(0.03)
            await asyncio.sleep(0.05)

    def flows(self) -> list[Any]:
        return [self.chat(), *(flow(psid) for psid in PEOPLE for flow in (self.write, self.answer))]

    async def compare(self) -> list[str]:
        """Every difference between what was told and what is there, in words."""
        problems: list[str] = list(self.screen.problems)
        for psid, row in self._rows.items():
            messages = await self._at_rest(row)
            inbound = [each["text"] for each in messages if each["kind"] == "inbound"]
            outbound = [each for each in messages if each["kind"] == "outbound"]
            # The very last one may be stored without the writer having heard it, since the writer was stopped.
            if inbound[1 : self._written[psid] + 1] != [f"{psid} says {n}" for n in range(self._written[psid])]:
                problems.append(f"{psid}: {inbound}")
            states = Counter(each["state"] for each in outbound)
            if set(states) - {"sent", "delivered"}:
                problems.append(f"{psid}: {states}")
            texts = [each["text"] for each in outbound]
            if texts[: len(self._answered[psid])] != self._answered[psid]:
                problems.append(f"{psid}: answers {texts}")
            if [taken.text for taken in self._stage.world.graph.received(psid)] != texts:
                problems.append(f"{psid}: did not receive what was sent")
        return problems

    async def _at_rest(self, row: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(SOON_S):
            while True:
                found = await all_messages(self._stage.admin, row)
                if not any(each["state"] in ("queued", "sending") for each in found):
                    return found
                await asyncio.sleep(0.1)


async def test_a_stop_under_load_finishes_what_was_begun(tmp_path: Path) -> None:
    async with served(tmp_path / "home") as stage:
        day = Day(stage)
        await day.begin()
        async with asyncio.TaskGroup() as group:
            flows = [group.create_task(flow) for flow in day.flows()]
            for _ in range(times(1, 50)):
                seen = len(day.screen.added)
                await day.screen.is_live.wait()
                async with asyncio.timeout(SOON_S):
                    while len(day.screen.added) < seen + 10:
                        await asyncio.sleep(0.02)
                ended = len(day.screen.codes)
                async with asyncio.timeout(STOP_S):
                    assert await stage.served.stop() == 0
                async with asyncio.timeout(SOON_S):
                    while len(day.screen.codes) == ended:
                        await asyncio.sleep(0.02)
                assert day.screen.codes[ended] == RESTART
                await stage.served.start()
            for flow in flows:
                flow.cancel()
        stage.world.graph.delay_s = 0
        assert await day.compare() == []
        await day.screen.close()
