"""P07: pages of the inbox's lists over HTTP, against an empty answer plus five times the bare statement."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import product

from bench.bare_sql import bare_of
from bench.filled import House
from bench.pages import measure, on_each
from bench.report import Figure

# The best form we know: a range of an index for each channel and for nobody, anybody or an agent, and these merged. In
# the form `WHERE state = 'open' ORDER BY …` no index has the order, and it takes 200 ms among a million.
RANGE = (
    "SELECT * FROM (SELECT last_at, id FROM conversation WHERE state = '{state}' AND channel_id = {channel}"
    " AND {whose} {before} ORDER BY last_at DESC, id DESC LIMIT 51) AS range_{place}"
)
STATEMENT = (
    "SELECT c.*, p.name AS contact_name, p.email AS contact_email, p.phone AS contact_phone"
    " FROM (SELECT last_at, id FROM ({ranges}) AS ranges ORDER BY last_at DESC, id DESC LIMIT 51) AS page"
    " JOIN conversation c ON c.id = page.id JOIN contact p ON p.id = c.contact_id"
    " ORDER BY page.last_at DESC, page.id DESC"
)
NOBODYS, SOMEBODYS, MINE = "assignee_id IS NULL", "assignee_id IS NOT NULL", "assignee_id = {agent}"


@dataclass(frozen=True, slots=True)
class View:
    """A page as the hub is asked for it, and the ranges it is made of."""

    query: str
    state: str = "open"
    whose: tuple[str, ...] = (NOBODYS, SOMEBODYS)
    channels: tuple[str, ...] = ("channel", "seldom")
    is_deep: bool = False


VIEWS = {
    "first page": View(""),
    "deep page": View("", is_deep=True),
    "mine": View("view=mine", whose=(MINE,)),
    "nobody's": View("view=unassigned", whose=(NOBODYS,)),
    "resolved": View("view=resolved", state="resolved"),
    "one channel": View("channel={channel}", channels=("channel",)),
    "seldom channel": View("channel={seldom}", channels=("seldom",)),
    "seldom channel, nobody's": View("view=unassigned&channel={seldom}", whose=(NOBODYS,), channels=("seldom",)),
    "seldom channel, resolved": View("view=resolved&channel={seldom}", state="resolved", channels=("seldom",)),
    "mine, deep": View("view=mine", whose=(MINE,), is_deep=True),
}
MARGIN = 2000  # of open conversations at the end: a deep page of any view is full
ORDER = "SELECT id, last_at FROM conversation WHERE state = 'open' ORDER BY last_at DESC, id DESC"


def run(*, long: bool = False) -> Iterator[Figure]:
    return on_each(_figures, long=long)


def _figures(found: House, where: str, asks: int) -> Iterator[Figure]:
    agent = found.client.ask("/api/me")[1]["id"]
    for _ in range(20):
        found.client.ask("/api/conversations")
    with closing(bare_of(found)) as bare:
        places = bare.all(ORDER)
        places = places[50 : -min(MARGIN, len(places) // 2)]
        for name, view in VIEWS.items():
            draw = partial(_draw, view, found, agent, places, random.Random(7))
            yield measure(found, bare, ("P07", f"{name}, {where}"), asks, draw, _ids)


def _ids(answer: dict[str, list[dict[str, int]]]) -> list[int]:
    return [row["id"] for row in answer["conversations"]]


def _draw(view: View, found: House, agent: int, places: list[tuple[int, int]], rng: random.Random) -> tuple[str, str]:
    last_id, at = rng.choice(places)
    names = {"agent": agent, "channel": found.filled.channel_id, "seldom": found.filled.seldom_id}
    before = f"AND (last_at, id) < ({at}, {last_id})" if view.is_deep else ""
    ranges = []
    for place, (channel, whose) in enumerate(product(view.channels, view.whose)):
        fits = whose.format(**names)
        ranges.append(RANGE.format(state=view.state, channel=names[channel], whose=fits, before=before, place=place))
    cursor = base64.urlsafe_b64encode(f"[{at},{last_id}]".encode()).decode()
    query = view.query.format(**names) + (f"&before={cursor}" if view.is_deep else "")
    return STATEMENT.format(ranges=" UNION ALL ".join(ranges)), f"/api/conversations?{query.strip('&')}"
