"""Mailboxes through the whole hub: what colleagues answer elsewhere, what was passed over, how late mail is."""

from __future__ import annotations

from typing import Any

import aiohttp
from tests.inbox.house import House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX
from omnibox.testing.world.imap_folder import MailFolder


async def mailbox(house: House) -> dict[str, Any]:
    connections = await house.admin.ask("GET", "/api/connections")
    return next(dict(each) for each in connections if each["connector"] == "email")


async def metric(house: House, name: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"{house.base}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).partition(" ")[2])


async def written(house: House, text: str) -> dict[str, Any]:
    """A customer's mail, as the row of its conversation."""
    house.world.house.write(CUSTOMER, MAILBOX, "Order", text)

    async def row() -> dict[str, Any] | None:
        rows = await house.rows()
        return next((each for each in rows if each["last"]["text"].strip() == text), None)

    found: dict[str, Any] = await house.until(row)
    return found


async def looked_at_sent(house: House, folder: MailFolder) -> None:
    """The reader has looked into the folder of sent mail again, which it does with each new line."""
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    imap.drop()
    await imap.until_left(MAILBOX)
    await imap.until_idle(MAILBOX)
    assert folder


async def test_an_answer_from_another_program_stands_in_its_conversation_once(house: House) -> None:
    post = house.world.house
    row = await written(house, "where is it?")
    question = post.inbox(MAILBOX).mails[-1].raw
    message_id = question.lower().partition(b"message-id: ")[2].partition(b"\r\n")[0].decode()
    sent = post.imap.folder(MAILBOX, "Sent")
    sent.put(
        (
            f"From: Shop <{MAILBOX}>\r\nTo: {CUSTOMER}\r\nSubject: Re: Order\r\nMessage-ID: <o1@outlook.example>\r\n"
            f"In-Reply-To: {message_id}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0100\r\n\r\nIt left, says Maria\r\n"
        ).encode()
    )
    for _ in ("stored", "and not stored twice"):
        await looked_at_sent(house, sent)

    async def shown() -> list[dict[str, Any]]:
        return [each for each in await house.messages(row["id"]) if "says Maria" in each["text"]]

    found = await house.until(shown)
    assert [(each["kind"], each["author"]["kind"]) for each in found] == [("outbound", "system")]
    assert (await house.rows())[0]["id"] == row["id"]
    post.answer(CUSTOMER, sent.mails[-1].raw, "thanks, Maria")

    async def joined() -> bool:
        return any("thanks, Maria" in each["text"] for each in await house.messages(row["id"]))

    await house.until(joined)


async def test_what_omnibox_sent_itself_comes_back_from_the_folder_of_sent_mail_as_nothing_new(house: House) -> None:
    post = house.world.house
    post.keeps_sent = True
    row = await written(house, "and mine?")
    await house.admin.ask(
        "POST", f"/api/conversations/{row['id']}/replies", {"client_id": "client-1", "text": "It is here"}
    )
    await post.smtp.until_received(1)
    sent = post.imap.folder(MAILBOX, "Sent")
    assert len(sent.mails) == 1
    await looked_at_sent(house, sent)
    row_after = await written(house, "good, thank you")  # what came before it from that mailbox is stored by now
    texts = [each["text"].strip() for each in await house.messages(row["id"]) if each["kind"] == "outbound"]
    assert texts == ["It is here"]
    assert row_after["id"]


async def test_mail_that_was_passed_over_raises_the_alarm_until_it_is_here(house: House) -> None:
    imap = house.world.house.imap
    await imap.until_idle(MAILBOX)
    ghost = house.world.house.inbox(MAILBOX).uidnext
    imap.ghosts = {ghost}
    house.world.house.write(CUSTOMER, MAILBOX, "Order", "nobody sees me")
    await written(house, "but me")
    connection = (await mailbox(house))["id"]

    async def restart() -> None:
        await house.admin.ask("POST", f"/api/connections/{connection}/disable")
        await house.admin.ask("POST", f"/api/connections/{connection}/enable")

    async def code() -> str:
        return str((await mailbox(house))["health"]["code"])

    await restart()

    async def is_alarmed() -> bool:
        return await code() == "email.mail_missing"

    await house.until(is_alarmed)
    shown = await mailbox(house)
    assert shown["state"] == "active"
    assert "not taken in" in shown["health"]["why"]
    assert await metric(house, "omnibox_source_missing") == 1
    imap.ghosts = set()
    await restart()

    async def has_come() -> bool:
        return "nobody sees me" in [row["last"]["text"].strip() for row in await house.rows()]

    await house.until(has_come)

    async def is_over() -> bool:
        return await code() == "None" and await metric(house, "omnibox_source_missing") == 0

    await house.until(is_over)
    assert await metric(house, "omnibox_source_lag_seconds_count") >= 1
