"""Delivery reports and automatic mail in the hub: what comes back marks what was sent, and no machine makes a noise."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.inbox.house import PASSWORD, configured
from tests.inbox.mailroom import ANA, BEN, EVE, HELP, Room

from omnibox.app import listening, running
from omnibox.store.tables import delivery, job, message
from omnibox.testing.world.demo import Admin, World


def report(
    original: str,
    *blocks: tuple[str, str, str],
    words: str,
    number: int = 1,
    host: str = "mx.else.example",
    more: str = "",
) -> bytes:
    """A delivery report on the mail `original`; `blocks` are (address, action, status)."""
    fields = "Final-Recipient: rfc822; {}\r\nAction: {}\r\nStatus: {}\r\n"
    said = "\r\n".join(fields.format(*block) for block in blocks)
    return (
        f"From: MAILER-DAEMON@{host}\r\nTo: {HELP}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <r{number}@{host}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {host}\r\n\r\n{said}"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: {HELP}\r\n"
        f"Message-ID: <{original}>\r\n{more}\r\nx\r\n--b--\r\n"
    ).encode()


def pasted(original: str, address: str, words: str) -> bytes:
    """A report that is only text, with the original pasted below."""
    return (
        f"Return-Path: <>\r\nFrom: MAILER-DAEMON@old.example\r\nTo: {HELP}\r\nSubject: failure notice\r\n"
        f"Message-ID: <old@old.example>\r\n\r\nHi. This is the qmail-send program at old.example.\r\n{words}\r\n\r\n"
        f"<{address}>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n"
        f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: <{original}>\r\nFrom: {HELP}\r\n\r\nx\r\n"
    ).encode()


async def answered(room: Room, **more: Any) -> tuple[int, str]:
    """A conversation with an answer of ours on its way: its id and the answer's Message-ID."""
    first = await room.say(ANA, "My parcel is lost")
    mail = await room.answer(first["conversation"], "We look for it", **more)
    return first["conversation"], str(mail["Message-ID"]).strip("<>")


async def outcome(room: Room, conversation: int) -> dict[str, Any]:
    (found,) = [one for one in await room.messages(conversation) if one["kind"] == "outbound"]
    return dict(found["deliveries"][0])


def brought(room: Room, raw: bytes) -> None:
    room.world.house.deliver(raw, HELP)


@pytest.mark.parametrize("state", ["open", "resolved"])
async def test_a_mail_that_comes_back_has_failed_with_the_reason(either: Room, state: str) -> None:
    home, own = await answered(either)
    if state == "resolved":
        await either.do(f"conversations/{home}/resolve")
    before = await either.row_of(home)
    brought(either, report(own, (ANA, "failed", "5.1.1"), words="No such mailbox there"))
    told = await either.landed("No such mailbox there")
    assert (told["conversation"], told["why"], told["automatic"]) == (home, "report", True)
    found = await outcome(either, home)
    assert (found["state"], found["code"]) == ("failed", "email.no_such_mailbox")
    row = await either.row_of(home)
    assert (row["state"], row["unread"], row["failed"]) == (state, before["unread"], 1)
    assert len(await either.all_rows()) == 1
    assert len(either.world.house.smtp.received) == 1


async def test_a_report_in_plain_words_counts_as_well(either: Room) -> None:
    home, own = await answered(either)
    brought(either, pasted(own, ANA, "I'm afraid I wasn't able to deliver your message"))
    told = await either.landed("I'm afraid")
    assert (told["conversation"], told["why"]) == (home, "report")
    assert (await outcome(either, home))["state"] == "failed"


async def test_a_relay_that_puts_its_own_id_in_place_hides_nothing(room: Room) -> None:
    room.world.house.rewrites_ids = True
    home, relayed = await answered(room)
    assert relayed.startswith("relay-")
    brought(room, report(relayed, (ANA, "failed", "5.2.2"), words="By the id of the relay"))
    assert (await room.landed("By the id of the relay"))["conversation"] == home
    assert (await outcome(room, home))["code"] == "email.mailbox_full"


