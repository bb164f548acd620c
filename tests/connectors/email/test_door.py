"""The mail door: real clients hand mail over, and 250 means that it is stored."""

from __future__ import annotations

import asyncio
import contextlib
import random
import smtplib
import socket
import ssl
import subprocess
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from tests.connectors.email.conftest import free_port
from tests.connectors.email.doubles import ADDRESS, CUSTOMER, QUICK, FakeContext, QuickEmail, Shelf, mail, outcome

from omnibox.connector import BadSettings, ChannelSettings, Echo, Envelope, Inbound, Temporary, Unreadable
from omnibox_email import intake
from omnibox_email.account import Account, read_account
from omnibox_email.door import listening as door
from omnibox_email.door.line import Line
from omnibox_email.intake import Ours, Place

SALES = "sales@shop.example"
TOKEN = "c42.abcdefghijklmnopqrstuvwxyz"


class Context(FakeContext):
    """A context that remembers, as the hub's does."""

    def __init__(self, settings: dict[str, Any], channels: Sequence[ChannelSettings] | None = None) -> None:
        super().__init__(settings, channels or [ChannelSettings(ADDRESS, "Shop"), ChannelSettings(SALES, "Sales")])
        self.memory: dict[str, str] = {}

    async def remember(self, key: str, value: str, until: Any) -> None:
        self.memory[key] = value

    async def recall(self, key: str) -> str | None:
        return self.memory.get(key)


class Store(Shelf):
    """A shelf that can be shut."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shut = False
        self.sets_aside = False
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, items: Sequence[Envelope], cursor: Any) -> list[str]:
        self.entered.set()
        await self.gate.wait()
        if self.is_shut:
            raise RuntimeError("locked")
        if self.sets_aside:
            return ["quarantined" for _ in items]
        return await super().__call__(items, cursor)


class House:
    """A door that is open, and whom it leads to."""

    def __init__(self, **settings: Any) -> None:
        self.port = free_port()
        given = {
            "incoming": "lmtp",
            "door_address": f"127.0.0.1:{self.port}",
            "door_peers": ["127.0.0.1"],
            "smtp_host": "127.0.0.1",
            "smtp_login": False,
        }
        self.context = Context(given | settings)
        self.store = Store()
        self.email = QuickEmail(self.context)

    @property
    def account(self) -> Account:
        return read_account(self.context)

    async def until_open(self, task: asyncio.Task[None]) -> None:
        async with asyncio.timeout(10):
            while not any("door is open" in line for line in self.context.log.lines):
                if task.done():
                    task.result()
                await asyncio.sleep(0)

    def client(self) -> Raw:
        return Raw(self.port)


class Raw:
    """A client that says whatever it is told."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Raw:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    def say(self, text: str | bytes) -> None:
        self.writer.write(text if isinstance(text, bytes) else text.encode())

    async def hear(self) -> str:
        """One reply, all its lines; empty when the other side has hung up."""
        async with asyncio.timeout(20):
            lines = ""
            while line := (await self.reader.readline()).decode():
                lines += line
                if line[3:4] != "-":
                    break
        return lines

    async def ask(self, text: str) -> str:
        self.say(f"{text}\r\n")
        return await self.hear()

    async def hand_over(self, raw: bytes, *recipients: str, sender: str = CUSTOMER) -> list[str]:
        """The final replies, one per recipient."""
        assert (await self.ask(f"MAIL FROM:<{sender}>")).startswith("250")
        for recipient in recipients or (ADDRESS,):
            assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await self.ask("DATA")).startswith("354")
        self.say(raw + b"\r\n.\r\n")
        return [await self.hear() for _ in recipients or (ADDRESS,)]

    async def greet(self) -> Raw:
        assert (await self.hear()).startswith("220")
        assert (await self.ask("LHLO client.example")).startswith("250")
        return self


@contextlib.asynccontextmanager
async def opened(house: House) -> AsyncIterator[House]:
    task = asyncio.create_task(house.email.run(house.store))
    try:
        async with asyncio.timeout(60):
            await house.until_open(task)
            yield house
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done(), "the door goes on after cancel"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened(House()) as open_house:
        yield open_house


