"""P15: 1,000 signed events of every kind in mixed batches at 100 events a second, each call until its 200.

A call's wait counts from the moment it was due. At each 200 the database is asked, over a connection of its own,
whether every message of the call is there: an answer before the commit makes the figure wrong.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvloop

from bench.p01_webhook import SECRET, WORDS, connect
from bench.report import Figure, Goal, percentile, wrong
from bench.servers import Hub, bare, hub
from omnibox.testing.world.demo import PAGE
from omnibox.testing.world.graph import PAGE_INBOX_APP, Graph

EVENTS, RATE = 1_000, 100
MOST = 50  # events in one call
PEOPLE = 100
NAME = f"mixed batches, {RATE} events/s"
GOAL = Goal(250.0, of="ours")


@dataclass(slots=True)
class Call:
    """One POST: when it is due, what it holds, and the ids of the messages among it."""

    due_s: float
    elements: list[tuple[str, dict[str, Any]]]
    mids: list[str] = field(default_factory=list)

    def body(self) -> bytes:
        entries: list[dict[str, Any]] = []
        now_ms = int(time.time() * 1000)
        for at, (array, element) in enumerate(self.elements):
            if not entries or array not in entries[-1]:
                entries.append({"id": PAGE, "time": now_ms, array: []})
            entries[-1][array].append({"timestamp": now_ms - len(self.elements) + at, **element})
        return json.dumps({"object": "page", "entry": entries}).encode()


class Writers:
    """People who do all that Meta tells of; ids never come twice."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._number = seed * 1_000_000
        self._known = ["m_none"]

    def calls(self, count: int) -> Iterator[Call]:
        """So many events, in calls of 1 to 50, due at the rate."""
        done = 0
        while done < count:
            size = min(self._chance.choice((1, 1, 2, 5, 10, 20, MOST)), count - done)
            call = Call(done / RATE, [])
            for _ in range(size):
                array, element, mid = self._event()
                call.elements.append((array, element))
                if mid:
                    call.mids.append(mid)
            yield call
            done += size

    def _event(self) -> tuple[str, dict[str, Any], str]:
        """The array it stands in, the element, and the id of the message it is, if it is one."""
        psid, page = str(7_000_000_000 + self._chance.randrange(PEOPLE)), PAGE
        theirs = {"sender": {"id": psid}, "recipient": {"id": page}}
        self._number += 1
        mid, old, text = f"m_{self._number}", self._chance.choice(self._known), WORDS[: self._chance.randrange(10, 99)]
        place = {"type": "location", "title": "Here", "payload": {"coordinates": {"lat": 1.5, "long": 2.5}}}
        echo = {"mid": mid, "text": text, "is_echo": True, "app_id": int(PAGE_INBOX_APP)}
        kinds: tuple[tuple[int, dict[str, Any], bool], ...] = (
            (50, theirs | {"message": {"mid": mid, "text": text}}, True),
            (8, theirs | {"message": {"mid": mid, "attachments": [place]}}, True),
            (5, theirs | {"message": {"mid": mid, "text": "Yes", "quick_reply": {"payload": "YES"}}}, True),
            (5, theirs | {"postback": {"mid": mid, "title": "Prices", "payload": "PRICES"}}, True),
            (6, {"sender": {"id": page}, "recipient": {"id": psid}, "message": echo}, True),
            (6, theirs | {"delivery": {"mids": [old], "watermark": int(time.time() * 1000)}}, False),
            (6, theirs | {"read": {"watermark": int(time.time() * 1000)}}, False),
            (5, theirs | {"reaction": {"mid": old, "action": "react", "emoji": "👍"}}, False),
            (4, theirs | {"message_edit": {"mid": old, "text": text, "num_edit": 1}}, False),
            (2, theirs | {"message": {"mid": old, "is_deleted": True}}, False),
            (3, theirs | {"referral": {"ref": mid, "source": "SHORTLINK", "type": "OPEN_THREAD"}}, False),
        )
        ((_, element, is_message),) = self._chance.choices(kinds, [weight for weight, _, _ in kinds])
        if is_message:
            self._known.append(mid)
        return self._chance.choice(("messaging",) * 9 + ("standby",)), element, mid if is_message else ""


def run(*, long: bool = False) -> list[Figure]:
    return uvloop.run(_run(rounds=5 if long else 3))


async def _run(rounds: int) -> list[Figure]:
    graph = Graph(app_secret=SECRET)
    await graph.start()
    try:
        with bare("webhook", SECRET) as limit, hub([f"127.0.0.1:{graph.port}"]) as ours:
            hook = f"{ours.server.base}{await connect(ours, graph)}"
            await _drive(hook, Writers(1), ours)  # everybody is known from here on
            pairs, highest = [], 0.0
            for number in range(rounds):
                least = await _drive(f"{limit.base}/hooks/bare", Writers(100 + number), None, EVENTS // 3)
                waits = await _drive(hook, Writers(200 + number), ours)
                pairs.append((_p99_ms(least), _p99_ms(waits)))
                highest = max(highest, *(1000 * wait_s for wait_s in waits))
            if fault := _doubled(ours):
                return [wrong("P15", NAME, fault)]
            return [Figure("P15", f"{NAME}, p99", "ms", tuple(pairs), GOAL, note=f"longest {highest:.0f} ms")]
    except Early as early:
        return [wrong("P15", NAME, str(early))]
    finally:
        await graph.stop()


class Early(Exception):
    """A call was refused, or answered before what it brought was stored."""


async def _drive(hook: str, writers: Writers, ours: Hub | None, events: int = EVENTS) -> list[float]:
    """The seconds each event waited, from when its call was due until the 200; raises `Early`."""
    waits: list[float] = []
    database = None if ours is None else sqlite3.connect(f"file:{ours.database}?mode=ro", uri=True)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as http, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for call in writers.calls(events):
            await asyncio.sleep(max(0.0, began + call.due_s - time.perf_counter()))
            group.create_task(_post(http, hook, call, began + call.due_s, waits, database))
    if database is not None:
        database.close()
    return waits


async def _post(
    http: aiohttp.ClientSession,
    hook: str,
    call: Call,
    due_at: float,
    waits: list[float],
    database: sqlite3.Connection | None,
) -> None:
    body = call.body()
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    async with http.post(hook, data=body, headers={"X-Hub-Signature-256": signature}) as answer:
        waits += [time.perf_counter() - due_at] * len(call.elements)
        if answer.status != 200:
            raise Early(f"a call was answered {answer.status}")
    if database is not None and call.mids:
        marks = ",".join("?" * len(call.mids))
        asked = f"SELECT count(DISTINCT external_id) FROM message WHERE external_id IN ({marks})"
        (stored,) = database.execute(asked, call.mids).fetchone()
        if stored != len(call.mids):
            raise Early(f"{len(call.mids) - stored} of a call's {len(call.mids)} messages were not stored at its 200")


def _doubled(ours: Hub) -> str:
    database = sqlite3.connect(f"file:{ours.database}?mode=ro", uri=True)
    try:
        stored = Counter(mid for (mid,) in database.execute("SELECT external_id FROM message") if mid)
        aside = database.execute("SELECT count(*) FROM quarantine").fetchone()[0]
    finally:
        database.close()
    doubled = sum(1 for times in stored.values() if times > 1)
    return f"{doubled} messages doubled, {aside} put aside" if doubled or aside else ""


def _p99_ms(waits: list[float]) -> float:
    return 1000 * percentile(waits, 0.99)
