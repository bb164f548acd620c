"""A card number sent in several messages: all of its pieces are hidden, those already stored too; nothing else is."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.faults.houses import opened
from tests.inbox.house import House
from tests.scale.cluster import Screen

from omnibox.masking import mask, mask_split
from omnibox.store.tables import conversation, delivery, edition, message
from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PAGE, PSID

HIDDEN = ["My card: •••• ••••", "•••• 1111"]


@pytest.fixture(params=["sqlite", "postgresql"])
async def hub(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A house on either database."""
    on_server = {"database_url": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    async with opened(tmp_path / "home", **on_server) as house:
        yield house


async def stored(house: House) -> list[str]:
    """Every text that the database holds of what was said, each once."""

    def read(tx: Any) -> list[str]:
        columns = message.c.text, conversation.c.last_text, delivery.c.text, edition.c.text
        return [text for column in columns for text in tx.execute(sa.select(column)).scalars() if text]

    return list(dict.fromkeys(await house.hub.store.read(read)))


async def found(house: House, words: str) -> list[Any]:
    answer = await house.admin.ask("GET", f"/api/search?q={words}")
    return list(answer["hits"])


async def post(house: House, *said: tuple[str, str, float]) -> None:
    """Messages of one customer of the page in one call of the hook: id, text, and how long ago in seconds."""
    await call(house, *(({"message": {"mid": mid, "text": text}}, ago) for mid, text, ago in said))


async def edit(house: House, mid: str, text: str, number: int = 1) -> None:
    """The customer gives a message another text."""
    await call(house, ({"message_edit": {"mid": mid, "text": text, "num_edit": number}}, 0))


async def call(house: House, *items: tuple[dict[str, Any], float]) -> None:
    """One call of the hook."""
    connections = await house.admin.ask("GET", "/api/connections")
    url = next(each["hook_url"] for each in connections if each["connector"] == "messenger")
    messages = [
        {
            "sender": {"id": PSID},
            "recipient": {"id": PAGE},
            "timestamp": int((time.time() - ago) * 1000),
        }
        | item
        for item, ago in items
    ]
    body = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": 1, "messaging": messages}]}).encode()
    digest = hmac.new(house.world.graph.app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"}
    async with house.admin.http.post("/" + url.split("/", 3)[3], data=body, headers=headers) as answer:
        assert answer.status == 200


async def test_a_number_in_two_messages_is_hidden_in_both_and_everywhere(hub: House) -> None:
    async with hub.visitor() as visitor:
        await visitor.say("My card: 4111 1111")
        row = (await hub.rows())[0]
        await hub.until(lambda: found(hub, "4111"))
        async with Screen(hub.admin) as screen:
            await visitor.say("1111 1111")
            assert [each["text"] for each in await hub.messages(row["id"])] == HIDDEN

            async def is_told() -> bool:
                return any(event["type"] == "message.changed" for event in screen.events)

            await hub.until(is_told)
            changed = [event["message"] for event in screen.events if event["type"] == "message.changed"]
            assert [(each["text"], each["rev"]) for each in changed] == [(HIDDEN[0], 1)]
            await visitor.until(lambda: [each["text"] for each in visitor.messages.values()] == HIDDEN)
    async with hub.visitor(visitor.token) as again:
        assert [each["text"] for each in again.messages.values()] == HIDDEN
    assert await stored(hub) == [*HIDDEN]

    async def is_gone() -> bool:
        return await found(hub, "4111") == []

    await hub.until(is_gone)
    assert [each["message"] for each in await found(hub, "card")] == [changed[0]["id"]]


async def test_an_agents_number_in_two_replies_is_hidden_with_its_deliveries(hub: House) -> None:
    async with hub.visitor() as visitor:
        await visitor.say("Hello")
        row = (await hub.rows())[0]
        first = await hub.reply(row["id"], "My card: 4111 1111")
        await hub.reply(row["id"], "1111 1111", seen=first["id"])
        await visitor.until(lambda: [each["text"] for each in visitor.messages.values()] == ["Hello", *HIDDEN])
        body = {"client_id": "a note of it", "text": "5555 5555"}
        await hub.admin.ask("POST", f"/api/conversations/{row['id']}/notes", body)
        body = {"client_id": "and the rest", "text": "5555 4444"}
        await hub.admin.ask("POST", f"/api/conversations/{row['id']}/notes", body)
    assert set(await stored(hub)) == {"Hello", *HIDDEN, "•••• ••••", "•••• 4444"}


async def test_the_pieces_are_put_in_the_order_they_were_written(hub: House) -> None:
    await post(hub, ("m1", "My card: 4111 1111", 9), ("m3", "11 12/27", 3), ("m2", "1111 11", 6))
    row = (await hub.rows())[0]
    texts = {each["text"] for each in await hub.messages(row["id"])}
    assert texts == {HIDDEN[0], "•••• 11", "11 ••/••"}
    # The platform sends what it sent before: the pieces do not come back.
    await post(hub, ("m2", "1111 11", 6), ("m1", "My card: 4111 1111", 9))
    assert {each["text"] for each in await hub.messages(row["id"])} == texts


async def test_two_pieces_that_come_at_once_are_one_number(hub: House) -> None:
    await post(hub, ("m0", "Hello", 20))
    await asyncio.gather(post(hub, ("m1", "My card: 4111 1111", 9)), post(hub, ("m2", "1111 1111", 6)))
    row = (await hub.rows())[0]
    assert {each["text"] for each in await hub.messages(row["id"])} == {"Hello", *HIDDEN}


async def test_an_edit_that_completes_a_number_hides_it_and_another_one_does_not_show_it_again(hub: House) -> None:
    await post(hub, ("m1", "My card: 4111 1111", 9), ("m2", "1111 111", 6))
    row = (await hub.rows())[0]
    await edit(hub, "m2", "1111 1111")
    assert [each["text"] for each in await hub.messages(row["id"])] == HIDDEN
    assert await stored(hub) == HIDDEN
    await edit(hub, "m1", "My card: 4111 1111, it is a Visa")
    assert (await hub.messages(row["id"]))[0]["text"] == f"{HIDDEN[0]}, it is a Visa"
    await edit(hub, "m2", "1111 1111!", 2)
    assert [each["text"] for each in await hub.messages(row["id"])] == [f"{HIDDEN[0]}, it is a Visa", f"{HIDDEN[1]}!"]


async def test_two_edits_that_come_at_once_are_one_number(hub: House) -> None:
    await post(hub, ("m1", "My card: 4111", 9), ("m2", "1111", 6))
    await asyncio.gather(edit(hub, "m1", "My card: 4111 1111"), edit(hub, "m2", "1111 1111"))
    row = (await hub.rows())[0]
    assert [each["text"] for each in await hub.messages(row["id"])] == HIDDEN


async def test_an_edit_that_came_before_its_message_is_joined_too(hub: House) -> None:
    await edit(hub, "m2", "1111 1111")
    await post(hub, ("m1", "My card: 4111 1111", 9), ("m2", "1111 111", 6))
    row = (await hub.rows())[0]
    assert [each["text"] for each in await hub.messages(row["id"])] == HIDDEN


async def test_a_code_in_the_message_after_the_card_is_hidden(hub: House) -> None:
    await post(hub, ("m1", "My card: 4111 1111 1111 1111", 9), ("m2", "12/27", 6), ("m3", "123", 3), ("m4", "456 €", 1))
    row = (await hub.rows())[0]
    shown = ["My card: •••• •••• •••• 1111", "••/••", "•••", "456 €"]
    assert [each["text"] for each in await hub.messages(row["id"])] == shown


async def test_a_code_that_was_asked_for_is_hidden(hub: House) -> None:
    async with hub.visitor() as visitor:
        await visitor.say("Hello")
        row = (await hub.rows())[0]
        said = []
        for question, answer in (("And the security code?", "123"), ("Which room?", "214"), ("Your CVV?", "it is 5")):
            before = (await hub.messages(row["id"]))[-1]
            await hub.reply(row["id"], question, seen=before["id"])
            await visitor.say(answer)
            said += [question, answer]
        said[1] = "•••"
        assert [each["text"] for each in await hub.messages(row["id"])] == ["Hello", *said]


async def test_digits_of_others_of_long_ago_and_of_mails_stay(hub: House) -> None:
    async with hub.visitor() as visitor, hub.visitor() as other:
        await visitor.say("4111 1111")
        await other.say("1111 1111")
        assert sorted(await stored(hub)) == ["1111 1111", "4111 1111"]
        await hub.reply((await hub.rows())[1]["id"], "1111 1111")
        hub.shift = timedelta(minutes=6)
        await visitor.say("1111 1111")
    for text in ("4111 1111", "1111 1111"):
        hub.world.house.write(CUSTOMER, MAILBOX, "Order", text)
    row = await hub.row(CUSTOMER)
    await hub.until(lambda: hub.messages(row["id"]))
    assert {text.strip() for text in await stored(hub)} == {"4111 1111", "1111 1111"}


# ── What counts as one number


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (["4111", "1111", "1111", "1111"], ["••••", "••••", "••••", "1111"]),
        (["4111-1111", "1111-1111"], ["••••-••••", "••••-1111"]),
        (["4111.1111", "1111.1111"], ["••••.••••", "••••.1111"]),
        (["4111 11", "11 1111 1111"], ["•••• ••", "•• •••• 1111"]),
        (["3782 822463", "10005"], ["•••• ••••••", "•0005"]),
        (["it is 4111 1111", "wait", "and 1111 1111."], ["it is •••• ••••", "wait", "and •••• 1111."]),
        (["my card number", "41111111", "11111111"], ["my card number", "••••••••", "••••1111"]),
        (["٤١١١ ١١١١", "١١١١ ١١١١"], ["•••• ••••", "•••• ١١١١"]),
        (["4111 1111", "1111 1111, 12/27, cvv 123"], ["•••• ••••", "•••• 1111, ••/••, cvv •••"]),
        (["4111 1111 1111 1111", "12/27", "123"], ["•••• •••• •••• 1111", "••/••", "•••"]),
        (["4111 1111 1111 1111, Ann", "12/27 123"], ["•••• •••• •••• 1111, Ann", "••/•• •••"]),
        (["4111 1111", "1111 1111", "123"], ["•••• ••••", "•••• 1111", "•••"]),
        (["the cvv is", "123"], ["the cvv is", "•••"]),
        (["4111 1111", "1111 1111", "5555 5555", "5555 4444"], ["•••• ••••", "•••• 1111", "•••• ••••", "•••• 4444"]),
    ],
)
def test_what_is_one_number(said: list[str], shown: list[str]) -> None:
    masked = mask_split([mask(text) for text in said])
    assert masked == shown
    assert mask_split(masked) is None


