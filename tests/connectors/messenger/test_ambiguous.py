"""Sends whose answer is lost, and processes that die between parts: one message shown, one received, in order.

Each run is one customer with a plan drawn from its number: replies of one to three parts, what becomes of the answer
to each, and when the echo comes. The worker that sends is killed while they are under way.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from tests.faults.houses import hasten, opened, outbound, people
from tests.inbox.house import House

import omnibox.app
import omnibox_messenger.graph
import omnibox_messenger.pace
from omnibox.inbox import queue
from omnibox.inbox.delivery import Delivery
from omnibox.store import Reader
from omnibox.store.tables import delivery, job
from omnibox.testing.world.demo import PAGE
from omnibox.testing.world.graph import Echoes, Fault, Taken

RUNS, TOGETHER = (500, 50) if os.environ.get("OMNIBOX_MESSENGER") == "long" else (60, 30)
LOST: tuple[dict[str, Any], ...] = (
    {"shape": "close"},
    {"shape": "hang", "status": 504},
    {"shape": "html", "status": 200},
    {"shape": "half", "status": 200},
    {"shape": "status", "status": 502},
)
REFUSED: tuple[dict[str, Any], ...] = ({"status": 500, "code": 2}, {"status": 400, "code": 1200})
ECHOES: tuple[Echoes, ...] = ("first", "soon", "held", "never")
DEATHS = 3  # of the worker in each batch

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Life(Delivery):
    """A worker that ends as a process ends: what it had under way is neither awaited nor recorded."""

    async def _finish(self) -> None:
        for _, task in list(self._sending.values()):
            task.cancel()


class Mortal(Delivery):
    """The hub's worker, one life after another."""

    async def run(self) -> None:
        self.death = asyncio.Event()
        while True:
            life = Life(self.store, self.bus, self.blobs, self.ways, clock=self.clock)
            living = asyncio.create_task(life.run())
            try:
                await self.death.wait()
            finally:
                living.cancel()
                with suppress(asyncio.CancelledError):
                    await living
            self.death.clear()


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: what is sent, and what goes wrong. A part is a text, or `FILE`."""

    psid: str
    replies: tuple[tuple[str, bool], ...]
    parts: tuple[str, ...]
    faults: tuple[Fault, ...]
    echoes: dict[int, Echoes] = field(default_factory=dict)


FILE = "(a file)"


def planned(number: int) -> Plan:
    chance = random.Random(number)
    psid = str(20_000 + number)
    replies, parts = [], []
    for _ in range(chance.choice((1, 1, 2))):
        text, has_file = chance.choice(("Yes", "No", f"Answer {number}", _long(chance))), chance.random() < 0.3
        replies.append((text, has_file))
        parts += ([FILE] if has_file else []) + ([text[:2000].rstrip(), text[2000:]] if len(text) > 2000 else [text])
    faults = []
    for at in range(len(parts)):
        if chance.random() < 0.6:
            how = chance.choice(LOST) if chance.random() < 0.85 else chance.choice(REFUSED)
            is_taken = how in LOST and chance.random() < 0.6
            faults.append(Fault(**how, psid=psid, is_taken=is_taken, after=at))
            break  # the calls after a repeated one would be counted wrongly
    echoes = {at: chance.choice(ECHOES) for at in range(len(parts))}
    return Plan(psid, tuple(replies), tuple(parts), tuple(faults), echoes)


def _long(chance: random.Random) -> str:
    """Two parts that are cut at the space."""
    letter = chance.choice("abcd")
    return letter * 1999 + " " + letter * 1999


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(omnibox.app, "Delivery", Mortal)
        patch.setattr(omnibox_messenger.graph, "TIMEOUT_S", 0.5)
        patch.setitem(omnibox_messenger.pace.RATES, "thread", 1000)
        async with opened(Path(tmp_path_factory.mktemp("ambiguous")) / "home") as house:
            graph = house.world.graph
            graph.pages[PAGE].quota.per_s = {}
            graph.sends_deliveries = False
            yield house


async def test_one_message_is_shown_and_one_received_whatever_is_lost(house: House) -> None:
    for first in range(0, RUNS, TOGETHER):
        await _batch(house, [planned(number) for number in range(first, first + TOGETHER)])


async def _batch(house: House, plans: list[Plan]) -> None:
    graph = house.world.graph
    rows = await people(house, len(plans), int(plans[0].psid))
    for plan in plans:
        for fault in plan.faults:
            graph.fail(fault)
    by_psid = {plan.psid: plan for plan in plans}

    def plan_echo(taken: Taken) -> Echoes:
        plan = by_psid.get(taken.psid)
        return "soon" if plan is None else plan.echoes.get(len(graph.received(taken.psid)) - 1, "soon")

    graph.echo_plan = plan_echo
    async with asyncio.TaskGroup() as group:
        for plan in plans:
            group.create_task(_reply(house, plan, rows[plan.psid]["id"]))
        group.create_task(_die(house))
    chosen = random.Random(int(plans[0].psid))
    for passed in (0, 61, 61, 600):  # a quarter of an hour's tries in a moment
        graph.advance(passed)
        hasten(house, passed)
        if chosen.random() < 0.5:
            await graph.release_echoes()
        await _quiet(house)
    await graph.release_echoes()
    await graph.settled()
    problems = [each for plan in plans for each in await _problems(house, plan, rows[plan.psid]["id"])]
    assert problems == []


async def _reply(house: House, plan: Plan, conversation: int) -> None:
    for text, has_file in plan.replies:
        files = [await _uploaded(house)] if has_file else []
        await house.reply(conversation, text, files=files)


async def _uploaded(house: House) -> str:
    form = aiohttp.FormData()
    form.add_field("file", b"\x89PNG\r\n\x1a\n", filename="shoe.png", content_type="image/png")
    async with house.admin.http.post("/api/uploads", data=form) as response:
        return str((await response.json())["id"])


async def _die(house: House) -> None:
    """The worker ends at a moment when something is on its way."""
    graph: Any = house.world.graph
    for _ in range(DEATHS):
        calls = len(graph.asked)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                while len(graph.asked) < calls + TOGETHER // 2:
                    await asyncio.sleep(0.005)
        delivery: Any = house.hub.delivery
        delivery.death.set()


async def _quiet(house: House) -> None:
    """Until nothing moves by itself: no call is under way to or from the page, and whatever is left is not due."""
    graph = house.world.graph
    while True:
        await graph.settled()
        calls = (len(graph.asked), graph.hooks.calls)
        is_busy = await house.hub.store.read(lambda tx: _is_busy(tx, house.clock()))
        if not is_busy and calls == (len(graph.asked), graph.hooks.calls):
            return
        await asyncio.sleep(0.05)


def _is_busy(tx: Reader, at: datetime) -> bool:
    """Whether the worker has something to do or is at it: a part under way, one it would claim, a job that is due."""
    under_way = sa.select(delivery.c.id).where(delivery.c.state == "sending")
    claimable = {"b_now": at, "b_held_since": at - queue.HELD_BY_UNCERTAIN, "b_most": 1}
    due = sa.select(job.c.id).where(job.c.due_at <= at)
    found = tx.execute(under_way).first(), tx.execute(queue._DUE, claimable).first(), tx.execute(due).first()
    return any(row is not None for row in found)


async def _problems(house: House, plan: Plan, conversation: int) -> list[Any]:
    shown = await outbound(house, conversation)
    states = [part["state"] for each in shown for part in each["deliveries"]]
    got = [taken.text.rstrip() or FILE for taken in house.world.graph.received(plan.psid)]
    found: list[Any] = []
    if len(shown) != len(plan.replies):
        found.append((plan.psid, "shown", len(shown), [each["why"] for each in shown]))
    if got != list(plan.parts):
        found.append((plan.psid, "received", [each[:12] for each in got], states))
    doubtful = [part for part, state in zip(plan.parts, states, strict=False) if state not in ("sent", "delivered")]
    if any(part != FILE for part in doubtful):
        found.append((plan.psid, "left", states, plan.faults))
    return found
