"""Where a mail lands: the keys in their order, who may use them, and why a message stands where it stands."""

from __future__ import annotations

import secrets
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.inbox.mailroom import ANA, BEN, EVE, HELP, SALES, Room

from omnibox.inbox.threads import Key, Known, choose, keys_of
from omnibox.secrets import Secrets, random_key


def reply_address(mail: object) -> str:
    address = str(mail["Reply-To"])  # type: ignore[index] # a parsed mail
    return address.rpartition("<")[2].strip("<> ")


def mark_of(room: Room, conversation: int) -> str:
    """What our mails hold for programs that keep nothing but the quoted text."""
    way = room.hub.connections.way(1)
    assert way
    return f"[ref:{way.token(conversation)}]"


# ── The keys


async def test_each_key_leads_home_alone_and_says_so(either: Room) -> None:
    room = either
    first = await room.say(ANA, "My parcel is lost")
    home = first["conversation"]
    assert (first["why"], first["related"]) == ("new", None)
    room.world.house.rewrites_ids = True  # the relay puts an id of its own in place of ours
    mail = await room.answer(home, "Which number has it?")
    own, relayed = str(mail["X-Omnibox-Id"]), str(mail["Message-ID"]).strip("<>")
    assert relayed.startswith("relay-")
    assert own
    ours = next(one for one in await room.messages(home) if one["kind"] == "outbound")
    assert ours["state"] == "sent"

    by = {
        "In To": (await room.say(ANA, "In To", to=[reply_address(mail)]), "reply_address"),
        "In Cc": (await room.say(ANA, "In Cc", to=[SALES], cc=[f"Help <{reply_address(mail)}>"]), "reply_address"),
        "Envelope": (await room.say(ANA, "Envelope", bcc=[reply_address(mail)], to=[BEN]), "reply_address"),
        "Relay": (await room.say(ANA, "Relay", answers=relayed, subject="Something else"), "in_reply_to"),
        "Last ref": (await room.say(ANA, "Last ref", refs=["unknown@x", first["mail_id"]]), "references"),
        "Own words": (await room.say(ANA, "Own words", answers=first["mail_id"]), "in_reply_to"),
    }
    room.write(ANA, f"Marked, and nothing else left\n\n> {mark_of(room, home)}")
    by["Marked"] = (await room.landed("Marked, and nothing else left"), "marker")
    assert {text: (one["conversation"], one["why"]) for text, (one, _) in by.items()} == {
        text: (home, why) for text, (_, why) in by.items()
    }


async def test_an_ancestor_that_was_never_seen_is_known_from_then_on(room: Room) -> None:
    first = await room.say(ANA, "Forwarded to us", refs=["lost@elsewhere.example"])
    second = await room.say(ANA, "The same thread", answers="lost@elsewhere.example")
    assert second["conversation"] == first["conversation"]


async def test_a_subject_joins_nothing_and_a_changed_one_parts_nothing(room: Room) -> None:
    first = await room.say(ANA, "First", subject="Order 5001")
    same = await room.say(ANA, "Same subject", subject="Re: Order 5001")
    other = await room.say(ANA, "Other subject", subject="By the way", answers=first["mail_id"])
    assert same["conversation"] != first["conversation"]
    assert (other["conversation"], other["subject"]) == (first["conversation"], "By the way")
    mail = await room.answer(first["conversation"], "All right")
    assert mail["Subject"] == "Re: By the way"


async def test_keys_that_disagree_are_shown(room: Room) -> None:
    one = await room.say(ANA, "One")
    two = await room.say(ANA, "Two")
    both = await room.say(ANA, "Both", answers=two["mail_id"], refs=[one["mail_id"], two["mail_id"]])
    assert (both["conversation"], both["related"]) == (two["conversation"], one["conversation"])


# ── Who may join


