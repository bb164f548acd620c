"""Merging, splitting and moving: everything goes along, answers follow, and undoing leaves nothing behind."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from tests.inbox.mailroom import ANA, BEN, EVE, Room

from omnibox.inbox import conversations
from omnibox.masking import mask
from omnibox.store import Transaction
from omnibox.store.tables import message


async def state_of(room: Room) -> dict[str, Any]:
    """All that agents see, without the numbers that only grow."""
    rows = sorted(await room.all_rows(), key=lambda row: row["id"])
    seen: dict[str, Any] = {"counts": await room.admin.ask("GET", "/api/counts")}
    for row in rows:
        said = [{**one, "rev": 0} for one in await room.messages(row["id"])]
        seen[str(row["id"])] = ({**row, "rev": 0, "policy": None}, said)
    return seen


async def found(room: Room, words: str) -> set[int]:
    answer = await room.admin.ask("GET", f"/api/search?q={words}")
    return {hit["conversation"]["id"] for hit in answer["hits"]}


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [one["text"].strip() for one in messages if one["kind"] != "line"]


def lines(messages: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(one["why"], one["related"]) for one in messages if one["kind"] == "line"]


async def two_of_ana_and_one_of_ben(room: Room) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Ana's thread with an answer and a second question; Ben, who answers in it and may not."""
    first = await room.say(ANA, "Grapefruit one", subject="Fruit", cc=[BEN])
    mail = await room.answer(first["conversation"], "Grapefruit two")
    second = await room.say(ANA, "Grapefruit three", answers=str(mail["Message-ID"]).strip("<>"))
    ben = await room.say(BEN, "Quince by Ben", answers=first["mail_id"])
    assert ben["conversation"] != first["conversation"]
    return first, second, ben


async def test_a_stranger_is_merged_by_one_click_and_then_belongs(either: Room) -> None:
    room = either
    first, _, ben = await two_of_ana_and_one_of_ben(room)
    home, away = first["conversation"], ben["conversation"]
    before = await state_of(room)
    done = await room.do(f"conversations/{away}/merge", into=home)
    assert (done["source"]["state"], done["source"]["merged_into"]) == ("merged", home)
    assert [row["id"] for row in await room.all_rows()] == [home]
    messages = await room.messages(home)
    assert texts(messages) == ["Grapefruit one", "Grapefruit two", "Grapefruit three", "Quince by Ben"]
    assert lines(messages) == [("merged", away)]
    moved = next(one for one in messages if "Quince" in one["text"])
    assert (moved["why"], moved["moved_from"], moved["author"]["name"]) == ("agent", away, BEN)
    row = await room.row_of(home)
    assert (row["unread"], row["last"]["text"], row["contact"]["email"]) == (2, "Quince by Ben", ANA)
    assert [(one["address"], one["is_confirmed"]) for one in row["people"]] == [(BEN, True)]
    await room.until(lambda: _is(found(room, "quince"), {home}))
    assert (await room.say(BEN, "Ben again", answers=first["mail_id"]))["conversation"] == home
    await room.do(f"rearrangements/{done['id']}/undo")
    after = await state_of(room)
    assert texts(after[str(away)][1]) == ["Quince by Ben", "Ben again"]  # what Ben wrote since is his
    assert after[str(home)] == before[str(home)]
    assert (after[str(away)][0]["unread"], after["counts"]) == (2, before["counts"])
    await room.until(lambda: _is(found(room, "quince"), {away}))


async def _is(answer: Any, wanted: Any) -> bool:
    return bool(await answer == wanted)


async def test_every_undone_rearrangement_leaves_what_was_before(either: Room) -> None:
    room = either
    first, second, ben = await two_of_ana_and_one_of_ben(room)
    home, away = first["conversation"], ben["conversation"]
    await room.admin.ask("POST", f"/api/conversations/{away}/resolve")
    other = await room.say(ANA, "Another matter", subject="Tea")
    steps = [
        (f"conversations/{away}/merge", {"into": home}),
        (f"conversations/{home}/merge", {"into": away}),
        (f"conversations/{other['conversation']}/merge", {"into": home}),
        (f"conversations/{home}/split", {"messages": [second["id"]]}),
        (f"conversations/{home}/split", {"messages": [first["id"] + 1], "and_later": True}),
        (f"conversations/{home}/move", {"messages": [second["id"]], "into": other["conversation"]}),
        (f"conversations/{home}/move", {"messages": [first["id"]], "into": away}),
    ]
    for path, body in steps:
        before = await state_of(room)
        done = await room.do(path, **body)
        assert await state_of(room) != before
        await room.do(f"rearrangements/{done['id']}/undo")
        after = await state_of(room)
        for key in before:
            assert after[key] == before[key], (path, key)
        assert after == before
        assert await room.refused(f"rearrangements/{done['id']}/undo") == "undone_already"
    listed = await room.admin.ask("GET", f"/api/conversations/{home}/rearrangements")
    assert [one["kind"] for one in listed] == ["move", "move", "split", "split", "merge", "merge", "merge"]
    assert all(one["undone_at"] and not one["may_undo"] for one in listed)


