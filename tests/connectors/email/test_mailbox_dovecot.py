"""The same mailbox code on a real server."""

from __future__ import annotations

import ssl
import uuid
from typing import Any

import pytest
from tests.connectors.email.conftest import Dovecot
from tests.connectors.email.doubles import (
    ADDRESS,
    PART_ID,
    PASSWORD,
    FakeContext,
    QuickEmail,
    Shelf,
    mail,
    outcome,
    part,
    running,
)

from omnibox.connector import BadSettings, ChannelDown, ChannelSettings, Echo
from omnibox_email.faults import Timings
from omnibox_email.mailbox.imap import Line, dial


@pytest.fixture
def user() -> str:
    return f"u{uuid.uuid4().hex[:12]}"


def email(server: Dovecot, user: str, security: str = "none", **changed: Any) -> QuickEmail:
    settings = {
        "imap_host": "localhost" if security != "none" else "127.0.0.1",
        "imap_port": server.imaps if security == "tls" else server.imap,
        "imap_security": security,
        "imap_user": user,
        "imap_password": PASSWORD,
        "smtp_host": "127.0.0.1",
        "certificate": server.certificate if security != "none" else "",
        "idle_seconds": 1,
    }
    return QuickEmail(LocalContext({**settings, **changed}, [ChannelSettings(ADDRESS, "Shop")]))


class LocalContext(FakeContext):
    """Connects to loopback by name too."""

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> Any:
        return await super().connect("127.0.0.1", port, timeout_s)


async def open_line(server: Dovecot, user: str) -> Line:
    context = FakeContext({})
    sock = await context.connect("127.0.0.1", server.imap)
    line = await dial(sock, "127.0.0.1", "none", None, Timings())
    await line.log_in(user, PASSWORD)
    return line


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
async def test_mail_is_read_over_every_kind_of_line(dovecot: Dovecot, user: str, security: str) -> None:
    shelf = Shelf()
    async with running(email(dovecot, user, security), shelf):
        await shelf.until_cursor()
        for number in range(3):
            dovecot.put(user, mail(f"text {number}", number=number), f"{number}.a")
        await shelf.until(3)
    texts = [item.text for item in shelf.items]  # type: ignore[union-attr]
    assert sorted(texts) == ["text 0", "text 1", "text 2"]


async def test_existing_mail_comes_in_batches(dovecot: Dovecot, user: str) -> None:
    for number in range(250):
        dovecot_file = f"{number:04}.a"
        _put_quietly(dovecot, user, mail(number=number), dovecot_file)
    dovecot.put(user, mail(number=250), "0250.a")
    shelf = Shelf()
    async with running(email(dovecot, user, import_existing=True), shelf):
        await shelf.until(251)
    assert shelf.largest <= 100


def _put_quietly(server: Dovecot, user: str, raw: bytes, name: str) -> None:
    """Without setting the owner: the last `put` does it for all."""
    folder = server.folder / "mail" / user / "new"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(raw)


async def test_a_rebuilt_mailbox_is_read_again_without_doubles(dovecot: Dovecot, user: str) -> None:
    shelf = Shelf()
    for number in range(3):
        dovecot.put(user, mail(number=number), f"{number}.a")
    async with running(email(dovecot, user, import_existing=True), shelf):
        await shelf.until(3)
    before = shelf.cursor["INBOX"]["uidvalidity"]
    dovecot.rebuild(user)
    dovecot.put(user, mail(number=3), "3.a")
    async with running(email(dovecot, user, import_existing=True), shelf):
        await shelf.until_offered(7)
    assert {item.external_id for item in shelf.items} == {f"m{n}@customer.example" for n in range(4)}  # type: ignore[union-attr]
    assert shelf.outcomes.count("duplicate") == 3
    assert shelf.cursor["INBOX"]["uidvalidity"] != before


async def test_a_thousand_mails_of_a_rebuilt_mailbox_are_neither_lost_nor_doubled(dovecot: Dovecot, user: str) -> None:
    for number in range(999):
        _put_quietly(dovecot, user, mail(number=number), f"{number:04}.a")
    dovecot.put(user, mail(number=999), "0999.a")
    shelf = Shelf()
    async with running(email(dovecot, user, import_existing=True), shelf):
        await shelf.until(1000)
    dovecot.rebuild(user)
    shelf.counts.clear()
    dovecot.put(user, mail(number=1000), "1000.a")
    async with running(email(dovecot, user, import_existing=True), shelf):
        await shelf.until(1001)
        await shelf.until_offered(2001)
        await shelf._until(lambda: bool(shelf.counts))
    assert shelf.outcomes.count("duplicate") == 1000
    assert {missing for _, missing, _ in shelf.counts} == {0}