async def test_strangers_join_nothing_whatever_they_hold(room: Room) -> None:
    first = await room.say(ANA, "My account number is secret", subject="Account")
    home = first["conversation"]
    mail = await room.answer(home, "It is in our books")
    token, own = reply_address(mail), str(mail["Message-ID"]).strip("<>")
    tries = {
        "stolen token": {"to": [token]},
        "stolen token in Cc": {"cc": [token]},
        "stolen answer": {"answers": own},
        "stolen references": {"refs": [first["mail_id"], own]},
        f"stolen mark {mark_of(room, home)}": {},
        "equal subject": {"subject": "Re: Account"},
        "all of it": {"to": [token], "answers": own, "refs": [first["mail_id"], own], "subject": "Re: Account"},
    }
    for text, more in tries.items():
        came = await room.say(EVE, text, **more)
        row = await room.row_of(came["conversation"])
        assert came["conversation"] != home, text
        wanted = (None, "new") if text == "equal subject" else (home, "stranger")
        assert (row["related"], came["why"]) == wanted, text
    assert [one["kind"] for one in await room.messages(home)] == ["inbound", "outbound"]
    answer = await room.answer(came["conversation"], "Who are you?", to=EVE)
    assert "secret" not in answer.as_string()
    assert "books" not in answer.as_string()


async def test_who_is_in_copy_is_shown_and_joins_only_once_an_agent_has_written_to_them(room: Room) -> None:
    first = await room.say(ANA, "With my colleague", cc=[f"Ben Ruiz <{BEN}>", HELP])
    home = first["conversation"]
    assert (await room.row_of(home))["people"] == [
        {"address": BEN, "name": "Ben Ruiz", "is_confirmed": False, "is_copied": False}
    ]
    early = await room.say(BEN, "Ben too soon", answers=first["mail_id"])
    assert early["conversation"] != home
    alone = await room.answer(home, "To Ana alone")
    assert alone["Cc"] is None
    assert room.world.house.sent_to(BEN) == []
    both = await room.answer(home, "To both", cc=[BEN])
    assert str(both["Cc"]) == BEN
    assert [(one["is_confirmed"], one["is_copied"]) for one in (await room.row_of(home))["people"]] == [(True, True)]
    late = await room.say(BEN, "Ben at last", answers=str(both["Message-ID"]).strip("<>"))
    assert (late["conversation"], late["author"]["name"]) == (home, BEN)


async def test_an_agent_may_let_somebody_in_and_out_again(room: Room) -> None:
    first = await room.say(ANA, "Let Ben in")
    home = first["conversation"]
    row = await room.do(f"conversations/{home}/people", address=f" {BEN.upper()} ", is_confirmed=True)
    assert row["people"] == [{"address": BEN, "name": None, "is_confirmed": True, "is_copied": False}]
    assert (await room.say(BEN, "Ben is in", answers=first["mail_id"]))["conversation"] == home
    await room.do(f"conversations/{home}/people", address=BEN, is_confirmed=False)
    assert (await room.say(BEN, "Ben is out", answers=first["mail_id"]))["conversation"] != home
    assert await room.refused(f"conversations/{home}/people", address="no address", is_confirmed=True) == "invalid"


TWO_WAYS = [
    f"{ANA} <{EVE}>",
    f"{EVE} <{ANA}>",
    f"{ANA}, {EVE}",
    f"Team: {ANA};",
    "<=?utf-8?q?ana=40customer=2Eexample?=>",
]


async def test_a_sender_who_can_be_read_in_two_ways_is_nobody(room: Room) -> None:
    first = await room.say(ANA, "It is me")
    for number, sender in enumerate(TWO_WAYS):
        more = [("Reply-To", EVE)]
        doubtful = await room.say(sender, f"Is it me? {number}", answers=first["mail_id"], more=more)
        row = await room.row_of(doubtful["conversation"])
        contact = await room.admin.ask("GET", f"/api/contacts/{row['contact']['id']}")
        assert doubtful["conversation"] != first["conversation"], sender
        assert doubtful["doubt"], sender
        assert (doubtful["why"], row["related"]) == ("unverified", first["conversation"]), sender
        assert row["contact"]["email"] is None, sender
        assert all(one["address"] not in (ANA, EVE) for one in contact["identities"]), sender
        body = {"client_id": secrets.token_hex(8), "text": "Who?"}
        assert await room.refused(f"conversations/{row['id']}/replies", **body) == "unreachable"


