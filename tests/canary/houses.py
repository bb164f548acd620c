"""A hub as an operator runs it, in one process or in two, with a tap on every line that leaves it."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.canary.search import found
from tests.e2e.serving import Served
from tests.scale.cluster import Part
from tests.servers import Redis, spare_port

from omnibox.testing.world.demo import MAILBOX, PAGE, Admin, World, site_key
from omnibox.web import routes
from omnibox.web.api import ROUTES

OWNER, PASSWORD = "owner@shop.example", "correct horse battery staple"
SUPPORT, SHOP, HOOK = "support@shop.example", "brightleaf.example", "orders"


class Tap:
    """Stands between the hub and a server, and keeps what the hub says."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._pumps: set[asyncio.Task[None]] = set()
        self.said = bytearray()
        self.port = 0

    async def __aenter__(self) -> Tap:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._to)
        for pump in (self._pump(reader, onward, keeps=True), self._pump(there, writer, keeps=False)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _pump(self, reader: StreamReader, writer: StreamWriter, *, keeps: bool) -> None:
        with suppress(OSError):
            try:
                while heard := await reader.read(1 << 16):
                    if keeps:
                        self.said += heard
                    writer.write(heard)
                    await writer.drain()
            finally:
                writer.close()


@dataclass(slots=True)
class Hub:
    """A running hub with every channel there is. `heard` is what it said to others, by line; `admin` the owner."""

    world: World
    home: Path
    parts: list[Served]
    environment: dict[str, str]
    taps: dict[str, Tap] = field(default_factory=dict)
    door_port: int = 0
    hook_url: str = ""
    hook_secret: str = ""
    graph_hook: str = ""
    site: str = ""
    database: str = ""
    admin: Hands = None  # type: ignore[assignment]
    answered: list[bytes] = field(default_factory=list)  # what agents and visitors were told

    @property
    def base(self) -> str:
        return self.parts[0].base

    @property
    def logs(self) -> bytes:
        return "".join(line for part in self.parts for line in part.lines).encode()


@asynccontextmanager
async def opened(home: Path, *, database: str = "", redis: Redis | None = None) -> AsyncIterator[Hub]:
    """One process on SQLite, or a web process and a worker on PostgreSQL and Redis."""
    world = World()
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        orders = await stack.enter_async_context(_any_server())
        lines = {"graph": world.graph.port, "imap": world.house.imap_port, "smtp": world.house.smtp_port}
        lines |= {"hook": orders} | ({"redis": redis.port} if redis else {})
        taps = {name: await stack.enter_async_context(Tap(port)) for name, port in lines.items()}
        allow = [*world.targets, *(f"127.0.0.1:{tap.port}" for tap in taps.values())]
        environment = {"OMNIBOX_LOG_LEVEL": "debug"}
        if redis:
            environment |= {
                "OMNIBOX_DATABASE_URL": database,
                "OMNIBOX_REDIS_URL": f"redis://127.0.0.1:{taps['redis'].port}/0",
            }
        parts: list[Served] = (
            [Part(role, home, allow, **environment) for role in ("web", "worker")]
            if redis
            else [Served(home, allow, **environment)]
        )
        for part in parts:
            stack.push_async_callback(part.end)
        await asyncio.gather(*(part.start() for part in parts))
        hub = Hub(world, home, parts, environment, taps, database=database)
        hub.admin = Hands(hub.base)
        stack.push_async_callback(hub.admin.close)
        await hub.admin.own(await parts[0].setup_code(), OWNER, PASSWORD)
        yield hub


@asynccontextmanager
async def _any_server() -> AsyncIterator[int]:
    """A server that takes any request."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def connect(hub: Hub, words: str) -> None:
    """Every kind of channel, live. `words` stand in whatever text of theirs an admin writes."""
    world, admin, taps = hub.world, hub.admin, hub.taps
    texts = {"title": f"Chat {words}"[:200], "greeting": f"Hello {words}", "offline_text": f"Later {words}"}
    site = {"name": f"Site {words}", "address": SHOP, "settings": {"origins": [world.desk.base], **texts}}
    hub.site = site_key(await admin.connect("webchat", f"Website {words}", {}, site))
    graph = {
        "app_secret": world.graph.app_secret,
        "app_id": world.graph.app_id,
        "graph_base": f"http://127.0.0.1:{taps['graph'].port}",
    }
    token = world.graph.pages[PAGE].token
    page = {"name": f"Page {words}", "address": PAGE, "settings": {"page_access_token": token}}
    messenger = await admin.connect("messenger", f"Page {words}", graph, page)
    hub.graph_hook = messenger["hook_url"].replace(messenger["hook_url"].split("/hooks/")[0], hub.base)
    await world.graph.subscribe(hub.graph_hook, messenger["settings"]["verify_token"])
    account = {**world.house.settings(MAILBOX), "import_existing": True}
    account |= {"imap_port": taps["imap"].port, "smtp_port": taps["smtp"].port}
    mail: dict[str, Any] = {"quote_history": True, "confirmation": f"We have your mail {words}"}
    await admin.connect(
        "email", f"Mailbox {words}", account, {"name": f"Mail {words}", "address": MAILBOX, "settings": mail}
    )
    hub.door_port = spare_port()
    door = {name: value for name, value in account.items() if name.startswith("smtp_")}
    door |= {"incoming": "lmtp", "door_address": f"127.0.0.1:{hub.door_port}"}
    door |= {"smtp_user": account["imap_user"], "smtp_password": account["imap_password"]}
    await admin.connect("email", "Door", door, {"name": "Door", "address": SUPPORT, "settings": {}})
    hub.hook_secret = secrets.token_hex(16)
    settings = {"secret": hub.hook_secret, "url": f"http://127.0.0.1:{taps['hook'].port}/replies"}
    hook = await admin.connect("hook", "Orders", settings, {"name": "Orders", "address": HOOK, "settings": {}})
    hub.hook_url = f"{hub.base}/hooks/{hook['hook_url'].rpartition('/')[2]}"


class Hands(Admin):
    """An owner who writes down which members of which requests a canary was put in."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        routes.load()
        self.put_in: set[str] = set()
        self._routes = [(route.method, re.compile(re.sub(r"{\w+}", "[^/?]+", route.path)), route) for route in ROUTES]

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self.note(method, path, body)
        return await super().ask(method, path, body)

    def note(self, method: str, path: str, body: Mapping[str, Any] | None) -> None:
        place, _, query = path.partition("?")
        given = {name: value for name, _, value in (each.partition("=") for each in query.split("&"))} | dict(
            body or {}
        )
        holding = {name for name, value in given.items() if found(json.dumps(value, ensure_ascii=False).encode())}
        for each, pattern, route in self._routes:
            if each == method and "{path" not in route.path and pattern.fullmatch(place):
                self.put_in |= {f"{route.place} {name}" for name in holding}