@pytest.mark.parametrize(
    "said",
    [
        ["41111111", "11111111"],  # two orders
        ["4111 1111", "1111 1112"],  # the check digit
        ["+34 4111 1111", "1111 1111"],
        ["order 4111 1111 2222 3333", "1111 1111"],
        ["4111 1111 is what I ordered in the spring", "1111 1111"],
        ["4", "111 1111", "1111", "11", "11"],  # too many
        ["2021 2022", "2023 2024"],
        ["•••• ••••", "•••• 1111", "2222 1111"],
        ["AB4111 1111", "1111 1111"],
        ["4111 1111"],
        ["4111 1111 1111 1111", "123 people"],
        ["4111 1111 1111 1111", "300 EUR"],
        ["4111 1111 1111 1111", "2027"],
        ["4111 1111 1111 1111", "212 555 0143"],
        ["4111 1111 1111 1111", "room 212"],
        ["4111 1111 1111 1111 is my card, and now to something else", "123"],
        ["4111 1111 1111 1112", "123"],
        [],
    ],
)
def test_what_is_none(said: list[str]) -> None:
    assert mask_split([mask(text) for text in said]) is None


def test_long_texts_take_no_longer() -> None:
    began = time.process_time()
    mask_split([mask("1 " * 250_000)] * 6)
    mask_split(["1." * 250_000, "1" * 500_000, "4111 1111", "1111 1111"])
    assert time.process_time() - began < 5
