"""Three customers write, the agent answers each, each answer is seen at the customer's side."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from typing import Any

from tests.inbox.house import House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID


async def test_each_answer_leaves_by_the_channel_its_customer_used(house: House) -> None:
    await house.world.graph.write(PSID, "Where is my parcel?")
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.", name="Leo Conti")
    async with house.visitor() as visitor:
        await visitor.say("Do you ship to Malta?")
        ada, leo = await house.row("Ada Moreno"), await house.row("Leo Conti")
        chat = next(row for row in await house.rows() if row["last"]["text"] == "Do you ship to Malta?")
        await house.reply(ada["id"], "It arrives today.")
        await house.reply(leo["id"], "Here it is.")
        await house.reply(chat["id"], "We do!")
        await visitor.until(lambda: any(each["text"] == "We do!" for each in visitor.messages.values()))
    await house.until(lambda: _answer(house.world.graph.received(PSID)))
    mail = message_from_bytes((await house.until(lambda: _answer(house.world.house.sent_to(CUSTOMER))))[0])
    assert [taken.text for taken in house.world.graph.received(PSID)] == ["It arrives today."]
    assert mail["Subject"] == "Re: Invoice"
    assert mail["In-Reply-To"] in mail["References"]
    assert mail.get_content_type() in ("text/plain", "multipart/alternative")


async def _answer(found: Any) -> Any:
    return found


async def test_a_mail_answer_lands_in_the_same_conversation(house: House) -> None:
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.", name="Leo Conti")
    leo = await house.row("Leo Conti")
    await house.reply(leo["id"], "Here it is.")
    received = (await house.until(lambda: _answer(house.world.house.sent_to(CUSTOMER))))[0]
    house.world.house.answer(CUSTOMER, received, "Thank you!")

    async def came() -> list[dict[str, Any]] | None:
        messages = await house.messages(leo["id"])
        return messages if len(messages) == 3 else None

    messages = await house.until(came)
    assert messages[-1]["reply_text"].strip() == "Thank you!"
    assert messages[-1]["why"] == "reply_address"
    assert len(await house.rows()) == 1


async def test_a_stranger_who_holds_the_reply_address_joins_nothing(house: House) -> None:
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.")
    leo = await house.row(CUSTOMER)
    await house.reply(leo["id"], "Here it is.")
    received = (await house.until(lambda: _answer(house.world.house.sent_to(CUSTOMER))))[0]
    house.world.house.answer("eve@stranger.example", received, "Send it to me instead")
    eve = await house.row("eve@stranger.example")
    assert eve["id"] != leo["id"]
    assert [each["kind"] for each in await house.messages(leo["id"])] == ["inbound", "outbound"]


async def test_a_resolved_conversation_reopens_on_a_new_message(house: House) -> None:
    await house.world.graph.write(PSID, "Hello")
    ada = await house.row("Ada Moreno")
    await house.admin.ask("POST", f"/api/conversations/{ada['id']}/resolve")
    assert await house.rows() == []
    assert [row["id"] for row in await house.rows("resolved")] == [ada["id"]]
    await house.world.graph.write(PSID, "One more thing")
    again = await house.row("Ada Moreno")
    assert again["id"] == ada["id"]
    assert again["last"]["text"] == "One more thing"
    counts = await house.admin.ask("GET", "/api/counts")
    assert counts == {"mine": 0, "unassigned": 1, "all": 1, "resolved": 0}


async def test_automatic_mail_is_stored_and_neither_reopens_nor_counts(house: House) -> None:
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.")
    leo = await house.row(CUSTOMER)
    await house.admin.ask("POST", f"/api/conversations/{leo['id']}/resolve")
    headers = [("Auto-Submitted", "auto-replied"), ("In-Reply-To", "<world-1@customer.example>")]
    house.world.house.write(CUSTOMER, MAILBOX, "Out of office", "I am away.", headers=headers)

    async def came() -> bool:
        return len(await house.messages(leo["id"])) == 2

    await house.until(came)
    assert await house.rows() == []
    row = (await house.rows("resolved"))[0]
    assert row["unread"] == 0


async def test_files_go_both_ways_on_every_channel(house: House) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(40)
    await house.world.graph.write(PSID, attachments=[_media("photo.png", "image/png", picture)])
    house.world.house.write(CUSTOMER, MAILBOX, "Photo", "See it.", files=[("photo.png", "image/png", picture)])
    async with house.visitor() as visitor:
        upload = await _upload_as_visitor(house, visitor.token, picture)
        await visitor.say("", files=(upload,))
        rows = await house.until(lambda: _three(house))
        for row in rows:
            await house.until(lambda row=row: _file_of(house, row["id"], picture))
            key = await _upload(house, b"a plain text, to be read", "note.txt", "text/plain")
            await house.reply(row["id"], "See the file.", files=[key])
        await house.until(lambda: _answer(house.world.graph.received(PSID)))
        mail = message_from_bytes((await house.until(lambda: _answer(house.world.house.sent_to(CUSTOMER))))[0])
        assert b"a plain text, to be read" in [part.get_payload(decode=True) for part in mail.walk()]
        await visitor.until(lambda: any(m["kind"] == "outbound" for m in visitor.messages.values()))
        answer = next(m for m in visitor.messages.values() if m["kind"] == "outbound")
        key = answer["attachments"][0]["key"]
        assert await _fetch_as_visitor(house, visitor.token, key) == (200, b"a plain text, to be read")
        async with house.visitor() as other:
            assert (await _fetch_as_visitor(house, other.token, key))[0] == 404

    async def sent() -> bool:
        return any(taken.files for taken in house.world.graph.ledger)

    await house.until(sent)


def _media(name: str, content_type: str, content: bytes) -> Any:
    from omnibox.testing.world.graph import Media

    return Media(name, content_type, content)


async def _three(house: House) -> list[dict[str, Any]] | None:
    rows = await house.rows()
    return rows if len(rows) == 3 else None


async def _file_of(house: House, conversation: int, content: bytes) -> bool:
    files = (await house.messages(conversation))[0]["attachments"]
    if not files or files[0]["state"] != "ready":
        return False
    async with house.admin.http.get(files[0]["url"]) as response:
        return response.status == 200 and await response.read() == content


async def _upload(house: House, content: bytes, name: str, content_type: str) -> str:
    import aiohttp

    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type=content_type)
    async with house.admin.http.post("/api/uploads", data=form) as response:
        assert response.status == 201, await response.text()
        return str((await response.json())["id"])


def _as_visitor(house: House, token: str) -> dict[str, str]:
    return {"Origin": house.world.desk.base, "Authorization": f"Bearer {token}"}


async def _upload_as_visitor(house: House, token: str, content: bytes) -> str:
    import aiohttp

    form = aiohttp.FormData()
    form.add_field("file", content, filename="photo.png", content_type="image/png")
    async with (
        aiohttp.ClientSession(house.base) as http,
        http.post(f"/w/files?site={house.world.desk.site}", data=form, headers=_as_visitor(house, token)) as response,
    ):
        assert response.status == 201, await response.text()
        return str((await response.json())["id"])


async def _fetch_as_visitor(house: House, token: str, key: str) -> tuple[int, bytes]:
    import aiohttp

    async with (
        aiohttp.ClientSession(house.base) as http,
        http.get(f"/w/files/{key}?site={house.world.desk.site}", headers=_as_visitor(house, token)) as response,
    ):
        return response.status, await response.read()


async def test_typing_reaches_the_other_side(house: House) -> None:
    async with house.visitor() as visitor:
        await visitor.say("Hello")
        row = await house.until(lambda: _first(house))
        await asyncio.sleep(0)
        answer = await house.admin.ask(
            "POST", "/api/frames", {"frames": [{"t": "hint", "kind": "typing", "conversation": row["id"]}]}
        )
        assert answer == {"frames": []}
        await visitor.until(lambda: any(hint["kind"] == "typing" for hint in visitor.hints))


async def _first(house: House) -> dict[str, Any] | None:
    rows = await house.rows()
    return rows[0] if rows else None
