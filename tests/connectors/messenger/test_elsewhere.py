"""A closed window leaves other ways: the composer names them, and the answer goes by the customer's own address."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from tests.connectors.messenger.test_windows import DAY, approve, pass_time
from tests.inbox.house import House

from omnibox.testing.world.demo import CUSTOMER, PSID


async def channel_of(house: House, connector: str) -> dict[str, Any]:
    channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
    return next(each for each in channels if each["connector"] == connector)


async def the_row(house: House, label: str = "Ada Moreno") -> dict[str, Any]:
    """As the list shows it now."""
    return dict(await house.row(label))


async def name_address(house: House, row: dict[str, Any], email: str) -> None:
    await house.admin.ask("PATCH", f"/api/contacts/{row['contact']['id']}", {"email": email})


async def test_the_composer_is_told_what_is_allowed_now_and_afterwards(house: House) -> None:
    await house.world.graph.write(PSID, "Hello")
    first = (await the_row(house))["policy"]
    assert (first["allowed"], first["way"], first["afterwards"], first["lacks"]) == (True, None, None, None)
    await pass_time(house, 2 * DAY)
    closed = (await the_row(house))["policy"]
    assert (closed["allowed"], closed["code"], closed["lacks"]) == (False, "window_closed", "Human Agent")
    await approve(house)
    tagged = (await the_row(house))["policy"]
    assert (tagged["allowed"], tagged["way"], tagged["mode"]) == (True, "Human Agent", "human_agent")
    await pass_time(house, 6 * DAY)
    over = (await the_row(house))["policy"]
    assert (over["allowed"], over["lacks"]) == (False, None)
    await house.world.graph.write(PSID, "Hello again")

    async def opened() -> Any:
        return (await the_row(house))["policy"]["afterwards"]

    assert (await house.until(opened))["way"] == "Human Agent"


async def test_an_answer_goes_on_by_mail_and_the_mail_comes_back(house: House) -> None:
    await house.world.graph.write(PSID, "Where is my parcel?")
    row = await the_row(house)
    mail = await channel_of(house, "email")
    with pytest.raises(RuntimeError, match="address is not known"):
        await house.admin.ask("POST", f"/api/conversations/{row['id']}/elsewhere", {"channel": mail["id"]})
    await name_address(house, row, CUSTOMER)
    await pass_time(house, 8 * DAY)
    there = await house.admin.ask("POST", f"/api/conversations/{row['id']}/elsewhere", {"channel": mail["id"]})
    assert (there["channel"], there["contact"]["id"]) == (mail["id"], row["contact"]["id"])
    again = await house.admin.ask("POST", f"/api/conversations/{row['id']}/elsewhere", {"channel": mail["id"]})
    assert again["id"] == there["id"]
    reply = await house.reply(there["id"], "It arrives today.")
    await house.until_state(reply, "sent")
    (raw,) = house.world.house.sent_to(CUSTOMER)
    assert "It arrives today." in message_from_bytes(raw).as_string()
    house.world.house.answer(CUSTOMER, raw, "Thank you!")

    async def came_back() -> bool:
        return any(each["kind"] == "inbound" for each in await house.messages(there["id"]))

    await house.until(came_back)
    lines = {
        each["why"] for here in (row, there) for each in await house.messages(here["id"]) if each["kind"] == "line"
    }
    assert lines == {"went_on", "came_from"}
    assert house.world.graph.refused == []


@pytest.mark.parametrize("connector", ["messenger", "webchat"])
async def test_nobody_is_written_to_where_they_must_write_first(house: House, connector: str) -> None:
    await house.world.graph.write(PSID, "Hello")
    row = await the_row(house)
    await name_address(house, row, CUSTOMER)
    channel = await channel_of(house, connector)
    with pytest.raises(RuntimeError, match="409"):
        await house.admin.ask("POST", f"/api/conversations/{row['id']}/elsewhere", {"channel": channel["id"]})
    capabilities = (await house.admin.ask("GET", "/api/snapshot"))["connectors"]
    by_address = {each["name"]: each["capabilities"]["by_address"] for each in capabilities}
    assert (by_address["email"], by_address[connector]) == (True, False)


async def test_an_address_that_is_another_contacts_stays_theirs(house: House) -> None:
    house.world.house.write(CUSTOMER, "hello@brightleaf.example", "Invoice", "Please.", name="Leo Conti")
    leo = await the_row(house, "Leo Conti")
    await house.world.graph.write(PSID, "Hello")
    ada = await the_row(house)
    await name_address(house, ada, CUSTOMER)
    mail = await channel_of(house, "email")
    there = await house.admin.ask("POST", f"/api/conversations/{ada['id']}/elsewhere", {"channel": mail["id"]})
    assert (there["id"], there["contact"]["id"]) == (leo["id"], leo["contact"]["id"])


async def test_a_window_closes_while_the_page_is_open(house: House) -> None:
    """The reply that was begun in time is refused with the reason, not queued."""
    await house.world.graph.write(PSID, "Hello")
    row = await the_row(house)
    await pass_time(house, DAY - timedelta(minutes=4))
    with pytest.raises(RuntimeError, match="window_closed"):
        await house.reply(row["id"], "Too late")
    assert [each["kind"] for each in await house.messages(row["id"])] == ["inbound"]
