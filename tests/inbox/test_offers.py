"""What a reply offers to choose from, by the API: taken where the channel can, shown, sent, and known when chosen."""

from __future__ import annotations

import secrets
from typing import Any

from tests.inbox.conftest import house as house  # the fixture
from tests.inbox.house import House

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID

CARD: dict[str, Any] = {
    "title": "Hand grinder",
    "subtitle": "Steel burrs",
    "image_url": "https://brightleaf.example/grinder.jpg",
    "buttons": [{"title": "Reserve it", "url": ""}, {"title": "Look", "url": "https://brightleaf.example/grinder"}],
}
NOTHING: dict[str, Any] = {"quick_replies": [], "buttons": [], "cards": []}
Row = dict[str, Any]


async def ada_of(house: House) -> Row:
    await house.world.graph.write(PSID, "Which grinder?")
    return await house.row("Ada Moreno")


async def refusal(house: House, row: Row, text: str = "Which one?", **offer: Any) -> tuple[str, str, str]:
    """Code, place and words of a refused reply."""
    body = {"client_id": secrets.token_hex(8), "text": text, "offer": offer}
    async with house.admin.http.post(f"/api/conversations/{row['id']}/replies", json=body) as answer:
        assert answer.status == 422, await answer.text()
        error = (await answer.json())["error"]
        fields = {each["path"]: each["message"] for each in error["fields"]}
        return fields["code"], fields.get("at", ""), f"{error['message']} {error['cure']}"


async def test_a_tapped_quick_reply_comes_back_as_the_choice_it_is(house: House) -> None:
    ada = await ada_of(house)
    offer = {"quick_replies": ["By post", "I collect it"]}
    said = await house.reply(ada["id"], "How shall it reach you?", offer=offer)
    assert said["offer"] == NOTHING | offer
    await house.until_state(said, "delivered")
    (seen,) = house.world.graph.received(PSID)
    assert (seen.text, seen.quick_replies) == ("How shall it reach you?", ("By post", "I collect it"))

    await house.world.graph.press(PSID, "I collect it")
    await house.world.graph.settled()
    tapped = (await house.messages(ada["id"]))[-1]
    assert (tapped["kind"], tapped["text"]) == ("inbound", "I collect it")
    assert tapped["chosen"] == {"message": said["id"], "choice": 1}


async def test_buttons_and_cards_are_told_apart_when_they_are_pressed(house: House) -> None:
    ada = await ada_of(house)
    buttons = [{"title": "Shop", "url": "https://brightleaf.example"}, {"title": "Call me", "url": ""}]
    first = await house.reply(ada["id"], "Look or talk?", offer={"buttons": buttons})
    second = await house.reply(ada["id"], "These two", offer={"cards": [CARD, CARD | {"title": "Electric grinder"}]})
    for said in (first, second):
        await house.until_state(said, "delivered")
    assert [each["position"] for each in second["deliveries"]] == [0, 1]
    *_, words, cards = house.world.graph.received(PSID)
    assert (words.text, words.presses) == ("These two", {})
    await house.world.graph.press(PSID, "Call me")
    await house.world.graph.postback(
        PSID, "Reserve it", cards.attachments[0]["payload"]["elements"][1]["buttons"][0]["payload"]
    )
    await house.world.graph.settled()
    called, reserved = (await house.messages(ada["id"]))[-2:]
    assert called["chosen"] == {"message": first["id"], "choice": 1}
    assert reserved["chosen"] == {"message": second["id"], "choice": 2}
    assert (await house.row("Ada Moreno"))["last"]["text"] == "Reserve it"


async def test_a_reply_of_cards_alone_is_shown_by_its_first(house: House) -> None:
    ada = await ada_of(house)
    said = await house.reply(ada["id"], "", offer={"cards": [CARD]})
    assert (said["text"], len(said["deliveries"])) == ("", 1)
    assert (await house.row("Ada Moreno"))["last"]["text"] == "Hand grinder"