async def test_a_split_takes_its_messages_and_their_answers_along(room: Room) -> None:
    first = await room.say(ANA, "About tea", subject="Tea")
    mail = await room.answer(first["conversation"], "We have green tea")
    topic = await room.say(ANA, "And about coffee", answers=str(mail["Message-ID"]).strip("<>"), subject="Coffee")
    answered = await room.answer(first["conversation"], "We have mocha")
    ids = [one["id"] for one in await room.messages(first["conversation"])]
    done = await room.do(f"conversations/{first['conversation']}/split", messages=[topic["id"]], and_later=True)
    away = done["target"]
    assert texts(await room.messages(away["id"])) == ["And about coffee", "We have mocha"]
    assert texts(await room.messages(first["conversation"])) == ["About tea", "We have green tea"]
    assert (away["subject"], away["answered"], away["state"]) == ("Coffee", True, "open")
    assert done["source"]["last"]["id"] == ids[1]
    assert lines(await room.messages(away["id"])) == [("split_from", first["conversation"])]
    assert lines(await room.messages(first["conversation"])) == [("split_off", away["id"])]
    token = str(answered["Reply-To"]).rpartition("<")[2].strip("<> ")
    own = str(answered["Message-ID"]).strip("<>")
    # The address was signed for the old conversation, the message it answers stands in the new one.
    follows = await room.say(ANA, "Mocha please", to=[token], answers=own)
    assert (follows["conversation"], follows["why"]) == (away["id"], "in_reply_to")
    stays = await room.say(ANA, "Green tea please", answers=str(mail["Message-ID"]).strip("<>"))
    assert stays["conversation"] == first["conversation"]
    await room.do(f"rearrangements/{done['id']}/undo")
    assert texts(await room.messages(first["conversation"]))[-2:] == ["Mocha please", "Green tea please"]
    assert (await room.row_of(away["id"]))["merged_into"] == first["conversation"]
    assert (await room.say(ANA, "Back home", to=[token]))["conversation"] == first["conversation"]


async def test_a_wrongly_merged_person_is_split_off_and_belongs_no_longer(room: Room) -> None:
    first = await room.say(ANA, "My own affair")
    wrong = await room.say(EVE, "Not hers", answers=first["mail_id"])
    await room.do(f"conversations/{wrong['conversation']}/merge", into=first["conversation"])
    done = await room.do(f"conversations/{first['conversation']}/split", messages=[wrong["id"]])
    assert done["target"]["contact"]["email"] == EVE
    assert done["source"]["people"] == []
    assert (await room.say(EVE, "Eve again", answers=first["mail_id"]))["conversation"] != first["conversation"]
    answer = await room.answer(done["target"]["id"], "To Eve alone", to=EVE)
    assert str(answer["To"]) == EVE
    assert room.world.house.sent_to(ANA) == []


async def test_a_chain_of_merges_is_followed_and_undone_from_its_end(room: Room) -> None:
    one, two, three = [await room.say(ANA, f"Letter {name}") for name in ("A", "B", "C")]
    mail = await room.answer(one["conversation"], "Answer to A")
    first = await room.do(f"conversations/{one['conversation']}/merge", into=two["conversation"])
    second = await room.do(f"conversations/{two['conversation']}/merge", into=three["conversation"])
    token = str(mail["Reply-To"]).rpartition("<")[2].strip("<> ")
    assert (await room.say(ANA, "By the address", to=[token]))["conversation"] == three["conversation"]
    assert (await room.say(ANA, "By the id", answers=one["mail_id"]))["conversation"] == three["conversation"]
    await room.do(f"conversations/{three['conversation']}/people", address=BEN, is_confirmed=True)
    assert (await room.say(BEN, "Ben by the address", to=[token]))["conversation"] == three["conversation"]
    assert await room.refused(f"rearrangements/{first['id']}/undo") == "rearranged_since"
    await room.do(f"rearrangements/{second['id']}/undo")
    await room.do(f"rearrangements/{first['id']}/undo")
    assert (await room.say(ANA, "Home again", to=[token]))["conversation"] == one["conversation"]


