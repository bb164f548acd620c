"""P09: from the start of the process to the complete first page, on an existing database."""

from __future__ import annotations

import sys

from bench.report import Figure, Goal
from bench.servers import BARE, Hub, Server, hub, spare_port

ROUNDS = 5


def run(*, long: bool = False) -> list[Figure]:
    walls, costs = [], []
    with hub() as found:  # its first start made the database
        found.server.stop()
        for _ in range(ROUNDS * (3 if long else 1)):
            limit, ours = _bare(), _ours(found)
            walls.append((limit[0], ours[0]))
            costs.append((limit[1], ours[1]))
    goal = Goal(3.0, aim=2.0)
    return [
        Figure("P09", "start to first page", "ms", tuple(walls), goal),
        Figure("P09", "start to first page, CPU", "ms", tuple(costs), goal),
    ]


def _bare() -> tuple[float, float]:
    """Milliseconds of wall and of CPU."""
    port = spare_port()
    server = Server([sys.executable, str(BARE / "page.py"), str(port)], port)
    try:
        return server.until_page() * 1000, server.cpu_s() * 1000
    finally:
        server.stop()


def _ours(found: Hub) -> tuple[float, float]:
    server = found.start()
    try:
        return server.until_page() * 1000, server.cpu_s() * 1000
    finally:
        server.stop()
