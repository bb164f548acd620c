"""Names of people, and evidence for a part whose answer was lost.

A cut line is cut twice: the client asks a GET again by itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from omnibox.connector import SendError, Sent, Temporary, Uncertain
from omnibox.testing.world.graph import Fault

from .conftest import PAGE, PSID, Shop
from .test_sending import file


async def test_a_profile_is_the_persons_name(shop: Shop) -> None:
    found = await shop.messenger.profile(PSID, PAGE)
    assert not found.is_stopgap
    assert (found.name, found.address, found.to) == ("Ada Lovelace", PSID, PAGE)


async def test_without_metas_permission_there_is_a_stopgap_for_a_name(shop: Shop) -> None:
    shop.graph.pages[PAGE].shows_profiles = False
    found = await shop.messenger.profile(PSID, PAGE)
    assert (found.name, found.is_stopgap) == ("Messenger user 8127", True)


async def test_a_person_meta_does_not_know_has_a_stopgap_for_a_name(shop: Shop) -> None:
    assert (await shop.messenger.profile("1", PAGE)).is_stopgap


async def test_an_empty_name_is_no_name(shop: Shop) -> None:
    shop.graph.people[PSID].name = ""
    assert (await shop.messenger.profile(PSID, PAGE)).is_stopgap


@pytest.mark.parametrize(
    "fault", [Fault(status=500, code=2, edge=""), Fault("html", 200, edge=""), Fault("close", edge="", times=2)]
)
async def test_a_profile_that_meta_cannot_give_now_is_asked_again(shop: Shop, fault: Fault) -> None:
    shop.graph.fail(replace(fault))
    with pytest.raises(Temporary):
        await shop.messenger.profile(PSID, PAGE)


async def test_a_part_that_arrived_is_found(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    part = shop.reply("We have it\nin 38. ")
    shop.graph.fail(Fault("close", is_taken=True))
    with pytest.raises(Uncertain):
        await shop.messenger.send(part)
    assert await shop.messenger.look_up(part) == Sent(shop.graph.ledger[0].mid)


async def test_a_part_that_did_not_arrive_is_absent(shop: Shop) -> None:
    await shop.graph.write(PSID, "We have it in 38.")
    shop.graph.fail(Fault("close"))
    with pytest.raises(Uncertain):
        await shop.messenger.send(shop.reply("We have it in 38."))
    assert await shop.messenger.look_up(shop.reply("We have it in 38.")) == "absent"


async def test_the_same_words_of_another_part_are_no_evidence(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    first = await shop.messenger.send(shop.reply("Yes"))
    part = shop.reply("Yes", refs=(first.external_id,))
    assert await shop.messenger.look_up(part) == "absent"
    second = await shop.messenger.send(part)
    assert await shop.messenger.look_up(part) == second


async def test_the_same_words_of_long_ago_are_no_evidence(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    sent = await shop.messenger.send(shop.reply("Yes"))
    written_at = shop.reply().written_at
    for minutes, found in ((1, sent), (3, "unknown"), (25 * 60, "unknown"), (27 * 60, "absent")):
        later = replace(shop.reply("Yes"), written_at=written_at + timedelta(minutes=minutes))
        assert await shop.messenger.look_up(later) == found, minutes


async def test_more_than_one_page_of_messages_leaves_it_unknown(shop: Shop) -> None:
    part = shop.reply("Yes")
    for number in range(60):
        await shop.graph.write(PSID, f"message {number}")
    assert await shop.messenger.look_up(part) == "unknown"
    assert await shop.messenger.look_up(replace(part, written_at=part.written_at + timedelta(minutes=9))) == "absent"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500, code=2, edge="conversations"),
        Fault(status=400, code=190, edge="conversations"),
        Fault("html", 200, edge="conversations"),
        Fault("half", 200, edge="conversations"),
        Fault("close", edge="conversations", times=2),
    ],
    ids=lambda fault: f"{fault.shape}{fault.status}",
)
async def test_a_look_up_that_fails_says_nothing(shop: Shop, fault: Fault) -> None:
    shop.graph.fail(replace(fault))
    with pytest.raises(SendError):
        await shop.messenger.look_up(shop.reply())


async def test_a_file_cannot_be_told_from_another(shop: Shop) -> None:
    await shop.graph.write(PSID, "hello")
    part = shop.reply("", files=(file(),))
    assert await shop.messenger.look_up(part) == "absent"
    await shop.messenger.send(part)
    assert await shop.messenger.look_up(part) == "unknown"


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": {}}, {"data": "x"}])
async def test_an_odd_answer_is_no_evidence(shop: Shop, answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnibox.testing.world.graph_threads.conversations", lambda *_: answer)
    assert await shop.messenger.look_up(shop.reply()) == "unknown"
