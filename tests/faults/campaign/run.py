"""The fault campaign: runs of many short lives of one hub, all channels flowing, and what became of every message."""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.faults.campaign.books import CHANNELS, Books, Channel, Said
from tests.faults.campaign.hub import Hub
from tests.faults.campaign.inbox import Refused
from tests.faults.campaign.people import PER_CHANNEL, People
from tests.faults.campaign.schedule import LONGEST_S, TROUBLES, Life, heal, lives
from tests.faults.campaign.stage import Stage, stage
from tests.faults.campaign.verdict import Verdict, judge

from omnibox.testing.world.demo import World

REST_S = 240.0  # a mail that was put off waits up to a minute, a part behind a doubt two


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. The same plan strikes the same way; how far each message has come by then is the machine's."""

    seed: str
    kills: int
    store: str  # sqlite or postgresql
    only_quick: bool = False

    @property
    def keeps_copies(self) -> bool:
        """Whether the mail provider keeps a copy of what was submitted, which is evidence."""
        return random.Random(f"{self.seed} copies").random() < 0.3

    @property
    def evidence(self) -> frozenset[Channel]:
        return frozenset(CHANNELS) if self.keeps_copies else frozenset({"chat", "messenger"})

    @property
    def command(self) -> str:
        return f"make faults RUN={self.seed} KILLS={self.kills} STORE={self.store}"


@dataclass(slots=True)
class Outcome:
    """What one run came to."""

    plan: Plan
    deaths: Counter[str] = field(default_factory=Counter)
    verdict: Verdict = field(default_factory=Verdict)
    feed_breaks: int = 0
    failure: str = ""

    @property
    def problems(self) -> list[str]:
        return [*([self.failure] if self.failure else []), *self.verdict.problems]


async def carry_out(plan: Plan, database_url: str = "") -> Outcome:
    """One run from an empty folder to the verdict; whatever stands in its way is a problem of the outcome."""
    outcome = Outcome(plan)
    with tempfile.TemporaryDirectory(prefix="omnibox-faults-") as folder:
        try:
            async with stage(Path(folder), database_url) as set_up:
                set_up.world.house.keeps_sent = plan.keeps_copies
                await _play(plan, set_up, outcome)
        except (Refused, AssertionError) as error:
            outcome.failure = f"it broke off: {error!r}"
    return outcome


async def _play(plan: Plan, stage: Stage, outcome: Outcome) -> None:
    people = stage.people(plan.seed, PER_CHANNEL)
    try:
        await _flow(plan, people, stage, outcome)
        await come_to_rest(people, stage.world, random.Random(f"{plan.seed} end"))
        outcome.verdict = judge(await quiet_books(people, plan.evidence))
    except TimeoutError:
        outcome.failure = f"it did not come to rest: {'; '.join(awaited(people)[:10])}"
        books = await people.books(plan.evidence)
        books.said = [
            replace(said, is_acknowledged=said.is_acknowledged and said.channel != "mail") for said in books.said
        ]
        outcome.verdict = judge(books)  # a mail that still lies in its mailbox is not lost
    finally:
        for visitor in people.chat:
            await visitor.leave()
        outcome.feed_breaks = stage.live.breaks
        outcome.verdict.problems += stage.live.problems + stage.hub.defects()


def _unless_in_mailbox(said: Said) -> Said:
    """A mail that nobody has fetched in time still lies where it can be fetched: it is not lost."""
    return replace(said, is_acknowledged=False) if said.channel == "mail" else said


# ── Striking


async def _flow(plan: Plan, people: People, stage: Stage, outcome: Outcome) -> None:
    """Everybody talks while the process lives and dies as planned; afterwards it stays up and the world is well."""
    chance = random.Random(f"{plan.seed} troubles")
    flowing = [asyncio.create_task(flow) for flow in people.flows()]
    try:
        for life in lives(plan.seed, plan.kills, only_quick=plan.only_quick):
            heal(stage.world)
            for name in life.troubles:
                TROUBLES[name](stage.world, chance)
            sign = Sign(life.sign, life.signs)
            stage.listen(sign)
            outcome.deaths[await _live_and_die(stage.hub, life, sign)] += 1
            _check(flowing)
    finally:
        heal(stage.world)
        await stage.hub.start_surely()
        people.is_over = True
        await asyncio.wait(flowing, timeout=60)
    _check(flowing)
    if not all(task.done() for task in flowing):
        raise TimeoutError


