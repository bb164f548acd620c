"""A hub of several processes on real servers: two that answer, four that work, and the world around them."""

from __future__ import annotations

import asyncio
import secrets
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp
from tests.e2e.serving import BIN, Served
from tests.servers import Redis

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PAGE, Admin, World, connect_world
from omnibox.testing.world.visitor import Visitor

OWNER, PASSWORD = "owner@brightleaf.example", "correct horse battery staple"
SOON_S = 90.0  # patience on a busy machine; a test that holds never waits so long
LEASE_S = 3


async def until(question: Callable[[], Awaitable[Any]]) -> Any:
    """Ask until the answer holds, and return it; a process that is restarting may refuse."""
    last: Any = None
    try:
        async with asyncio.timeout(SOON_S):
            while True:
                try:
                    if last := await question():
                        return last
                except (aiohttp.ClientError, RuntimeError) as error:
                    last = error
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never came: {last}") from None


class Part(Served):
    """One process of the hub."""

    def __init__(self, role: str, home: Path, allow: list[str], **environment: str) -> None:
        super().__init__(home, allow, **environment)
        self.role = role

    async def start(self, **environment: str) -> None:
        """Returns once it answers those who watch it."""
        self._process = await asyncio.create_subprocess_exec(
            str(BIN / "omnibox"),
            self.role,
            "--port",
            str(self.port),
            env=self._environment | environment,
            stdout=PIPE,
            stderr=STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self._process))

        async def answers() -> bool:
            assert self.is_running, "".join(self.lines[-20:])
            return (await self.asked("/healthz"))[0] == 200

        await until(answers)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def count(self, words: str) -> int:
        """How many lines of its log hold these words."""
        return sum(words in line for line in self.lines)

    async def asked(self, path: str) -> tuple[int, str, str]:
        """Status, body and Retry-After of a page that needs no session."""
        async with aiohttp.ClientSession(self.base) as http, http.get(path) as answer:
            return answer.status, await answer.text(), answer.headers.get("Retry-After", "")

    def reads_from(self, port: int) -> bool:
        """Whether the process has a connection to a port of this machine."""
        links = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                links.add(str(descriptor.readlink()))
            except FileNotFoundError:  # closed meanwhile
                continue
        rows = [line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:]]
        return any(int(row[2].rpartition(":")[2], 16) == port and f"socket:[{row[9]}]" in links for row in rows)


class Screen:
    """An agent's open inbox on one process: what has come by its live feed."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self.events: list[dict[str, Any]] = []
        self.hints: list[dict[str, Any]] = []
        self._ws: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Screen:
        snapshot = await self._admin.ask("GET", "/api/snapshot")
        self._ws = await self._admin.http.ws_connect("/ws")
        hello = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"]}
        await self._ws.send_json(hello | {"cursor": snapshot["seq"]})
        welcome = await self._ws.receive_json()
        assert welcome["t"] == "welcome"
        self._reading = asyncio.create_task(self._read(self._ws))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._ws is not None
        assert self._reading is not None
        self._reading.cancel()
        await asyncio.wait([self._reading])
        await self._ws.close()

    async def _read(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        async for received in ws:
            if received.type is aiohttp.WSMsgType.TEXT:
                frame = received.json()
                if frame["t"] == "events":
                    self.events += frame["events"]
                elif frame["t"] == "hint":
                    self.hints.append(frame)
                elif frame["t"] == "ping":
                    await ws.send_json({"t": "pong", "n": frame["n"]})

    async def send(self, **frame: Any) -> None:
        assert self._ws is not None
        await self._ws.send_json(frame)

    async def shows(self, text: str) -> None:
        """Wait until a message with this text has come; it came once."""

        async def came() -> int:
            return self.texts.count(text)

        assert await until(came) == 1

    @property
    def texts(self) -> list[str]:
        return [event["message"]["text"] for event in self.events if event["type"] == "message.added"]


@dataclass(slots=True)
class Cluster:
    """`admins` are the owner's hands, one on each web process."""

    world: World
    webs: list[Part]
    workers: list[Part]
    admins: list[Admin] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    people: int = 0

    @property
    def working(self) -> list[Part]:
        """The workers that no test has ended."""
        return [worker for worker in self.workers if worker.is_running]

    def visitor(self, web: int, token: str = "") -> Visitor:
        return Visitor(self.webs[web].base, self.world.desk.site, self.world.desk.base, token)

    async def person(self, text: str) -> tuple[str, int]:
        """Somebody new writes to the page; returns their id there and the conversation."""
        self.people += 1
        psid = f"80{self.people}"
        self.world.graph.add_person(psid, f"Person {self.people}", PAGE)
        await self.world.graph.write(psid, text)

        async def found() -> int | None:
            rows = (await self.admins[0].ask("GET", "/api/conversations"))["conversations"]
            return next((row["id"] for row in rows if row["last"]["text"] == text), None)

        return psid, int(await until(found))

    async def reply(self, web: int, conversation: int, text: str) -> dict[str, Any]:
        body = {"client_id": secrets.token_hex(8), "text": text, "anyway": True}
        return dict(await self.admins[web].ask("POST", f"/api/conversations/{conversation}/replies", body))

    async def messages(self, conversation: int) -> list[dict[str, Any]]:
        return list((await self.admins[1].ask("GET", f"/api/conversations/{conversation}/messages"))["messages"])

    async def state_of(self, conversation: int, text: str) -> str:
        return next(str(each["state"]) for each in await self.messages(conversation) if each["text"] == text)

    async def reader(self) -> Part:
        """The one worker that reads the mailbox, as soon as there is one."""

        async def who() -> Part | None:
            imap = self.world.house.imap_port
            reading = [worker for worker in self.working if worker.reads_from(imap)]
            return reading[0] if len(reading) == 1 and self.world.house.inbox(MAILBOX).watchers else None

        found: Part = await until(who)
        return found

    async def mails(self) -> list[str]:
        """The texts of all mails in the inbox, oldest first."""
        rows = (await self.admins[0].ask("GET", "/api/conversations"))["conversations"]
        own = [row for row in rows if row["contact"]["email"] == CUSTOMER]
        return [each["text"].strip() for row in own for each in await self.messages(row["id"])]


@asynccontextmanager
async def clustered(home: Path, database: str, redis: Redis) -> AsyncIterator[Cluster]:
    world = World()
    environment = {
        "OMNIBOX_DATABASE_URL": database,
        "OMNIBOX_REDIS_URL": redis.url,
        "OMNIBOX_LEASE_S": str(LEASE_S),
    }
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        parts = [Part(role, home, world.targets, **environment) for role in ["web"] * 2 + ["worker"] * 4]
        for part in parts:
            stack.push_async_callback(part.end)
        # All at once on an empty database, as an orchestrator starts them.
        await asyncio.gather(*(part.start() for part in parts))
        cluster = Cluster(world, parts[:2], parts[2:])
        cluster.codes = [await web.setup_code() for web in cluster.webs]
        world.desk.inbox_url = parts[0].base
        for web in cluster.webs:
            admin = Admin(web.base)
            stack.push_async_callback(admin.close)
            cluster.admins.append(admin)
        await cluster.admins[1].own(cluster.codes[0], OWNER, PASSWORD)
        await cluster.admins[0].ask("POST", "/api/login", {"email": OWNER, "password": PASSWORD})
        await connect_world(cluster.admins[0], world)
        yield cluster
