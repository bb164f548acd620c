"""For whoever watches the process: whether it lives, and whether it can do its work."""

from __future__ import annotations

from aiohttp import web

from omnibox.web.api import Ask, Table, door

PLACES = frozenset({"/healthz", "/readyz", "/metrics"})


def only_health(table: Table) -> Table:
    """The doors of `table` that watch the process: all that a worker has."""
    found = Table()
    for entry in table:
        if entry.path in PLACES:
            found.add(entry)
    return found


@door("GET", "/healthz", may="public", is_quiet=True)
async def healthz(ask: Ask) -> web.Response:
    """The process lives and its loop runs."""
    return web.Response(text="ok\n")


@door("GET", "/readyz", may="public", is_quiet=True)
async def readyz(ask: Ask) -> web.Response:
    """It can do its work: what it needs answers, what it has to run is running. Else 503, a reason on each line."""
    problems = await ask.hub.readiness.problems()
    if problems:
        return web.Response(status=503, text="\n".join(problems) + "\n", headers={"Retry-After": "2"})
    return web.Response(text="\n".join(["ready", *ask.hub.readiness.remarks()]) + "\n")
