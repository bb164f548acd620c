"""How often one visitor or one address may ask: token buckets in memory, so that a flood costs nobody else."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from omnibox.web.errors import slow_down

MOST_BUCKETS = 50_000
RATES: dict[str, tuple[float, float]] = {  # purpose → how many at once, then per second
    "visitor": (60, 1.0),
    "op": (30, 2.0),
    "upload": (20, 0.2),
}


@dataclass(slots=True)
class Limits:
    now: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[tuple[str, str], tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, purpose: str, subject: str) -> None:
        """Count one use; raises the 429 that says how long to wait."""
        most, per_s = RATES[purpose]
        at = self.now()
        left, since = self._buckets.pop((purpose, subject), (most, at))
        left = min(most, left + (at - since) * per_s)
        self._buckets[purpose, subject] = (max(0.0, left - 1), at)
        while len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if left < 1:
            raise slow_down((1 - left) / per_s)
