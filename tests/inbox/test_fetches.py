"""Mails that come one by one and in one fetch: the same conversations, for the same reasons."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from tests.inbox.mailroom import ANA, BEN, EVE, HELP, SALES, Room
from tests.inbox.test_reports import report
from tests.inbox.test_threads import reply_address

from omnibox.masking import mask
from omnibox.store.tables import message

ROBOT = ("Auto-Submitted", "auto-replied")
WAYS = ["one by one", "in one fetch"]


class Letter(NamedTuple):
    """A mail, and where it goes: the number of its conversation among those named here, why, and what it relates to."""

    name: str
    who: str
    goes: str
    answers: str = ""
    refs: str = ""
    more: tuple[tuple[str, str], ...] = ()
    own_id: str | None = None


CASES: dict[str, list[Letter]] = {
    "each answers the one before it": [
        Letter("a", "ana", "1 new"),
        Letter("b", "ana", "1 in_reply_to", "a"),
        Letter("c", "ANA", "1 in_reply_to", "b", "a b"),
    ],
    "the newest ancestor counts, and the answer by name before it": [
        Letter("a", "ana", "1 new"),
        Letter("x", "ana", "2 new"),
        Letter("b", "ana", "2 references >1", "", "a x gone"),
        Letter("c", "ana", "1 in_reply_to >2", "a", "a x"),
        Letter("d", "ana", "2 references", "lost", "x lost"),
    ],
    "two that answer what nobody has seen": [
        Letter("a", "ana", "1 new", "", "u v"),
        Letter("b", "ana", "1 in_reply_to", "u"),
        Letter("c", "ana", "1 references", "", "v w"),
        Letter("d", "ben", "2 stranger >1", "w"),
    ],
    "an answer before what it answers": [
        Letter("b", "ana", "1 new", "p"),
        Letter("p", "ana", "2 new"),
        Letter("c", "ana", "2 in_reply_to", "p"),
        Letter("d", "ana", "1 in_reply_to >2", "b", "p b"),
    ],
    "an id that a stranger names before its mail comes": [
        Letter("e", "eve", "1 new", "a"),
        Letter("a", "ana", "2 new"),
        Letter("b", "ana", "2 in_reply_to", "a"),
    ],
    "a stranger who goes on": [
        Letter("a", "ana", "1 new"),
        Letter("e", "eve", "2 stranger >1", "a"),
        Letter("f", "eve", "2 in_reply_to >1", "e", "a e"),
        Letter("g", "eve", "2 references >1", "a", "e a"),
        Letter("h", "ana", "1 references >2", "e", "a e"),
        Letter("i", "ben", "3 stranger >2", "e", "a e"),
    ],
    "who has a conversation is let into no other": [
        Letter("b", "ben", "1 new"),
        Letter("a", "ana", "2 new"),
        Letter("c", "ben", "3 stranger >2", "a"),
        Letter("d", "ben", "1 in_reply_to >2", "b", "a b"),
    ],
    "a form that two people write with": [
        Letter("a", "form", "1 new", more=(("Reply-To", "ana"),)),
        Letter("b", "form", "2 new", more=(("Reply-To", "ben"),)),
        Letter("c", "ben", "2 in_reply_to", "b"),
        Letter("d", "ben", "3 stranger >1", "a"),
        Letter("e", "ana", "1 in_reply_to", "a", more=(("Reply-To", "eve"),)),
        Letter("f", "eve", "4 stranger >1", "e"),
    ],
    "the same id with other words": [
        Letter("a", "ana", "1 new"),
        Letter("e", "eve", "2 new", own_id="a"),
        Letter("x", "ana", "3 new", own_id="a"),
        Letter("b", "ana", "1 in_reply_to", "a"),
        Letter("c", "ana", "1 in_reply_to", "a", own_id="b"),
    ],
    "without ids, and by themselves": [
        Letter("a", "ana", "1 new", own_id=""),
        Letter("b", "ana", "2 new", own_id=""),
        Letter("c", "ana", "3 new", "c", "c"),
        Letter("d", "ana", "4 new", "e"),
        Letter("e", "ana", "4 in_reply_to", "d"),
    ],
    "machines and doubtful people between the others": [
        Letter("a", "ana", "1 new"),
        Letter("o", "ana", "1 in_reply_to", "a", more=(ROBOT,)),
        Letter("x", "ana, eve", "2 unverified >1", "a"),
        Letter("p", "ben", "3 stranger >1", "a", more=(ROBOT,)),
        Letter("b", "ana", "1 in_reply_to", "o"),
        Letter("c", "ben", "3 in_reply_to", "p"),
    ],
}


def told_apart(people: str, run: str) -> str:
    """Their addresses in one run of a case."""
    return ", ".join(f"{one}@{run}.example" for one in people.split(", "))


async def come(room: Room, letters: list[Letter], way: str, run: str) -> list[str]:
    """Where the letters went, once they are there."""
    for count, one in enumerate(letters, 1):
        room.write(
            told_apart(one.who, run),
            f"«{run}-{count}»",
            answers=one.answers and f"{one.answers}.{run}@x",
            refs=[f"{ref}.{run}@x" for ref in one.refs.split()],
            own_id="" if one.own_id == "" else f"{one.own_id or one.name}.{run}@x",
            more=[(name, told_apart(said, run) if name == "Reply-To" else said) for name, said in one.more],
        )
        if way == "one by one":
            await room.until(partial(stored, room, run, count))
    found = await room.until(partial(stored, room, run, len(letters)))
    numbers: dict[int, int] = {}
    for conversation_id, _, _ in found:
        numbers.setdefault(conversation_id, len(numbers) + 1)
    return [
        f"{numbers[conversation_id]} {why}" + (f" >{numbers.get(related)}" if related else "")
        for conversation_id, why, related in found
    ]


async def stored(room: Room, run: str, count: int) -> list[tuple[int, str, int | None]] | None:
    ours = sa.select(message.c.conversation_id, message.c.why, message.c.related_id)
    ours = ours.where(message.c.text.like(mask(f"%«{run}-%"))).order_by(message.c.id)
    found = await room.hub.store.read(lambda tx: [(each[0], each[1], each[2]) for each in tx.execute(ours)])
    return found if len(found) >= count else None


async def test_mails_go_where_they_belong_however_they_come(either: Room) -> None:
    for number, (rule, letters) in enumerate(CASES.items()):
        for way in WAYS:
            went = await come(either, letters, way, f"run{number}{WAYS.index(way)}")
            assert went == [one.goes for one in letters], (rule, way)


# ── With an agent between


async def all_land(room: Room, *texts: str) -> list[dict[str, Any]]:
    return [await room.landed(text) for text in texts]


@pytest.mark.parametrize("way", WAYS)
async def test_answers_and_a_report_in_one_fetch_stand_in_order(either: Room, way: str) -> None:
    room = either
    first = await room.say(ANA, "The first")
    mail = await room.answer(first["conversation"], "Our answer")
    own = str(mail["Message-ID"]).strip("<>")
    await room.do(f"conversations/{first['conversation']}/resolve")

    async def pause(text: str) -> None:
        if way == "one by one":
            await room.landed(text)

    room.write(ANA, "I am away", answers=own, more=[ROBOT])
    await pause("I am away")
    room.write(EVE, "Let me in", own_id=own, to=[reply_address(mail)])  # by the address, and with the id of ours
    await pause("Let me in")
    room.world.house.deliver(report(own, (ANA, "failed", "5.1.1"), words="It came back"), HELP)
    await pause("It came back")
    room.write(
        ANA, "It did not come", to=[reply_address(mail).upper().replace("BRIGHTLEAF.EXAMPLE", "brightleaf.example")]
    )
    await pause("It did not come")
    room.write(ANA, "Write again", answers=own)
    came = await all_land(room, "I am away", "Let me in", "It came back", "It did not come", "Write again")
    assert [(one["conversation"] == first["conversation"], one["why"]) for one in came] == [
        (True, "in_reply_to"),
        (False, "stranger"),
        (True, "report"),
        (True, "reply_address"),
        (True, "in_reply_to"),
    ]
    row = await room.row_of(first["conversation"])
    assert (row["state"], row["unread"], row["failed"], row["people"]) == ("open", 2, 1, [])


async def test_an_address_of_a_merged_conversation_gives_way_to_a_message_that_was_taken_out(either: Room) -> None:
    room = either
    home, other = await room.say(ANA, "The one"), await room.say(ANA, "The other")
    token = reply_address(await room.answer(other["conversation"], "Our answer"))
    await room.do(f"conversations/{other['conversation']}/merge", into=home["conversation"])
    done = await room.do(f"conversations/{home['conversation']}/split", messages=[other["id"]])
    by_both = await room.say(ANA, "To the address, about the other", to=[token], answers=other["mail_id"])
    assert (by_both["conversation"], by_both["why"]) == (done["target"]["id"], "in_reply_to")
    alone = await room.say(ANA, "To the address alone", to=[token])
    assert (alone["conversation"], alone["why"]) == (home["conversation"], "reply_address")
    third = await room.say(ANA, "And a third")
    await room.do(f"conversations/{home['conversation']}/merge", into=third["conversation"])
    again = await room.say(ANA, "To both again", to=[token], answers=other["mail_id"])
    assert (again["conversation"], again["why"]) == (done["target"]["id"], "in_reply_to")


async def test_whom_a_colleague_wrote_to_in_another_program_may_answer(either: Room) -> None:
    room = either
    first = await room.say(ANA, "Where is it?", cc=[BEN])
    head = f"From: {HELP}\r\nTo: {ANA}\r\nCc: Ben Ruiz <{BEN}>, {SALES}\r\nSubject: Re: Where\r\n"
    ids = f"Message-ID: <o@outlook.example>\r\nIn-Reply-To: <{first['mail_id']}>\r\n"
    room.world.house.imap.folder(HELP, "Sent").put(f"{head}{ids}\r\nSays Maria\r\n".encode())
    connections = await room.admin.ask("GET", "/api/connections")
    ours = next(one["id"] for one in connections if one["name"] == HELP)
    for word in ("disable", "enable"):  # the folder of sent mail is read at each start
        await room.do(f"connections/{ours}/{word}")
    told = await room.landed("Says Maria")
    assert (told["conversation"], told["why"]) == (first["conversation"], "outside")
    people = (await room.row_of(first["conversation"]))["people"]
    assert [(one["address"], one["is_confirmed"], one["is_copied"]) for one in people] == [(BEN, True, False)]
    joined = await room.say(BEN, "Thank you, Maria", answers="o@outlook.example")
    assert (joined["conversation"], joined["why"]) == (first["conversation"], "in_reply_to")
    stranger = await room.say(EVE, "And me?", answers="o@outlook.example")
    assert (stranger["why"], stranger["related"]) == ("stranger", first["conversation"])


async def test_another_mailbox_of_ours_is_nobody_to_send_a_copy_to(room: Room) -> None:
    both = await room.say(ANA, "To both of you", cc=[SALES.upper().replace("EXAMPLE", "example"), BEN])
    people = (await room.row_of(both["conversation"]))["people"]
    assert [one["address"] for one in people] == [BEN]
