"""A reply ends sent, failed or uncertain, is never sent twice blindly, and its state moves only on an answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.inbox.house import PASSWORD, House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID
from omnibox.testing.world.graph import Fault

Row = dict[str, Any]


@pytest.fixture
async def ada(house: House) -> Row:
    """A conversation by Messenger, freshly begun."""
    await house.world.graph.write(PSID, "Hello")
    return await house.row("Ada Moreno")


def texts(house: House) -> list[str]:
    return [taken.text for taken in house.world.graph.received(PSID)]


async def test_a_double_click_is_one_message(house: House, ada: Row) -> None:
    first = await house.reply(ada["id"], "Once", client_id="click-0001")
    again = await house.reply(ada["id"], "Once", client_id="click-0001")
    assert first["id"] == again["id"]
    await house.until_state(first, "sent", "delivered")
    assert texts(house) == ["Once"]


async def test_a_colleagues_newer_reply_is_shown_before_sending(house: House, ada: Row) -> None:
    seen = (await house.messages(ada["id"]))[-1]["id"]
    link = await house.admin.ask(
        "POST", "/api/invitations", {"email": "b@shop.example", "name": "Ben", "role": "agent"}
    )
    from omnibox.testing.world.demo import Admin

    ben = Admin(house.base)
    token = link["link"].rsplit("/", 1)[1]
    await ben.ask("POST", f"/api/links/{token}", {"name": "Ben", "password": "correct horse battery staple"})
    body = {"client_id": "ben-000001", "text": "I have it"}
    await ben.ask("POST", f"/api/conversations/{ada['id']}/replies", body)
    await ben.close()
    with pytest.raises(RuntimeError, match="newer_reply"):
        await house.reply(ada["id"], "Me too", seen=seen)
    sent = await house.reply(ada["id"], "Me too", seen=seen, anyway=True)
    await house.until_state(sent, "sent", "delivered")
    assert texts(house) == ["I have it", "Me too"]


async def test_what_the_platform_would_refuse_is_never_queued(house: House, ada: Row) -> None:
    house.shift = timedelta(hours=24)
    await house.admin.ask("POST", "/api/login", {"email": "owner@shop.example", "password": PASSWORD, "stay": True})
    with pytest.raises(RuntimeError, match="window_closed"):
        await house.reply(ada["id"], "Too late")
    assert len(await house.messages(ada["id"])) == 1
    row = await house.row("Ada Moreno")
    assert row["policy"]["allowed"] is False
    assert row["policy"]["code"] == "window_closed"


async def test_a_temporary_failure_is_tried_again_by_itself(house: House, ada: Row) -> None:
    house.world.graph.fail(Fault("error", 500, code=2))
    sent = await house.reply(ada["id"], "Again")
    await house.until_state(sent, "sent", "delivered")
    assert texts(house) == ["Again"]


async def test_a_refusal_fails_with_its_reason_and_retry_sends_it(house: House, ada: Row) -> None:
    house.world.graph.fail(Fault("error", 400, code=100, subcode=2018109))
    sent = await house.reply(ada["id"], "Refused")
    failed = await house.until_state(sent, "failed")
    assert failed["deliveries"][0]["code"]
    assert (await house.row("Ada Moreno"))["failed"] == 1
    await house.admin.ask("POST", f"/api/deliveries/{failed['deliveries'][0]['id']}/retry")
    await house.until_state(sent, "sent", "delivered")
    assert texts(house) == ["Refused"]
    assert (await house.row("Ada Moreno"))["failed"] == 0


async def test_a_lost_answer_is_settled_by_the_echo(house: House, ada: Row) -> None:
    house.world.graph.fail(Fault("close", is_taken=True))
    sent = await house.reply(ada["id"], "Did it arrive?")
    await house.until_state(sent, "sent", "delivered", "read")
    assert texts(house) == ["Did it arrive?"]
    assert [each["text"] for each in await house.messages(ada["id"])] == ["Hello", "Did it arrive?"]


async def test_a_lost_answer_without_echo_is_uncertain_and_can_be_looked_up(house: House, ada: Row) -> None:
    house.world.graph.sends_echoes = False
    house.world.graph.sends_deliveries = False
    house.world.graph.fail(Fault("close", is_taken=True))
    sent = await house.reply(ada["id"], "Did it arrive?")
    uncertain = await house.until_state(sent, "uncertain")
    await house.admin.ask("POST", f"/api/deliveries/{uncertain['deliveries'][0]['id']}/check")
    await house.until_state(sent, "sent")
    assert texts(house) == ["Did it arrive?"]


async def test_an_uncertain_reply_is_never_sent_again_by_itself(house: House, ada: Row) -> None:
    """Later replies wait for it, at most two minutes; then they go on and it stays visible."""
    house.world.graph.sends_echoes = False
    house.world.graph.sends_deliveries = False
    house.world.graph.fail(Fault("close", is_taken=True))
    house.world.graph.fail(Fault("error", 500, code=1, edge="conversations", times=99))
    first = await house.reply(ada["id"], "First")
    await house.until_state(first, "uncertain")
    second = await house.reply(ada["id"], "Second")
    assert await house.state_of(second) == "queued"
    house.shift = timedelta(minutes=3)
    await house.until_state(second, "sent")
    assert await house.state_of(first) == "uncertain"
    assert texts(house) == ["First", "Second"]


async def test_dismissing_an_uncertain_reply_fails_it(house: House, ada: Row) -> None:
    house.world.graph.sends_echoes = False
    house.world.graph.fail(Fault("hang"))
    house.world.graph.fail(Fault("close"))
    house.world.graph.faults.pop(0)
    sent = await house.reply(ada["id"], "Gone")
    uncertain = await house.until_state(sent, "uncertain")
    await house.admin.ask("POST", f"/api/deliveries/{uncertain['deliveries'][0]['id']}/dismiss")
    assert await house.state_of(sent) == "failed"
    with pytest.raises(RuntimeError, match="409"):
        await house.admin.ask("POST", f"/api/deliveries/{uncertain['deliveries'][0]['id']}/dismiss")


async def test_an_echo_that_overtakes_the_answer_makes_no_second_message(house: House, ada: Row) -> None:
    house.world.graph.echo_comes_first = True
    sent = await house.reply(ada["id"], "Quick")
    await house.until_state(sent, "sent", "delivered")
    await house.world.graph.settled()
    assert [each["text"] for each in await house.messages(ada["id"])] == ["Hello", "Quick"]


async def test_an_answer_given_elsewhere_is_shown_as_such(house: House, ada: Row) -> None:
    await house.world.graph.answer_elsewhere(PSID, "From the page's own inbox")

    async def came() -> Row | None:
        return next((each for each in await house.messages(ada["id"]) if each["is_elsewhere"]), None)

    message = await house.until(came)
    assert message["kind"] == "outbound"
    assert message["text"] == "From the page's own inbox"


async def test_a_dead_token_pauses_the_channel_and_keeps_its_replies(house: House, ada: Row) -> None:
    page = next(iter(house.world.graph.pages.values()))
    page.token_error = 463
    waits = await house.reply(ada["id"], "Wait for me")

    async def paused() -> Row | None:
        channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
        return next((each for each in channels if each["state"] == "paused"), None)

    channel = await house.until(paused)
    assert channel["health"]["code"]
    assert channel["health"]["why"]
    assert channel["waiting"] == 1
    assert await house.state_of(waits) == "queued"
    page.token_error = None
    await house.admin.ask("POST", f"/api/connections/{channel['connection']}/enable")
    await house.until_state(waits, "sent", "delivered")
    assert texts(house) == ["Wait for me"]


async def test_a_long_reply_leaves_in_parts_and_resumes_at_the_first_unsent_one(house: House, ada: Row) -> None:
    words = " ".join(f"word{i}" for i in range(800))
    house.world.graph.fail(Fault("error", 500, code=2))
    sent = await house.reply(ada["id"], words)
    done = await house.until_state(sent, "sent", "delivered")
    assert len(done["deliveries"]) > 1
    assert "".join(texts(house)) == words
    assert all(len(text) <= 2000 for text in texts(house))


async def test_replies_of_one_conversation_leave_in_order(house: House, ada: Row) -> None:
    house.world.graph.fail(Fault("error", 500, code=2))
    sent = [await house.reply(ada["id"], f"number {i}") for i in range(5)]
    for each in sent:
        await house.until_state(each, "sent", "delivered")
    assert texts(house) == [f"number {i}" for i in range(5)]


async def test_receipts_only_move_forward(house: House, ada: Row) -> None:
    sent = await house.reply(ada["id"], "Read me")
    await house.until_state(sent, "delivered")
    await house.world.graph.read(PSID)
    await house.until_state(sent, "read")
    await house.world.graph.settled()
    assert await house.state_of(sent) == "read"


async def test_a_visitor_who_sees_a_reply_makes_it_delivered_then_read(house: House) -> None:
    async with house.visitor() as visitor:
        await visitor.say("Hello")
        row = await house.until(lambda: _first(house))
        sent = await house.reply(row["id"], "Hi!")
        await visitor.until(lambda: sent["id"] in visitor.messages)
        await house.until_state(sent, "delivered")
        await visitor.send(t="op", kind="read", client_id="read-00001", message=sent["id"])
        await house.until_state(sent, "read")


async def test_a_reply_to_an_absent_visitor_waits_as_sent(house: House) -> None:
    async with house.visitor() as visitor:
        await visitor.say("Hello")
        token = visitor.token
    row = await house.until(lambda: _first(house))
    sent = await house.reply(row["id"], "Are you there?")
    await house.until_state(sent, "sent")
    async with house.visitor(token) as back:
        await back.until(lambda: sent["id"] in back.messages)
        await back.send(t="at", cursor=back.cursor)
        await house.until_state(sent, "delivered")


async def test_a_dead_mail_server_keeps_the_reply_and_sends_it_when_it_is_back(house: House) -> None:
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please")
    leo = await house.row(CUSTOMER)
    port = house.world.house.smtp_port
    await house.world.house.smtp.stop()
    sent = await house.reply(leo["id"], "Here it is")

    async def tried() -> bool:
        return bool((await house.messages(leo["id"]))[-1]["deliveries"][0]["code"])

    await house.until(tried)
    await house.world.house.smtp.start(port)
    house.shift = timedelta(minutes=5)
    await house.until_state(sent, "sent")
    assert len(house.world.house.sent_to(CUSTOMER)) == 1


async def _first(house: House) -> Row | None:
    rows = await house.rows()
    return rows[0] if rows else None
