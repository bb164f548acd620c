"""A hub with two mailboxes and nothing else, and people who write to them as mail programs do."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tests.inbox.house import PASSWORD, House, configured

from omnibox.app import listening, running
from omnibox.clock import now
from omnibox.testing.world.demo import Admin, World

HELP = "help@brightleaf.example"
SALES = "sales@brightleaf.example"
ANA, BEN, EVE = "ana@customer.example", "ben@customer.example", "eve@stranger.example"


@dataclass(slots=True)
class Room(House):
    """A house of letters. What is written is in a mailbox at once, and in the hub when `landed` has seen it."""

    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def write(
        self,
        sender: str,
        text: str,
        *,
        to: Sequence[str] = (HELP,),
        cc: Sequence[str] = (),
        bcc: Sequence[str] = (),
        subject: str = "A question",
        answers: str = "",
        refs: Sequence[str] = (),
        own_id: str | None = None,
        more: Sequence[tuple[str, str]] = (),
    ) -> str:
        """Deliver a mail to those of us whom it names; returns its Message-ID without brackets."""
        own_id = own_id if own_id is not None else f"m{next(self.numbers)}@writer.example"
        lines = [("From", sender), ("To", ", ".join(to)), ("Cc", ", ".join(cc)), ("Subject", subject)]
        lines += [("Date", format_datetime(now())), ("Message-ID", own_id and f"<{own_id}>")]
        lines += [("In-Reply-To", answers and f"<{answers}>"), ("References", " ".join(f"<{one}>" for one in refs))]
        head = "".join(f"{name}: {value}\r\n" for name, value in (*lines, *more) if value)
        letter = f"{head}\r\n{text}\r\n".encode()
        for one in {*map(_address, (*to, *cc, *bcc))}:
            if one.endswith("@brightleaf.example"):
                self.world.house.deliver(letter, one)
        return own_id

    async def all_rows(self) -> list[dict[str, Any]]:
        return [*await self.rows(), *await self.rows("resolved")]

    async def landed(self, text: str, *, count: int = 1) -> dict[str, Any]:
        """The message that says `text`, once `count` of them are there; the newest."""

        async def find() -> dict[str, Any] | None:
            found = [
                one for row in await self.all_rows() for one in await self.messages(row["id"]) if text in one["text"]
            ]
            return max(found, key=lambda one: one["id"]) if len(found) >= count else None

        return dict(await self.until(find))

    async def say(self, sender: str, text: str, **more: Any) -> dict[str, Any]:
        """Write a mail and wait for it; the message, with `mail_id`."""
        mail_id = self.write(sender, text, **more)
        return {**await self.landed(text), "mail_id": mail_id}

    async def row_of(self, conversation: int) -> dict[str, Any]:
        return dict(await self.admin.ask("GET", f"/api/conversations/{conversation}"))

    async def answer(self, conversation: int, text: str, to: str = ANA, **more: Any) -> Any:
        """An agent's reply, as it reached `to`."""
        before = len(self.world.house.sent_to(to))
        await self.reply(conversation, text, **more)

        async def arrived() -> bytes | None:
            mails = self.world.house.sent_to(to)
            return mails[-1] if len(mails) > before else None

        mail = message_from_bytes(await self.until(arrived))
        await self.until(lambda: self._sent(conversation))
        return mail

    async def _sent(self, conversation: int) -> bool:
        states = [one["state"] for one in await self.messages(conversation) if one["kind"] == "outbound"]
        return all(state not in ("queued", "sending") for state in states)

    async def do(self, path: str, **body: Any) -> Any:
        return await self.admin.ask("POST", f"/api/{path}", body)

    async def refused(self, path: str, **body: Any) -> str:
        """Why the hub does not do it."""
        async with self.admin.http.post(f"/api/{path}", json=body) as response:
            answer = await response.json()
            assert response.status >= 400, answer
            codes = [each["message"] for each in answer["error"]["fields"] if each["path"] == "code"]
            return codes[0] if codes else str(answer["error"]["code"])


def _address(text: str) -> str:
    return text.rpartition("<")[2].strip("<> ")


@asynccontextmanager
async def mailroom(home: Path, **settings: Any) -> AsyncIterator[Room]:
    world = World()
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        for address in (HELP, SALES):
            world.house.add_account(address, "a password of the account")
        config = configured(home, world, **settings)
        room = Room(None, "", None, world, config)  # type: ignore[arg-type]
        room.hub = await stack.enter_async_context(running(config, setup_code="code", clock=room.clock))
        room.hub.checks_answers = True
        port = await stack.enter_async_context(listening(room.hub, "127.0.0.1", 0))
        room.base = room.hub.connections.base_url = f"http://127.0.0.1:{port}"
        room.admin = Admin(room.base)
        stack.push_async_callback(room.admin.close)
        await room.admin.own("code", "owner@brightleaf.example", PASSWORD)
        for address in (HELP, SALES):
            account = {**world.house.settings(address), "import_existing": True}
            channel = {"name": address.partition("@")[0].title(), "address": address, "settings": {}}
            await room.admin.connect("email", address, account, channel)
        yield room
