"""What goes into a mail and onto its envelope: copies, quotes, signatures, senders, what the server offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from tests.connectors.email.doubles import ADDRESS, CUSTOMER, PART_ID, TOKEN, FakeContext, QuickEmail, part

from omnibox.connector import ChannelDown, ChannelSettings, Quoted, Recipients, Rejected, Temporary
from omnibox.testing.world.mail import MailHouse
from omnibox_email import threadmark
from omnibox_email.explained import ERRORS
from omnibox_email.sending import quoting

BOSS, HIDDEN = "boss@customer.example", "archive@audit.example"
REPLY_ADDRESS = f"help+{TOKEN}@shop.example"
QUOTED = Quoted(
    at=datetime(2026, 11, 20, 8, 5, tzinfo=UTC),
    address=CUSTOMER,
    name="Ana Ruiz",
    text="Where is it?\n\n> Thank you for your order.\n>> old",
    html='<p>Where <b>is</b> it?</p><img src="cid:logo@x" alt=">"><p>Ana</p>',
)


def email(house: MailHouse, channel: dict[str, Any] | None = None) -> QuickEmail:
    return QuickEmail(FakeContext(house.settings(ADDRESS), [ChannelSettings(ADDRESS, "Shop", channel or {})]))


async def sent(house: MailHouse, channel: dict[str, Any] | None = None, **changed: Any) -> EmailMessage:
    """What a part became at the server."""
    connector = email(house, channel)
    await connector.send(part(**changed))
    await connector.close()
    found = message_from_bytes(house.smtp.received[-1].raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


# ── Copies


async def test_copies_go_out_and_blind_ones_are_named_nowhere(house: MailHouse) -> None:
    mail = await sent(house, recipients=Recipients(to=(CUSTOMER,), cc=(BOSS, CUSTOMER.upper()), bcc=(HIDDEN, BOSS)))
    assert house.smtp.received[0].recipients == (CUSTOMER, BOSS, HIDDEN)
    assert mail["To"] == CUSTOMER
    assert mail["Cc"] == BOSS
    assert HIDDEN.encode() not in house.smtp.received[0].raw


async def test_only_those_who_still_wait_get_the_same_mail_again(house: MailHouse) -> None:
    copies = Recipients(cc=(BOSS,), bcc=(HIDDEN,))
    await sent(house, recipients=copies)
    await sent(house, recipients=copies, only=(HIDDEN, BOSS.upper()))
    first, second = house.smtp.received
    assert second.recipients == (BOSS, HIDDEN)
    assert first.raw == second.raw


async def test_where_all_of_several_are_refused_each_has_its_own_reason(house: MailHouse) -> None:
    house.smtp.refuse("rcpt", 550, "5.1.1 unknown", address=BOSS, times=-1)
    house.smtp.refuse("rcpt", 451, "4.7.1 greylisted", address=CUSTOMER, times=-1)
    connector = email(house)
    answer = await connector.send(part(recipients=Recipients(cc=(BOSS,))))
    assert {name: (type(error), error.code) for name, error in answer.refused.items()} == {
        BOSS: (Rejected, "email.no_such_mailbox"),
        CUSTOMER: (Temporary, "email.recipient_deferred"),
    }
    assert not house.smtp.received
    house.smtp.heal()
    await connector.send(part())
    await connector.close()
    assert (len(house.smtp.received), house.smtp.connections) == (1, 1)


async def test_an_address_the_server_cannot_spell_is_refused_alone(house: MailHouse) -> None:
    house.smtp.offers = ["8BITMIME"]
    connector = email(house)
    answer = await connector.send(part(recipients=Recipients(cc=("jörg@bücher.example",))))
    await connector.close()
    assert {name: error.code for name, error in answer.refused.items()} == {
        "jörg@bücher.example": "email.address_not_supported"
    }
    assert house.smtp.received[0].recipients == (CUSTOMER,)
    assert house.smtp.received[0].raw.isascii()


async def test_a_server_that_offers_it_gets_foreign_letters_as_they_are(house: MailHouse) -> None:
    connector = email(house)
    answer = await connector.send(part(recipients=Recipients(cc=("jörg@bücher.example",))))
    await connector.close()
    assert not answer.refused
    assert "Cc: jörg@xn--bcher-kva.example\r\n".encode() in house.smtp.received[0].raw


# ── The envelope


async def test_what_the_server_may_tell_us_later_is_asked_for(house: MailHouse) -> None:
    heard: list[str] = []
    house.smtp.offers = ["DSN"]
    house.smtp.lines = heard.append
    await sent(house)
    assert f"MAIL FROM:<{ADDRESS}> SIZE=" in heard[-3]
    assert heard[-3].endswith(f" RET=HDRS ENVID={PART_ID}.omnibox@shop.example")
    assert heard[-2] == f"RCPT TO:<{CUSTOMER}> NOTIFY=FAILURE,DELAY"


async def test_a_server_without_it_is_not_asked(house: MailHouse) -> None:
    heard: list[str] = []
    house.smtp.lines = heard.append
    await sent(house)
    assert heard[-2] == f"RCPT TO:<{CUSTOMER}>"


async def test_returned_mail_can_come_to_the_signed_address(house: MailHouse) -> None:
    await sent(house, {"bounce_token": True})
    await sent(house)
    assert [mail.sender for mail in house.smtp.received] == [REPLY_ADDRESS, ADDRESS]


async def test_a_server_that_takes_no_plus_address_gets_the_plain_one(house: MailHouse) -> None:
    house.smtp.refuse("mail", 553, "5.7.1 not yours", address=REPLY_ADDRESS)
    await sent(house, {"bounce_token": True})
    assert house.smtp.received[0].sender == ADDRESS


async def test_a_server_that_takes_no_empty_sender_gets_ours_and_the_channel_stays_up(house: MailHouse) -> None:
    house.smtp.refuse("mail", 550, "5.7.1 sender required")
    mail = await sent(house, mode="automatic")
    assert house.smtp.received[0].sender == ADDRESS
    assert mail["Auto-Submitted"] == "auto-replied"
    house.smtp.refuse("mail", 550, "5.7.1 no", times=-1)
    connector = email(house)
    with pytest.raises(ChannelDown):
        await connector.send(part())
    await connector.close()


# ── What stands in it


async def test_the_mail_that_is_answered_is_quoted_below(house: MailHouse) -> None:
    mail = await sent(house, {"signature": "The shop"}, quoted=QUOTED)
    assert text_of(mail) == (
        "Dear Ana,\nit left today.\n\n-- \nThe shop\n\nOn 2026-11-20 08:05 UTC, Ana Ruiz wrote:\n"
        "> Where is it?\n>\n>> Thank you for your order.\n>>> old"
    )
    html = html_of(mail)
    assert html.index("it left today.") < html.index("The shop") < html.index("Ana Ruiz wrote:")
    assert '<blockquote type="cite"' in html
    assert "<p>Where <b>is</b> it?</p><p>Ana</p>" in html
    assert "<img" not in html


async def test_a_quote_of_plain_text_stays_plain(house: MailHouse) -> None:
    mail = await sent(house, quoted=replace(QUOTED, html=None))
    assert not mail.is_multipart()
    assert "\n> Where is it?\n" in text_of(mail)


async def test_a_channel_may_go_without_quotes_and_word_their_line(house: MailHouse) -> None:
    mail = await sent(house, {"quote_history": False}, quoted=QUOTED)
    assert text_of(mail) == "Dear Ana,\nit left today.\n"
    mail = await sent(house, {"quote_introduction": "El {date}, {name} <{address}> escribió:"}, quoted=QUOTED)
    assert f"\nEl 2026-11-20 08:05 UTC, Ana Ruiz <{CUSTOMER}> escribió:\n> Where" in text_of(mail)


async def test_nothing_in_a_quoted_name_leaves_its_line_or_its_element(house: MailHouse) -> None:
    evil = replace(QUOTED, name="Ana\r\n\r\n<script>alert(1)</script> {address}")
    mail = await sent(house, quoted=evil)
    assert "\nOn 2026-11-20 08:05 UTC, Ana <script>alert(1)</script> {address} wrote:\n" in text_of(mail)
    assert "<script" not in html_of(mail)


async def test_a_long_history_is_cut_and_says_so(house: MailHouse) -> None:
    mail = await sent(house, quoted=replace(QUOTED, text="line\n" * 5000, html=None))
    lines = text_of(mail).rstrip("\n").split("\n")
    assert lines[-1] == "> […]"
    assert lines.count("> line") == quoting.MOST_LINES


@pytest.mark.parametrize(
    ("channel", "agent", "wanted"),
    [
        ("The shop", "", "The shop"),
        ("", "Ben", "Ben"),
        ("The shop", "Ben", "Ben\nThe shop"),
        ("{signature}\n-- The shop", "Ben", "Ben\n-- The shop"),
        ("{agent}, the shop", "", "Ben Ortiz, the shop"),
        ("", "", None),
    ],
)
async def test_signatures_of_channel_and_agent(house: MailHouse, channel: str, agent: str, wanted: str | None) -> None:
    mail = await sent(house, {"signature": channel}, signature=agent, author="Ben Ortiz")
    marked = text_of(mail).partition("\n\n-- \n")[2]
    assert marked == (f"{wanted}\n" if wanted else "")


async def test_what_a_machine_says_holds_nothing_of_the_customers(house: MailHouse) -> None:
    mail = await sent(
        house, {"signature": "The shop"}, mode="automatic", text="We have it.", subject="BUY NOW", quoted=QUOTED
    )
    assert text_of(mail) == "We have it.\n"
    assert mail["Subject"] == "We have received your message"
    assert mail["X-Loop"]


async def test_words_become_html_as_they_are(house: MailHouse) -> None:
    mail = await sent(house, text="a <b> & c\n  two  blanks", quoted=QUOTED)
    assert "a &lt;b&gt; &amp; c<br>\r\n&nbsp; two&nbsp; blanks" in html_of(mail)


async def test_the_conversation_is_marked_where_only_the_body_is_left(house: MailHouse) -> None:
    mail = await sent(house, {"reply_pattern": ""}, quoted=QUOTED)
    assert threadmark.marks_in(text_of(mail)) == (TOKEN,)
    mail = await sent(house, quoted=QUOTED)
    assert threadmark.marks_in(text_of(mail)) == ()
    assert threadmark.marks_in(html_of(mail)) == (TOKEN,)


async def test_our_own_id_is_among_the_references_and_the_parent_stays_last(house: MailHouse) -> None:
    mail = await sent(house)
    own = f"<{PART_ID}.omnibox@shop.example>"
    assert mail["References"].split() == ["<first@customer.example>", own, "<second@customer.example>"]
    mail = await sent(house, refs=())
    assert mail["References"] is None


def test_every_code_has_words() -> None:
    import re
    from pathlib import Path

    import omnibox_email

    folder = Path(omnibox_email.__file__).parent
    used = {code for path in folder.rglob("*.py") for code in re.findall(r'"(email\.[a-z_]+)"', path.read_text())}
    assert used == set(ERRORS)
    for what, cure in ERRORS.values():
        assert what.endswith(".")
        assert cure.endswith(".")
    assert omnibox_email.Email.errors is ERRORS


def test_the_readme_lists_every_code() -> None:
    from pathlib import Path

    import omnibox_email

    readme = (Path(omnibox_email.__file__).parent / "README.md").read_text()
    for code, (what, cure) in ERRORS.items():
        assert f"| `{code}` | {what} | {cure} |" in readme, code
