"""What a mailbox must survive: renumbering, throttling, mail that vanishes, is not served, or was passed over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from tests.connectors.email.doubles import (
    ADDRESS,
    CUSTOMER,
    PART_ID,
    QUICK,
    FakeContext,
    QuickEmail,
    Shelf,
    mail,
    outcome,
    running,
)

from omnibox.connector import BadSettings, Echo, Envelope, Inbound, Temporary, Unreadable
from omnibox.testing.world.imap_folder import MailFolder
from omnibox.testing.world.mail import MailHouse
from omnibox_email.account import read_account
from omnibox_email.faults import Timings
from omnibox_email.mailbox import fetching
from omnibox_email.mailbox.fetching import Room
from omnibox_email.mailbox.following import IDLE_JITTER
from omnibox_email.mailbox.throttles import WAIT_S, wait_asked


def email(house: MailHouse, **changed: Any) -> QuickEmail:
    return QuickEmail(FakeContext({**house.settings(ADDRESS), "idle_seconds": 1, **changed}))


def names(shelf: Shelf) -> list[str]:
    return [str(getattr(item, "external_id", "")).partition("@")[0] for item in shelf.items]


# ── A dead line


def test_a_dead_line_is_found_within_two_minutes_with_the_settings_as_they_come() -> None:
    settings = {"imap_host": "a.example", "imap_user": "b", "imap_password": "c", "smtp_host": "d.example"}
    account = read_account(FakeContext(settings))
    timings = Timings()
    longest_round = account.idle_seconds * (1 + IDLE_JITTER)
    assert longest_round + timings.idle_answer_s <= 120
    assert timings.poll_s + timings.command_s <= 120


# ── Renumbered folders


async def test_a_thousand_renumbered_mails_are_neither_lost_nor_doubled(house: MailHouse) -> None:
    shelf = Shelf()
    for number in range(1000):
        house.deliver(mail(number=number), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(1000)
    house.inbox(ADDRESS).renumber()
    house.deliver(mail(number=1000), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(1001)
        await shelf.until_offered(2001)
    assert sorted(names(shelf)) == sorted(f"m{number}" for number in range(1001))
    assert shelf.outcomes.count("duplicate") == 1000


async def test_a_renumbered_folder_is_read_on_where_the_line_broke(house: MailHouse) -> None:
    shelf = Shelf()
    for number in range(250):
        house.deliver(mail(number=number), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(250)
    house.inbox(ADDRESS).renumber()
    house.imap.kill_at(12)  # amid the second hundred
    async with running(email(house, import_existing=True), shelf):
        await shelf.until_offered(500)
        house.deliver(mail(number=250), ADDRESS)
        await shelf.until(251)
    assert len(shelf.outcomes) < 250 + 250 + 150  # not from the beginning again


async def test_a_folder_with_lower_numbers_and_the_same_validity_is_read_again(house: MailHouse) -> None:
    shelf = Shelf()
    for number in range(5):
        house.deliver(mail(number=number), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(5)
    folder = house.inbox(ADDRESS)
    folder.mails, folder.uidnext = [], 1
    house.deliver(mail(number=3), ADDRESS)
    house.deliver(mail(number=9), ADDRESS)
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(6)
    assert names(shelf) == ["m0", "m1", "m2", "m3", "m4", "m9"]


# ── Mail that vanishes, or is not served


@pytest.mark.parametrize("at", [1, 2])
async def test_mail_expunged_while_it_is_fetched_costs_no_other(house: MailHouse, at: int) -> None:
    shelf, fetches = Shelf(), 0

    def expunge(folder: MailFolder) -> None:
        nonlocal fetches
        fetches += 1
        if fetches == at:
            folder.expunge([2, 3])

    async with running(email(house), shelf):
        await shelf.until_cursor()
        house.imap.fetched = expunge
        folder = house.inbox(ADDRESS)
        watchers, folder.watchers = folder.watchers, set()
        for number in (1, 2, 3):
            house.deliver(mail(number=number), ADDRESS)
        folder.watchers = watchers
        house.deliver(mail(number=4), ADDRESS)
        await shelf.until(2)
        house.deliver(mail(number=5), ADDRESS)
        await shelf.until(3)
    assert names(shelf) == ["m1", "m4", "m5"]


async def test_a_mail_that_the_server_cannot_give_out_becomes_a_stub_and_stops_nothing(house: MailHouse) -> None:
    for number in range(1, 8):
        house.deliver(mail(number=number), ADDRESS)
    house.imap.unserved = {4}
    shelf = Shelf()
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(7)
    stubs = [item for item in shelf.items if isinstance(item, Unreadable)]
    assert [(stub.kind, stub.position) for stub in stubs] == [("not_served", "INBOX/1700000000/4")]
    assert [name for name in names(shelf) if name] == [f"m{number}" for number in (1, 2, 3, 5, 6, 7)]


async def test_a_server_in_trouble_for_a_moment_puts_nothing_aside(house: MailHouse) -> None:
    for number in range(1, 4):
        house.deliver(mail(number=number), ADDRESS)
    house.imap.unserved = {1, 2, 3}
    shelf, tries = Shelf(), 0

    def heal(folder: MailFolder) -> None:
        nonlocal tries
        tries += 1
        if tries > 4:  # sizes, all, the first half … of the first line
            house.imap.unserved = set()

    house.imap.fetched = heal
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(3)
    assert [type(item) for item in shelf.items] == [Inbound] * 3


# ── Throttling


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"NO [LIMIT] Too many simultaneous connections. (Failure)", WAIT_S),
        (b"NO [ALERT] Too many simultaneous connections. (Failure)", WAIT_S),
        (b"BYE [OVERQUOTA] Account exceeded command or bandwidth limits.", WAIT_S),
        (b"NO [UNAVAILABLE] Temporary authentication failure.", WAIT_S),
        (b"BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds", 92.415),
        (b"NO [THROTTLED] slow down", WAIT_S),
        (b"BYE Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", WAIT_S),
        (b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", None),
        (b"BYE Session invalidated - AccessTokenExpired", None),
        (b"BYE server is going down", None),
    ],
)
def test_what_servers_say_when_we_come_too_often(said: bytes, seconds: float | None) -> None:
    assert wait_asked(said) == seconds


@pytest.mark.parametrize("command", ["LOGIN", "UID SEARCH", "UID FETCH", "EXAMINE"])
async def test_a_server_that_throttles_is_left_alone_as_long_as_it_asks(house: MailHouse, command: str) -> None:
    house.deliver(mail(), ADDRESS)
    house.imap.says[command] = "NO Request is throttled. Suggested Backoff Time: 90000 milliseconds"
    async with running(email(house, import_existing=True), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, Temporary)
    assert (error.code, error.retry_after) == ("email.throttled", 90)
    assert house.imap.connections == 1


async def test_a_farewell_that_names_a_limit_is_believed(house: MailHouse) -> None:
    async with running(email(house), Shelf()) as task:
        await house.imap.until_idle(ADDRESS)
        house.imap.say_bye("[LIMIT] Account exceeded command or bandwidth limits.")
        error = await outcome(task)
    assert isinstance(error, Temporary)
    assert (error.code, error.retry_after) == ("email.throttled", WAIT_S)


# ── The folder of sent mail


def sent_by_a_colleague(number: int = 1, **changed: Any) -> bytes:
    return mail("Written in another program", number=number, sender=ADDRESS, to=CUSTOMER, **changed)


async def test_answers_from_elsewhere_come_from_the_folder_of_sent_mail(house: MailHouse) -> None:
    house.imap.folder(ADDRESS, "Sent").put(sent_by_a_colleague(1))  # before reading began
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf._until(lambda: "Sent" in shelf.cursor)
        house.imap.folder(ADDRESS, "Sent").put(sent_by_a_colleague(2, extra="In-Reply-To: <q@customer.example>\r\n"))
        own = sent_by_a_colleague(3).replace(b"<m3@customer.example>", f"<{PART_ID}.omnibox@shop.example>".encode())
        house.imap.folder(ADDRESS, "Sent").put(own)
        await shelf.until(2)
    assert [type(item) for item in shelf.items] == [Echo, Echo]
    elsewhere, ours = shelf.items
    assert isinstance(elsewhere, Echo)
    assert isinstance(ours, Echo)
    assert (elsewhere.part_id, elsewhere.address, elsewhere.to) == (None, CUSTOMER, ADDRESS)
    assert elsewhere.refs == ("q@customer.example",)
    assert ours.part_id == PART_ID
    assert house.imap.connections == 1  # a second folder takes no second line


async def test_an_alias_in_the_folder_of_sent_mail_is_no_customer(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf._until(lambda: "Sent" in shelf.cursor)
        house.imap.folder(ADDRESS, "Sent").put(mail(sender="maria.lopez@shop.example", to=CUSTOMER))
        await shelf.until(1)
    assert isinstance(shelf.items[0], Echo)
    assert (shelf.items[0].address, shelf.items[0].to) == (CUSTOMER, ADDRESS)


async def test_a_note_to_oneself_is_nobodys_conversation_and_not_missing(house: MailHouse) -> None:
    class Counting(QuickEmail):
        timings = replace(QUICK, count_s=0)

    shelf = Shelf()
    async with running(Counting(FakeContext({**house.settings(ADDRESS), "idle_seconds": 1})), shelf):
        await shelf._until(lambda: "Sent" in shelf.cursor)
        house.imap.folder(ADDRESS, "Sent").put(mail(sender=ADDRESS, to=ADDRESS))
        await shelf._until(lambda: bool(shelf.counts) and shelf.counts[-1][0] == 1)
    assert shelf.items == []
    assert {missing for _, missing, _ in shelf.counts} == {0}


async def test_the_folder_of_sent_mail_is_left_alone_on_request(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, read_sent=False), shelf):
        await house.imap.until_idle(ADDRESS)
        house.imap.folder(ADDRESS, "Sent").put(sent_by_a_colleague())
        house.deliver(mail(number=7), ADDRESS)
        await shelf.until(1)
        await house.imap.until_left(ADDRESS)
        await house.imap.until_idle(ADDRESS)
    assert names(shelf) == ["m7"]
    assert list(shelf.cursor) == ["INBOX"]


@pytest.mark.parametrize("name", ["Gesendete Elemente", "INBOX.Sent", "[Gmail]/Sent Mail"])
async def test_a_folder_of_sent_mail_without_a_mark_is_found_by_its_name(house: MailHouse, name: str) -> None:
    del house.imap.mailboxes[ADDRESS]["Sent"]
    folder = house.imap.add_folder(ADDRESS, name)
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf._until(lambda: name in shelf.cursor)
        folder.put(sent_by_a_colleague())
        await shelf.until(1)
    assert isinstance(shelf.items[0], Echo)


async def test_many_folders_share_a_few_lines(house: MailHouse) -> None:
    folders = ["INBOX", *(f"Team {number}" for number in range(6))]
    for name in folders[1:]:
        house.imap.add_folder(ADDRESS, name)
    shelf = Shelf()
    async with running(email(house, folders=folders), shelf):
        await shelf._until(lambda: len(shelf.cursor) == len(folders) + 1)
        for number, name in enumerate(folders):
            house.imap.folder(ADDRESS, name).put(mail(number=number))
        await shelf.until(len(folders))
    assert sorted(names(shelf)) == sorted(f"m{number}" for number in range(len(folders)))
    assert house.imap.connections == 3


# ── After a mail is stored


async def test_stored_mail_is_marked_as_read_on_request(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, afterwards="mark read"), shelf):
        await shelf.until_cursor()
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
        await house.imap.until_idle(ADDRESS)
    assert house.inbox(ADDRESS).mails[0].flags == {"\\Seen"}


@pytest.mark.parametrize("offers", [{"MOVE", "UIDPLUS"}, {"UIDPLUS"}, set()])
async def test_stored_mail_is_moved_on_request_by_whatever_the_server_can(house: MailHouse, offers: set[str]) -> None:
    house.imap.offers = offers
    shelf = Shelf()
    house.inbox(ADDRESS).put(mail("of a person", number=90), flags=["\\Deleted"])
    async with running(email(house, afterwards="move", move_to="Done & dusted"), shelf):
        await shelf.until_cursor()
        for number in (1, 2):
            house.deliver(mail(number=number), ADDRESS)
        await shelf.until(2)
        await house.imap.until_idle(ADDRESS)
    moved = house.imap.folder(ADDRESS, "Done &- dusted").mails
    assert [b"<m1@" in one.raw or b"<m2@" in one.raw for one in moved] == [True, True]
    left = [(b"of a person" in one.raw, "\\Deleted" in one.flags) for one in house.inbox(ADDRESS).mails]
    assert left[0] == (True, True)  # nobody else's mail is expunged
    assert left[1:] == ([] if offers else [(False, True)] * 2)
    assert names(shelf) == ["m1", "m2"]


class Refusing(Shelf):
    """A store that takes the mark at first, and then nothing any more."""

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        if items:
            raise RuntimeError("no room")
        return await super().__call__(items, cursor)


class Aside(Shelf):
    """A store that puts every second mail aside."""

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        found = await super().__call__(items, cursor)
        return ["quarantined" if number % 2 else each for number, each in enumerate(found)]


@pytest.mark.parametrize("afterwards", ["mark read", "move"])
async def test_nothing_is_marked_or_moved_that_is_not_stored(house: MailHouse, afterwards: str) -> None:
    async with running(email(house, afterwards=afterwards, move_to="Done", import_existing=True), Refusing()) as task:
        house.deliver(mail(), ADDRESS)
        await outcome(task)
    assert [one.flags for one in house.inbox(ADDRESS).mails] == [set()]
    assert not {"UID MOVE", "UID COPY", "UID STORE"} & set(house.imap.commands)


async def test_what_was_put_aside_stays_for_a_person_to_find(house: MailHouse) -> None:
    for number in range(4):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Aside()
    async with running(email(house, afterwards="mark read", import_existing=True), shelf):
        await shelf.until(4)
        await house.imap.until_idle(ADDRESS)
    assert [bool(one.flags) for one in house.inbox(ADDRESS).mails] == [True, False, True, False]


async def test_a_line_killed_between_store_and_move_moves_after_the_next_start(house: MailHouse) -> None:
    shelf = Shelf()
    async with running(email(house, afterwards="move", move_to="Done"), shelf):
        await shelf.until_cursor()
        await house.imap.until_idle(ADDRESS)
        heard = house.imap.heard
        house.imap.heard = lambda what: house.imap.drop() if what == "IMAP UID MOVE" else None
        house.deliver(mail(), ADDRESS)
        await shelf.until(1)
        house.imap.heard = heard
    assert shelf.cursor["INBOX"]["todo"] == [1]
    async with running(email(house, afterwards="move", move_to="Done"), shelf):
        await house.imap.until_idle(ADDRESS)
    assert house.inbox(ADDRESS).mails == []
    assert len(house.imap.folder(ADDRESS, "Done").mails) == 1
    assert names(shelf) == ["m1"]


async def test_a_folder_that_takes_nothing_stops_no_reading(house: MailHouse) -> None:
    house.imap.says["UID MOVE"] = "NO [NOPERM] not yours"
    shelf = Shelf()
    async with running(email(house, afterwards="move", move_to="Done"), shelf):
        await shelf.until_cursor()
        for number in (1, 2):
            house.deliver(mail(number=number), ADDRESS)
            await shelf.until(number)


@pytest.mark.parametrize("move_to", ["", "INBOX", "inbox", "Team"])
def test_a_folder_that_is_read_is_no_folder_to_move_to(house: MailHouse, move_to: str) -> None:
    with pytest.raises(BadSettings) as caught:
        email(house, folders=["INBOX", "Team"], afterwards="move", move_to=move_to)
    assert caught.value.field == "move_to"


# ── Counting


class Forgetful(Shelf):
    """A store that has lost what it took at some positions; `learns` when it is given again."""

    def __init__(self, *lost: int, learns: bool) -> None:
        super().__init__()
        self.lost = {f"INBOX/1700000000/{uid}" for uid in lost}
        self.learns = learns

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        if self.learns and len(self.known) > 4:
            self.lost -= {getattr(item, "position", "") for item in items}
        return await super().__call__(items, cursor)

    async def missing(self, positions: Sequence[str]) -> list[str]:
        return [position for position in positions if position in self.lost or position not in self.known]


@pytest.mark.parametrize("learns", [True, False])
async def test_mail_that_was_passed_over_is_fetched_again_or_raises_the_alarm(house: MailHouse, learns: bool) -> None:
    for number in range(1, 7):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Forgetful(2, 5, learns=learns)
    async with running(email(house, import_existing=True), shelf):
        await shelf._until(lambda: bool(shelf.counts))
    assert shelf.counts[0] == (6, 0 if learns else 2, "email.mail_missing")
    assert len(shelf.outcomes) == 8  # the two were given again


async def test_mail_that_people_delete_raises_no_alarm(house: MailHouse) -> None:
    class Counting(QuickEmail):
        timings = replace(QUICK, count_s=0)

    for number in range(1, 7):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Shelf()
    connector = Counting(FakeContext({**house.settings(ADDRESS), "idle_seconds": 1, "import_existing": True}))
    async with running(connector, shelf):
        await shelf.until(6)
        await shelf._until(lambda: bool(shelf.counts) and shelf.counts[-1][0] == 6)
        house.inbox(ADDRESS).expunge([2, 3])
        house.deliver(mail(number=7), ADDRESS)
        await shelf._until(lambda: shelf.counts[-1][0] == 5)
    assert {missing for _, missing, _ in shelf.counts} == {0}


async def test_old_mail_is_not_missing_where_reading_began_later(house: MailHouse) -> None:
    for number in range(3):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Shelf()
    async with running(email(house), shelf):
        await shelf._until(lambda: bool(shelf.counts))
    assert shelf.counts[0][:2] == (0, 0)


async def test_a_cursor_of_an_older_release_is_read_on(house: MailHouse) -> None:
    for number in range(3):
        house.deliver(mail(number=number), ADDRESS)
    shelf = Shelf({"INBOX": {"uidvalidity": 1_700_000_000, "uid": 2, "since": "2026-11-21"}})
    async with running(email(house), shelf):
        await shelf.until(1)
        house.deliver(mail(number=3), ADDRESS)
        await shelf.until(2)
    assert names(shelf) == ["m2", "m3"]


async def test_it_is_told_how_long_mail_lay_on_the_server(house: MailHouse) -> None:
    house.deliver(mail(number=1), ADDRESS)  # was there before: it did not wait for us
    shelf = Shelf()
    async with running(email(house, import_existing=True), shelf):
        await shelf.until(1)
        house.deliver(mail(number=2), ADDRESS)
        await shelf._until(lambda: bool(shelf.waits))
    assert len(shelf.waits) == 1
    assert 0 <= shelf.waits[0] < 60


# ── Big mail


async def test_the_room_for_mail_is_shared_and_never_overdrawn() -> None:
    room, most, held, order = Room(100), 0, 0, []

    async def reader(name: int, weight: int) -> None:
        nonlocal most, held
        taken = await room.take(weight)
        order.append(name)
        held += taken
        most = max(most, held)
        await asyncio.sleep(0)
        held -= taken
        room.give(taken)

    await asyncio.gather(*(reader(name, weight) for name, weight in enumerate([40, 40, 40, 5, 300, 1])))
    assert most <= 100
    assert order == list(range(6))  # nobody is overtaken, or a big mail would wait for ever


async def test_who_gives_up_waiting_for_room_leaves_it_to_the_others() -> None:
    room = Room(10)
    held = await room.take(10)
    gone, next_one = asyncio.create_task(room.take(8)), asyncio.create_task(room.take(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    room.give(held)
    assert await next_one == 2
    assert await room.take(8) == 8


async def test_ten_mailboxes_with_big_mail_share_the_room(house: MailHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = [f"box{number}@shop.example" for number in range(10)]
    size = 600_000
    held: list[int] = []
    room = Room(2 * size + 100_000)
    take = room.take

    async def noted(weight: int) -> int:
        taken = await take(weight)
        held.append(room._most - room._free)
        return taken

    monkeypatch.setattr(fetching, "BIG_MAIL", 100_000)
    monkeypatch.setattr(room, "take", noted)
    one = fetching.Shared(room)
    monkeypatch.setattr(fetching, "shared", lambda: one)
    shelves = []
    async with AsyncExitStack() as stack:
        for address in addresses:
            house.add_account(address, "secret")
            house.deliver(mail("big", number=1, size=size), address)
            connector = QuickEmail(FakeContext({**house.settings(address), "import_existing": True}))
            shelves.append(Shelf())
            await stack.enter_async_context(running(connector, shelves[-1]))
        for shelf in shelves:
            await shelf.until(1)
    assert max(held) <= room._most
    assert room._free == room._most
    assert all(isinstance(shelf.items[0], Inbound) for shelf in shelves)
