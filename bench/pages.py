"""Pages over HTTP against an empty answer plus five times the bare statement, in rounds, each answer checked."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bench.bare_sql import Bare
from bench.filled import DATABASES, House, house
from bench.report import Figure, Goal, percentile, wrong

CONVERSATIONS, MANY = 20_000, 1_000_000
ASKS, LONG_ASKS = 60, 200
ROUNDS = 3
MOST_MS = 10.0
Draw = Callable[[], tuple[str, str]]  # the bare statement of a page, whose rows begin with their id, and its path
Ids = Callable[[Any], Sequence[int]]  # what an answer shows, in the statement's order


def on_each(figures: Callable[[House, str, int], Iterator[Figure]], *, long: bool) -> Iterator[Figure]:
    """What `figures` makes of each database, of its name, and of how often each page is asked for."""
    count, asks = (MANY, LONG_ASKS) if long else (CONVERSATIONS, ASKS)
    for database in DATABASES:
        with house(database, conversations=count, messages=count) as found:
            found.warm()
            yield from figures(found, f"{database}, {count:,} conversations", asks)


def measure(found: House, bare: Bare, label: tuple[str, str], asks: int, draw: Draw, ids: Ids) -> Figure:
    """One figure; `label` is its goal and name. A page that shows other rows than the statement's first is wrong."""
    tails: list[tuple[float, float]] = []
    middles: list[float] = []
    cpu_s = 0.0
    for _ in range(ROUNDS):
        empty = percentile([found.client.ask("/healthz")[0] for _ in range(asks)], 0.95)
        alone, ours = [], []
        for _ in range(asks):
            statement, path = draw()
            took_ms, expected = bare.timed(statement)
            alone.append(took_ms)
            before_s = found.hub.server.cpu_s()
            took_ms, answer = found.client.ask(path)
            cpu_s += found.hub.server.cpu_s() - before_s
            ours.append(took_ms)
            shown = ids(answer)
            if list(shown) != expected[: len(shown)] or len(expected) - len(shown) not in (0, 1):
                return wrong(label[0], label[1], "the page shows other rows than the statement")
        tails.append((empty + 5 * percentile(alone, 0.95), percentile(ours, 0.95)))
        middles.append(statistics.median(ours))
    note = f"median {statistics.median(middles):.1f} ms, {cpu_s * 1000 / ROUNDS / asks:.1f} ms CPU"
    return Figure(label[0], f"{label[1]}, p95", "ms", tuple(tails), Goal(MOST_MS, of="ours"), note=note)
