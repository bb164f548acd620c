"""The simulated Graph API is as strict as Meta, and its webhooks misbehave as Meta's do."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from omnibox.connector import Deleted, Echo, Edited, Inbound, Reaction, Receipt
from omnibox.testing.world.graph import PAGE_INBOX_APP, Fault, Media

from .conftest import PAGE, PSID, Shop

RESPONSE = {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": {"text": "hello"}}


@pytest_asyncio.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def post(http: aiohttp.ClientSession, shop: Shop, body: object, **more: Any) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {shop.graph.pages[PAGE].token}"}
    options: dict[str, Any] = {"headers": headers, "params": {}} | more
    async with http.post(f"{shop.graph.base}/v26.0/me/messages", json=body, **options) as answer:
        return answer.status, await answer.json()


async def test_the_token_may_stand_in_the_header_or_in_the_query(shop: Shop, http: aiohttp.ClientSession) -> None:
    await shop.graph.write(PSID, "hi")
    assert (await post(http, shop, RESPONSE))[0] == 200
    token = shop.graph.pages[PAGE].token
    assert (await post(http, shop, RESPONSE, headers={}, params={"access_token": token}))[0] == 200
    status, answer = await post(http, shop, RESPONSE, headers={})
    assert (status, answer["error"]["code"]) == (401, 190)


@pytest.mark.parametrize(
    ("change", "code", "subcode"),
    [
        ({"text": "hi"}, 100, None),
        ({"recipient": {"id": int(PSID)}}, 100, None),
        ({"recipient": {"id": PSID, "name": "Ada"}}, 100, None),
        ({"recipient": '{"id":"1"}'}, 100, None),
        ({"recipient": {"id": "1"}}, 100, 2018001),
        ({"messaging_type": None}, 100, None),
        ({"messaging_type": "RESPONSE", "tag": "HUMAN_AGENT"}, 100, None),
        ({"messaging_type": "MESSAGE_TAG"}, 100, None),
        ({"messaging_type": "MESSAGE_TAG", "tag": "NEWS"}, 100, None),
        ({"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}, 100, 1893061),
        ({"messaging_type": "MESSAGE_TAG", "tag": "CONFIRMED_EVENT_UPDATE"}, 100, 1893061),
        ({"messaging_type": "MESSAGE_TAG", "tag": "POST_PURCHASE_UPDATE"}, 100, 1893061),
        ({"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}, 10, None),
        ({"message": {"text": "x" * 2001}}, 100, None),
        ({"message": {"text": ""}}, 100, None),
        ({"message": {"text": " \n"}}, 100, None),
        ({"message": {"text": "x", "colour": "red"}}, 100, None),
        ({"message": {"text": "x", "metadata": {"id": 1}}}, 100, None),
        ({"message": {"text": "x", "attachment": {"type": "image", "payload": {"url": "https://a"}}}}, 100, None),
        ({"message": {"attachment": {"type": "picture", "payload": {"url": "https://a"}}}}, 100, None),
        ({"message": {"attachment": {"type": "image", "payload": {}}}}, 100, None),
        ({"message": {"attachment": {"type": "image", "payload": {"attachment_id": "a_0"}}}}, 100, 2018074),
        (
            {"message": {"text": "x", "quick_replies": [{"content_type": "text", "title": "y" * 21, "payload": "y"}]}},
            100,
            None,
        ),
        (
            {"message": {"text": "x", "quick_replies": [{"content_type": "text", "title": "y", "payload": "y"}] * 14}},
            100,
            None,
        ),
    ],
    ids=str,
)
async def test_what_meta_refuses_is_refused(
    shop: Shop, http: aiohttp.ClientSession, change: dict[str, Any], code: int, subcode: int | None
) -> None:
    await shop.graph.write(PSID, "hi")
    _, answer = await post(http, shop, RESPONSE | change)
    assert (answer["error"]["code"], answer["error"].get("error_subcode")) == (code, subcode)
    assert shop.graph.ledger == []


async def test_a_page_cannot_write_first(shop: Shop, http: aiohttp.ClientSession) -> None:
    _, answer = await post(http, shop, RESPONSE)
    assert answer["error"]["error_subcode"] == 2018001


async def test_a_wrong_proof_version_or_page_is_refused(shop: Shop, http: aiohttp.ClientSession) -> None:
    await shop.graph.write(PSID, "hi")
    assert (await post(http, shop, RESPONSE, params={"appsecret_proof": "0" * 64}))[0] == 400
    headers = {"Authorization": f"Bearer {shop.graph.pages[PAGE].token}"}
    for path, code in (("v2.6/me/messages", 2635), ("v26.0/1/messages", 100)):
        async with http.post(f"{shop.graph.base}/{path}", json=RESPONSE, headers=headers) as answer:
            assert (await answer.json())["error"]["code"] == code


async def test_an_inbound_event_opens_the_window_again(shop: Shop) -> None:
    await shop.graph.write(PSID, "hi")
    shop.graph.advance(2 * 86_400)
    await shop.graph.postback(PSID, "Start", "GO")
    await shop.messenger.send(shop.reply())


async def test_everything_a_person_does_arrives_as_its_kind(shop: Shop) -> None:
    graph = shop.graph
    mid = await graph.write(PSID, "hi", [Media("a.png", "image/png", b"png"), {"type": "location", "payload": {}}])
    await graph.tap(PSID, "Yes", "YES")
    await graph.postback(PSID, "Start", "GO")
    await graph.edit(PSID, mid, "hello")
    await graph.react(PSID, mid, "❤")
    await graph.read(PSID)
    await graph.unsend(PSID, mid)
    elsewhere = await graph.answer_elsewhere(PSID, "from the page inbox")
    await graph.settled()
    kinds = [type(item) for item in shop.envelopes]
    assert kinds == [Inbound, Inbound, Inbound, Edited, Reaction, Receipt, Deleted, Echo]
    assert [taken.mid for taken in graph.received(PSID)] == [elsewhere]
    assert (graph.received(PSID)[0].app_id, graph.ledger) == (PAGE_INBOX_APP, [])


async def test_a_media_file_can_be_fetched(shop: Shop, http: aiohttp.ClientSession) -> None:
    await shop.graph.write(PSID, "", [Media("a.png", "image/png", b"the bytes")])
    await shop.graph.settled()
    (found,) = shop.envelopes
    assert isinstance(found, Inbound)
    async with http.get(getattr(found.files[0].content, "url", "")) as answer:
        assert (await answer.read(), answer.content_type) == (b"the bytes", "image/png")


async def test_a_hook_that_fails_is_called_again(shop: Shop) -> None:
    shop.refuse = 2
    shop.graph.hooks.switches.retry_waits_s = (0, 0, 0)
    await shop.graph.write(PSID, "hi")
    await shop.graph.settled()
    assert (len(shop.envelopes), shop.graph.hooks.calls) == (1, 3)


async def test_a_hook_that_never_answers_is_given_up(shop: Shop) -> None:
    shop.refuse = 99
    shop.graph.hooks.switches.retry_waits_s = (0, 0)
    await shop.graph.write(PSID, "hi")
    await shop.graph.settled()
    assert (shop.envelopes, shop.graph.hooks.calls, len(shop.graph.hooks.undelivered)) == ([], 3, 1)


async def test_a_wrong_secret_is_refused_by_the_hook(shop: Shop) -> None:
    shop.graph.hooks._secret = "another"
    shop.graph.hooks.switches.retry_waits_s = ()
    await shop.graph.write(PSID, "hi")
    await shop.graph.settled()
    assert (shop.envelopes, len(shop.graph.hooks.undelivered)) == ([], 1)


async def test_the_handshake_needs_the_verify_token(shop: Shop) -> None:
    with pytest.raises(ValueError, match="403"):
        await shop.graph.subscribe(shop.context.hook_url, "wrong")


async def test_events_are_batched_repeated_and_mixed_without_loss(shop: Shop) -> None:
    switches = shop.graph.hooks.switches
    switches.batch, switches.copies, switches.shuffle = 7, 3, random.Random(5)
    shop.graph.hooks.hold()
    mids = [await shop.graph.write(PSID, f"message {number}") for number in range(20)]
    shop.graph.hooks.release()
    await shop.graph.settled()
    arrived = [item.event_key for item in shop.envelopes if isinstance(item, Inbound)]
    assert sorted(arrived) == sorted(mids * 3)
    assert list(dict.fromkeys(arrived)) != mids
    assert len(shop.bodies) == 9
    by_time = sorted({(item.sent_at, item.event_key) for item in shop.envelopes if isinstance(item, Inbound)})
    assert [mid for _, mid in by_time] == mids


async def test_a_page_without_a_field_gets_no_such_event(shop: Shop) -> None:
    shop.graph.pages[PAGE].subscribed_fields.remove("message_echoes")
    await shop.graph.write(PSID, "hi")
    await shop.messenger.send(shop.reply())
    await shop.graph.settled()
    assert [type(item) for item in shop.envelopes] == [Inbound, Receipt]


async def test_a_fault_hits_one_person_and_as_often_as_told(shop: Shop) -> None:
    shop.graph.add_person("7233019486120554", "Grace Hopper", PAGE)
    await shop.graph.write(PSID, "hi")
    await shop.graph.write("7233019486120554", "hi")
    shop.graph.fail(Fault(code=2, status=500, psid=PSID, times=2))
    outcomes = []
    for address in (PSID, "7233019486120554", PSID, PSID):
        try:
            await shop.messenger.send(shop.reply(address=address))
            outcomes.append("sent")
        except Exception as error:
            outcomes.append(str(error))
    assert outcomes == ["messenger.service_error", "sent", "messenger.service_error", "sent"]
