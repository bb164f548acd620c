"""What becomes of a connection whose reader is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.inbox.house import House

from omnibox.connections import Connections
from omnibox.testing.world.demo import CUSTOMER, MAILBOX


def readers(connection: int) -> list[asyncio.Task[Any]]:
    """Who reads the connection in this process now."""
    return [task for task in asyncio.all_tasks() if task.get_name() == f"source {connection}" and not task.done()]


async def mailbox(house: House) -> dict[str, Any]:
    connections = await house.admin.ask("GET", "/api/connections")
    return next(dict(each) for each in connections if each["connector"] == "email")


class Counted:
    """The LOGINs of readers: all that the server saw, without those of checks. Each check logs in once."""

    def __init__(self, commands: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._commands = commands
        self._check = Connections.check
        self._seen = commands.count("LOGIN")
        self.begun = self.done = 0
        monkeypatch.setattr(Connections, "check", lambda connections, connection: self._count(connections, connection))

    async def _count(self, connections: Connections, connection: int) -> Any:
        self.begun += 1
        try:
            return await self._check(connections, connection)
        finally:
            self.done += 1

    @property
    def by_readers(self) -> int:
        return self._commands.count("LOGIN") - self._seen - self.begun


async def test_a_mailbox_that_refuses_the_password_is_paused_until_somebody_acts(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    logins = Counted(imap.commands, monkeypatch)
    imap.refuses_login = True
    imap.drop()

    async def is_paused() -> bool:
        return str((await mailbox(house))["state"]) == "paused"

    await house.until(is_paused)
    paused = await mailbox(house)
    assert paused["health"]["code"]
    for probes in (1, 2, 3):  # the first at once, the others within half a minute each
        house.shift += timedelta(seconds=31)

        async def is_probed(wanted: int = probes) -> bool:
            return logins.done >= wanted and logins.begun == logins.done

        await house.until(is_probed)
        assert await is_paused()
        assert not readers(paused["id"])
    assert logins.begun != logins.done or logins.by_readers == 1  # the one that was refused: nobody hammers meanwhile
    imap.refuses_login = False
    house.world.house.write(CUSTOMER, MAILBOX, "Order", "written meanwhile")
    await house.admin.ask("POST", f"/api/connections/{paused['id']}/enable")

    async def has_come() -> bool:
        return "written meanwhile" in [row["last"]["text"].strip() for row in await house.rows()]

    await house.until(has_come)
    assert (await mailbox(house))["health"]["code"] is None
    assert logins.by_readers <= 2  # the refused one, and one more: the change started one reader


async def test_a_mailbox_that_is_away_for_a_while_is_read_on_by_itself(house: House) -> None:
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    imap.say_bye()
    house.world.house.write(CUSTOMER, MAILBOX, "Order", "after the break")

    async def has_come() -> bool:
        return "after the break" in [row["last"]["text"].strip() for row in await house.rows()]

    await house.until(has_come)
    assert (await mailbox(house))["state"] == "active"
