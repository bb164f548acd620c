"""Following a mailbox on a server that fails in every way we know."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.connectors.email.doubles import (
    ADDRESS,
    CUSTOMER,
    QUICK,
    FakeContext,
    QuickEmail,
    Shelf,
    mail,
    outcome,
    running,
)

from omnibox.connector import ChannelDown, Inbound, Temporary
from omnibox.testing.world.mail import MailHouse
from omnibox_email.faults import Lost
from omnibox_email.mailbox import imap


def email(house: MailHouse, **changed: Any) -> QuickEmail:
    return QuickEmail(FakeContext({**house.settings(ADDRESS), "idle_seconds": 1, **changed}))


async def test_reading_begins_with_the_mail_that_arrives_from_now_on(house: MailHouse) -> None:
    house.deliver(mail("old", number=1), ADDRESS)
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
        house.deliver(mail("new", number=2), ADDRESS)
        await shelf.until(1)
    assert [item.text for item in shelf.items if isinstance(item, Inbound)] == ["new"]


async def test_existing_mail_is_imported_on_request(house: MailHouse) -> None:
    for number in range(130):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Shelf()
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(130)
    assert shelf.largest <= 100
    assert [item.subject for item in shelf.items][::129] == ["Question 0", "Question 129"]


async def test_a_push_wakes_the_reader_at_once(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, idle_seconds=1000), shelf):
        await house.imap.until_idle(ADDRESS)
        house.write(CUSTOMER, ADDRESS, "Hi", "news")
        await shelf.until(1)


async def test_a_server_without_idle_is_polled(house: MailHouse) -> None:
    house.imap.has_idle = False
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert "IDLE" not in house.imap.commands


async def test_a_reset_while_idling_is_survived(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, idle_seconds=1000), shelf):
        for number in (1, 2, 3):
            await house.imap.until_idle(ADDRESS)
            house.imap.drop()
            house.deliver(mail(number=number), ADDRESS)
            await shelf.until(number)


async def test_a_server_that_says_bye_is_dialled_again(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, idle_seconds=1000), shelf):
        await house.imap.until_idle(ADDRESS)
        house.imap.say_bye()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert house.imap.connections >= 2


async def test_a_black_hole_is_found_by_the_watchdog(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house), shelf):
        await house.imap.until_idle(ADDRESS)
        house.imap.is_black_hole = True
        house.deliver(mail(), ADDRESS)  # the push is lost
        await house.imap.until_left(ADDRESS)  # the reader has asked for a sign of life
        house.imap.is_black_hole = False
        await shelf.until(1)
    assert house.imap.connections >= 2


@pytest.mark.parametrize("command", range(1, 13))
async def test_a_line_killed_at_any_command_loses_and_doubles_nothing(house: MailHouse, command: int) -> None:
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
    for number in range(3):
        house.deliver(mail(number=number), ADDRESS)
    house.imap.kill_at(command)
    async with running(email(house), shelf):
        await shelf.until(3)
        house.deliver(mail(number=9), ADDRESS)
        await shelf.until(4)
    assert [item.external_id for item in shelf.items] == [f"m{n}@customer.example" for n in (0, 1, 2, 9)]


async def test_a_lost_line_fails_the_command_that_waits(house: MailHouse) -> None:
    sock = await FakeContext({}).connect("127.0.0.1", house.imap_port)
    line = await imap.dial(sock, "127.0.0.1", "none", None, replace(QUICK, command_s=3600))
    house.imap.kill_at(1)
    async with asyncio.timeout(10):
        with pytest.raises(Lost):
            await line.run("NOOP")
        with pytest.raises(Lost):
            await line.idle(3600)


async def test_a_renumbered_mailbox_is_read_again_without_doubles(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, import_existing=True), shelf):
        for number in range(3):
            house.deliver(mail(number=number), ADDRESS)
        await shelf.until(3)
    house.inbox(ADDRESS).renumber()
    house.deliver(mail(number=3), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(4)
    assert shelf.outcomes.count("duplicate") == 3
    assert shelf.cursor["INBOX"]["uidvalidity"] == house.inbox(ADDRESS).uidvalidity


async def test_a_renumbered_mailbox_does_not_bring_back_old_years(house: MailHouse) -> None:
    house.deliver(mail(number=1), ADDRESS, datetime(2020, 1, 1, tzinfo=UTC))
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
    house.inbox(ADDRESS).renumber()
    house.deliver(mail(number=2), ADDRESS)
    async with running(email(house), shelf):
        await shelf.until(1)
    assert [item.external_id for item in shelf.items] == ["m2@customer.example"]


async def test_a_refused_login_takes_the_channel_down(house: MailHouse) -> None:
    house.imap.refuses_login = True
    async with running(email(house), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, ChannelDown)
    assert error.code == "email.login_refused"


async def test_a_missing_folder_takes_the_channel_down(house: MailHouse) -> None:
    async with running(email(house, folders=["INBOX", "Nowhere"]), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, ChannelDown)
    assert error.code == "email.no_folder"


async def test_a_server_that_is_away_is_temporary(house: MailHouse) -> None:
    connector = email(house)
    await house.imap.stop()
    async with running(connector, Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, Temporary)


async def test_two_folders_are_followed_with_a_mark_each(house: MailHouse) -> None:
    other = house.imap.add_folder(ADDRESS, "Käse & Brot")
    other.name = "K&AOQ-se &- Brot"
    house.imap.mailboxes[ADDRESS]["K&AOQ-se &- Brot"] = house.imap.mailboxes[ADDRESS].pop("Käse & Brot")
    shelf = Shelf()
    async with running(email(house, folders=["INBOX", "Käse & Brot"]), shelf):
        await shelf._until(lambda: len(shelf.cursor) == 2)
        house.deliver(mail(number=1), ADDRESS)
        other.put(mail(number=2))
        await shelf.until(2)
    assert {item.position.rpartition("/")[0].partition("/")[0] for item in shelf.items} == {"INBOX", "Käse & Brot"}


async def test_big_mail_comes_in_steps_and_too_big_mail_as_a_stub(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
        house.deliver(mail("small", number=1), ADDRESS)
        house.deliver(mail("big", number=2, size=6_000_000), ADDRESS)
        house.deliver(mail("huge", number=3, size=37_000_000), ADDRESS)
        house.deliver(mail("after", number=4), ADDRESS)
        await shelf.until(4)
    kinds = [type(item).__name__ for item in shelf.items]
    assert kinds == ["Inbound", "Inbound", "Unreadable", "Inbound"]
    assert len(shelf.items[1].text) > 5_900_000  # type: ignore[union-attr]
    assert shelf.items[2].kind == "too_big"  # type: ignore[union-attr]


async def test_reading_changes_no_flag(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf.until_cursor()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
    assert not house.inbox(ADDRESS).mails[0].flags


async def test_a_store_that_refuses_moves_no_mark(house: MailHouse) -> None:
    class Closed(Shelf):
        async def __call__(self, items: Any, cursor: Any) -> list[str]:
            if items:
                raise RuntimeError("no room")
            return await super().__call__(items, cursor)

    shelf = Closed()
    async with running(email(house), shelf) as task:
        await shelf.until_cursor()
        before = dict(shelf.cursor)
        house.deliver(mail(), ADDRESS)
        error = await outcome(task)
    assert isinstance(error, RuntimeError)
    assert shelf.cursor == before
