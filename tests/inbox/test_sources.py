"""What becomes of a connection whose reader is refused."""

from __future__ import annotations

from typing import Any

from tests.inbox.conftest import House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX


async def mailbox(house: House) -> dict[str, Any]:
    connections = await house.admin.ask("GET", "/api/connections")
    return next(dict(each) for each in connections if each["connector"] == "email")


async def test_a_mailbox_that_refuses_the_password_is_paused_until_somebody_acts(house: House) -> None:
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    imap.refuses_login = True
    imap.drop()

    async def is_paused() -> bool:
        return str((await mailbox(house))["state"]) == "paused"

    await house.until(is_paused)
    assert (await mailbox(house))["health"]["code"]
    asked = imap.commands.count("LOGIN")
    for _ in range(20):
        assert await is_paused()
    assert imap.commands.count("LOGIN") == asked  # nobody hammers it meanwhile
    imap.refuses_login = False
    house.world.house.write(CUSTOMER, MAILBOX, "Order", "written meanwhile")
    await house.admin.ask("POST", f"/api/connections/{(await mailbox(house))['id']}/enable")

    async def has_come() -> bool:
        return "written meanwhile" in [row["last"]["text"].strip() for row in await house.rows()]

    await house.until(has_come)
    assert (await mailbox(house))["health"]["code"] is None


async def test_a_mailbox_that_is_away_for_a_while_is_read_on_by_itself(house: House) -> None:
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    imap.say_bye()
    house.world.house.write(CUSTOMER, MAILBOX, "Order", "after the break")

    async def has_come() -> bool:
        return "after the break" in [row["last"]["text"].strip() for row in await house.rows()]

    await house.until(has_come)
    assert (await mailbox(house))["state"] == "active"
