"""The mail door of a whole hub: from a mail server's hand to an agent's list, and through a kill."""

from __future__ import annotations

import asyncio
import smtplib
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.inbox.house import House
from tests.inbox.installed import SUPPORT, Installation, install
from tests.servers import spare_port

from omnibox.app import WORKER, running
from omnibox.store.tables import message
from omnibox.testing.world.demo import MAILBOX

ANA = "ana@customer.example"
KILLS, MAILS = 2, 30


def raw(number: int, text: str = "", *, to: str = SUPPORT, head: str = "") -> bytes:
    return (
        f"From: Ana <{ANA}>\r\nTo: {to}\r\nSubject: Number {number}\r\nMessage-ID: <d{number}@customer.example>\r\n"
        f"Date: Sat, 21 Nov 2026 10:00:00 +0000\r\n{head}\r\n{text or f'text {number}'}\r\n"
    ).encode()


def is_taken(port: int, mail: bytes, recipient: str) -> bool:
    """Whether the door took it; False: come again. What is refused for good raises."""
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail(ANA, [recipient], mail)
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise
        return False
    except (OSError, smtplib.SMTPServerDisconnected):
        return False
    return True


async def brought(port: int, mail: bytes, recipient: str = SUPPORT) -> int:
    """As a mail server does: offers a mail until it is taken; returns how often it had to."""
    tries = 0
    async with asyncio.timeout(60):
        while True:
            tries += 1
            if await asyncio.to_thread(is_taken, port, mail, recipient):
                return tries
            await asyncio.sleep(0.02)


async def door(house: House, **settings: Any) -> tuple[int, dict[str, Any]]:
    """A further connection of the hub, to which mail is brought; its port, and the connection."""
    port = spare_port()
    world = house.world.house.settings(MAILBOX)
    given = {name: value for name, value in world.items() if name.startswith("smtp_")} | {
        "incoming": "lmtp",
        "door_address": f"127.0.0.1:{port}",
        "smtp_user": world["imap_user"],
        "smtp_password": world["imap_password"],
    }
    channel = {"name": "Shop", "address": SUPPORT, "settings": {}}
    return port, await house.admin.connect("email", "Door", given | settings, channel)


async def test_a_mail_that_is_brought_is_answered_and_its_answer_finds_the_conversation(house: House) -> None:
    port, connection = await door(house)
    await brought(port, raw(1, "where is my order"))
    row = await house.row("Ana")
    sent = await house.until_state(await house.reply(row["id"], "on its way"), "sent")
    assert sent["state"] == "sent"
    token = house.hub.connections._token(row["id"])
    answer = raw(2, "thank you", to="undisclosed-recipients:;")
    await brought(port, answer, SUPPORT.replace("@", f"+{token}@"))
    await house.until(lambda: _count(house, row["id"], 3))
    (found,) = [each for each in await house.messages(row["id"]) if each["text"].strip() == "thank you"]
    assert found["kind"] == "inbound"
    findings = await house.admin.ask("POST", f"/api/connections/{connection['id']}/check")
    assert {each["name"]: each["ok"] for each in findings["checks"]}["Mail door"] is True


async def _count(house: House, conversation: int, wanted: int) -> bool:
    return len(await house.messages(conversation)) == wanted


async def test_a_door_whose_place_is_taken_says_so_and_opens_once_it_is_free(house: House) -> None:
    taken: asyncio.Server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    _, connection = await door(house, door_address=f"127.0.0.1:{port}")

    async def health() -> str | None:
        connections = await house.admin.ask("GET", "/api/connections")
        return next(each["health"]["code"] for each in connections if each["id"] == connection["id"])  # type: ignore[no-any-return]

    async def is_told() -> bool:
        return await health() == "email.door_taken"

    await house.until(is_told)
    taken.close()
    await brought(port, raw(1, "at last"))
    assert (await house.row("Ana"))["last"]["text"].strip() == "at last"


async def test_several_workers_have_one_door(postgres_url: str, tmp_path: Path) -> None:
    """Whoever holds the connection's lease listens; when it goes, another one opens the door."""
    port = spare_port()
    place = await install(tmp_path / "home", postgres_url, port=port, is_on=True)
    async with running(place.config, role=WORKER):
        await brought(port, raw(1))
        async with running(place.config, role=WORKER) as second:
            await brought(port, raw(2))
            assert second.connections.reads
            await brought(port, raw(3))
    async with running(place.config, role=WORKER):
        await brought(port, raw(3))
        await brought(port, raw(4))
    assert await place.count(message, message.c.kind == "inbound") == 4  # the other is the confirmation


@asynccontextmanager
async def served(place: Installation) -> AsyncIterator[subprocess.Popen[str]]:
    process = place.start_hub()
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            while "runs at" not in await asyncio.to_thread(process.stdout.readline):
                assert process.poll() is None
        yield process
    finally:
        process.kill()
        await asyncio.to_thread(process.communicate)


async def test_what_was_answered_250_is_there_once_however_often_the_hub_is_killed(tmp_path: Path) -> None:
    port = spare_port()
    place = await install(tmp_path / "home", port=port, is_on=True)
    tries = 0
    for life in range(KILLS):
        async with served(place) as process:
            for number in range(life * MAILS, (life + 1) * MAILS):
                bringing = asyncio.create_task(brought(port, raw(number)))
                if number % MAILS == MAILS - 1:  # the last one of this life: killed at some point of it, or just after
                    await asyncio.sleep(0.002 * life)
                    process.kill()
                    bringing.cancel()
                    await asyncio.wait({bringing})
                else:
                    tries += await bringing
    async with served(place):
        for number in range(KILLS * MAILS):  # the mail server is restored from yesterday: it brings all of it again
            if number % MAILS > MAILS - 4:
                await brought(port, raw(number))
    (rows,) = await place.ask(sa.select(message.c.external_id).where(message.c.kind == "inbound"))
    assert sorted(row.external_id for row in rows) == sorted(f"d{n}@customer.example" for n in range(KILLS * MAILS))
    assert tries >= KILLS * (MAILS - 1)


@pytest.fixture(autouse=True)
async def patience() -> AsyncIterator[None]:
    async with asyncio.timeout(170):
        yield
