"""What this process counts, as plain numbers: adding costs next to nothing, and only a scrape renders them.

Labels are words of the code or of connectors. Never an id, a name or an address: each would be a series for ever.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

Labels = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """What the page about metrics tells of one."""

    name: str
    help: str
    labels: Labels = ()
    kind: Literal["gauge", "counter", "histogram"] = "gauge"


@dataclass(frozen=True, slots=True)
class Counter(Metric):
    """Goes up only. Each is added to in one thread."""

    kind: Literal["gauge", "counter", "histogram"] = "counter"
    values: dict[Labels, float] = field(default_factory=dict)

    def add(self, *labels: str, by: float = 1) -> None:
        self.values[labels] = self.values.get(labels, 0) + by


@dataclass(frozen=True, slots=True)
class Histogram(Metric):
    """How often a value was at most each of `bounds`, and their sum. Each is observed in one thread."""

    kind: Literal["gauge", "counter", "histogram"] = "histogram"
    bounds: Sequence[float] = ()
    values: dict[Labels, list[float]] = field(default_factory=dict)  # one count for each bound, one above, the sum

    def observe(self, value: float, *labels: str) -> None:
        row = self.values.get(labels)
        if row is None:
            row = self.values[labels] = [0] * (len(self.bounds) + 2)
        row[bisect_left(self.bounds, value)] += 1
        row[-1] += value

    def rows(self) -> Iterator[tuple[Labels, list[tuple[str, float]], float]]:
        """Labels, counts up to and with each bound, and the sum."""
        for labels, row in self.values.items():
            counts, upto = [], 0.0
            for bound, count in zip([*map(str, self.bounds), "+Inf"], row[:-1], strict=True):
                upto += count
                counts.append((bound, upto))
            yield labels, counts, row[-1]


REQUESTS = Counter("omnibox_http_requests", "HTTP requests answered.", ("door", "status"))
REQUEST_SECONDS = Histogram(
    "omnibox_http_request_seconds",
    "How long answers took; a long poll is meant to take long.",
    ("door",),
    bounds=(0.01, 0.05, 0.25, 1.0, 5.0, 30.0),
)
REFUSALS = Counter("omnibox_http_refusals", "Requests refused, by the code of the answer.", ("code",))
COMMIT_SECONDS = Histogram(
    "omnibox_store_commit_seconds",
    "How long COMMIT took, until the database said that it is durable.",
    bounds=(0.001, 0.005, 0.025, 0.1, 0.5, 2.0, 10.0),
)
BATCH = Histogram("omnibox_store_batch_size", "Writes that shared one commit.", bounds=(1.0, 4.0, 16.0, 64.0, 256.0))
STORE_FAILURES = Counter("omnibox_store_failures", "Batches of writes of which nobody knows whether they are durable.")
SENDS = Counter("omnibox_sends", "Tries to send a part, by what became of them.", ("connector", "outcome", "code"))
SOURCE_ERRORS = Counter("omnibox_source_errors", "Readers of mailboxes and the like that failed.", ("code",))
SOURCE_LAG_SECONDS = Histogram(
    "omnibox_source_lag_seconds",
    "How long arrivals lay on a mail server or the like before they were stored here.",
    bounds=(1.0, 5.0, 15.0, 60.0, 120.0, 600.0, 3600.0, 86400.0),
)
LOOP_LATE_SECONDS = Histogram(
    "omnibox_loop_late_seconds",
    "How late a task ran that is due every second: how long the process did nothing else meanwhile.",
    bounds=(0.005, 0.05, 0.25, 1.0, 5.0),
)

COUNTED: tuple[Counter | Histogram, ...] = (
    REQUESTS,
    REQUEST_SECONDS,
    REFUSALS,
    COMMIT_SECONDS,
    BATCH,
    STORE_FAILURES,
    SENDS,
    SOURCE_ERRORS,
    SOURCE_LAG_SECONDS,
    LOOP_LATE_SECONDS,
)

DOORS = {"hooks": "hook", "api": "api", "w": "visitor", "ws": "screen", "inbox": "page", "": "page"}
MACHINES = {"healthz", "readyz", "metrics"}


@cache
def door_of(pattern: str) -> str:
    """The class of a route by the pattern of its path: hook, api, visitor, screen, page, machine or other."""
    root, slash, rest = pattern.partition("/")
    first = rest.partition("/")[0]
    if root or not slash:
        return "other"
    return "machine" if first in MACHINES else DOORS.get(first, "other")