async def test_who_claims_to_be_us_writes_nothing_into_anybodys_thread(room: Room) -> None:
    first = await room.say(ANA, "Hello")
    mail = await room.answer(first["conversation"], "Hello Ana")
    installation = str(mail["X-Omnibox-Id"]).partition("/")[0]
    forged = await room.say(
        HELP,
        "I am the shop",
        to=[ANA],
        bcc=[HELP],
        own_id="0193a5b0-7c1e-7000-8000-0000000000f1.omnibox@brightleaf.example",
        answers=str(mail["Message-ID"]).strip("<>"),
        more=[("X-Omnibox-Id", f"{installation}/0193a5b0-7c1e-7000-8000-0000000000f1")],
    )
    assert (forged["kind"], forged["doubt"]) == ("inbound", "own-address")
    assert forged["conversation"] != first["conversation"]
    agent = await room.say("owner@brightleaf.example", "From an agent", answers=first["mail_id"])
    assert agent["conversation"] != first["conversation"]
    assert len(room.world.house.sent_to(ANA)) == 1


async def test_a_form_is_answered_where_its_writer_wants_it_and_lets_nobody_in(room: Room) -> None:
    form = await room.say("forms@website.example", "Sent by a form", more=[("Reply-To", f"Ana <{ANA}>")])
    row = await room.row_of(form["conversation"])
    assert row["contact"]["email"] == ANA
    taken = await room.say(EVE, "Send it to me", answers=form["mail_id"], more=[("Reply-To", ANA)])
    assert taken["conversation"] != form["conversation"]
    moved = await room.say(ANA, "I moved", answers=form["mail_id"], more=[("Reply-To", EVE)], cc=[EVE])
    assert moved["conversation"] == form["conversation"]
    mail = await room.answer(form["conversation"], "To whom it belongs")
    assert (str(mail["To"]), mail["Cc"]) == (ANA, None)
    assert room.world.house.sent_to(EVE) == []


# ── The same mail, more than once


async def test_copies_in_two_mailboxes_are_one_message_and_a_reused_id_is_two(either: Room) -> None:
    room = either
    own = room.write(ANA, "To both of you", to=[HELP], cc=[SALES], bcc=[SALES])
    both = await room.landed("To both of you")
    again = await room.say(ANA, "Same id, other words", own_id=own)
    assert again["id"] != both["id"]
    none = await room.say(ANA, "No id at all", own_id="")
    room.write(ANA, "The last one", answers=own)
    last = await room.landed("The last one")
    assert last["conversation"] == both["conversation"]
    texts = [one["text"].strip() for row in await room.all_rows() for one in await room.messages(row["id"])]
    assert sorted(texts) == ["No id at all", "Same id, other words", "The last one", "To both of you"]
    assert none["conversation"] not in (both["conversation"], again["conversation"])


async def test_a_second_copy_may_show_where_both_belong(either: Room) -> None:
    room = either
    first = await room.say(ANA, "The first")
    token = reply_address(await room.answer(first["conversation"], "Our answer"))
    letter = _both(token)
    room.world.house.deliver(letter, SALES)
    early = await room.landed("To sales, and to you")
    assert (early["why"], early["conversation"] != first["conversation"]) == ("new", True)
    room.world.house.deliver(letter, token)
    moved = await room.until(lambda: _in(room, first["conversation"], early["id"]))
    assert moved["why"] == "reply_address"
    assert [row["id"] for row in await room.all_rows()] == [first["conversation"]]
    assert (await room.row_of(early["conversation"]))["merged_into"] == first["conversation"]
    assert (await room.row_of(first["conversation"]))["unread"] == 1


def _both(token: str) -> bytes:
    head = f"From: {ANA}\r\nTo: {SALES}\r\nCc: {token}\r\nMessage-ID: <two@x>\r\n"
    return f"{head}\r\nTo sales, and to you\r\n".encode()


async def _in(room: Room, conversation: int, message: int) -> Any:
    return next((one for one in await room.messages(conversation) if one["id"] == message), None)


async def test_mails_without_ids_that_say_the_same_are_one_only_if_they_are_the_same(room: Room) -> None:
    for when in ("Mon, 2 Nov 2026 10:00:00 +0000", "Mon, 2 Nov 2026 10:00:01 +0000"):
        letter = f"From: {ANA}\r\nTo: {HELP}\r\nDate: {when}\r\nSubject: Hi\r\n\r\nNo id\r\n".encode()
        room.world.house.deliver(letter, HELP)
        room.world.house.deliver(letter, SALES)
    await room.landed("No id", count=2)
    room.write(ANA, "After them")
    await room.landed("After them")
    texts = [one["text"].strip() for row in await room.all_rows() for one in await room.messages(row["id"])]
    assert sorted(texts) == ["After them", "No id", "No id"]


