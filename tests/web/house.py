"""A whole omnibox behind its HTTP door: a real store, the real application, people who are signed in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json as jsonlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from aiohttp.test_utils import TestClient, TestServer

from omnibox.app import running
from omnibox.config import Config
from omnibox.masking import mask
from omnibox.secrets import random_token
from omnibox.store import Store, Transaction
from omnibox.store import tables as t
from omnibox.team import sessions
from omnibox.team.passwords import Passwords
from omnibox.web.api import ROUTES, Table
from omnibox.web.auth import COOKIE
from omnibox.web.hub import Hub
from omnibox.web.server import make_app

PASSWORD = "correct horse battery"
SETUP_CODE = "QK7M-PF2T"
HOOK_SECRET = "a secret of the hook"
PEOPLE = {"owner": "owner", "admin": "admin", "admin2": "admin", "agent": "agent", "agent2": "agent"}
"""Who is there, with their roles. Besides them `removed`, an agent who was shut out and kept their cookie."""


class FakeClock:
    """The time, moved by the test alone."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, **units: float) -> None:
        self.at += timedelta(**units)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]
    cookies: Mapping[str, Any]

    @property
    def json(self) -> Any:
        return jsonlib.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the error it is."""
        found: str = self.json["error"]["code"]
        return found


@dataclass(slots=True)
class Browser:
    """One browser with its own cookies. Sends what the inbox sends with every change."""

    client: TestClient[Any, Any]

    async def send(self, method: str, path: str, json: object = None, **options: Any) -> Answer:
        headers = {"X-Omnibox": "1", **options.pop("headers", {})}
        options.setdefault("allow_redirects", False)
        if json is not None:
            options["json"] = json
        async with self.client.request(method, path, headers=headers, **options) as response:
            return Answer(response.status, await response.read(), response.headers, response.cookies)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: object = None, **options: Any) -> Answer:
        return await self.send("POST", path, json, **options)

    async def patch(self, path: str, json: object = None, **options: Any) -> Answer:
        return await self.send("PATCH", path, json, **options)

    @property
    def token(self) -> str:
        """What its session cookie holds, empty without one."""
        return next((c.value for c in self.client.session.cookie_jar if c.key == COOKIE), "")

    def take_token(self, token: str) -> None:
        self.client.session.cookie_jar.update_cookies({COOKIE: token}, self.client.make_url("/"))


@dataclass(slots=True)
class Furniture:
    """What a furnished folder holds: ids by name, and the session tokens of its people."""

    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


class House:
    """The running parts over a folder, behind their HTTP door. Lives in a task of its own from `open` to `close`."""

    def __init__(self, folder: Path, furniture: Furniture, table: Table, **config: Any) -> None:
        self.folder = folder
        self.ids = furniture.ids
        self.tokens = furniture.tokens
        self.clock = FakeClock()
        self.hub: Hub
        self.server: TestServer
        self._table = table
        self._config = config
        self._browsers: list[Browser] = []
        self._opened = asyncio.Event()
        self._closing = asyncio.Event()
        self._life: asyncio.Task[None]

    @property
    def store(self) -> Store:
        return self.hub.store

    async def open(self) -> None:
        self._life = asyncio.create_task(self._live())
        opening = asyncio.create_task(self._opened.wait())
        await asyncio.wait({self._life, opening}, return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            opening.cancel()
            self._life.result()

    async def close(self) -> None:
        self._closing.set()
        await self._life

    async def browser(self, who: str = "anonymous") -> Browser:
        """A new browser, in which `who` is signed in."""
        client: TestClient[Any, Any] = TestClient(self.server)
        browser = Browser(client)
        self._browsers.append(browser)
        if who in self.tokens:
            browser.take_token(self.tokens[who])
        return browser

    async def _live(self) -> None:
        setup_code = self._config.pop("setup_code", SETUP_CODE)
        pages = self._config.pop("pages", self.folder / "pages")
        config = Config(home=self.folder, **self._config)
        async with running(config, setup_code=setup_code, clock=self.clock) as self.hub:
            self.hub.passwords = cheap_passwords()
            self.hub.pages = pages
            self.hub.checks_answers = True
            self.server = TestServer(make_app(self.hub, self._table))
            await self.server.start_server(access_log=None)
            self._opened.set()
            await self._closing.wait()
            for browser in self._browsers:
                await browser.client.session.close()
            await self.server.close()
            self.hub.passwords.close()


def cheap_passwords() -> Passwords:
    return Passwords(passes=1, memory_kib=8, lanes=1)


# ── Moving in


async def furnish(folder: Path) -> Furniture:
    """People, and a channel with a conversation of each kind, in a migrated folder; what they did, they did by HTTP."""
    furniture = Furniture()
    house = House(folder, furniture, ROUTES)
    await house.open()
    try:
        await _move_in(house)
        await _open_shop(house)
    finally:
        await house.close()
    return furniture


async def _move_in(house: House) -> None:
    """The people of `PEOPLE` with a session each, and one who was removed."""
    password_hash = await house.hub.passwords.hash(PASSWORD)

    def enter(tx: Transaction) -> None:
        for who, role in [*PEOPLE.items(), ("removed", "agent")]:
            agent = {
                "name": mask(who.capitalize()),
                "email": f"{who}@example.org",
                "password_hash": password_hash,
                "role": role,
                "is_active": who != "removed",
                "created_at": tx.clock(),
            }
            house.ids[who] = tx.execute(sa.insert(t.agent).returning(t.agent.c.id), agent).scalar_one()
            house.tokens[who] = random_token()
            # The removed one's session is even left in the table: being shut out must not hang on its absence.
            sessions.start(tx, house.ids[who], sessions.hash_of(house.tokens[who]), sessions.STAY)

    await house.store.write(enter)


async def _open_shop(house: House) -> None:
    """A channel, and conversations: one of each of agent, admin and owner, a colleague's, and nobody's."""
    owner = await house.browser("owner")
    settings = {"secret": HOOK_SECRET, "url": "http://127.0.0.1:9/replies"}  # refused before anything is sent
    made = (await owner.post("/api/connections", {"connector": "hook", "name": "Shop", "settings": settings})).json
    house.ids["connection"] = made["id"]
    channel = await owner.post(f"/api/connections/{made['id']}/channels", {"name": "Shop", "address": "shop"})
    house.ids["channel"] = channel.json["id"]
    assert (await owner.post(f"/api/connections/{made['id']}/enable")).status == 200
    of = {"own agent": "agent", "own admin": "admin", "own owner": "owner", "colleague": "agent2", "nobody": None}
    for number, (name, assignee) in enumerate(of.items()):
        item = {"id": f"m{number}", "from": f"customer {number}", "to": "shop", "text": "Hello", "time": 1772366400}
        body = jsonlib.dumps(item).encode()
        signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
        path = made["hook_url"].partition("/hooks/")[2]
        assert (await owner.post(f"/hooks/{path}", data=body, headers={"X-Signature": signature})).status == 200
        row = (await owner.get("/api/conversations")).json["conversations"][0]
        house.ids[name] = row["id"]
        house.ids["contact"] = row["contact"]["id"]
        if assignee:
            await owner.post(f"/api/conversations/{row['id']}/assign", {"agent": house.ids[assignee]})
        house.clock.advance(seconds=1)
