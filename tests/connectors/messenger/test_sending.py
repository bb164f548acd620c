"""What leaves by the Send API, and what each of Meta's answers makes the core do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from omnibox.connector import (
    Button,
    Card,
    ChannelDown,
    ChannelSettings,
    Echo,
    Offer,
    OutboundFile,
    Receipt,
    Rejected,
    Temporary,
)
from omnibox.testing.world.graph import Fault

from .conftest import PAGE, PART, PSID, Shop

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def file(content: bytes = PNG, content_type: str = "image/png", key: str = "blob-1", size: int = 0) -> OutboundFile:
    async def read() -> bytes:
        return content

    return OutboundFile("shoe.png", content_type, size or len(content), key, read)


async def test_a_text_reaches_the_person_and_its_echo_brings_our_id_back(shop: Shop) -> None:
    await shop.graph.write(PSID, "Have you got it in 38?")
    sent = await shop.messenger.send(shop.reply("Sí, en 38 👟"))
    await shop.graph.settled()
    (seen,) = shop.graph.received(PSID)
    assert (seen.text, seen.mid, seen.metadata) == ("Sí, en 38 👟", sent.external_id, PART)
    assert (seen.messaging_type, seen.tag) == ("RESPONSE", "")
    (echo,) = [item for item in shop.envelopes if isinstance(item, Echo)]
    assert (echo.part_id, echo.external_id, echo.address, echo.to) == (PART, sent.external_id, PSID, PAGE)
    (receipt,) = [item for item in shop.envelopes if isinstance(item, Receipt)]
    assert receipt.external_ids == (sent.external_id,)


async def test_an_echo_may_overtake_the_answer(shop: Shop) -> None:
    shop.graph.echo_comes_first = True
    await shop.graph.write(PSID, "hello")
    await shop.graph.settled()
    sent = await shop.messenger.send(shop.reply())
    assert [item.external_id for item in shop.envelopes if isinstance(item, Echo)] == [sent.external_id]


async def test_the_token_is_no_part_of_the_address(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.needs_proof = True
    await shop.messenger.send(shop.reply())
    assert shop.graph.queries == [["appsecret_proof"]]


async def test_a_new_token_is_used_at_once(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    await shop.messenger.send(shop.reply())
    shop.graph.pages[PAGE].token = "EAArenewed"
    with pytest.raises(ChannelDown):
        await shop.messenger.send(shop.reply())
    shop.context.channels = [ChannelSettings(PAGE, "", {"page_access_token": "EAArenewed"})]
    assert (await shop.messenger.send(shop.reply())).external_id


async def test_quick_replies_go_along(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    await shop.messenger.send(
        shop.reply(offer=Offer(quick_replies=(Button("Yes", key="k.0"), Button("No", key="k.1"))))
    )
    (seen,) = shop.graph.received(PSID)
    assert (seen.text, seen.presses) == ("We have it in 38.", {"Yes": "k.0", "No": "k.1"})


async def test_buttons_stand_below_their_text(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    buttons = Button("Keep it for me", key="k.0"), Button("Look at it", url="https://shop.example/38")
    await shop.messenger.send(shop.reply(offer=Offer(buttons=buttons)))
    payload = shop.graph.received(PSID)[0].attachments[0]["payload"]
    assert payload == {
        "template_type": "button",
        "text": "We have it in 38.",
        "buttons": [
            {"type": "postback", "title": "Keep it for me", "payload": "k.0"},
            {"type": "web_url", "title": "Look at it", "url": "https://shop.example/38"},
        ],
    }


async def test_cards_stand_for_themselves(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    cards = (
        Card("Red", "In 38", "https://shop.example/red.jpg", (Button("This one", key="k.0"),)),
        Card("Blue", buttons=(Button("This one", key="k.1"),)),
    )
    offer = Offer(quick_replies=(Button("None of them", key="k.2"),), cards=cards)
    await shop.messenger.send(shop.reply("", offer=offer))
    (seen,) = shop.graph.received(PSID)
    payload = seen.attachments[0]["payload"]
    assert payload["template_type"] == "generic"
    assert payload["elements"] == [
        {
            "title": "Red",
            "subtitle": "In 38",
            "image_url": "https://shop.example/red.jpg",
            "buttons": [{"type": "postback", "title": "This one", "payload": "k.0"}],
        },
        {"title": "Blue", "buttons": [{"type": "postback", "title": "This one", "payload": "k.1"}]},
    ]
    assert seen.quick_replies == ("None of them",)


async def test_a_file_takes_quick_replies_along(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    await shop.messenger.send(shop.reply("", files=(file(),), offer=Offer(quick_replies=(Button("Nice", key="k.0"),))))
    (seen,) = shop.graph.received(PSID)
    assert (seen.files[0].content, seen.quick_replies) == (PNG, ("Nice",))


@pytest.mark.parametrize(
    "offer",
    [Offer(buttons=(Button("Yes", key="k.0"),)), Offer(cards=(Card("Red", "In 38"),))],
    ids=["buttons", "cards"],
)
async def test_whether_choices_arrived_the_thread_does_not_tell(shop: Shop, offer: Offer) -> None:
    await shop.graph.write(PSID, "hello")
    part = shop.reply("" if offer.cards else "Yes?", offer=offer)
    assert await shop.messenger.look_up(part) == "absent"
    await shop.messenger.send(part)
    assert await shop.messenger.look_up(part) == "unknown"


async def test_a_file_is_uploaded_once_and_sent_by_its_id(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    part = shop.reply("", files=(file(),))
    await shop.messenger.send(part)
    await shop.messenger.send(part)
    assert [taken.files[0].content for taken in shop.graph.received(PSID)] == [PNG, PNG]
    assert shop.graph.received(PSID)[0].files[0].content_type == "image/png"
    assert [edge for _, edge in shop.graph.asked] == ["message_attachments", "messages", "messages"]
    ((_, until),) = shop.context.remembered.values()
    assert timedelta(days=79) < until - datetime.now(UTC) <= timedelta(days=80)


async def test_an_upload_of_one_page_is_not_used_for_another(shop: Shop) -> None:
    other = shop.graph.add_page("117300425598342", "Second shop")
    shop.graph.add_person("7233019486120554", "Grace Hopper", other.id)
    shop.context.channels = [*shop.context.channels, ChannelSettings(other.id, "", {"page_access_token": other.token})]
    await shop.graph.write(PSID, "hello")
    await shop.graph.write("7233019486120554", "hello")
    await shop.messenger.send(shop.reply("", files=(file(),)))
    await shop.messenger.send(shop.reply("", files=(file(),), channel=other.id, address="7233019486120554"))
    assert len(shop.graph.uploads) == 2


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/png", "image"),
        ("audio/mpeg", "audio"),
        ("video/mp4", "video"),
        ("application/pdf", "file"),
        ("", "file"),
    ],
)
async def test_a_file_has_the_kind_of_its_content(shop: Shop, content_type: str, kind: str) -> None:
    await shop.graph.write(PSID, "hello")
    await shop.messenger.send(shop.reply("", files=(file(content_type=content_type),)))
    assert shop.graph.received(PSID)[0].attachments[0]["type"] == kind


async def test_an_expired_upload_is_made_again(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    part = shop.reply("", files=(file(),))
    await shop.messenger.send(part)
    shop.graph.forget_uploads()
    await shop.messenger.send(part)
    await shop.messenger.send(part)
    assert len(shop.graph.received(PSID)) == 3
    assert [edge for _, edge in shop.graph.asked].count("message_attachments") == 2


@pytest.mark.parametrize("subcode", [2018008, 2018047, 2018294, 2018074])
async def test_an_upload_that_is_refused_twice_fails_the_part(shop: Shop, subcode: int) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault(code=100, subcode=subcode, times=2))
    with pytest.raises(Rejected):
        await shop.messenger.send(shop.reply("", files=(file(),)))
    assert [edge for _, edge in shop.graph.asked] == ["message_attachments", "messages"] * 2


@pytest.mark.parametrize("shape", ["close", "half", "html"])
async def test_a_lost_upload_is_never_uncertain(shop: Shop, shape: Any) -> None:
    await shop.graph.write(PSID, "hello")
    shop.graph.fail(Fault(shape, status=200, edge="message_attachments", is_taken=True))
    with pytest.raises(Temporary):
        await shop.messenger.send(shop.reply("", files=(file(),)))
    assert shop.graph.received(PSID) == []
    assert shop.context.remembered == {}


async def test_leaving_is_told_between_upload_and_send(shop: Shop) -> None:
    told: list[list[str]] = []

    async def leaving() -> None:
        told.append([edge for _, edge in shop.graph.asked])

    await shop.graph.write(PSID, "hello")
    await shop.messenger.send(shop.reply("", files=(file(),), leaving=leaving))
    assert told == [["message_attachments"]]


async def test_a_file_over_the_limit_is_not_even_read(shop: Shop) -> None:
    with pytest.raises(Rejected, match="too_large"):
        await shop.messenger.send(shop.reply("", files=(file(size=25 * 1024 * 1024 + 1),)))
    assert shop.graph.asked == []


@pytest.mark.parametrize(
    "changed",
    [{"mode": "marketing"}, {"offer": Offer(cards=(Card("Red", "In 38"),))}, {"text": ""}, {"files": (file(),)}],
)
async def test_a_part_meta_cannot_take_is_refused_here(shop: Shop, changed: dict[str, Any]) -> None:
    await shop.graph.write(PSID, "hello")
    with pytest.raises(Rejected, match="bad_request"):
        await shop.messenger.send(shop.reply(**{"text": "x", **changed}))
    assert shop.graph.asked == []
