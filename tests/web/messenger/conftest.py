"""A whole omnibox beside a simulated Graph: three pages with a customer each, and two people who manage them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from tests.web.conftest import OpenHouse
from tests.web.house import Answer, Browser, House

from omnibox.testing.world.graph import Graph

SHOP, CAFE, OTHER = "104", "105", "106"
OLIVIA, OSCAR = "5001", "5002"
CUSTOMERS = {SHOP: "7001", CAFE: "7002", OTHER: "7003"}
WAIT_S = 30


@dataclass(slots=True)
class Stage:
    house: House
    admin: Browser
    graph: Graph
    id: int = 0

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.house.server.port}"

    async def connect(self, graph: Graph | None = None, **settings: Any) -> int:
        """A draft of a connection to the app of a Graph; the first one is the stage's."""
        app = graph or self.graph
        given = {"app_id": app.app_id, "app_secret": app.app_secret, "graph_base": app.base, "login_base": app.base}
        body = {"connector": "messenger", "name": "Pages", "settings": given | settings}
        made = await self.admin.post("/api/connections", body)
        assert made.status == 201, made.body
        self.id = self.id or made.json["id"]
        app.login.redirects.add(made.json["consent"]["redirect_url"])
        return int(made.json["id"])

    async def shown(self, connection: int = 0) -> dict[str, Any]:
        return cast("dict[str, Any]", (await self.admin.get(f"/api/connections/{connection or self.id}")).json)

    async def channel(self, page: str) -> dict[str, Any]:
        return next(each for each in (await self.shown())["channels"] if each["address"] == page)

    async def sign_in(self, manager: str = OLIVIA, connection: int = 0, graph: Graph | None = None) -> Answer:
        """Through Facebook's page and back."""
        (graph or self.graph).login.answers = manager
        asked = await self.admin.post(f"/api/connections/{connection or self.id}/consent", {})
        assert asked.status == 200, asked.body
        async with (
            aiohttp.ClientSession() as other,
            other.get(asked.json["url"], allow_redirects=False) as page,
        ):
            assert page.status == 302, await page.text()
            parts = urlsplit(page.headers["Location"])
            return await self.admin.get(f"{parts.path}?{parts.query}")

    async def choices(self, connection: int = 0) -> list[dict[str, Any]]:
        answer = await self.admin.get(f"/api/connections/{connection or self.id}/consent/choices")
        assert answer.status == 200, answer.body
        return cast("list[dict[str, Any]]", answer.json)

    async def choose(self, *pages: str, connection: int = 0) -> Answer:
        path = f"/api/connections/{connection or self.id}/consent/choices"
        return await self.admin.post(path, {"addresses": list(pages)})

    async def enable(self, connection: int = 0) -> dict[str, Any]:
        answer = await self.admin.post(f"/api/connections/{connection or self.id}/enable")
        assert answer.status == 200, answer.body
        return cast("dict[str, Any]", answer.json)

    async def live(self, *pages: str) -> None:
        """Connected by Facebook Login, switched on, and well."""
        await self.connect()
        assert outcome(await self.sign_in()) == "choose"
        assert (await self.choose(*pages)).status == 200
        enabled = await self.enable()
        assert enabled["health"]["code"] is None, enabled
        await self.graph.settled()
        self.house.clock.advance(seconds=10)  # Meta tells times in whole seconds

    async def conversation(self, page: str) -> int:
        """The conversation of a page's customer, once there is one."""

        async def find() -> int | None:
            rows = (await self.admin.get("/api/conversations")).json["conversations"]
            channel = (await self.channel(page))["id"]
            return next((row["id"] for row in rows if row["channel"] == channel), None)

        return cast("int", await until(find))

    async def texts(self, page: str) -> list[str]:
        """What stands in the conversation of a page's customer, in its order."""
        path = f"/api/conversations/{await self.conversation(page)}/messages"
        found = (await self.admin.get(path)).json["messages"]
        return [each["text"] for each in found if each["kind"] in ("inbound", "outbound")]

    async def reply(self, page: str, text: str) -> None:
        body = {"client_id": f"reply {text}", "text": text}
        answer = await self.admin.post(f"/api/conversations/{await self.conversation(page)}/replies", body)
        assert answer.status == 201, answer.body

    def received(self, page: str) -> list[str]:
        return [taken.text for taken in self.graph.received(CUSTOMERS[page])]


def outcome(answer: Answer) -> str:
    """With which word the browser comes back to the connection's page."""
    assert answer.status == 302, answer.body
    return parse_qs(urlsplit(answer.headers["Location"]).query)["consent"][0]


async def until(find: Callable[[], Awaitable[Any]]) -> Any:
    """What is found, as soon as there is something."""
    async with asyncio.timeout(WAIT_S):
        while not (found := await find()):
            await asyncio.sleep(0.02)
    return found


@pytest.fixture
async def stage(build_house: OpenHouse) -> AsyncIterator[Stage]:
    house = await build_house(outbound_allow=("127.0.0.1",))
    graph = Graph(clock=lambda: house.clock().timestamp())
    await graph.start()
    graph.needs_proof = True
    for page, name in ((SHOP, "Corner shop"), (CAFE, "Café Olé"), (OTHER, "Somebody's page")):
        graph.add_page(page, name).subscribed_fields.clear()
        graph.add_person(CUSTOMERS[page], f"Customer of {name}", page)
    graph.login.add_manager(OLIVIA, "Olivia", [SHOP, CAFE])
    graph.login.add_manager(OSCAR, "Oscar", [OTHER])
    found = Stage(house, await house.browser("owner"), graph)
    house.hub.connections.base_url = found.base
    yield found
    await graph.stop()
