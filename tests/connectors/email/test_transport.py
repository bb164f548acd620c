"""Sending, stage by stage: what each failure means for a mail."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy
from typing import Any

import pytest
from tests.connectors.email.doubles import (
    ADDRESS,
    CUSTOMER,
    PART_ID,
    QUICK,
    TOKEN,
    FakeContext,
    QuickEmail,
    part,
    turns_until,
)

from omnibox.connector import (
    ChannelDown,
    ChannelSettings,
    OutboundFile,
    Recipients,
    Rejected,
    Sent,
    Temporary,
    Uncertain,
)
from omnibox.testing.world.mail import MailHouse
from omnibox_email.sending import lines, transport


class Impatient(QuickEmail):
    timings = replace(QUICK, connect_s=0.3, command_s=0.3, data_s=0.3, after_dot_s=0.3)


def email(house: MailHouse, kind: type[QuickEmail] = QuickEmail, **changed: Any) -> QuickEmail:
    return kind(FakeContext({**house.settings(ADDRESS), **changed}))


async def refusal(connector: QuickEmail, **changed: Any) -> Any:
    with pytest.raises((ChannelDown, Rejected, Temporary, Uncertain)) as caught:
        await connector.send(part(**changed))
    await connector.close()
    return caught.value


async def test_an_answer_arrives_with_all_that_threads_it(house: MailHouse) -> None:
    connector = email(house)
    sent = await connector.send(part())
    await connector.close()
    assert sent.external_id == f"{PART_ID}.omnibox@shop.example" == connector.reserve(part())
    (raw,) = house.sent_to(CUSTOMER)
    arrived = message_from_bytes(raw, policy=policy.default)
    assert arrived["Message-ID"] == f"<{sent.external_id}>"
    assert arrived["In-Reply-To"] == "<second@customer.example>"
    assert arrived["References"].split()[::2] == ["<first@customer.example>", "<second@customer.example>"]
    assert arrived["Subject"] == "Re: Where is my order?"
    assert arrived["From"] == f"Shop <{ADDRESS}>"
    assert arrived["To"] == CUSTOMER
    assert arrived["Reply-To"] == f"Shop <help+{TOKEN}@shop.example>"
    assert arrived["Date"] == "Sat, 21 Nov 2026 09:30:00 +0000"
    assert arrived.get_content().split("\r\n") == ["Dear Ana,", "it left today.", ""]
    assert house.smtp.received[0].sender == ADDRESS


async def test_a_resend_is_byte_equal(house: MailHouse) -> None:
    connector = email(house)
    file = OutboundFile("Rechnung März.pdf", "application/pdf", 3, "k", _bytes(b"%PD"))
    for _ in range(2):
        await connector.send(part(html="<p>Hi</p>", files=(file,)))
    await connector.close()
    first, second = house.sent_to(CUSTOMER)
    assert first == second


def _bytes(content: bytes) -> Any:
    async def read() -> bytes:
        return content

    return read


async def test_several_mails_share_one_connection(house: MailHouse) -> None:
    connector = email(house)
    await asyncio.gather(*(connector.send(part(id=f"{PART_ID[:-1]}{n}")) for n in range(5)))
    await connector.close()
    assert house.smtp.connections == 1
    assert len(house.sent_to(CUSTOMER)) == 5


async def test_many_mails_share_a_few_connections(house: MailHouse) -> None:
    connector = email(house)
    await asyncio.gather(*(connector.send(part(id=f"{PART_ID[:-2]}{n:02}")) for n in range(40)))
    assert 1 < house.smtp.connections <= lines.MOST_LINES
    assert len(house.sent_to(CUSTOMER)) == 40
    await connector.close()
    async with asyncio.timeout(5):
        await house.smtp.until_gone()


async def test_a_server_that_gives_one_connection_only_gets_all_mails_over_it(house: MailHouse) -> None:
    connector = email(house)
    await connector.send(part())
    house.smtp.refuse("connect", 421, "too many connections", times=-1)
    await asyncio.gather(*(connector.send(part(id=f"{PART_ID[:-2]}{n:02}")) for n in range(40)))
    await connector.close()
    assert len(house.sent_to(CUSTOMER)) == 41


async def test_a_kept_connection_that_died_is_replaced(house: MailHouse) -> None:
    connector = email(house)
    await connector.send(part())
    await house.smtp.drop()
    await connector.send(part())
    await connector.close()
    assert len(house.sent_to(CUSTOMER)) == 2


async def test_a_kept_connection_that_says_goodbye_is_replaced(house: MailHouse) -> None:
    connector = email(house)
    await connector.send(part())
    house.smtp.refuse("mail", 421, "idle for too long")
    await connector.send(part())
    await connector.close()
    assert house.smtp.connections == 2
    assert len(house.sent_to(CUSTOMER)) == 2


async def test_the_kept_connection_is_closed_when_idle(house: MailHouse) -> None:
    class Brief(QuickEmail):
        timings = replace(QUICK, kept_s=0.01)

    connector = email(house, Brief)
    await connector.send(part())
    async with asyncio.timeout(5):
        await house.smtp.until_gone()
    await connector.close()


async def test_leaving_is_told_before_the_mail_can_be_taken(house: MailHouse) -> None:
    taken: list[int] = []

    async def leaving() -> None:
        taken.append(len(house.smtp.received))

    connector = email(house)
    await connector.send(part(leaving=leaving))
    await connector.close()
    assert taken == [0]


@pytest.mark.parametrize("kind", ["close", "reset", "hang"])
@pytest.mark.parametrize("stage", ["connect", "ehlo", "auth", "mail", "rcpt", "data"])
async def test_a_loss_before_the_dot_is_temporary(house: MailHouse, stage: Any, kind: Any) -> None:
    house.smtp.break_at(stage, kind)
    connector = email(house, Impatient)
    error = await refusal(connector)
    assert type(error) is Temporary
    assert not house.smtp.received
    await connector.send(part())
    await connector.close()
    assert len(house.smtp.received) == 1


@pytest.mark.parametrize("kind", ["close", "reset"])
async def test_a_loss_amid_the_data_is_temporary(house: MailHouse, kind: Any) -> None:
    connector = email(house)

    async def leaving() -> None:
        await house.smtp.until_gone()
        await turns_until(lambda: not connector._lines.first._client.is_connected)  # type: ignore[union-attr]

    house.smtp.break_at("body", kind)
    assert type(await refusal(connector, leaving=leaving)) is Temporary


async def test_a_server_that_stops_reading_amid_the_data_is_temporary(house: MailHouse) -> None:
    house.smtp.break_at("body", "hang")
    file = OutboundFile("a.bin", "application/octet-stream", 9_000_000, "k", _bytes(bytes(9_000_000)))
    assert type(await refusal(email(house, Impatient), files=(file,))) is Temporary


@pytest.mark.parametrize("kind", ["close", "reset", "hang"])
@pytest.mark.parametrize("keeps", [True, False])
async def test_a_loss_after_the_dot_is_uncertain(house: MailHouse, kind: Any, keeps: bool) -> None:
    house.smtp.break_at("dot", kind, keeps=keeps)
    error = await refusal(email(house, Impatient))
    assert type(error) is Uncertain
    assert len(house.smtp.received) == keeps


@pytest.mark.parametrize(
    ("stage", "code", "text", "wanted", "name"),
    [
        ("connect", 421, "try later", Temporary, "email.smtp_greeting_refused"),
        ("connect", 554, "no service", ChannelDown, "email.smtp_greeting_refused"),
        ("auth", 454, "4.7.0 away", Temporary, "email.smtp_login_unavailable"),
        ("auth", 535, "5.7.8 wrong", ChannelDown, "email.smtp_login_refused"),
        ("auth", 535, "5.7.139 basic authentication is disabled", ChannelDown, "email.smtp_password_login_off"),
        ("mail", 451, "4.3.0 later", Temporary, "email.sender_refused"),
        ("mail", 550, "5.7.1 not your address", ChannelDown, "email.sender_refused"),
        ("mail", 552, "5.3.4 too big", Rejected, "email.too_big"),
        ("rcpt", 450, "4.2.0 greylisted", Temporary, "email.recipient_deferred"),
        ("rcpt", 550, "5.1.1 unknown", Rejected, "email.no_such_mailbox"),
        ("rcpt", 550, "5.7.1 policy", Rejected, "email.recipient_refused"),
        ("data", 451, "4.3.0 later", Temporary, "email.deferred"),
        ("data", 554, "5.5.1 no", Rejected, "email.content_refused"),
        ("dot", 452, "4.3.1 full", Temporary, "email.deferred"),
        ("dot", 554, "5.7.1 spam", Rejected, "email.content_refused"),
        ("dot", 552, "5.3.4 too big", Rejected, "email.too_big"),
    ],
)
async def test_each_refusal_is_the_right_decision(
    house: MailHouse, stage: Any, code: int, text: str, wanted: type, name: str
) -> None:
    house.smtp.refuse(stage, code, text, times=9)
    error = await refusal(email(house))
    assert type(error) is wanted
    assert error.code == name


async def test_an_unknown_mailbox_is_unreachable_and_a_policy_is_not(house: MailHouse) -> None:
    house.smtp.refuse("rcpt", 550, "5.1.1 unknown")
    house.smtp.refuse("rcpt", 550, "5.7.1 policy")
    assert (await refusal(email(house))).unreachable
    assert not (await refusal(email(house))).unreachable


async def test_recipients_are_refused_one_by_one(house: MailHouse) -> None:
    house.smtp.refuse("rcpt", 550, "5.1.1 unknown", address="gone@customer.example")
    house.smtp.refuse("rcpt", 450, "4.2.0 later", address="slow@customer.example")
    connector = email(house)
    recipients = Recipients(to=("gone@customer.example",), cc=("slow@customer.example", CUSTOMER.upper()))
    sent = await connector.send(part(recipients=recipients))
    await connector.close()
    assert {address: type(error) for address, error in sent.refused.items()} == {
        "gone@customer.example": Rejected,
        "slow@customer.example": Temporary,
    }
    assert house.smtp.received[0].recipients == (CUSTOMER,)


async def test_the_connection_serves_on_after_a_refusal(house: MailHouse) -> None:
    house.smtp.refuse("rcpt", 550, "5.1.1 unknown")
    connector = email(house)
    with pytest.raises(Rejected):
        await connector.send(part())
    await connector.send(part())
    await connector.close()
    assert house.smtp.connections == 1


async def test_a_wrong_password_takes_the_channel_down(house: MailHouse) -> None:
    error = await refusal(email(house, smtp_password="wrong"))
    assert type(error) is ChannelDown
    assert error.code == "email.smtp_login_refused"


async def test_a_closed_port_is_temporary(house: MailHouse) -> None:
    await house.smtp.stop()
    assert type(await refusal(email(house))) is Temporary


async def test_a_mail_over_the_announced_size_is_refused_before_it_is_sent(house: MailHouse) -> None:
    house.smtp.size_limit = 100
    error = await refusal(email(house))
    assert (type(error), error.code) == (Rejected, "email.too_big")
    assert "MAIL" not in house.smtp.commands


async def test_files_over_the_limit_are_refused(house: MailHouse) -> None:
    file = OutboundFile("film.mp4", "video/mp4", 26_000_000, "k", _bytes(b""))
    assert (await refusal(email(house), files=(file,))).code == "email.too_big"


async def test_the_id_a_relay_gives_is_an_alias(house: MailHouse) -> None:
    house.rewrites_ids = True
    connector = email(house)
    sent = await connector.send(part())
    await connector.close()
    assert len(sent.aliases) == 1
    assert f"<{sent.aliases[0]}>".encode() in house.sent_to(CUSTOMER)[0]


@pytest.mark.parametrize(
    "text",
    [".", "..", "a\n.\nb", ".\r\nMAIL FROM:<x@y.example>", "From here\nFrom there", "x" * 5000, "ü" * 3000, "a\rb"],
)
async def test_the_text_arrives_unchanged(house: MailHouse, text: str) -> None:
    connector = email(house)
    await connector.send(part(text=text))
    await connector.close()
    (mail,) = house.smtp.received
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")
    payload: Any = message_from_bytes(mail.raw).get_payload(decode=True)
    # The end of the data adds one line end.
    assert payload.decode().removesuffix("\r\n").replace("\r\n", "\n") == text.replace("\r\n", "\n")


def test_no_line_of_the_mail_can_end_the_data() -> None:
    raw = b".\r\n..\n.a\rb\n\n."
    assert transport.stuffed(raw) == b"..\r\n...\r\n..a\r\nb\r\n\r\n..\r\n"


async def test_nothing_a_customer_wrote_adds_a_header_or_a_recipient(house: MailHouse) -> None:
    evil = "x\r\nBcc: victim@elsewhere.example\r\n\r\nbody"
    context = FakeContext(house.settings(ADDRESS), [ChannelSettings(ADDRESS, evil)])
    connector = QuickEmail(context)
    await connector.send(part(subject=evil, refs=(evil, "good@x.example"), text="plain"))
    await connector.close()
    (mail,) = house.smtp.received
    arrived = message_from_bytes(mail.raw)
    assert arrived["Bcc"] is None
    assert arrived["References"].split()[-1] == "<good@x.example>"
    assert len(arrived["References"].split()) == 2
    assert mail.recipients == (CUSTOMER,)


async def test_an_address_with_a_line_break_is_refused(house: MailHouse) -> None:
    error = await refusal(email(house), address="a@b.example>\r\nRCPT TO:<v@x.example")
    assert type(error) is Rejected
    assert not house.smtp.received


async def test_foreign_addresses_need_a_server_that_takes_them(house: MailHouse) -> None:
    connector = email(house)
    await connector.send(part(address="jörg@bücher.example"))
    await connector.close()
    assert house.smtp.received[0].recipients == ("jörg@xn--bcher-kva.example",)
    house.smtp.offers = []
    assert (await refusal(email(house), address="jörg@bücher.example")).code == "email.address_not_supported"
    connector = email(house)
    await connector.send(part(address="jorg@bücher.example"))
    await connector.close()


async def test_a_signature_and_a_channel_without_reply_addresses(house: MailHouse) -> None:
    settings = {"signature": "The shop\nStreet 1", "reply_pattern": "", "display_name": "Käse & Co"}
    connector = QuickEmail(FakeContext(house.settings(ADDRESS), [ChannelSettings(ADDRESS, "Shop", settings)]))
    await connector.send(part(tokens=()))
    await connector.close()
    arrived = message_from_bytes(house.sent_to(CUSTOMER)[0], policy=policy.default)
    assert arrived["Reply-To"] is None
    assert arrived["From"] == f"Käse & Co <{ADDRESS}>"
    assert arrived.get_content().endswith("\r\n\r\n-- \r\nThe shop\r\nStreet 1\r\n")


async def test_automatic_mail_says_so_and_has_no_sender_to_bounce_to(house: MailHouse) -> None:
    connector = email(house)
    await connector.send(part(mode="automatic", recipients=Recipients(cc=("other@x.example",))))
    await connector.close()
    (mail,) = house.smtp.received
    arrived = message_from_bytes(mail.raw)
    assert mail.sender == ""
    assert arrived["Auto-Submitted"] == "auto-replied"
    assert arrived["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert mail.recipients == (CUSTOMER,)


async def test_a_copy_among_the_sent_mail_settles_an_uncertain_part(house: MailHouse) -> None:
    house.keeps_sent = True
    connector = email(house)
    assert await connector.look_up(part()) == "unknown"
    await connector.send(part())
    await connector.close()
    found = await connector.look_up(part())
    assert not isinstance(found, str)
    assert found.external_id == connector.reserve(part())


async def test_a_folder_of_sent_mail_is_known_by_its_name_too(house: MailHouse) -> None:
    house.keeps_sent = True
    connector = email(house)
    await connector.send(part())
    await connector.close()
    (folders,) = house.imap.mailboxes.values()
    folders["Gesendete Objekte"] = folders.pop("Sent")
    folders["Gesendete Objekte"].name, folders["Gesendete Objekte"].attributes = "Gesendete Objekte", ()
    assert isinstance(await connector.look_up(part()), Sent)


async def test_a_server_that_is_away_gives_no_evidence_and_says_so(house: MailHouse) -> None:
    connector = email(house)
    await house.imap.stop()
    with pytest.raises(Temporary):
        await connector.look_up(part())


async def test_a_line_that_breaks_amid_the_look_is_no_evidence(house: MailHouse) -> None:
    connector = email(house)
    house.imap.kill_at(3)
    with pytest.raises(Temporary):
        await connector.look_up(part())