async def test_the_mark_in_the_copy_is_enough(room: Room) -> None:
    first = await room.say(ANA, "My parcel is lost")
    mail = await room.answer(first["conversation"], "We look for it")
    mark = f"X-Omnibox-Id: {mail['X-Omnibox-Id']}\r\n"
    brought(room, report("unheard-of@relay.example", (ANA, "failed", "5.1.1"), words="By the mark", more=mark))
    assert (await room.landed("By the mark"))["conversation"] == first["conversation"]


async def test_the_address_it_was_sent_back_to_names_the_last_mail_that_went_there(either: Room) -> None:
    """Many plain reports hold nothing of the original; the envelope's sender is all they have."""
    first = await either.say(ANA, "My parcel is lost")
    home = first["conversation"]
    await either.answer(home, "We look for it")
    mail = await either.answer(home, "We have found it")
    back = str(mail["Reply-To"]).rpartition("<")[2].strip("<> ")
    for number, address in enumerate((EVE, ANA, ANA)):
        raw = (
            f"Return-Path: <>\r\nFrom: MAILER-DAEMON@old.example\r\nTo: {back}\r\nSubject: failure notice\r\n"
            f"Message-ID: <{number}@old.example>\r\n\r\nNumber {number}: your message could not be delivered.\r\n\r\n"
            f"<{address}>: 550 5.1.1 no\r\n"
        )
        either.world.house.deliver(raw.encode(), back)
        told = await either.landed(f"Number {number}:")
        assert (told["conversation"] == home) == (address == ANA)
    states = [one["deliveries"][0]["state"] for one in await either.messages(home) if one["kind"] == "outbound"]
    assert states == ["sent", "failed"]


async def test_a_delay_is_shown_and_fails_nothing(either: Room) -> None:
    home, own = await answered(either)
    brought(either, report(own, (ANA, "delayed", "4.4.1"), words="It takes longer"))
    assert (await either.landed("It takes longer"))["automatic"] is True
    found = await outcome(either, home)
    assert (found["state"], found["is_delayed"]) == ("sent", True)
    brought(either, report(own, (ANA, "delivered", "2.0.0"), words="Now it is there", number=2))
    await either.landed("Now it is there")
    found = await outcome(either, home)
    assert (found["state"], found["is_delayed"]) == ("delivered", False)


async def test_of_several_recipients_the_one_who_did_not_get_it_is_named(either: Room) -> None:
    home, own = await answered(either, cc=[BEN])
    brought(either, report(own, (BEN, "failed", "5.1.1"), words="Ben is unknown"))
    assert (await either.landed("Ben is unknown"))["conversation"] == home
    outcomes = {one["address"]: (one["state"], one["code"]) for one in (await outcome(either, home))["recipients"]}
    assert outcomes == {ANA: ("sent", None), BEN: ("failed", "email.no_such_mailbox")}


@pytest.mark.parametrize("known", [False, True])
async def test_a_forged_report_changes_nothing(either: Room, known: bool) -> None:
    home, own = await answered(either)
    original, address = (own, EVE) if known else ("0.omnibox@brightleaf.example", ANA)
    brought(either, report(original, (address, "failed", "5.1.1"), words="This was forged"))
    told = await either.landed("This was forged")
    assert told["conversation"] != home
    assert (await outcome(either, home))["state"] == "sent"
    row = await either.row_of(told["conversation"])
    assert (row["state"], row["automatic"], row["unread"]) == ("resolved", True, 0)
    assert [one["id"] for one in await either.rows()] == [home]


async def test_a_card_number_in_the_copy_that_came_back_reaches_no_disk(room: Room, tmp_path: Path) -> None:
    """What the customer had written to somebody else comes to us as an attached mail."""
    card = "4111 1111 1111 1111"
    brought(room, report("0@else.example", (EVE, "failed", "5.1.1"), words="With a card", more=f"Subject: {card}\r\n"))
    await room.landed("With a card")
    kept = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert any(b"With a card" in path.read_bytes() for path in kept)
    assert [path.name for path in kept if card.encode() in path.read_bytes()] == []


