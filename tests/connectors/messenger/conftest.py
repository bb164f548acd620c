"""A simulated Graph API with one page and one person, a connector that talks to it, and a hook that reads its calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from aiohttp import web
from tests.inbox.conftest import house

from omnibox.connector import ChannelSettings, Envelope, Forged, Outbound, Request
from omnibox.testing.context import KitContext, with_defaults
from omnibox.testing.world.graph import Graph
from omnibox_messenger import Messenger

PAGE = "104857293640118"
PSID = "6120934475508127"
PART = "0193a5b0-7c1e-7000-8000-00000000b001"
VERIFY = "a-long-verify-token"


@dataclass
class Shop:
    """The test's world: Meta on one side, our connector on the other."""

    graph: Graph
    context: KitContext
    messenger: Messenger
    envelopes: list[Envelope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    refuse: int = 0  # so many calls of the hook are answered 500

    def reply(self, text: str = "We have it in 38.", **more: Any) -> Outbound:
        given = {"id": PART, "address": PSID, "channel": PAGE, "mode": "response", "text": text} | more
        return Outbound(written_at=datetime.now(UTC), **given)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        asked = Request({name.lower(): value for name, value in request.headers.items()}, body, dict(request.query))
        try:
            if request.method == "GET":
                return web.Response(text=self.messenger.challenge(asked))
            self.messenger.verify(asked)
        except Forged:
            return web.Response(status=403)
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=500)
        self.bodies.append(body)
        self.envelopes += self.messenger.parse(asked)
        return web.Response()


@pytest_asyncio.fixture
async def shop() -> AsyncIterator[Shop]:
    graph = Graph()
    await graph.start()
    page = graph.add_page(PAGE, "Corner shop")
    graph.add_person(PSID, "Ada Lovelace", PAGE)
    settings = {"app_secret": graph.app_secret, "verify_token": VERIFY, "graph_base": graph.base}
    channel = ChannelSettings(PAGE, "Corner shop", {"page_access_token": page.token, "human_agent": False})
    context = KitContext(with_defaults(Messenger.settings, settings), [channel])
    shop = Shop(graph, context, Messenger(context))
    runner = await _hook(shop)
    yield shop
    await context.close()
    await graph.stop()
    await runner.cleanup()


async def _hook(shop: Shop) -> web.AppRunner:
    app = web.Application()
    app.router.add_route("*", "/hooks/k", shop.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    shop.context.hook_url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/k"
    await shop.graph.subscribe(shop.context.hook_url, VERIFY)
    return runner


__all__ = ["house"]