async def test_a_colleagues_answer_comes_from_the_folder_of_sent_mail(dovecot: Dovecot, user: str) -> None:
    shelf = Shelf()
    async with running(email(dovecot, user), shelf):
        await shelf._until(lambda: "Sent" in shelf.cursor)
        answer = mail("Written elsewhere", sender=ADDRESS, to="ana@customer.example")
        dovecot.put(user, answer, "1.s", folder="Sent")
        await shelf.until(1)
    assert isinstance(shelf.items[0], Echo)


@pytest.mark.parametrize("afterwards", ["mark read", "move"])
async def test_stored_mail_is_marked_or_moved(dovecot: Dovecot, user: str, afterwards: str) -> None:
    shelf = Shelf()
    async with running(email(dovecot, user, afterwards=afterwards, move_to="Done/2026 – ü"), shelf):
        await shelf.until_cursor()
        for number in (1, 2):
            dovecot.put(user, mail(number=number), f"{number}.a")
        await shelf.until(2)
        dovecot.put(user, mail(number=3), "3.a")
        await shelf.until(3)
        dovecot.put(user, mail(number=4), "4.a")  # what became of the others was settled before this one was read
        await shelf.until(4)
    line = await open_line(dovecot, user)
    await line.examine("INBOX")
    left, unread = await line.search("ALL"), await line.search("UNSEEN")
    if afterwards == "move":
        await line.examine("Done/2026 – ü")
        assert len(await line.search("ALL")) >= 3
        assert len(left) <= 1
    else:
        assert len(left) == 4
        assert len(unread) <= 1
    line.abort()


async def test_exact_bytes_of_a_big_mail(dovecot: Dovecot, user: str) -> None:
    raw = mail("big", size=7_000_000)
    dovecot.put(user, raw, "1.a")
    line = await open_line(dovecot, user)
    await line.examine("INBOX")
    (uid,) = await line.search("ALL")
    size = (await line.sizes([uid]))[uid].size
    whole = (await line.bodies([uid]))[uid]
    stepped = await line.body_in_steps(uid, size)
    line.abort()
    assert whole == stepped == raw
    assert size == len(raw)


async def test_a_wrong_password_is_refused(dovecot: Dovecot, user: str) -> None:
    async with running(email(dovecot, user, imap_password="wrong"), Shelf()) as task:
        error = await outcome(task)
    assert isinstance(error, ChannelDown)
    assert error.code == "email.login_refused"


async def test_a_password_with_foreign_letters_is_refused_and_not_garbled(dovecot: Dovecot, user: str) -> None:
    line = None
    sock = await FakeContext({}).connect("127.0.0.1", dovecot.imap)
    line = await dial(sock, "127.0.0.1", "none", None, Timings())
    from omnibox_email.faults import LoginRefused

    with pytest.raises(LoginRefused):
        await line.log_in(user, "schlüssel")
    await line.log_in(user, PASSWORD)
    line.abort()


async def test_an_untrusted_certificate_takes_the_channel_down(dovecot: Dovecot, user: str) -> None:
    for security in ("tls", "starttls"):
        async with running(email(dovecot, user, security, certificate=""), Shelf()) as task:
            error = await outcome(task)
        assert isinstance(error, ChannelDown), security
        assert error.code == "email.tls_failed"


async def test_the_copy_in_the_sent_folder_is_evidence(dovecot: Dovecot, user: str) -> None:
    connector = email(dovecot, user)
    line = await open_line(dovecot, user)  # makes the mailbox
    assert ("Sent", True) in [(name, "\\sent" in attributes) for name, attributes in await line.folders()]
    line.abort()
    assert await connector.look_up(part()) == "unknown"
    dovecot.put(user, mail(extra="", number=1).replace(b"<m1@customer.example>", _own_id()), "1.s", folder="Sent")
    found = await connector.look_up(part())
    assert not isinstance(found, str)


def _own_id() -> bytes:
    return f"<{PART_ID}.omnibox@shop.example>".encode()


def test_a_certificate_that_is_none_is_named() -> None:
    settings = {"imap_host": "a", "imap_user": "b", "imap_password": "c", "smtp_host": "d", "certificate": "nonsense"}
    with pytest.raises(BadSettings, match="BEGIN CERTIFICATE") as caught:
        QuickEmail(FakeContext(settings))
    assert caught.value.field == "certificate"
    assert ssl.OPENSSL_VERSION
