"""Meta's calls made by hand: any events, any number of times, and what each was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

from omnibox.testing.world.demo import PAGE, PSID
from omnibox.testing.world.graph import Graph
from omnibox.testing.world.graph_hooks import PageEvent, signature, webhook_body


@dataclass(frozen=True, slots=True)
class Answered:
    """`status` 0: no answer came."""

    status: int
    retry_after: str | None = None


def said(graph: Graph, text: str, mid: str = "", psid: str = PSID, at_ms: int = 0) -> PageEvent:
    """A message of a customer as one event; `at_ms` 0 is now."""
    at_ms = at_ms or graph.now_ms()
    message = {"mid": mid or f"m_{text}", "text": text}
    element: dict[str, Any] = {"sender": {"id": psid}, "recipient": {"id": PAGE}, "timestamp": at_ms}
    return PageEvent(PAGE, at_ms, element | {"message": message})


async def post(http: aiohttp.ClientSession, graph: Graph, *events: PageEvent) -> Answered:
    """Call the hook that the world is subscribed to."""
    body = webhook_body(events)
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(graph.app_secret, body)}
    try:
        async with http.post(graph.hooks.url, data=body, headers=headers) as answer:
            return Answered(answer.status, answer.headers.get("Retry-After"))
    except (aiohttp.ClientError, OSError):
        return Answered(0)