async def test_a_mail_that_names_a_hundred_thousand_people_lands_and_keeps_few(room: Room) -> None:
    crowd = ", ".join(f"p{number}@crowd.example" for number in range(5000))
    guesses = ", ".join(f"help+c1.{number:026d}@brightleaf.example" for number in range(2000))
    letter = f"From: {ANA}\r\nTo: {HELP}, {guesses}\r\nCc: {crowd}\r\nMessage-ID: <c@x>\r\n\r\nTo the crowd\r\n"
    room.world.house.deliver(letter.encode(), HELP)
    came = await room.landed("To the crowd")
    assert len((await room.row_of(came["conversation"]))["people"]) == 100
    assert len(came["recipients"]["cc"]) <= 200
    assert came["why"] == "new"


# ── Guessing


def test_a_hundred_thousand_guesses_open_nothing() -> None:
    keys = Secrets([random_key()])
    genuine = keys.sign("conversation", "c7")
    value, _, mac = genuine.rpartition(".")
    assert keys.verify("conversation", genuine) == keys.verify("conversation", genuine.upper()) == "c7"
    assert len(mac) * 5 >= 128
    shortened = [f"{value}.{mac[:length]}" for length in range(len(mac))]
    lengthened = [f"{genuine}{letter}" for letter in "a2.+-"] + [f"{genuine}{mac}", f"{genuine}\n", f"{genuine} "]
    others = [f"c{number}.{mac}" for number in range(8, 50_000)] + [f"7.{mac}", f"07.{mac}", f".{mac}", mac, "c7."]
    swapped = [f"{value}.{mac[:at]}{'a' if mac[at] != 'a' else 'b'}{mac[at + 1 :]}" for at in range(len(mac))]
    made_up = [f"c7.{number:026d}" for number in range(50_000)]
    guesses = [*shortened, *lengthened, *others, *swapped, *made_up]
    assert len(guesses) > 100_000 - 20
    assert [guess for guess in guesses if keys.verify("conversation", guess) is not None] == []
    assert keys.verify("another purpose", genuine) is None


# ── The choice itself


def test_an_address_that_was_signed_where_a_message_stood_before_gives_way_to_the_message() -> None:
    known = {"ours@x": Known(2, moved_from_id=1)}
    assert keys_of([1], ["ours@x"], 1, known) == [Key(2, "in_reply_to")]
    assert keys_of([3], ["ours@x"], 1, known) == [Key(3, "reply_address"), Key(2, "in_reply_to")]
    assert keys_of([1], ["ours@x"], 0, known) == [Key(1, "reply_address"), Key(2, "references")]


def test_the_order_of_the_keys() -> None:
    known = {"a": Known(1), "b": Known(2), "c": Known(3)}
    found = keys_of([9], ["b", "unknown", "c", "a"], 2, known, [8])
    assert [(each.conversation_id, each.why) for each in found] == [
        (9, "reply_address"),
        (2, "in_reply_to"),
        (3, "references"),
        (1, "references"),
        (8, "marker"),
    ]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    keys=st.lists(st.builds(Key, st.integers(1, 4), st.sampled_from(["reply_address", "in_reply_to", "references"]))),
    members=st.dictionaries(st.integers(1, 4), st.frozensets(st.sampled_from("abc"))),
    doubt=st.sampled_from([None, "two-addresses"]),
)
def test_nobody_joins_without_a_key_and_a_place_there(
    keys: list[Key], members: dict[int, frozenset[str]], doubt: str | None
) -> None:
    found = choose(keys, "a", members, doubt)
    open_to = [key for key in keys if "a" in members.get(key.conversation_id, ())]
    if found.conversation_id is None:
        assert doubt or not open_to
        assert found.related == (keys[0].conversation_id if keys else None)
    else:
        assert (found.conversation_id, found.why) == (open_to[0].conversation_id, open_to[0].why)
        assert found.related != found.conversation_id