async def test_a_flood_of_a_thousand_reports_makes_no_mail_and_no_noise(room: Room) -> None:
    """Somebody writes spam in our name: what comes back from all over the world is backscatter."""
    home, _ = await answered(room)
    sent = len(room.world.house.smtp.received)
    for number in range(1000):
        host = f"mx{number % 20}.else.example"
        about, words = f"{number}@spam.example", f"Flood {number}."
        brought(room, report(about, (EVE, "failed", "5.1.1"), words=words, number=number, host=host))

    await room.until(partial(_holds, room, 1000 + 2))
    assert [one["id"] for one in await room.rows()] == [home]
    resolved = await room.rows("resolved")
    assert len(resolved) == 20  # one for each mail system, not one for each report
    assert all(row["automatic"] and row["unread"] == 0 for row in resolved)
    assert len(room.world.house.smtp.received) == sent
    assert (await outcome(room, home))["state"] == "sent"


async def _holds(room: Room, messages: int) -> bool:
    wanted = sa.select(sa.func.count()).select_from(message)
    return await room.hub.store.read(lambda tx: tx.execute(wanted).scalar()) == messages


# ── Automatic mail

AUTOMATIC = [
    ("Auto-Submitted", "auto-replied"),
    ("Auto-Submitted", "auto-generated"),
    ("Auto-Submitted", "auto-notified; x=y"),
    ("Auto-Submitted", "(a comment) auto-replied"),
    ("Auto-Submitted", "Auto-Replied (vacation)"),
    ("Return-Path", "<>"),
    ("Return-Path", "< >"),
    ("Precedence", "bulk"),
    ("Precedence", "LIST"),
    ("Precedence", "junk"),
    ("Precedence", "auto_reply"),
    ("X-Precedence", "bulk"),
    ("List-Id", "<talk.lists.example>"),
    ("List-Unsubscribe", "<https://lists.example/u>"),
    ("List-Post", "<mailto:talk@lists.example>"),
    ("X-Auto-Response-Suppress", "All"),
    ("X-Auto-Response-Suppress", "DR, OOF, AutoReply"),
    ("X-Autoreply", "yes"),
    ("X-Auto-Reply", "true"),
    ("X-Autorespond", "gone"),
    ("X-Autogenerated", "Reply"),
    ("X-Mail-Autoreply", "1"),
    ("X-Loop", "help@customer.example"),
    ("X-FC-MachineGenerated", "true"),
    ("X-MS-Exchange-Generated-Message-Source", "Mailbox Rules Agent"),
    ("X-Mailer", "vacation 1.2"),
]


async def confirming(room: Room) -> None:
    """Every first mail of a person is confirmed by itself."""
    for channel in (await room.admin.ask("GET", "/api/snapshot"))["channels"]:
        if channel["connector"] == "email":
            body = {"settings": {"confirmation": "We have got your mail."}}
            await room.admin.ask("PATCH", f"/api/channels/{channel['id']}", body)


async def test_no_kind_of_automatic_mail_reopens_counts_or_is_answered(room: Room) -> None:
    await confirming(room)
    first = await room.say(ANA, "My parcel is lost")
    home = first["conversation"]

    async def confirmed() -> bool:
        return len(room.world.house.sent_to(ANA)) == 1

    await room.until(confirmed)
    await room.do(f"conversations/{home}/resolve")
    for number, header in enumerate(AUTOMATIC):
        room.write(ANA, f"Away {number}.", answers=first["mail_id"], more=[header])
        room.write(f"machine{number}@customer.example", f"Robot {number}.", more=[header])
    await room.until(partial(_holds, room, 2 + 2 * len(AUTOMATIC)))
    away = [one for one in await room.messages(home) if one["text"].startswith("Away")]
    assert [AUTOMATIC[number] for number, one in enumerate(away) if not one["automatic"]] == []
    assert len(away) == len(AUTOMATIC)
    robots = [row for row in await room.rows("resolved") if row["id"] != home]
    assert all(row["automatic"] and row["unread"] == 0 for row in robots)
    assert len(robots) == len(AUTOMATIC)
    row = await room.row_of(home)
    assert (row["state"], row["unread"]) == ("resolved", 0)
    assert await room.rows() == []
    assert len(room.world.house.smtp.received) == 1


async def test_a_person_s_answer_in_a_thread_that_a_machine_began_counts(room: Room) -> None:
    robot = await room.say(ANA, "I am away", more=[("Auto-Submitted", "auto-replied")])
    person = await room.say(ANA, "Now I am back", answers=robot["mail_id"], more=[("Auto-Submitted", "no")])
    assert person["conversation"] == robot["conversation"]
    assert (await room.row_of(robot["conversation"]))["state"] == "open"


