"""The crash sweep: one scripted conversation on each channel, struck down at every step, one step at a time.

Inside the hub a step is a crash point (`OMNIBOX_CRASH_AT`); outside it is anything the world hears: an IMAP or SMTP
command, a Graph call before and after it took effect, an acknowledgement. A dry run counts them, so a new step is
swept as soon as it exists. Every round has customers of its own on the same hub.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.faults.campaign.books import CHANNELS, Said
from tests.faults.campaign.hub import Hub
from tests.faults.campaign.people import People
from tests.faults.campaign.run import come_to_rest, quiet_books
from tests.faults.campaign.stage import Stage
from tests.faults.campaign.verdict import Verdict, judge

ROUND_S = 120.0


@dataclass(slots=True)
class Round:
    """What one step came to; `struck` is None where the script ended before it."""

    number: int
    struck: str | None
    verdict: Verdict
    failure: str = ""
    heard: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[str]:
        return [*self.verdict.problems, *([self.failure] if self.failure else [])]


class Tripwire:
    """Counts what the world hears and strikes the hub down at one of it."""

    def __init__(self, hub: Hub, at: int) -> None:
        self._hub, self._at = hub, at
        self.heard: list[str] = []
        self.struck: str | None = None

    def __call__(self, what: str) -> None:
        self.heard.append(what)
        if len(self.heard) == self._at:
            self.struck = what
            self._hub.strike()


# ── The script


async def play(stage: Stage, people: People) -> None:
    """One conversation on each channel: written to, answered in parts, read, resolved, reopened."""
    customers = people.customers()
    for channel, customer in zip(CHANNELS, customers, strict=True):
        await customer.say(people.mark(channel), files=1)
    rows = [await row_of(stage, customer.said[0]) for customer in customers]
    for row in rows:
        await people.answer(row, is_long=True, files=1)
    await until_left(stage, people)
    await people.messenger[0].read()
    for row in rows:
        await stage.desk.ask("POST", f"/api/conversations/{row['id']}/resolve")
    for channel, customer in zip(CHANNELS, customers, strict=True):
        await customer.say(people.mark(channel))
    for customer, row in zip(customers, rows, strict=True):
        again = await row_of(stage, customer.said[1])
        assert again["id"] == row["id"], "an answer began another conversation"
        await _until(lambda row=row: stage.live.rows[row["id"]]["state"] == "open")  # type: ignore[misc]
    await stage.desk.ask("POST", f"/api/conversations/{rows[0]['id']}/resolve")
    await stage.desk.ask("POST", f"/api/conversations/{rows[0]['id']}/reopen")
    await people.answer(rows[0])


async def row_of(stage: Stage, said: Said) -> dict[str, Any]:
    """The conversation in which the inbox shows a message."""
    while True:
        for message in stage.live.messages.values():
            if message["text"].startswith(f"{said.mark} "):
                return stage.live.rows[message["conversation"]]
        await asyncio.sleep(0.02)


async def until_left(stage: Stage, people: People, *, decides: bool = True) -> None:
    """Until each part has left or has another end. Without `decides` what is in doubt waits for its echo."""
    chance = random.Random(people.name)
    while True:
        if decides:
            await people.decide(chance, is_end=True)
        mine = [each for each in stage.live.messages.values() if each["text"].split()[0] in people.replies]
        open_ones = {each["id"] for _, each in stage.live.deliveries("queued", "sending", "uncertain")}
        if len(mine) == len(people.replies) and open_ones <= people.left:
            return
        await asyncio.sleep(0.02)


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


# ── One step


async def strike_inside(stage: Stage, number: int) -> Round:
    """The hub ends itself at its `number`-th crash point."""
    log = stage.folder / "points.log"
    log.unlink(missing_ok=True)
    await stage.hub.kill()
    await stage.hub.spawn(OMNIBOX_CRASH_AT=str(number), OMNIBOX_TEST_CRASH_LOG=str(log))
    first = stage.hub.pid
    verdict, failure = await _round(stage)
    names = log.read_text().splitlines()
    return Round(number, names[-1] if stage.hub.pid != first else None, verdict, failure)


async def strike_outside(stage: Stage, number: int) -> Round:
    """The world kills the hub at the `number`-th thing it hears, before it answers."""
    await stage.hub.kill()
    tripwire = Tripwire(stage.hub, number)
    stage.listen(tripwire)
    await stage.hub.spawn()
    verdict, failure = await _round(stage)
    stage.listen(lambda what: None)
    return Round(number, tripwire.struck, verdict, failure, tripwire.heard)


async def _round(stage: Stage) -> tuple[Verdict, str]:
    """The script with fresh customers, while the hub is started again whenever it has ended."""
    people, failure = stage.people(), ""
    async with revived(stage.hub):
        try:
            async with asyncio.timeout(ROUND_S):
                await play(stage, people)
                await come_to_rest(people, stage.world, random.Random(people.name))
        except (TimeoutError, AssertionError) as error:
            failure = f"the script did not end: {error}"
        verdict = judge(await quiet_books(people, frozenset({"chat", "messenger"})))
    verdict.problems += stage.live.problems + stage.hub.defects()
    stage.live.problems.clear()
    stage.hub.lines.clear()
    await people.chat[0].leave()
    return verdict, failure


@asynccontextmanager
async def revived(hub: Hub) -> AsyncIterator[None]:
    """Meanwhile the hub is started again whenever it has ended."""

    async def revive() -> None:
        while True:
            await hub.dies_within(3600)
            await hub.start()

    reviving = asyncio.create_task(revive())
    try:
        yield
    finally:
        reviving.cancel()
        await asyncio.wait([reviving])


# ── How many steps there are


async def count_inside(stage: Stage) -> list[str]:
    """The crash points of one undisturbed script, start included."""
    log = stage.folder / "points.log"
    log.unlink(missing_ok=True)
    await stage.hub.kill()
    await stage.hub.start(OMNIBOX_TEST_CRASH_LOG=str(log))
    _expect_clean(await _round(stage))
    return log.read_text().splitlines()


async def count_outside(stage: Stage) -> list[str]:
    """What the world hears in one undisturbed script, start included."""
    undisturbed = await strike_outside(stage, 0)
    _expect_clean((undisturbed.verdict, undisturbed.failure))
    return undisturbed.heard


def _expect_clean(found: tuple[Verdict, str]) -> None:
    verdict, failure = found
    assert not verdict.problems + ([failure] if failure else []), (verdict.problems, failure)


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to strike: its steps, and how."""

    count: Callable[[Stage], Awaitable[list[str]]]
    strike: Callable[[Stage, int], Awaitable[Round]]


KINDS: Mapping[str, Kind] = {
    "inside": Kind(count_inside, strike_inside),
    "outside": Kind(count_outside, strike_outside),
}
