"""`omnibox demo`: a hub on a fresh folder, three live channels played by the world, set up by the public API."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from omnibox.testing.world.desk import Desk
from omnibox.testing.world.graph import Graph
from omnibox.testing.world.mail import MailHouse
from omnibox.testing.world.visitor import Visitor

if TYPE_CHECKING:
    from omnibox.config import Config

HOME = Path("omnibox-demo")
MAILBOX = "hello@brightleaf.example"
CUSTOMER = "leo@customer.example"
PSID, PAGE = "7001", "104"
OWNER = "demo@brightleaf.example"


class World:
    """The platforms of the demo and of the browser tests: a page, a mailbox, a shop, and who writes to them."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.house = MailHouse()
        self.desk = Desk(self.graph, self.house, psid=PSID, customer=CUSTOMER, mailbox=MAILBOX)

    async def start(self, desk_port: int = 0) -> None:
        await self.graph.start()
        await self.house.start()
        self.house.add_account(MAILBOX, secrets.token_urlsafe(12))
        page = self.graph.add_page(PAGE, "Brightleaf Coffee")
        self.graph.add_person(PSID, "Ada Moreno", page.id)
        self.graph.login.add_manager("5001", "Olivia Owner", [page.id])
        await self.desk.start(desk_port)

    async def stop(self) -> None:
        await self.desk.stop()
        await self.house.stop()
        await self.graph.stop()

    @property
    def targets(self) -> list[str]:
        """The private addresses that the hub must be allowed to reach."""
        ports = self.graph.port, self.house.imap_port, self.house.smtp_port
        return [f"127.0.0.1:{port}" for port in ports]


class Admin:
    """Sets a hub up as an owner's browser would: by its API."""

    def __init__(self, base: str) -> None:
        jar, lines = aiohttp.CookieJar(unsafe=True), aiohttp.TCPConnector(limit=0)  # each open screen holds one
        self.http = aiohttp.ClientSession(base, headers={"X-Omnibox": "1"}, cookie_jar=jar, connector=lines)

    async def close(self) -> None:
        await self.http.close()

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The answer's JSON; raises `RuntimeError` with the error's code and message."""
        async with self.http.request(method, path, json=body) as response:
            answer = await response.json() if response.status != 204 else None
            if response.status >= 400:
                raise RuntimeError(f"{method} {path}: {response.status} {answer}")
            return answer

    async def own(self, code: str, email: str, password: str, name: str = "Olivia Owner") -> None:
        await self.ask("POST", "/api/setup", {"code": code, "name": name, "email": email, "password": password})

    async def connect(
        self, connector: str, name: str, settings: dict[str, Any], channel: dict[str, Any]
    ) -> dict[str, Any]:
        """A connection with one channel, switched on; returns the connection."""
        made = await self.ask("POST", "/api/connections", {"connector": connector, "name": name, "settings": settings})
        await self.ask("POST", f"/api/connections/{made['id']}/channels", channel)
        enabled: dict[str, Any] = await self.ask("POST", f"/api/connections/{made['id']}/enable")
        return enabled


async def connect_world(admin: Admin, world: World) -> None:
    """The three channels of the world, live."""
    site = await admin.connect(
        "webchat",
        "Website",
        {},
        {"name": "Brightleaf Coffee", "address": "brightleaf.example", "settings": {"origins": [world.desk.base]}},
    )
    world.desk.site = site_key(site)
    page = world.graph.pages[PAGE]
    messenger = await admin.connect(
        "messenger",
        "Facebook page",
        {
            "app_secret": world.graph.app_secret,
            "app_id": world.graph.app_id,
            "graph_base": world.graph.base,
            "login_base": world.graph.base,
        },
        {"name": "Brightleaf Coffee", "address": PAGE, "settings": {"page_access_token": page.token}},
    )
    world.graph.login.redirects.add(messenger["consent"]["redirect_url"])
    if not world.graph.hooks.url:  # else the hub has registered itself
        await world.graph.subscribe(messenger["hook_url"], messenger["settings"]["verify_token"])
    await admin.connect(
        "email",
        "Mailbox",
        {**world.house.settings(MAILBOX), "import_existing": True},
        {"name": "Brightleaf Coffee", "address": MAILBOX, "settings": {}},
    )


def site_key(connection: dict[str, Any]) -> str:
    """The public key of a website channel, as its snippet holds it."""
    snippet = str(connection["channels"][0]["snippet"])
    return snippet.partition('data-site="')[2].partition('"')[0]


def run(port: int) -> None:
    """Run the demo until Ctrl-C."""
    asyncio.run(_run(port))


async def _run(port: int) -> None:
    from omnibox import logs
    from omnibox.app import listening, running
    from omnibox.config import hold_home, load, prepare_home

    logs.set_up("warning", "console")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = World()
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        config = load({"home": str(HOME), "port": port, "outbound_allow": world.targets})
        prepare_home(config)
        stack.enter_context(hold_home(config))
        _clear(config)  # only now: it may have been the folder of a demo that runs
        code = secrets.token_urlsafe(16)
        hub = await stack.enter_async_context(running(config, setup_code=code))
        bound = await stack.enter_async_context(listening(hub, config.host, config.port))
        base = f"http://127.0.0.1:{bound}"
        hub.connections.base_url = base
        password = secrets.token_urlsafe(9)
        world.desk.inbox_url = base
        admin = Admin(base)
        try:
            await admin.own(code, OWNER, password)
            await connect_world(admin, world)
        finally:
            await admin.close()
        await greet(world, base)
        print(f"\n  omnibox demo: {base}/\n  sign in as    {OWNER}\n  password      {password}\n")
        print(f"  Play the customers at {world.desk.base}/ (Messenger, email, and the shop with the chat).")
        print("  Ctrl-C ends the demo; everything it stored is in ./omnibox-demo until the next one.\n", flush=True)
        await stop.wait()


def _clear(config: Config) -> None:
    """Forget the last demo, all but the file by which the folder is held."""
    from omnibox.config import prepare_home
    from omnibox.config.home import LOCK_NAME

    for path in config.home.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK_NAME:
            path.unlink()
    prepare_home(config)


async def greet(world: World, base: str) -> None:
    """One message on each channel, so that the inbox is not empty."""
    async with Visitor(base, world.desk.site, world.desk.base) as visitor:
        await visitor.say("Hi! Is the Guji still in stock?")
    await world.graph.write(PSID, "Hello, is my coffee on its way? It should have come yesterday.")
    text = "Dear team,\n\ncould you send me the invoice for last week's order?\n\nThank you,\nLeo"
    world.desk.write_mail("Invoice for my order", text)