OTHER = "desk@other-house.example"


async def test_two_omniboxes_that_confirm_each_other_exchange_two_mails_at_most(room: Room, tmp_path: Path) -> None:
    """Each confirms what people write; what the other's machine says is no person's mail."""
    house = room.world.house
    house.add_account(OTHER, "a password of the account")
    await confirming(room)
    async with AsyncExitStack() as stack:
        other = await _second(stack, room.world, tmp_path / "second")
        house.write(OTHER, HELP, "A question", "Do you deliver to us?")
        house.write(HELP, OTHER, "Another question", "Do you deliver to us too?")
        await room.landed("Do you deliver to us?")
        for each in (room, other):
            await each.landed("We have got your mail.", count=2)  # our own, and the one that came in
        for each in (room, other):
            await each.until(partial(_is_calm, each))
        confirmations = [mail for mail in house.smtp.received if b"We have got your mail." in mail.raw]
        assert len(confirmations) <= 2
        assert all(b"Auto-Submitted: auto-" in mail.raw for mail in confirmations)


async def _is_calm(room: Room) -> bool:
    """Nothing is left to be said by itself: no confirmation is asked for, nothing is on its way."""
    asked = sa.select(sa.func.count()).select_from(job).where(job.c.kind == "acknowledge")
    under_way = sa.select(sa.func.count()).select_from(delivery).where(delivery.c.is_open)
    counts = [
        await room.hub.store.read(lambda tx, wanted=wanted: tx.execute(wanted).scalar())
        for wanted in (asked, under_way)
    ]
    return counts == [0, 0]


async def _second(stack: AsyncExitStack, world: World, home: Path) -> Room:
    config = configured(home, world)
    room = Room(None, "", None, world, config)  # type: ignore[arg-type]
    room.hub = await stack.enter_async_context(running(config, setup_code="code", clock=room.clock))
    room.hub.checks_answers = True
    port = await stack.enter_async_context(listening(room.hub, "127.0.0.1", 0))
    room.base = room.hub.connections.base_url = f"http://127.0.0.1:{port}"
    room.admin = Admin(room.base)
    stack.push_async_callback(room.admin.close)
    await room.admin.own("code", "owner@other-house.example", PASSWORD)
    account = {**world.house.settings(OTHER), "import_existing": True}
    channel = {"name": "Desk", "address": OTHER, "settings": {"confirmation": "We have got your mail."}}
    await room.admin.connect("email", OTHER, account, channel)
    return room


# ── What our own server says of a sender


async def test_only_our_own_server_s_doubt_counts(room: Room) -> None:
    """Anybody can write that somebody checked them, or that somebody else was found out."""
    connections = await room.admin.ask("GET", "/api/connections")
    connection = next(one for one in connections if one["name"] == HELP)
    settings = {**connection["settings"], "checking_servers": ["mx.brightleaf.example"]}
    await room.admin.ask("PATCH", f"/api/connections/{connection['id']}", {"settings": settings})
    first = await room.say(ANA, "My parcel is lost")
    verdict = ("Authentication-Results", "mx.brightleaf.example; dmarc=fail header.from=customer.example")
    passed = ("Authentication-Results", "mx.brightleaf.example; dmarc=pass header.from=customer.example")
    border = ("Received", "from evil.example (evil.example [203.0.113.9]) by mx.brightleaf.example with ESMTP")
    others = ("Authentication-Results", "mx.else.example; dmarc=fail header.from=customer.example")

    def write(text: str, *lines: tuple[str, str]) -> None:
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        rest = f"From: {ANA}\r\nTo: {HELP}\r\nMessage-ID: <{text}@x>\r\nIn-Reply-To: <{first['mail_id']}>\r\n"
        room.world.house.deliver(f"{head}{rest}\r\n{text}\r\n".encode(), HELP)

    write("Below the border", border, verdict)
    write("By somebody else", others, border)
    write("Found out", verdict, border, passed)
    for text in ("Below the border", "By somebody else"):
        told = await room.landed(text)
        assert (told["conversation"], told["doubt"]) == (first["conversation"], None), text
    told = await room.landed("Found out")
    assert (told["doubt"], told["why"]) == ("dmarc-fail", "unverified")
    assert told["conversation"] != first["conversation"]
