"""`omnibox import`, run as an operator runs it: on files, beside a hub or without one, killed and begun again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.inbox.house import House
from tests.inbox.installed import SUPPORT, Installation, install
from tests.servers import spare_port

from omnibox.app import running
from omnibox.config import load
from omnibox.store import Store
from omnibox.store.tables import contact, conversation, delivery, identity, job, message, quarantine, tally
from omnibox.testing.world.demo import MAILBOX

LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)
CARD = "4111 1111 1111 1111"


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    async with asyncio.timeout(180):
        yield await install(tmp_path / "home")


# ── Mailboxes of our own


def letter(
    number: int,
    at: datetime,
    *,
    sender: str = "ana@customer.example",
    to: str = SUPPORT,
    answers: int | None = None,
    text: str = "",
    head: str = "",
) -> bytes:
    refs = (
        f"In-Reply-To: <{answers}@mail.example>\nReferences: <{answers}@mail.example>\n" if answers is not None else ""
    )
    return (
        f"From: {sender}\nTo: {to}\nSubject: Question\nMessage-ID: <{number}@mail.example>\n{refs}{head}"
        f"Date: {at:%a, %d %b %Y %H:%M:%S} +0000\n\n{text or f'text {number}'}\n"
    ).encode()


def box(path: Path, letters: list[bytes]) -> Path:
    path.write_bytes(b"".join(b"From ana@customer.example Fri Mar  1 10:00:00 2024\n" + raw + b"\n" for raw in letters))
    return path


def threads(count: int, length: int, first: datetime = LONG_AGO) -> list[bytes]:
    """Threads of customers, in which every second mail is our answer; the mails of all mixed, the newest first."""
    letters = []
    for turn in range(length):
        for thread in range(count):
            number = thread * length + turn
            at = first + timedelta(hours=turn, seconds=thread)
            customer = f"c{thread}@customer.example"
            sender, to = (customer, SUPPORT) if turn % 2 == 0 else (f"Shop <{SUPPORT}>", customer)
            letters.append(letter(number, at, sender=sender, to=to, answers=number - 1 if turn else None))
    return letters[::-1]


# ── The promise


async def whole(place: Installation, path: Path, count: int, length: int) -> None:
    """Import, killed once in the middle; then everything is there once, in its order, and a second run adds nothing."""
    process = place.start(path, "--channel", SUPPORT)
    store = Store(place.config.store_url)
    await store.start()
    async with asyncio.timeout(90):
        counted = sa.select(sa.func.count()).select_from(message)
        while (came := await store.read(lambda tx: tx.execute(counted).scalar_one())) < count * length // 4:
            assert process.poll() is None, process.communicate()
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    await store.stop()
    await asyncio.to_thread(process.communicate)
    assert came < count * length, "it was done before it was killed"
    there = await place.count(message)
    said = await place.run(path)
    assert f"{count * length - there:,} new, 0 there already" in said
    assert f"({there:,} of them in an earlier run)" in said
    conversations, messages, states, tallies = await place.ask(
        sa.select(conversation).order_by(conversation.c.id),
        sa.select(message).order_by(message.c.conversation_id, message.c.id),
        sa.select(conversation.c.state, sa.func.count()).group_by(conversation.c.state),
        sa.select(tally.c.state, tally.c.conversations).where(tally.c.conversations != 0),
    )
    assert len(conversations) == count
    assert len(messages) == count * length
    assert [tuple(row) for row in states] == [tuple(row) for row in tallies] == [("resolved", count)]
    for at in range(0, len(messages), length):
        mine = messages[at : at + length]
        thread = int(str(mine[0].external_id).partition("@")[0]) // length
        assert [row.external_id for row in mine] == [f"{thread * length + turn}@mail.example" for turn in range(length)]
        assert {row.conversation_id for row in mine} == {mine[0].conversation_id}
        assert [row.at for row in mine] == [LONG_AGO + timedelta(hours=turn, seconds=thread) for turn in range(length)]
        assert [(row.kind, row.is_elsewhere) for row in mine[:2]] == [("inbound", False), ("outbound", True)]
    last = {row.id: row for row in messages}
    assert all(row.last_at == last[row.last_message_id].at and row.unread == 0 for row in conversations)
    assert await place.count(delivery) == 0
    assert await place.count(contact) == count
    events = await place.ask(sa.text("SELECT seq FROM event ORDER BY seq"))  # type: ignore[arg-type]
    again = await place.run(path)
    assert f"{count * length:,} messages ({count * length:,} of them in an earlier run): 0 new" in again
    assert await place.ask(sa.text("SELECT seq FROM event ORDER BY seq")) == events  # type: ignore[arg-type]


async def test_thousands_of_mails_come_in_once_though_the_import_was_killed(
    installation: Installation, tmp_path: Path
) -> None:
    await whole(installation, box(tmp_path / "all.mbox", threads(500, 4)), 500, 4)


async def test_it_is_the_same_on_a_server(postgres_url: str, tmp_path: Path) -> None:
    place = await install(tmp_path / "home", postgres_url)
    await whole(place, box(tmp_path / "all.mbox", threads(60, 4)), 60, 4)


async def test_the_same_mails_from_other_files_are_known(installation: Installation, tmp_path: Path) -> None:
    head = 'Content-Type: multipart/mixed; boundary="x"\n'
    text = "--x\n\nsee the file\n--x\nContent-Type: image/png; name=a.png\n\nnot really\n--x--"
    letters = [*threads(20, 3), letter(1000, LONG_AGO, head=head, text=text)]
    assert "61 new, 0 there already" in await installation.run(box(tmp_path / "a.mbox", letters))
    (tmp_path / "single").mkdir()
    for number, raw in enumerate(letters):
        (tmp_path / "single" / f"{number}.eml").write_bytes(raw.replace(b"\n", b"\r\n"))
    files = [path for path in installation.config.files_folder.rglob("*") if path.is_file()]
    assert "0 new, 61 there already" in await installation.run(tmp_path / "single")
    assert [path for path in installation.config.files_folder.rglob("*") if path.is_file()] == files != []


# ── What it does to conversations


async def test_what_is_recent_comes_in_open_and_nobody_is_answered(tmp_path: Path) -> None:
    installation = await install(tmp_path / "home", port=spare_port(), is_on=True)
    lately = datetime.now(UTC) - timedelta(days=3)
    letters = [
        letter(1, LONG_AGO, sender="old@customer.example"),
        letter(2, lately, sender="new@customer.example"),
        letter(3, LONG_AGO, sender="both@customer.example"),
        letter(4, lately, sender="both@customer.example", answers=3),
        letter(5, lately, sender="robot@customer.example", head="Auto-Submitted: auto-replied\n"),
    ]
    await installation.run(box(tmp_path / "all", letters))
    rows, persons = await installation.ask(
        sa.select(identity.c.address, conversation.c.state, conversation.c.unread, conversation.c.last_at)
        .join(conversation, conversation.c.identity_id == identity.c.id)
        .order_by(identity.c.address),
        sa.select(sa.func.count()).select_from(contact),
    )
    assert [tuple(row)[:3] for row in rows] == [
        ("both@customer.example", "open", 1),
        ("new@customer.example", "open", 1),
        ("old@customer.example", "resolved", 0),
        ("robot@customer.example", "resolved", 0),
    ]
    assert rows[2].last_at == LONG_AGO
    assert persons[0][0] == 4
    async with running(installation.config, setup_code="code") as hub:  # its jobs run now: what should be answered is
        async with asyncio.timeout(60):
            due = sa.select(job.c.id).where(job.c.due_at <= datetime.now(UTC))
            while await hub.store.read(lambda tx: tx.execute(due).first()):
                await asyncio.sleep(0.01)
    assert await installation.count(delivery) == 0
    assert await installation.count(message, message.c.kind == "outbound") == 0


async def test_days_are_the_operators_choice(installation: Installation, tmp_path: Path) -> None:
    await installation.run(box(tmp_path / "all", [letter(1, LONG_AGO)]), "--resolve-older-than", "36500")
    ((row,),) = await installation.ask(sa.select(conversation.c.state))
    assert row[0] == "open"


async def test_card_numbers_are_masked_and_what_cannot_be_read_is_listed(
    installation: Installation, tmp_path: Path
) -> None:
    looping = letter(2, LONG_AGO, head="Received: from a by b; Fri, 1 Mar 2024 10:00:00 +0000\n" * 60)
    letters = [letter(1, LONG_AGO, text=f"my card {CARD}"), looping, letter(3, LONG_AGO)]
    path = box(tmp_path / "all", letters)
    said = await installation.run(path, status=1)
    assert "3 messages: 2 new, 0 there already, 1 could not be read." in said
    assert f"  {path}:" in said
    assert said.rstrip().endswith("mail_loop")
    assert await installation.count(quarantine) == 1
    assert "0 new, 0 there already, 0 could" in await installation.run(path)
    everything = b"".join(file.read_bytes() for file in installation.config.home.rglob("*") if file.is_file())
    assert CARD.encode() not in everything
    assert b"1111" in everything


# ── Beside a running hub


async def test_beside_a_running_hub_what_agents_work_on_stays_as_it_is(house: House, tmp_path: Path) -> None:
    world = house.world.house
    world.write("ana@customer.example", MAILBOX, "Order", "my live question")
    before = await house.row("ana@customer.example")
    (live,) = await house.messages(before["id"])
    key = str(await house.hub.store.read(lambda tx: tx.execute(sa.select(message.c.external_id).where(message.c.id == live["id"])).scalar()))  # fmt: skip  # noqa: E501
    old = [
        letter(1, LONG_AGO, to=MAILBOX, text="an older word of it").replace(
            b"\n\n", f"\nReferences: <{key}>\n\n".encode(), 1
        ),
        letter(2, LONG_AGO, sender="bea@customer.example", to=MAILBOX, text="found by those who look"),
    ]
    place = Installation(
        house.config, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "OMNIBOX_HOME": str(house.config.home)}
    )
    said = await place.run(box(tmp_path / "old", old), channel=MAILBOX)
    assert "2 new" in said
    after = await house.row("ana@customer.example")
    assert (after["last"]["text"], after["unread"], after["state"]) == ("my live question", before["unread"], "open")
    assert datetime.fromisoformat(before["last"]["at"]) - datetime.fromisoformat(after["last"]["at"]) < timedelta(
        seconds=5
    )
    assert {each["text"].strip() for each in await house.messages(before["id"])} == {
        "my live question",
        "an older word of it",
    }

    async def is_found() -> bool:
        return bool((await house.admin.ask("GET", "/api/search?q=those+who+look"))["hits"])

    await house.until(is_found)
    world.write("ana@customer.example", MAILBOX, "Order", "and the live goes on")
    await house.until(lambda: _has(house, "and the live goes on"))
    assert "has no archives" in await place.run(tmp_path / "old", channel="brightleaf.example", status=2)


async def _has(house: House, text: str) -> bool:
    return any(row["last"]["text"].strip() == text for row in await house.rows())


# ── Usage


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["here.mbox", "--channel", "nobody@shop.example"], "there are: support@shop.example"),
        (["nowhere", "--channel", SUPPORT], "no such file"),
        (["home", "--channel", SUPPORT], "no mails in it"),
        (["here.mbox"], "--channel"),
        (["--channel", SUPPORT], "PATH"),
        (["here.mbox", "--channel", SUPPORT, "--resolve-older-than", "-1"], "--resolve-older-than"),
    ],
)
async def test_what_cannot_be_done_names_the_cure(
    installation: Installation, tmp_path: Path, arguments: list[str], said: str
) -> None:
    box(tmp_path / "here.mbox", [letter(1, LONG_AGO)])
    given = [str(tmp_path / each) if each in ("here.mbox", "nowhere", "home") else each for each in arguments]
    process = installation.start(*given)
    _, err = await asyncio.to_thread(process.communicate)
    assert process.returncode == 2
    assert said in err
    assert "Traceback" not in err


async def test_without_a_database_there_is_nothing_to_import_into(tmp_path: Path) -> None:
    place = Installation(load({"home": str(tmp_path)}, {}), {"PATH": os.environ["PATH"], "OMNIBOX_HOME": str(tmp_path)})
    assert "start `omnibox serve` first" in await place.run(box(tmp_path / "x", [letter(1, LONG_AGO)]), status=2)


async def test_two_imports_at_once_are_one_too_many(installation: Installation, tmp_path: Path) -> None:
    import fcntl

    with (installation.config.home / "import.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "another import runs" in await installation.run(box(tmp_path / "x", [letter(1, LONG_AGO)]), status=2)
    assert "1 new" in await installation.run(tmp_path / "x")