async def test_a_reply_that_is_on_its_way_goes_along_or_stays_with_its_person(either: Room) -> None:
    room = either
    first, other = await room.say(ANA, "First letter"), await room.say(ANA, "Second letter")
    ben = await room.say(BEN, "Third letter")
    room.world.house.smtp.refuse("data", 451, times=1)  # it stays queued, to be tried again in a minute
    said = await room.reply(first["conversation"], "Soon to leave")
    await room.until_state(said, "queued")

    async def tried() -> bool:
        messages = await room.messages(first["conversation"])
        return bool(messages[-1]["deliveries"][0]["next_try_at"])

    await room.until(tried)
    assert await room.refused(f"conversations/{first['conversation']}/merge", into=ben["conversation"]) == "on_its_way"
    body = {"messages": [said["id"]], "into": ben["conversation"]}
    assert await room.refused(f"conversations/{first['conversation']}/move", **body) == "on_its_way"
    done = await room.do(f"conversations/{first['conversation']}/merge", into=other["conversation"])
    room.shift += timedelta(minutes=20)
    moved = await room.until_state({**said, "conversation": other["conversation"]}, "sent")
    assert moved["conversation"] == done["target"]["id"]
    assert len(room.world.house.sent_to(ANA)) == 1
    assert (await room.row_of(other["conversation"]))["failed"] == 0


async def test_a_reply_that_failed_calls_for_an_agent_where_it_stands_now(room: Room) -> None:
    first, other = await room.say(ANA, "First letter"), await room.say(ANA, "Second letter")
    room.world.house.smtp.refuse("data", 554, times=1)
    said = await room.reply(first["conversation"], "Refused for good")
    await room.until_state(said, "failed")
    done = await room.do(f"conversations/{first['conversation']}/merge", into=other["conversation"])
    assert (done["source"]["failed"], done["target"]["failed"]) == (0, 1)
    undone = await room.do(f"rearrangements/{done['id']}/undo")
    assert (undone["source"]["failed"], undone["target"]["failed"]) == (1, 0)


async def test_a_message_that_was_placed_just_before_the_merge_follows(room: Room) -> None:
    """Between its placing and its counting another process may merge the conversation away."""
    first, other = await room.say(ANA, "The first"), await room.say(ANA, "The other")
    source, target = first["conversation"], other["conversation"]
    await room.do(f"conversations/{source}/merge", into=target)

    def take(tx: Transaction) -> list[int]:
        homes = []
        for hear in (conversations.heard, conversations.touched):
            late = {
                "conversation_id": source,
                "channel_id": first["channel"],
                "kind": "inbound",
                "author_kind": "contact",
                "text": mask("A moment late"),
                "at": tx.clock(),
                "created_at": tx.clock(),
            }
            message_id = tx.execute(sa.insert(message).returning(message.c.id), late).scalar_one()
            said = conversations.Said(message_id, "inbound", "contact", mask("A moment late"), tx.clock())
            homes.append(hear(tx, source, said))
        return homes

    assert (await room.hub.store.write(take)).result == [target, target]
    assert texts(await room.messages(target)) == ["The first", "The other", "A moment late", "A moment late"]
    assert (await room.row_of(target))["unread"] == 3


async def test_mail_that_comes_while_a_conversation_is_merged_is_lost_nowhere(either: Room) -> None:
    room = either
    first, other = await room.say(ANA, "The first"), await room.say(ANA, "The other")
    for number in range(20):
        room.write(ANA, f"Meanwhile {number:02}", answers=first["mail_id"])
    source, target = first["conversation"], other["conversation"]
    for _ in range(3):
        done = await room.do(f"conversations/{source}/merge", into=target)
        await asyncio.sleep(0)
        await room.do(f"rearrangements/{done['id']}/undo")
    done = await room.do(f"conversations/{source}/merge", into=target)

    async def all_there() -> bool:
        said = [text for text in texts(await room.messages(target)) if "Meanwhile" in text]
        return sorted(said) == [f"Meanwhile {number:02}" for number in range(20)]

    await room.until(all_there)
    assert await room.messages(source) == []
    assert (await room.row_of(target))["unread"] == 22


async def test_a_merged_conversation_takes_nothing_more(room: Room) -> None:
    first, other = await room.say(ANA, "The first"), await room.say(ANA, "The other")
    source, target = first["conversation"], other["conversation"]
    await room.do(f"conversations/{source}/merge", into=target)
    reply = {"client_id": "a-client-id", "text": "Hello"}
    assert await room.refused(f"conversations/{source}/replies", **reply) == "merged"
    assert await room.refused(f"conversations/{source}/notes", **reply) == "merged"
    assert await room.refused(f"conversations/{source}/resolve") == "conflict"
    assert await room.refused(f"conversations/{source}/reopen") == "conflict"
    assert await room.refused(f"conversations/{source}/assign", agent=None) == "conflict"
    assert await room.refused(f"conversations/{source}/merge", into=target) == "merged_already"
    assert await room.refused(f"conversations/{target}/merge", into=source) == "merged_already"
    assert await room.admin.ask("GET", "/api/counts") == {"mine": 0, "unassigned": 1, "all": 1, "resolved": 0}


