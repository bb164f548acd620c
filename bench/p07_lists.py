"""P07: pages of the inbox's lists over HTTP, against an empty answer plus five times the bare statement."""

from __future__ import annotations

import base64
import random
import statistics
from collections.abc import Iterator
from contextlib import closing

from bench.bare_sql import bare_of
from bench.filled import DATABASES, House, house
from bench.report import Figure, Goal, percentile, wrong

CONVERSATIONS, MANY = 20_000, 1_000_000
ASKS, LONG_ASKS = 60, 200
ROUNDS = 3
MOST_MS = 10.0
PAGE = 50
STATEMENT = (
    "SELECT c.*, p.name AS contact_name, p.email AS contact_email, p.phone AS contact_phone"
    " FROM conversation c JOIN contact p ON p.id = c.contact_id"
    " WHERE {where} ORDER BY c.last_at DESC, c.id DESC LIMIT 51"
)
WHERE = {
    "first page": "c.state = 'open'",
    "deep page": "c.state = 'open' AND (c.last_at < {at} OR (c.last_at = {at} AND c.id < {id}))",
    "mine": "c.state = 'open' AND c.assignee_id = {agent}",
    "nobody's": "c.state = 'open' AND c.assignee_id IS NULL",
    "resolved": "c.state = 'resolved'",
    "one channel": "c.state = 'open' AND c.channel_id = {channel}",
}
ORDER = "SELECT id, last_at FROM conversation WHERE state = 'open' ORDER BY last_at DESC, id DESC"
Place = tuple[int, int]


def run(*, long: bool = False) -> Iterator[Figure]:
    count, asks = (MANY, LONG_ASKS) if long else (CONVERSATIONS, ASKS)
    for database in DATABASES:
        with house(database, conversations=count, messages=count) as found:
            yield from _figures(found, f"{database}, {count:,} conversations", asks)


def _figures(found: House, name: str, asks: int) -> Iterator[Figure]:
    client, rng = found.client, random.Random(7)
    agent = client.ask("/api/me")[1]["id"]
    for _ in range(20):
        client.ask("/api/conversations")
    with closing(bare_of(found)) as bare:
        places: list[Place] = bare.all(ORDER)
        for view, where in WHERE.items():
            tails: list[tuple[float, float]] = []
            middles: list[float] = []
            cpu_s = 0.0
            for _ in range(ROUNDS):
                empty = percentile([client.ask("/healthz")[0] for _ in range(asks)], 0.95)
                alone, ours = [], []
                for _ in range(asks):
                    last_id, at = rng.choice(places[PAGE:-PAGE])
                    words = {"at": at, "id": last_id, "agent": agent, "channel": found.filled.channel_id}
                    statement = STATEMENT.format(where=where.format(**words))
                    took_ms, expected = bare.timed(statement)
                    alone.append(took_ms)
                    before_s = found.hub.server.cpu_s()
                    took_ms, page = client.ask(_path(view, at, last_id, found.filled.channel_id))
                    cpu_s += found.hub.server.cpu_s() - before_s
                    ours.append(took_ms)
                    if [row["id"] for row in page["conversations"]] != expected[:PAGE]:
                        yield wrong("P07", f"{view}, {name}", "the page shows other rows than the statement")
                        return
                tails.append((empty + 5 * percentile(alone, 0.95), percentile(ours, 0.95)))
                middles.append(statistics.median(ours))
            note = f"median {statistics.median(middles):.1f} ms, {cpu_s * 1000 / ROUNDS / asks:.1f} ms CPU"
            yield Figure("P07", f"{view}, {name}, p95", "ms", tuple(tails), Goal(MOST_MS, of="ours"), note=note)


def _path(view: str, at: int, last_id: int, channel: int) -> str:
    if view == "deep page":
        cursor = base64.urlsafe_b64encode(f"[{at},{last_id}]".encode()).decode()
        return f"/api/conversations?before={cursor}"
    words = {"first page": "", "mine": "?view=mine", "nobody's": "?view=unassigned", "resolved": "?view=resolved"}
    return "/api/conversations" + words.get(view, f"?channel={channel}")