async def test_a_payload_that_was_never_offered_to_this_person_is_no_choice(house: House) -> None:
    house.world.graph.add_person("7002", "Grace Hopper", house.world.graph.people[PSID].page)
    ada = await ada_of(house)
    await house.until_state(await house.reply(ada["id"], "Yes?", offer={"quick_replies": ["Yes"]}), "delivered")
    key = house.world.graph.received(PSID)[0].presses["Yes"]
    await house.world.graph.tap("7002", "Yes", key)
    for odd in (key[:-1] + "7", key[:-2], "GET_STARTED", "x" * 900):
        await house.world.graph.tap(PSID, "Yes", odd)
    await house.world.graph.settled()
    grace = await house.row("Grace Hopper")
    said = [*await house.messages(ada["id"]), *await house.messages(grace["id"])]
    assert [each["chosen"] for each in said if each["text"] == "Yes"] == [None] * 5


async def test_what_the_channel_does_not_take_is_refused_with_its_place_and_its_limit(house: House) -> None:
    ada = await ada_of(house)
    link = {"title": "Shop", "url": "https://brightleaf.example"}

    def button(**change: str) -> list[dict[str, str]]:
        return [link | change]

    table: list[tuple[tuple[str, str], Any]] = [
        (("too_many_choices", "quick_replies"), {"quick_replies": [str(each) for each in range(14)]}),
        (("too_many_choices", "buttons"), {"buttons": [link | {"title": str(each)} for each in range(4)]}),
        (("too_many_choices", "cards"), {"cards": [CARD] * 11}),
        (("too_many_choices", "cards[0].buttons"), {"cards": [CARD | {"buttons": CARD["buttons"] * 2}]}),
        (("choice_too_long", "quick_replies[1]"), {"quick_replies": ["Yes", "x" * 21]}),
        (("choice_too_long", "cards[0].subtitle"), {"cards": [CARD | {"subtitle": "x" * 81}]}),
        (("choice_too_long", "cards[1].title"), {"cards": [CARD, CARD | {"title": "x" * 81}]}),
        (("choice_without_words", "quick_replies[0]"), {"quick_replies": [" \n"]}),
        (("choice_twice", "quick_replies[1]"), {"quick_replies": ["Yes", " Yes "]}),
        (("bad_choice_url", "buttons[0].url"), {"buttons": button(url="http://brightleaf.example")}),
        (("bad_choice_url", "buttons[0].url"), {"buttons": button(url="https://")}),
        (
            ("bad_choice_url", "buttons[0].url"),
            {"buttons": button(url="https://shop.example/?card=4111-1111-1111-1111")},
        ),
        (("bad_choice_url", "cards[0].image_url"), {"cards": [CARD | {"image_url": "javascript:alert(1)"}]}),
        (("bare_card", "cards[0]"), {"cards": [{"title": "Nothing else"}]}),
        (("buttons_beside_cards", "buttons"), {"cards": [CARD], "buttons": [link]}),
    ]
    for wanted, offer in table:
        code, at, words = await refusal(house, ada, **offer)
        assert (code, at) == wanted
        assert words.endswith(".")
    assert (await refusal(house, ada, quick_replies=["x" * 21]))[2].endswith("At most 20.")
    assert (await refusal(house, ada, text="", quick_replies=["Yes"]))[:2] == ("choices_need_text", "text")
    assert (await refusal(house, ada, text="x" * 641, buttons=[link]))[:2] == ("text_above_buttons", "text")
    assert [each["kind"] for each in await house.messages(ada["id"])] == ["inbound"]
    assert house.world.graph.received(PSID) == []


async def test_a_channel_without_choices_says_so(house: House) -> None:
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.", name="Leo Conti")
    row = await house.row("Leo Conti")
    assert (await refusal(house, row, quick_replies=["Yes"]))[:2] == ("no_choices", "quick_replies")
    connectors = {
        each["name"]: each["capabilities"] for each in (await house.admin.ask("GET", "/api/snapshot"))["connectors"]
    }
    assert connectors["email"]["offers"] is None
    assert connectors["messenger"]["offers"]["quick_replies"] == 13


async def test_a_card_number_in_a_choice_is_hidden_before_it_is_kept_or_sent(house: House) -> None:
    ada = await ada_of(house)
    number = "4111 1111 1111 1111"
    offer = {"cards": [{"title": f"card {number}", "subtitle": number}]}
    said = await house.reply(ada["id"], "", offer=offer)
    await house.until_state(said, "delivered")
    assert "1111 1111" not in str(said["offer"])
    assert "1111 1111" not in str(house.world.graph.received(PSID))
    said = await house.reply(ada["id"], "Which?", offer={"quick_replies": ["4111111111111111"]})
    assert "41111111" not in str(said["offer"])