def _check(flowing: list[asyncio.Task[None]]) -> None:
    """What a flow met that it could not bear is the failure of the run."""
    for task in flowing:
        if task.done() and not task.cancelled():
            task.result()


class Sign:
    """Is seen once the world has heard `times` things whose names begin with `name`; without a name, at once."""

    def __init__(self, name: str, times: int) -> None:
        self._name, self._left = name, times if name else 0
        self.seen = asyncio.Event()
        self("")

    def __call__(self, what: str) -> None:
        self._left -= what.startswith(self._name)
        if self._left <= 0:
            self.seen.set()

    async def is_seen_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.seen.wait()
        return False


async def _live_and_die(hub: Hub, life: Life, sign: Sign) -> str:
    """One life of the process; returns what it died of."""
    if not hub.is_dead:
        await hub.kill()
    at_point = {"OMNIBOX_CRASH_AT": str(life.point)} if life.death == "crash point" else {}
    await hub.spawn(**at_point)
    if life.death == "kill at start":
        await asyncio.sleep(life.after_s)
    elif await hub.is_up_within(30):
        if life.death == "kill":
            await sign.is_seen_within(LONGEST_S)
            await asyncio.sleep(life.after_s)
        elif await hub.dies_within(LONGEST_S):
            return "crash point"
    elif life.death == "crash point":
        return "crash point"
    await hub.kill()
    return "kill at start" if life.death == "kill at start" else "kill"


# ── The end


async def come_to_rest(people: People, world: World, chance: random.Random, timeout_s: float = REST_S) -> None:
    """Until everything said is shown, every reply has an end, and every reader's mark has come through.

    Raises `TimeoutError` where nothing has come nearer to its end for so long: a busy machine is no fault.
    """
    resting = asyncio.create_task(_come_to_rest(people, world, chance, timeout_s * 9))
    fewest, moved_at = len(awaited(people)), time.monotonic()
    try:
        while not resting.done():
            await asyncio.wait([resting], timeout=1)
            if (left := len(awaited(people))) < fewest:
                fewest, moved_at = left, time.monotonic()
            if time.monotonic() - moved_at > timeout_s:
                raise TimeoutError
        resting.result()
    finally:
        resting.cancel()
        await asyncio.wait([resting])


async def _come_to_rest(people: People, world: World, chance: random.Random, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        await people.come_back()
        await world.graph.settled(timeout_s)
        await _until(lambda: not awaited(people), lambda: people.decide(chance, is_end=True))
        for person in people.messenger:
            await person.read()
        await world.graph.settled(timeout_s)
        await _until(lambda: _is_read(people))
        await _until(lambda: _is_shown_to_visitors(people), people.come_back)


async def quiet_books(people: People, evidence: frozenset[Channel], tries: int = 20) -> Books:
    """The books, all of one moment: nothing happened while they were read, and the live view knows as much."""
    for _ in range(tries):
        before = (await people.desk.ask("GET", "/api/snapshot")).body["seq"]
        await _until(lambda before=before: people.live.cursor >= before)  # type: ignore[misc]
        books = await people.books(evidence)
        if (await people.desk.ask("GET", "/api/snapshot")).body["seq"] == before == people.live.cursor:
            break
    return books


async def _until(holds: Callable[[], bool], meanwhile: Callable[[], Awaitable[None]] | None = None) -> None:
    while not holds():
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(0.1)


def awaited(people: People) -> list[str]:
    """What has not come to rest yet."""
    live = people.live
    found = [f"{mark} is not shown" for mark in sorted({said.mark for said in people.said()} - live.marks())]
    found += [f"{mark} is not shown" for mark in sorted(set(people.replies) - live.marks("outbound"))]
    for message in live.messages.values():
        pending = [file["name"] for file in message["attachments"] if file["state"] == "pending"]
        found += [f"a file of message {message['id']} is not there" for _ in pending]
    for message, delivery in live.deliveries("queued", "sending", "uncertain"):
        if delivery["id"] not in people.left:
            found.append(f"a part of {message['text'].split()[0]} is {delivery['state']}, {delivery['code']}")
    return found


def _is_read(people: People) -> bool:
    """Every Messenger reply that left is read: its receipts were neither lost nor applied too early."""
    waiting = people.live.deliveries("sent", "delivered")
    return not any(people.desk.channels[message["channel"]] == "messenger" for message, _ in waiting)


def _is_shown_to_visitors(people: People) -> bool:
    shown = {piece.mark for each in people.chat for piece in each.received()}
    return all(mark in shown for mark, reply in people.replies.items() if reply.channel == "chat")
