"""P07: pages of the inbox's lists over HTTP, against an empty answer plus five times the bare statement."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from contextlib import closing
from functools import partial

from bench.bare_sql import bare_of
from bench.filled import DATABASES, House, house
from bench.pages import measure
from bench.report import Figure

CONVERSATIONS, MANY = 20_000, 1_000_000
ASKS, LONG_ASKS = 60, 200
STATEMENT = (
    "SELECT c.*, p.name AS contact_name, p.email AS contact_email, p.phone AS contact_phone"
    " FROM conversation c JOIN contact p ON p.id = c.contact_id"
    " WHERE {where} ORDER BY c.last_at DESC, c.id DESC LIMIT 51"
)
VIEWS = {  # what the table is asked, and the page
    "first page": ("c.state = 'open'", ""),
    "deep page": ("c.state = 'open' AND (c.last_at, c.id) < ({at}, {id})", "before={cursor}"),
    "mine": ("c.state = 'open' AND c.assignee_id = {agent}", "view=mine"),
    "nobody's": ("c.state = 'open' AND c.assignee_id IS NULL", "view=unassigned"),
    "resolved": ("c.state = 'resolved'", "view=resolved"),
    "one channel": ("c.state = 'open' AND c.channel_id = {channel}", "channel={channel}"),
    "seldom channel": ("c.state = 'open' AND c.channel_id = {seldom}", "channel={seldom}"),
    "seldom channel, nobody's": (
        "c.state = 'open' AND c.channel_id = {seldom} AND c.assignee_id IS NULL",
        "view=unassigned&channel={seldom}",
    ),
    "seldom channel, resolved": ("c.state = 'resolved' AND c.channel_id = {seldom}", "view=resolved&channel={seldom}"),
    "mine, deep": (
        "c.state = 'open' AND c.assignee_id = {agent} AND (c.last_at, c.id) < ({at}, {id})",
        "view=mine&before={cursor}",
    ),
}
MARGIN = 2000  # of open conversations at the end: a deep page of any view is full
ORDER = "SELECT id, last_at FROM conversation WHERE state = 'open' ORDER BY last_at DESC, id DESC"


def run(*, long: bool = False) -> Iterator[Figure]:
    count, asks = (MANY, LONG_ASKS) if long else (CONVERSATIONS, ASKS)
    for database in DATABASES:
        with house(database, conversations=count, messages=count) as found:
            yield from _figures(found, f"{database}, {count:,} conversations", asks)


def _figures(found: House, name: str, asks: int) -> Iterator[Figure]:
    agent = found.client.ask("/api/me")[1]["id"]
    for _ in range(20):
        found.client.ask("/api/conversations")
    with closing(bare_of(found)) as bare:
        places = bare.all(ORDER)
        for view in VIEWS:
            draw = partial(_draw, view, found, agent, places[50 : -min(MARGIN, len(places) // 2)], random.Random(7))
            yield measure(found, bare, ("P07", f"{view}, {name}"), asks, draw, _ids)


def _ids(answer: dict[str, list[dict[str, int]]]) -> list[int]:
    return [row["id"] for row in answer["conversations"]]


def _draw(view: str, found: House, agent: int, places: list[tuple[int, int]], rng: random.Random) -> tuple[str, str]:
    last_id, at = rng.choice(places)
    cursor = base64.urlsafe_b64encode(f"[{at},{last_id}]".encode()).decode()
    words = {"at": at, "id": last_id, "cursor": cursor, "agent": agent}
    words |= {"channel": found.filled.channel_id, "seldom": found.filled.seldom_id}
    where, query = (text.format(**words) for text in VIEWS[view])
    return STATEMENT.format(where=where), f"/api/conversations?{query}"