def texts(store: Shelf) -> list[str]:
    return [item.text for item in store.items if isinstance(item, Inbound)]


# ── What is taken


async def test_mail_is_handed_over_by_the_standard_librarys_client(house: House) -> None:
    def send() -> dict[str, Any]:
        with smtplib.LMTP("127.0.0.1", house.port) as client:
            return client.sendmail(CUSTOMER, [ADDRESS], mail("by lmtp"))  # it reads one answer only

    assert await asyncio.to_thread(send) == {}
    assert texts(house.store) == ["by lmtp"]


async def test_every_recipient_hears_an_answer_of_its_own(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        assert (await client.ask(f"MAIL FROM:<{CUSTOMER}> SIZE=300 BODY=8BITMIME")).startswith("250")
        answers = [await client.ask(f"RCPT TO:<{to}>") for to in (ADDRESS, "nobody@shop.example", SALES)]
        assert [answer[:9] for answer in answers] == ["250 2.1.5", "550 5.1.1", "250 2.1.5"]
        await client.ask("DATA")
        client.say(mail("one for two") + b".\r\n")
        assert [(await client.hear())[:9] for _ in range(2)] == ["250 2.6.0"] * 2
        assert (await client.ask("QUIT")).startswith("221")
    assert texts(house.store) == ["one for two"]


async def test_many_mails_over_one_line(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        for number in range(50):
            assert (await client.hand_over(mail(f"text {number}", number=number)))[0].startswith("250")
    assert texts(house.store) == [f"text {number}" for number in range(50)]


async def test_commands_in_one_packet_are_answered_one_by_one(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        client.say(f"MAIL FROM:<>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\n")
        assert [(await client.hear())[:3] for _ in range(3)] == ["250", "250", "354"]
        client.say(mail("piped") + b".\r\nNOOP\r\nQUIT\r\n")
        assert [(await client.hear())[:3] for _ in range(3)] == ["250", "250", "221"]
    assert texts(house.store) == ["piped"]


async def test_the_address_it_was_handed_over_for_chooses_the_channel_and_brings_its_token(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        signed = f"sales+{TOKEN}@shop.example"
        await client.hand_over(mail("an answer", to="undisclosed@elsewhere.example"), signed)
    (item,) = house.store.items
    assert isinstance(item, Inbound)
    assert (item.to, item.tokens) == (SALES, (TOKEN,))


async def test_the_same_mail_from_a_mailbox_has_the_same_key(house: House) -> None:
    raw = mail("twice").replace(b"\r\n\r\n", b"\r\n\r\n.dots first\r\n..and two\r\n", 1)
    async with house.client() as client:
        await client.greet()
        await client.hand_over(raw.replace(b"\r\n.", b"\r\n.."))
    there = intake.take_in(raw, Place("INBOX", 1, 7, door.datetime.now(door.UTC)), Ours(house.account.addresses, "x"))
    (here,) = house.store.items
    assert isinstance(here, Inbound)
    assert isinstance(there[0], Inbound)
    assert (here.event_key, here.text) == (there[0].event_key, there[0].text)
    assert here.text.startswith(".dots first\n..and two\n")
    assert here.position == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b".",
        b"..",
        b"...\r\n.",
        b"a\r\n.b\r\n..\r\n...c",
        b"\r\n\r\n",
        b".\n.",
        "Grüße €".encode(),
        b"\0\x80\xff",
        b"x" * 3000,
    ],
)
async def test_every_body_arrives_byte_for_byte(house: House, body: bytes) -> None:
    seen: list[bytes] = []
    original = intake.take_in
    raw = mail("x").partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]

    def noting(raw: bytes, place: Place, ours: Ours) -> list[Envelope]:
        seen.append(raw)
        return original(raw, place, ours)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(door.intake, "take_in", noting)
        async with house.client() as client:
            await client.greet()
            assert (await client.hand_over(stuffed))[0].startswith("250")
    assert seen == [b"Return-Path: <" + CUSTOMER.encode() + b">\r\n" + raw + b"\r\n"]


async def test_a_null_sender_is_written_on_top_for_whoever_looks_for_bounces(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        raw = mail("I am away", extra="Auto-Submitted: auto-replied\r\n")
        assert (await client.hand_over(raw, sender=""))[0].startswith("250")
    (item,) = house.store.items
    assert isinstance(item, Inbound)
    assert item.automatic


# ── 250 means stored


async def test_250_is_said_only_after_the_commit(house: House) -> None:
    house.store.gate.clear()
    async with house.client() as client:
        await client.greet()
        handing = asyncio.create_task(client.hand_over(mail("held")))
        async with asyncio.timeout(10):
            await house.store.entered.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not handing.done()
        house.store.gate.set()
        assert (await handing)[0].startswith("250")


async def test_a_store_that_takes_nothing_keeps_the_mail_with_its_server(house: House) -> None:
    house.store.is_shut = True
    async with house.client() as client:
        await client.greet()
        assert (await client.hand_over(mail("later")))[0].startswith("451 4.3.0")
        house.store.is_shut = False
        assert (await client.hand_over(mail("later")))[0].startswith("250")
    assert texts(house.store) == ["later"]


async def test_a_mail_that_is_offered_again_is_answered_again_and_stored_once(house: House) -> None:
    for _ in range(3):
        async with house.client() as client:
            await client.greet()
            assert (await client.hand_over(mail("once")))[0].startswith("250")
    assert texts(house.store) == ["once"]
    assert house.store.outcomes == ["stored", "duplicate", "duplicate"]


async def test_a_line_that_breaks_in_the_mail_stores_nothing_of_it(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        await client.ask(f"MAIL FROM:<{CUSTOMER}>")
        await client.ask(f"RCPT TO:<{ADDRESS}>")
        await client.ask("DATA")
        client.say(mail("half"))
    async with house.client() as client:
        await client.greet()
        await client.hand_over(mail("whole", number=2))
    assert texts(house.store) == ["whole"]


async def test_a_mail_that_nobody_can_read_is_refused_for_good_at_the_third_offer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(raw: bytes, place: Place, ours: Ours) -> list[Envelope]:
        return [intake.unreadable("MemoryError", place, size=len(raw), raw=raw)]

    monkeypatch.setattr(door.intake, "take_in", failing)
    async with house.client() as client:
        await client.greet()
        answers = [(await client.hand_over(mail("odd")))[0][:9] for _ in range(4)]
    assert answers == ["451 4.3.0", "451 4.3.0", "554 5.6.0", "554 5.6.0"]
    assert all(isinstance(item, Unreadable) for item in house.store.items)
    assert house.store.items  # the admin sees a trace


async def test_a_mail_that_the_store_sets_aside_is_not_said_to_be_stored(house: House) -> None:
    house.store.sets_aside = True
    async with house.client() as client:
        await client.greet()
        answers = [(await client.hand_over(mail("odd")))[0][:3] for _ in range(3)]
    assert answers == ["451", "451", "554"]


async def test_a_mail_that_goes_in_circles_is_refused(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        raw = mail("round", extra="Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\n" * 60)
        assert (await client.hand_over(raw))[0].startswith("554 5.4.6")
    assert house.store.items == []


async def test_our_own_mail_that_comes_back_is_known_as_ours(house: House) -> None:
    raw = mail("ours", sender=ADDRESS, to=CUSTOMER).replace(
        b"<m1@customer.example>", b"<0193a5b0-7c1e-7000-8000-0000000000f1.omnibox@shop.example>"
    )
    async with house.client() as client:
        await client.greet()
        assert (await client.hand_over(raw))[0].startswith("250")
    (item,) = house.store.items
    assert isinstance(item, Echo)
    assert item.part_id == "0193a5b0-7c1e-7000-8000-0000000000f1"


# ── What is refused


@pytest.mark.parametrize(
    "address",
    [
        "ana@gmail.example",
        "help@other.example",
        "help%ana@shop.example",
        "postmaster",
        "",
        "help",
        "help@shop.example.evil.example",
        "ana@customer.example@shop.example",
        '"help@shop.example"@evil.example',
        "@shop.example:ana@evil.example",
    ],
)
async def test_there_is_no_relay(house: House, address: str) -> None:
    async with house.client() as client:
        await client.greet()
        await client.ask(f"MAIL FROM:<{ADDRESS}>")
        assert (await client.ask(f"RCPT TO:<{address}>")).startswith("550 5.1.1")
        assert (await client.ask("DATA")).startswith("503")


@pytest.mark.parametrize(
    "address", ["HELP@Shop.EXAMPLE", "help+anything@shop.example", "@relay.example:help@shop.example"]
)
async def test_an_address_of_ours_is_known_however_it_is_written(house: House, address: str) -> None:
    async with house.client() as client:
        await client.greet()
        await client.ask("MAIL FROM:<>")
        assert (await client.ask(f"RCPT TO:<{address}>")).startswith("250")


async def test_a_stranger_is_sent_away() -> None:
    async with opened(House(door_peers=["10.0.0.0/8"])) as house, house.client() as client:
        assert (await client.hear()).startswith("554 5.7.1")
        assert await client.hear() == ""


async def test_a_mail_that_is_too_large_is_refused_at_once_where_it_says_so_and_else_at_its_end() -> None:
    async with opened(House(door_most_mb=1)) as house, house.client() as client:
        assert "SIZE 1048576" in await client.hear() + await client.ask("LHLO c")
        assert (await client.ask("MAIL FROM:<> SIZE=1048577")).startswith("552 5.3.4")
        assert (await client.hand_over(mail("big", size=1_100_000)))[0].startswith("552 5.3.4")
        assert (await client.ask("MAIL FROM:<> SIZE=100")).startswith("250")
        await client.ask(f"RCPT TO:<{ADDRESS}>")
        await client.ask("DATA")
        client.say(mail("larger than it said", size=200_000) + b".\r\n")
        assert (await client.hear()).startswith("552")
        assert (await client.hand_over(mail("small")))[0].startswith("250")
    assert texts(house.store) == ["small"]


async def test_nothing_is_kept_of_a_mail_that_is_too_large() -> None:
    line = Line(lambda _: None)
    tracemalloc.start()
    reading = asyncio.create_task(line.read_mail(1000, 5, 5))
    for _ in range(200):
        line.data_received(b"x" * 50_000)
        await asyncio.sleep(0)
    line.data_received(b"\r\n.\r\nQUIT\r\n")
    assert await reading is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    assert await line.read_line(1) == b"QUIT"


SMUGGLED = f"MAIL FROM:<evil@evil.example>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n"


@pytest.mark.parametrize(
    "end", ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\r\r\n.\r\r\n", "\n\n.\r\n"]
)
async def test_nothing_is_smuggled_past_an_end_that_is_none(house: House, end: str) -> None:
    async with house.client() as client:
        await client.greet()
        raw = mail("honest").removesuffix(b"\r\n") + end.encode() + SMUGGLED.encode()
        assert (await client.hand_over(raw))[0].startswith("250")
        assert (await client.ask("NOOP")).startswith("250")
    (item,) = house.store.items
    assert isinstance(item, Inbound)
    assert "smuggled" in item.text


async def test_a_command_that_ends_in_a_bare_line_feed_ends_the_line(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        client.say("MAIL FROM:<>\n")
        assert (await client.hear()).startswith("421")
        assert await client.hear() == ""


@pytest.mark.parametrize(
    ("commands", "answer"),
    [
        (["MAIL FROM:<>"], "503"),  # not greeted
        (["LHLO a", "RCPT TO:<help@shop.example>"], "503"),
        (["LHLO a", "DATA"], "503"),
        (["LHLO a", "MAIL FROM:<>", "DATA"], "503"),
        (["LHLO a", "MAIL FROM:<>", "MAIL FROM:<>"], "503"),
        (["LHLO a", "MAIL FROM:<>", "RSET", "RCPT TO:<help@shop.example>"], "503"),
        (["LHLO a", "MAIL TO:<>"], "501"),
        (["LHLO a", "MAIL FROM:<a> BY=120"], "555"),
        (["LHLO a", "MAIL FROM:<>", "RCPT TO:help@shop.example"], "501"),
        (["LHLO a", "MAIL FROM:<>", "RCPT TO:<help@shop.example> NOTIFY=NEVER"], "555"),
        (["EHLO a"], "502"),
        (["HELO a"], "502"),
        (["LHLO a", "BDAT 5 LAST"], "502"),
        (["LHLO a", "AUTH PLAIN"], "502"),
        (["LHLO a", "STARTTLS"], "503"),
        (["LHLO a", "VRFY help"], "252"),
        (["GET / HTTP/1.1"], "502"),
        ([""], "502"),
    ],
)
async def test_what_is_out_of_turn_is_refused(house: House, commands: list[str], answer: str) -> None:
    async with house.client() as client:
        await client.hear()
        answers = [await client.ask(command) for command in commands]
    assert answers[-1].startswith(answer)


async def test_a_babbler_is_sent_away(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        for _ in range(20):
            assert (await client.ask("GET /")).startswith("502")
        assert (await client.hear()).startswith("421")


WORDS = [
    b"LHLO x\r\n",
    b"MAIL FROM:<a@b.example>\r\n",
    b"MAIL FROM:<> SIZE=9\r\n",
    b"RCPT TO:<help@shop.example>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\n\r\n",
    b".\r\n",
    b"\r\n.\r\n",
    b".",
    b"\r",
    b"\n",
    b"\0\xff",
    b"RSET\r\n",
    b"<>" * 50,
    b"STARTTLS\r\n",
    b"MAIL FROM:<",
]


async def test_whatever_is_said_the_door_stays_open_and_invents_nothing(house: House) -> None:
    chance = random.Random(7)
    for _ in range(150):
        async with house.client() as client:
            client.say(b"".join(chance.choices(WORDS, k=chance.randrange(1, 40))))
            client.writer.write_eof()
            async with asyncio.timeout(10):
                with contextlib.suppress(ConnectionError):
                    await client.reader.read()
    async with house.client() as client:
        await client.greet()
        assert (await client.hand_over(mail("still open")))[0].startswith("250")
    assert not [line for line in house.context.log.lines if "failed" in line]
    assert texts(house.store)[-1] == "still open"


async def test_an_endless_command_is_cut_off(house: House) -> None:
    async with house.client() as client:
        await client.greet()
        client.say(b"x" * 100_000)
        with contextlib.suppress(ConnectionError):
            assert (await client.hear())[:3] in ("421", "")


async def test_there_is_an_end_to_lines_and_to_recipients(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "MOST_LINES", 2)
    async with house.client() as one, house.client() as two:
        await one.greet()
        await two.greet()
        async with house.client() as three:
            assert (await three.hear()).startswith("421")
        await one.ask("MAIL FROM:<>")
        answers = [await one.ask(f"RCPT TO:<help+{number}@shop.example>") for number in range(101)]
    assert [answer[:3] for answer in answers] == ["250"] * 100 + ["452"]


async def test_a_silent_line_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.email.timings = type(QUICK)(data_s=0.05, command_s=1)
    async with opened(house), house.client() as client:
        await client.greet()
        assert (await client.hear()).startswith("421")


async def test_a_door_that_closes_says_so_and_leaves_the_mail_with_its_server() -> None:
    house = House()
    house.store.gate.clear()
    async with contextlib.AsyncExitStack() as stack:
        task = asyncio.create_task(house.email.run(house.store))
        await house.until_open(task)
        raw = await stack.enter_async_context(house.client())
        await raw.greet()
        handing = asyncio.create_task(raw.hand_over(mail("in the middle")))
        await house.store.entered.wait()
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.done()
        assert [answer[:3] for answer in await handing] == ["421"]


# ── Encryption, files, SMTP


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    openssl += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(folder / "key"), "-out", str(folder / "cert")]
    subprocess.run(openssl, check=True, capture_output=True)
    (folder / "both.pem").write_text((folder / "cert").read_text() + (folder / "key").read_text())
    return folder / "both.pem"


async def test_smtp_with_starttls(certificate: Path) -> None:
    async with opened(House(incoming="smtp", door_certificate=str(certificate))) as house:
        tls = ssl.create_default_context(cafile=str(certificate))
        async with aiosmtplib.SMTP(
            hostname="127.0.0.1", port=house.port, tls_context=tls, start_tls=True, timeout=20
        ) as client:
            errors, answer = await client.sendmail(CUSTOMER, [ADDRESS, SALES], mail("by smtp"))
            assert (errors, answer) == ({}, "2.6.0 stored")
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await client.sendmail(CUSTOMER, ["ana@gmail.example"], mail("not here"))
    assert texts(house.store) == ["by smtp"]


async def test_commands_slipped_in_before_the_encryption_are_never_obeyed(certificate: Path) -> None:
    async with opened(House(door_certificate=str(certificate))) as house, house.client() as client:
        await client.greet()
        client.say(f"STARTTLS\r\nMAIL FROM:<>\r\nRCPT TO:<{ADDRESS}>\r\nDATA\r\n")
        assert (await client.hear())[:3] in ("421", "")


async def test_a_socket_file(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with socket.socket(socket.AF_UNIX) as dead:  # what a killed process leaves behind
        dead.bind(str(path))
    house = House(door_address=str(path))

    def send() -> None:
        with smtplib.LMTP(str(path)) as client:
            client.sendmail(CUSTOMER, [ADDRESS], mail("by file"))

    async with opened(house):
        assert path.stat().st_mode & 0o777 == 0o660
        await asyncio.to_thread(send)
    assert texts(house.store) == ["by file"]
    assert not path.exists()


async def test_an_address_has_one_door(tmp_path: Path) -> None:
    for place in (f"127.0.0.1:{free_port()}", str(tmp_path / "a.sock")):
        async with opened(House(door_address=place)) as first:
            second = House(door_address=place)
            error = await outcome(asyncio.create_task(second.email.run(second.store)))
            assert isinstance(error, Temporary)
            assert error.code == "email.door_taken"
            assert [(found.name, found.ok, found.why) async for found in door.check(first.account.door)][1:] == [  # type: ignore[arg-type]
                ("Mail door", True, "open")
            ]


async def test_a_place_where_nobody_may_listen(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for place in ("192.0.2.1:2400", str(tmp_path / "none" / "a.sock"), str(tmp_path / "file")):
        house = House(door_address=place)
        error = await outcome(asyncio.create_task(house.email.run(house.store)))
        assert isinstance(error, Temporary)
        assert error.code == "email.door_address"
        found = [each async for each in door.check(house.account.door)]  # type: ignore[arg-type]
        assert found[-1].ok is False
    assert (tmp_path / "file").read_text() == "precious"


async def test_the_check_tells_a_free_place_from_one_of_another_program(certificate: Path) -> None:
    house = House(door_certificate=str(certificate))
    assert [each.ok async for each in door.check(house.account.door)] == [True, True]  # type: ignore[arg-type]

    def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 postfix\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", house.port)
    found = [each async for each in door.check(house.account.door)]  # type: ignore[arg-type]
    server.close()
    assert found[-1].ok is False
    certificate_gone = House(door_certificate="/nowhere/mail.pem")
    assert [each.ok async for each in door.check(certificate_gone.account.door)] == [False]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"door_address": ""}, "door_address"),
        ({"door_address": "localhost:25"}, "door_address"),
        ({"door_address": "127.0.0.1"}, "door_address"),
        ({"door_address": "127.0.0.1:0"}, "door_address"),
        ({"door_address": "127.0.0.1:٢٤"}, "door_address"),
        ({"door_address": "/" + "x" * 120}, "door_address"),
        ({"door_peers": ["mail.lan"]}, "door_peers"),
        ({"door_certificate": "mail.pem"}, "door_certificate"),
        ({"door_most_mb": 36}, "door_most_mb"),
        ({"incoming": "uucp"}, "incoming"),
        ({"smtp_login": True}, "smtp_user"),
    ],
)
def test_a_setting_that_cannot_work_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(BadSettings) as caught:
        House(**settings)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("peer", "is_in"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("fd00::7", True),
        ("fd01::7", False),
        ("", False),
        ("fe80::1%eth0", False),
    ],
)
def test_networks_of_peers(peer: str, is_in: bool) -> None:
    settings = House(door_peers=["10.0.0.0/8", "fd00::/16"]).account.door
    assert settings is not None
    assert settings.admits(peer) is is_in