async def test_what_cannot_be_rearranged_is_refused_with_its_reason(room: Room) -> None:
    first, other = await room.say(ANA, "The first"), await room.say(ANA, "The other")
    more = await room.say(ANA, "And more", answers=first["mail_id"])
    source, target = first["conversation"], other["conversation"]
    refused = room.refused
    assert await refused(f"conversations/{source}/merge", into=source) == "same"
    assert await refused(f"conversations/{source}/merge", into=999) == "not_found"
    assert await refused(f"conversations/{source}/split", messages=[other["id"]]) == "not_there"
    assert await refused(f"conversations/{source}/split", messages=[first["id"], more["id"]]) == "all_of_it"
    assert await refused(f"conversations/{source}/split", messages=[first["id"]], and_later=True) == "all_of_it"
    assert await refused(f"conversations/{source}/split", messages=[]) == "invalid"
    assert await refused("rearrangements/999/undo") == "not_found"
    chat = await room.admin.connect(
        "webchat",
        "Website",
        {},
        {"name": "Site", "address": "brightleaf.example", "settings": {"origins": [room.world.desk.base]}},
    )
    room.world.desk.site = str(chat["channels"][0]["snippet"]).partition('data-site="')[2].partition('"')[0]
    async with room.visitor() as visitor:
        await visitor.say("Hello from the site")
        row = next(row for row in await room.rows() if row["last"]["text"] == "Hello from the site")
        assert await refused(f"conversations/{row['id']}/merge", into=target) == "one_per_person"
        assert await refused(f"conversations/{source}/merge", into=row["id"]) == "one_per_person"


async def test_a_visitor_sees_no_mail_of_the_address_they_claim(room: Room) -> None:
    """An address that somebody typed is a claim: it opens nothing that was sent to or from it."""
    mail = await room.say(ANA, "The code is 123 and secret")
    chat = await room.admin.connect(
        "webchat",
        "Website",
        {},
        {"name": "Site", "address": "brightleaf.example", "settings": {"origins": [room.world.desk.base]}},
    )
    room.world.desk.site = str(chat["channels"][0]["snippet"]).partition('data-site="')[2].partition('"')[0]
    async with room.visitor() as visitor:
        await visitor.say(f"I am {ANA}")
        row = next(row for row in await room.rows() if row["last"]["text"] == f"I am {ANA}")
        card = await room.admin.ask("GET", f"/api/contacts/{row['contact']['id']}")
        assert card["id"] != (await room.row_of(mail["conversation"]))["contact"]["id"]
        async with room.admin.http.patch(f"/api/contacts/{card['id']}", json={"email": ANA}) as response:
            assert response.status == 200
        later = await room.say(ANA, "Another secret", answers=mail["mail_id"])
        assert later["conversation"] == mail["conversation"]
        assert [one["text"] for one in visitor.messages.values()] == [f"I am {ANA}"]
    assert await room.refused(f"conversations/{mail['conversation']}/merge", into=row["id"]) == "one_per_person"


async def test_an_agent_may_say_that_two_are_not_related(room: Room) -> None:
    first = await room.say(ANA, "The first")
    stranger = await room.say(EVE, "Not of hers", answers=first["mail_id"])
    row = await room.row_of(stranger["conversation"])
    assert row["related"] == first["conversation"]
    await room.admin.ask("DELETE", f"/api/conversations/{row['id']}/related")
    assert (await room.row_of(row["id"]))["related"] is None


async def test_other_screens_hear_of_both_conversations(room: Room) -> None:
    first, other = await room.say(ANA, "The first"), await room.say(ANA, "The other")
    head = await room.admin.ask("GET", "/api/snapshot")
    await room.do(f"conversations/{first['conversation']}/merge", into=other["conversation"])
    frame = await room.admin.ask("GET", f"/api/events?after={head['seq']}&epoch={head['epoch']}&wait=5")
    heard = [one for one in frame["events"] if one["type"] == "conversation.rearranged"]
    assert {(one["conversation"]["id"], one["conversation"]["state"]) for one in heard} == {
        (first["conversation"], "merged"),
        (other["conversation"], "open"),
    }
