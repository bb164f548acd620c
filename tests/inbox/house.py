"""A whole hub on a spare port, with the world around it: the doors a user knows, nothing in between."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from omnibox.clock import now
from omnibox.config import Config, load, prepare_home
from omnibox.testing.world.demo import Admin, World
from omnibox.testing.world.visitor import Visitor
from omnibox.web.hub import Hub

PASSWORD = "correct horse battery staple"
SOON_S = 45.0  # patience on a busy machine; a test that holds never waits so long


@dataclass(slots=True)
class House:
    """A running hub, its owner's hands, and the world. `shift` moves the hub's clock."""

    hub: Hub
    base: str
    admin: Admin
    world: World
    config: Config
    shift: timedelta = field(default_factory=timedelta)

    def clock(self) -> datetime:
        return now() + self.shift

    async def rows(self, view: str = "all") -> list[dict[str, Any]]:
        answer = await self.admin.ask("GET", f"/api/conversations?view={view}")
        return list(answer["conversations"])

    async def messages(self, conversation: int) -> list[dict[str, Any]]:
        answer = await self.admin.ask("GET", f"/api/conversations/{conversation}/messages")
        return list(answer["messages"])

    async def until(self, question: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until the answer holds; fails after a while with the last answer."""
        last: Any = None
        try:
            async with asyncio.timeout(SOON_S):
                while not (last := await question()):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never came: {last}") from None
        return last

    async def row(self, label: str) -> dict[str, Any]:
        """The conversation with a contact, once it is there."""

        async def find() -> dict[str, Any] | None:
            return next((row for row in await self.rows() if row["contact"]["label"] == label), None)

        return dict(await self.until(find))

    async def reply(self, conversation: int, text: str, **more: Any) -> dict[str, Any]:
        body = {"client_id": secrets.token_hex(8), "text": text} | more
        return dict(await self.admin.ask("POST", f"/api/conversations/{conversation}/replies", body))

    async def state_of(self, message: dict[str, Any]) -> str | None:
        found = next(each for each in await self.messages(message["conversation"]) if each["id"] == message["id"])
        return str(found["state"])

    async def until_state(self, message: dict[str, Any], *states: str) -> dict[str, Any]:
        async def settled() -> dict[str, Any] | None:
            found = next(each for each in await self.messages(message["conversation"]) if each["id"] == message["id"])
            return found if found["state"] in states else None

        return dict(await self.until(settled))

    def visitor(self, token: str = "") -> Visitor:
        return Visitor(self.base, self.world.desk.site, self.world.desk.base, token)


def configured(home: Path, world: World, **more: Any) -> Config:
    config = load({"home": str(home), "outbound_allow": world.targets, **more}, {})
    prepare_home(config)
    return config
