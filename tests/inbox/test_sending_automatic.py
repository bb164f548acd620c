"""What the hub says by itself: one confirmation to a person, none to machines, forms and strangers (A17, A18)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.inbox.house import PASSWORD, House, configured

from omnibox.app import listening, running
from omnibox.store import tables as t
from omnibox.testing.world.demo import CUSTOMER, MAILBOX, Admin, World
from omnibox.testing.world.mail import MailHouse

Row = dict[str, Any]
TEXT = "Thank you, we have your message and answer within a day."
OTHER = "help@other.example"


@pytest.fixture
async def confirming(house: House) -> House:
    """The hub confirms first messages by mail."""
    channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
    channel = next(each for each in channels if each["connector"] == "email")
    await house.admin.ask("PATCH", f"/api/channels/{channel['id']}", {"settings": {"confirmation": TEXT}})
    return house


def write(house: House, sender: str, text: str = "Hello", **headers: str) -> bytes:
    return house.world.house.write(sender, MAILBOX, "BUY NOW", text, headers=list(headers.items()))


def confirmations(house: House, address: str) -> list[Message]:
    return [message_from_bytes(raw) for raw in house.world.house.sent_to(address)]


async def until_confirmed(house: House, address: str, count: int = 1) -> list[Message]:
    async def came() -> list[Message] | None:
        found = confirmations(house, address)
        return found if len(found) == count else None

    return list(await house.until(came))


async def until_done(house: House) -> None:
    """No confirmation is asked for or on its way any more."""

    async def is_quiet() -> bool:
        return not await house.hub.store.read(_open_work)

    await house.until(is_quiet)


def _open_work(tx: Any) -> int:
    jobs = tx.execute(sa.select(sa.func.count()).where(t.job.c.kind == "acknowledge")).scalar_one()
    open_ones = tx.execute(sa.select(sa.func.count()).where(t.delivery.c.state.in_(("queued", "sending")))).scalar_one()
    return int(jobs + open_ones)


async def test_a_person_gets_one_confirmation_that_says_what_it_is(confirming: House) -> None:
    write(confirming, CUSTOMER)
    (mail,) = await until_confirmed(confirming, CUSTOMER)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail["Subject"] == "We have received your message"
    assert mail["To"] == CUSTOMER
    assert mail["In-Reply-To"]
    assert confirming.world.house.smtp.received[0].sender == ""
    assert "BUY NOW" not in mail.as_string()
    row = await confirming.row(CUSTOMER)
    assert (row["state"], row["answered"], row["unread"]) == ("open", False, 1)
    said = (await confirming.messages(row["id"]))[-1]
    assert (said["author"]["kind"], said["automatic"], said["text"]) == ("system", True, TEXT)


async def test_at_most_one_a_day_goes_to_a_person(confirming: House) -> None:
    write(confirming, CUSTOMER, "First")
    await until_confirmed(confirming, CUSTOMER)
    for number in range(3):
        write(confirming, CUSTOMER, f"Another {number}")

    async def stored() -> bool:
        return len(await confirming.rows()) == 4

    await confirming.until(stored)
    await until_done(confirming)
    assert len(confirmations(confirming, CUSTOMER)) == 1
    confirming.shift = timedelta(hours=25)
    await confirming.admin.ask(
        "POST", "/api/login", {"email": "owner@shop.example", "password": PASSWORD, "stay": True}
    )
    write(confirming, CUSTOMER, "The day after")
    await until_confirmed(confirming, CUSTOMER, 2)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto-Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List-Id": "<news.example>"},
        {"X-Auto-Response-Suppress": "All"},
    ],
)
async def test_no_machine_gets_one(confirming: House, headers: dict[str, str]) -> None:
    write(confirming, "robot@machines.example", **headers)
    write(confirming, CUSTOMER)
    await until_confirmed(confirming, CUSTOMER)
    await until_done(confirming)
    assert not confirmations(confirming, "robot@machines.example")


async def test_a_form_that_names_victims_bombs_nobody(confirming: House) -> None:
    for number in range(25):
        write(confirming, "form@shop-website.example", "x", **{"Reply-To": f"victim{number}@elsewhere.example"})
    write(confirming, CUSTOMER)
    await until_confirmed(confirming, CUSTOMER)

    async def stored() -> bool:
        return len(await confirming.rows()) == 26

    await confirming.until(stored)
    await until_done(confirming)
    reached = [address for mail in confirming.world.house.smtp.received for address in mail.recipients]
    assert reached == [CUSTOMER]


async def test_an_answer_in_a_conversation_gets_none(confirming: House) -> None:
    write(confirming, CUSTOMER)
    (mail,) = await until_confirmed(confirming, CUSTOMER)
    confirming.world.house.answer(CUSTOMER, mail.as_bytes(), "Thanks")

    async def came() -> bool:
        return len(await confirming.messages((await confirming.row(CUSTOMER))["id"])) == 3

    await confirming.until(came)
    await until_done(confirming)
    assert len(confirmations(confirming, CUSTOMER)) == 1


async def test_without_a_text_nothing_is_said(house: House) -> None:
    write(house, CUSTOMER)
    await house.row(CUSTOMER)
    await until_done(house)
    assert not house.world.house.smtp.received


# ── Two hubs that write to each other


class Neighbours:
    """Two hubs with a mailbox each in one post office."""

    def __init__(self, mail: MailHouse, here: House, there: House) -> None:
        self.mail = mail
        self.here = here
        self.there = there


@pytest.fixture
async def neighbours(house: House, tmp_path: Path) -> AsyncIterator[Neighbours]:
    world: World = house.world
    world.house.add_account(OTHER, "other-password")
    async with AsyncExitStack() as stack:
        config = configured(tmp_path / "there", world)
        there = House(None, "", None, world, config)  # type: ignore[arg-type]
        there.hub = await stack.enter_async_context(running(config, setup_code="code", clock=there.clock))
        port = await stack.enter_async_context(listening(there.hub, "127.0.0.1", 0))
        there.base = there.hub.connections.base_url = f"http://127.0.0.1:{port}"
        there.admin = Admin(there.base)
        stack.push_async_callback(there.admin.close)
        await there.admin.own("code", "owner@other.example", PASSWORD)
        settings = {**world.house.settings(OTHER), "import_existing": True}
        channel = {"name": "Other", "address": OTHER, "settings": {"confirmation": TEXT}}
        await there.admin.connect("email", "Mailbox", settings, channel)
        yield Neighbours(world.house, house, there)


async def test_two_hubs_exchange_no_more_than_two_mails(confirming: House, neighbours: Neighbours) -> None:
    """Somebody writes to one of them in the other's name: it confirms, and nobody confirms the confirmation."""
    neighbours.mail.write(OTHER, MAILBOX, "Hello", "Are you a machine?")
    here = await confirming.row(OTHER)

    async def answered() -> bool:
        return len(await confirming.messages(here["id"])) == 2

    await confirming.until(answered)

    async def arrived() -> list[Row] | None:
        return [*await neighbours.there.rows("all"), *await neighbours.there.rows("resolved")] or None

    await neighbours.there.until(arrived)
    await until_done(confirming)
    await until_done(neighbours.there)
    assert len(neighbours.mail.smtp.received) == 1
