"""A backup that is an hour old: what left since is not sent again, what came since is not imported twice."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

from tests.e2e.conftest import OWNER, PASSWORD, Stage
from tests.e2e.serving import BIN

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PAGE, PSID
from omnibox.testing.world.visitor import Visitor

WAIT_S = 60


async def test_what_left_in_the_lost_hour_is_not_sent_again(stage: Stage, tmp_path: Path) -> None:
    """Three books: what the world was told, what the inbox shows, what the world received."""
    hour = Hour(stage)
    await hour.begin()

    # Replies wait when the backup is made: their channels are paused.
    hour.refuse()
    waiting = {name: await hour.answer(name, f"waiting {name}") for name in ("messenger", "mail")}
    await until(hour.all_paused())
    await command("backup", tmp_path / "backup", home=stage.served.home)

    # The hour that the backup does not know: they leave, mail comes, more is answered.
    await hour.resume()
    later = {name: await hour.answer(name, f"later {name}") for name in ("messenger", "mail", "chat")}
    hour.write_mail("mail in the hour")
    await until(hour.all_sent(waiting | {f"later {name}": each for name, each in later.items()}))
    await until(hour.shows("mail", "mail in the hour"))
    assert hour.received() == Counter(["waiting messenger", "waiting mail", "later messenger", "later mail"])
    await stage.served.stop()

    # The way back, at the same address.
    home = tmp_path / "restored"
    home.mkdir(mode=0o700)
    (home / "secret.key").write_bytes((stage.served.home / "secret.key").read_bytes())
    said = await command("restore", tmp_path / "backup", home=home)
    assert "2 replies waited" in said
    stage.served.move_to(home)
    hour.write_mail("mail while it was down")
    await stage.served.start()
    await hour.sign_in()
    await hour.resume()

    await until(hour.shows("mail", "mail in the hour"))
    await until(hour.shows("mail", "mail while it was down"))
    await until(hour.has("chat", "chat 0"))
    # Nothing left twice, and nobody claims that it did not leave: each is uncertain or settled by evidence.
    for name in ("messenger", "mail"):
        (part,) = [each for each in await hour.messages(name) if each["text"] == f"waiting {name}"]
        states = {(each["state"], each["code"]) for each in part["deliveries"]}
        assert states <= {("uncertain", "restored"), ("sent", None), ("delivered", None), ("read", None)}, states
    texts = Counter(each["text"].strip() for each in await hour.messages("mail") if each["kind"] == "inbound")
    assert texts == Counter(["mail 0", "mail in the hour", "mail while it was down"])

    # The agent's choices: asking the channel finds what left on Messenger; the mail is given up. Neither leaves again.
    for name, choice in (("messenger", "check"), ("mail", "dismiss")):
        (part,) = [each for each in await hour.messages(name) if each["text"] == f"waiting {name}"]
        if part["state"] == "uncertain":
            await hour.admin.ask("POST", f"/api/deliveries/{part['deliveries'][0]['id']}/{choice}")
    await until(hour.has_state("messenger", "waiting messenger", "sent", "delivered", "read"))
    await until(hour.has_state("mail", "waiting mail", "failed", "sent"))

    # The inbox goes on: a new reply leaves, and it alone.
    fresh = {name: await hour.answer(name, f"fresh {name}") for name in ("messenger", "mail")}
    await until(hour.all_sent(fresh))
    once = ["waiting messenger", "waiting mail", "later messenger", "later mail", "fresh messenger", "fresh mail"]
    assert hour.received() == Counter(once)


class Hour:
    """The hands of the owner and of the customers."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.admin = stage.admin
        self._rows: dict[str, int] = {}
        self._connections: dict[str, int] = {}

    async def begin(self) -> None:
        world = self._stage.world
        async with Visitor(self._stage.served.base, world.desk.site, world.desk.base) as visitor:
            await visitor.say("chat 0")
        await world.graph.write(PSID, "messenger 0")
        self.write_mail("mail 0", is_first=True)
        names = {"chat 0": "chat", "messenger 0": "messenger", "mail 0": "mail"}

        async def are_there() -> bool:
            rows = (await self.admin.ask("GET", "/api/conversations"))["conversations"]
            self._rows = {names[row["last"]["text"].strip()]: row["id"] for row in rows}
            return len(rows) == 3

        await until(are_there)
        made = await self.admin.ask("GET", "/api/connections")
        self._connections = {each["connector"]: each["id"] for each in made}

    def write_mail(self, text: str, *, is_first: bool = False) -> None:
        first = f"<world-1@{CUSTOMER.rpartition('@')[2]}>"
        headers = [] if is_first else [("In-Reply-To", first), ("References", first)]
        self._stage.world.house.write(CUSTOMER, MAILBOX, "Order" if is_first else "Re: Order", text, headers=headers)

    def refuse(self) -> None:
        """Both platforms take nothing from us: their channels pause, and what is answered waits."""
        self._stage.world.graph.pages[PAGE].token_error = 460
        self._stage.world.house.smtp.refuse("auth", 535, times=1_000)

    async def resume(self) -> None:
        self._stage.world.graph.pages[PAGE].token_error = None
        self._stage.world.house.smtp.heal()
        for name in ("messenger", "email"):
            await self.admin.ask("POST", f"/api/connections/{self._connections[name]}/enable")

    async def sign_in(self) -> None:
        await self.admin.ask("POST", "/api/login", {"email": OWNER, "password": PASSWORD})

    async def answer(self, name: str, text: str) -> int:
        body = {"client_id": secrets.token_hex(8), "text": text}
        made = await self.admin.ask("POST", f"/api/conversations/{self._rows[name]}/replies", body)
        return int(made["id"])

    async def messages(self, name: str) -> list[dict[str, Any]]:
        found = await self.admin.ask("GET", f"/api/conversations/{self._rows[name]}/messages?limit=200")
        return list(found["messages"])

    def all_sent(self, ids: dict[str, int]) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            every = [each for name in self._rows for each in await self.messages(name)]
            states = {each["id"]: each["state"] for each in every}
            return all(states.get(each) in ("sent", "delivered", "read") for each in ids.values())

        return holds

    def all_paused(self) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            made = [each for each in await self.admin.ask("GET", "/api/connections") if each["connector"] != "webchat"]
            return all(channel["state"] == "paused" for each in made for channel in each["channels"])

        return holds

    def shows(self, name: str, text: str) -> Callable[[], Awaitable[bool]]:
        return self.has(name, text)

    def has(self, name: str, text: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return any(each["text"].strip() == text for each in await self.messages(name))

        return holds

    def has_state(self, name: str, text: str, *states: str) -> Callable[[], Awaitable[bool]]:
        async def holds() -> bool:
            return any(each["text"] == text and each["state"] in states for each in await self.messages(name))

        return holds

    def received(self) -> Counter[str]:
        """What the customers outside got, on Messenger and by mail."""
        world = self._stage.world
        got = Counter(taken.text for taken in world.graph.received(PSID))
        for raw in world.house.sent_to(CUSTOMER):
            part = next(each for each in message_from_bytes(raw).walk() if each.get_content_type() == "text/plain")
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            got[payload.decode().strip().splitlines()[0]] += 1
        return got


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await holds():
            await asyncio.sleep(0.1)


async def command(name: str, path: Path, *, home: Path) -> str:
    """Run a command of the operator; returns what it said."""
    process = await asyncio.create_subprocess_exec(
        str(BIN / "omnibox"), name, str(path), "--home", str(home), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    return said.decode()
