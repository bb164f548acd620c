"""Mail on its way out, through the doors a user knows: several recipients, delays, refusals, doubts, copies, quotes."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from tests.inbox.house import PASSWORD, House

from omnibox.inbox.delivery import BELL
from omnibox.testing.world.demo import CUSTOMER, MAILBOX

Row = dict[str, Any]
BOSS, HIDDEN = "boss@customer.example", "archive@audit.example"
STRANGER = "eve@elsewhere.example"


@pytest.fixture
async def leo(house: House) -> Row:
    """A conversation by mail, freshly begun."""
    house.world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.", html="<p>Please <b>send</b> it.</p>")
    return await house.row(CUSTOMER)


def smtp(house: House) -> Any:
    return house.world.house.smtp


def mails_to(house: House, address: str) -> list[EmailMessage]:
    parsed = (message_from_bytes(raw, policy=policy.default) for raw in house.world.house.sent_to(address))
    return [each for each in parsed if isinstance(each, EmailMessage)]


async def delivery_of(house: House, message: Row) -> Row:
    found = next(each for each in await house.messages(message["conversation"]) if each["id"] == message["id"])
    return dict(found["deliveries"][0])


async def until(house: House, message: Row, **wanted: Any) -> Row:
    """The delivery of a message once it shows `wanted`."""

    async def shows() -> Row | None:
        found = await delivery_of(house, message)
        return found if all(found[name] == value for name, value in wanted.items()) else None

    return dict(await house.until(shows))


def later(house: House, **passed: float) -> None:
    """So much later than when the test began; whoever sends looks at the queue."""
    house.shift = timedelta(**passed)
    house.hub.delivery.bus.ring({BELL})


async def sign_in(house: House) -> None:
    """Days have passed: the session is over."""
    await house.admin.ask("POST", "/api/login", {"email": "owner@shop.example", "password": PASSWORD, "stay": True})


async def channel_of(house: House, connector: str = "email") -> Row:
    channels = (await house.admin.ask("GET", "/api/snapshot"))["channels"]
    return next(each for each in channels if each["connector"] == connector)


async def set_up(house: House, **settings: Any) -> None:
    """Other settings of the mail channel."""
    channel = await channel_of(house)
    await house.admin.ask("PATCH", f"/api/channels/{channel['id']}", {"settings": settings})


# ── Several recipients


async def test_who_is_refused_is_shown_and_the_others_have_it(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 550, "5.1.1 unknown", address=BOSS)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS, "second@customer.example"])
    failed = await until(house, sent, state="failed")
    assert failed["code"] == "email.no_such_mailbox"
    assert {each["address"]: (each["state"], each["code"]) for each in failed["recipients"]} == {
        CUSTOMER: ("sent", None),
        BOSS: ("failed", "email.no_such_mailbox"),
        "second@customer.example": ("sent", None),
    }
    assert (await house.row(CUSTOMER))["failed"] == 1
    assert len(mails_to(house, CUSTOMER)) == len(mails_to(house, "second@customer.example")) == 1


async def test_retry_goes_to_those_alone_who_do_not_have_it(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 550, "5.1.1 unknown", address=BOSS)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS])
    failed = await until(house, sent, state="failed")
    await house.admin.ask("POST", f"/api/deliveries/{failed['id']}/retry")
    await until(house, sent, state="sent")
    assert [len(mails_to(house, each)) for each in (CUSTOMER, BOSS)] == [1, 1]
    assert house.world.house.sent_to(CUSTOMER) == house.world.house.sent_to(BOSS)
    assert (await house.row(CUSTOMER))["failed"] == 0


async def test_an_agent_may_leave_it_at_those_who_have_it(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 550, "5.1.1 unknown", address=BOSS)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS])
    failed = await until(house, sent, state="failed")
    await house.admin.ask("POST", f"/api/deliveries/{failed['id']}/dismiss")
    settled = await until(house, sent, state="sent")
    assert [each["state"] for each in settled["recipients"]] == ["sent", "failed"]
    assert (await house.row(CUSTOMER))["failed"] == 0


async def test_who_shall_come_later_is_tried_alone_and_holds_nothing_up(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", address=BOSS)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS])
    waiting = await until(house, sent, state="queued", code="email.recipient_deferred")
    assert {each["address"]: each["state"] for each in waiting["recipients"]} == {CUSTOMER: "sent", BOSS: "queued"}
    second = await house.reply(leo["id"], "And another thing.")
    await until(house, second, state="sent")
    later(house, minutes=2)
    settled = await until(house, sent, state="sent")
    assert [each["state"] for each in settled["recipients"]] == ["sent", "sent"]
    assert [len(mails_to(house, each)) for each in (CUSTOMER, BOSS)] == [2, 1]


async def test_a_copy_that_comes_back_says_nothing_of_those_who_wait(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", address=BOSS)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS])
    await until(house, sent, state="queued", code="email.recipient_deferred")
    house.world.house.deliver(house.world.house.sent_to(CUSTOMER)[0], MAILBOX)
    house.world.house.write("later@customer.example", MAILBOX, "Hi", "Read after that copy")
    await house.row("later@customer.example")
    assert (await delivery_of(house, sent))["state"] == "queued"
    later(house, minutes=2)
    await until(house, sent, state="sent")
    assert len(mails_to(house, BOSS)) == 1


async def test_refused_by_all_but_some_for_now_waits_for_those(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 550, "5.1.1 unknown", address=BOSS, times=-1)
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", address=CUSTOMER)
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS])
    waiting = await until(house, sent, state="queued", code="email.recipient_deferred")
    assert {each["address"]: each["state"] for each in waiting["recipients"]} == {CUSTOMER: "queued", BOSS: "failed"}
    later(house, minutes=2)
    failed = await until(house, sent, state="failed")
    assert {each["address"]: each["state"] for each in failed["recipients"]} == {CUSTOMER: "sent", BOSS: "failed"}
    assert len(mails_to(house, CUSTOMER)) == 1


# ── Copies (A15)


async def test_copies_go_out_only_when_the_agent_names_them(house: House, leo: Row) -> None:
    """Somebody puts an attacker into Cc and Reply-To of a mail in the conversation; the answer goes to the customer."""
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, state="sent")
    headers = [("Cc", STRANGER), ("Reply-To", STRANGER)]
    answered = mails_to(house, CUSTOMER)[0]
    headers += [("In-Reply-To", answered["Message-ID"]), ("References", answered["Message-ID"])]
    house.world.house.write(
        CUSTOMER, str(answered["Reply-To"].addresses[0].addr_spec), "Re: Invoice", "Thanks", headers=headers
    )

    async def came() -> bool:
        return len(await house.messages(leo["id"])) == 3

    await house.until(came)
    again = await house.reply(leo["id"], "You are welcome.")
    await until(house, again, state="sent")
    assert [mail.recipients for mail in smtp(house).received] == [(CUSTOMER,), (CUSTOMER,)]


async def test_named_copies_are_shown_frozen_and_may_answer(house: House, leo: Row) -> None:
    sent = await house.reply(leo["id"], "Here it is.", cc=[BOSS, f" {BOSS.upper()} ", CUSTOMER], bcc=[HIDDEN])
    assert sent["recipients"] == {"to": [CUSTOMER], "cc": [BOSS], "bcc": [HIDDEN]}
    await until(house, sent, state="sent")
    assert smtp(house).received[-1].recipients == (CUSTOMER, BOSS, HIDDEN)
    (mail,) = mails_to(house, HIDDEN)
    assert HIDDEN not in mail.as_string()
    house.world.house.answer(BOSS, house.world.house.sent_to(BOSS)[0], "I am the boss")

    async def joined() -> bool:
        return any(each["text"].startswith("I am the boss") for each in await house.messages(leo["id"]))

    await house.until(joined)


BAD = [
    (["nobody"], "bad_recipient"),
    (["a@b.example\r\nBcc: v@x.example"], "bad_recipient"),
    (["a@b.example, v@x.example"], "bad_recipient"),
    ([MAILBOX], "own_recipient"),
    ([f"p{number}@x.example" for number in range(51)], "too_many_recipients"),
]


async def test_what_is_no_recipient_is_refused_before_it_is_queued(house: House, leo: Row) -> None:
    for cc, code in BAD:
        with pytest.raises(RuntimeError, match=code):
            await house.reply(leo["id"], "Here it is.", cc=cc)
    assert len(await house.messages(leo["id"])) == 1


async def test_a_channel_without_copies_says_so(house: House) -> None:
    await house.world.graph.write("7001", "Hello")
    ada = await house.row("Ada Moreno")
    with pytest.raises(RuntimeError, match="no_recipients"):
        await house.reply(ada["id"], "Hi", cc=[BOSS])


# ── Later (F14)


async def test_greylisting_waits_longer_each_time_and_shows_as_delayed(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", times=4)
    sent = await house.reply(leo["id"], "Here it is.")
    for tries, minutes in enumerate((0, 2, 9, 30)):
        later(house, minutes=minutes)

        async def tried(count: int = tries + 1) -> bool:
            return smtp(house).commands.count("RCPT") == count

        await house.until(tried)
        await until(house, sent, state="queued", code="email.recipient_deferred")
    found = await until(house, sent, is_delayed=True)
    assert found["next_try_at"]
    assert (await channel_of(house))["state"] == "active"
    later(house, hours=2)
    found = await until(house, sent, state="sent")
    assert not found["is_delayed"]
    assert len(mails_to(house, CUSTOMER)) == 1


async def test_after_a_quarter_of_an_hour_and_no_sooner_the_delay_is_told_once(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", times=-1)
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, code="email.recipient_deferred")
    for tries, minutes in ((2, 14), (3, 20), (4, 50), (5, 130)):
        later(house, minutes=minutes)

        async def tried(count: int = tries) -> bool:
            return smtp(house).commands.count("RCPT") >= count

        await house.until(tried)
        if minutes > 15:
            await until(house, sent, is_delayed=True)
        else:
            assert not (await delivery_of(house, sent))["is_delayed"]
    assert await house.hub.store.read(_told_of_delay) == 1


def _told_of_delay(tx: Any) -> int:
    import sqlalchemy as sa

    from omnibox.store.tables import event

    wanted = sa.select(sa.func.count()).where(event.c.type == "delivery.changed", event.c.word == "delayed")
    return int(tx.execute(wanted).scalar_one())


async def test_after_five_days_it_has_failed_and_can_be_tried_anew(house: House, leo: Row) -> None:
    smtp(house).refuse("rcpt", 450, "4.2.0 greylisted", times=-1)
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, code="email.recipient_deferred")
    later(house, days=4, hours=23)
    await sign_in(house)

    async def tried() -> bool:
        return smtp(house).commands.count("RCPT") >= 2

    await house.until(tried)
    assert (await delivery_of(house, sent))["state"] == "queued"
    later(house, days=5, hours=4)
    failed = await until(house, sent, state="failed")
    assert failed["code"] == "email.recipient_deferred"
    smtp(house).heal()
    await house.admin.ask("POST", f"/api/deliveries/{failed['id']}/retry")
    await until(house, sent, state="sent", is_delayed=False)


@pytest.mark.parametrize("stage", ["connect", "mail", "data", "dot"])
async def test_a_refusal_for_now_anywhere_is_tried_again(house: House, leo: Row, stage: Any) -> None:
    smtp(house).refuse(stage, 421 if stage == "connect" else 452, "4.3.2 busy")
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, state="queued", is_delayed=False)

    async def waits() -> bool:
        return (await delivery_of(house, sent))["next_try_at"] is not None

    await house.until(waits)
    later(house, minutes=2)
    await until(house, sent, state="sent")
    assert len(mails_to(house, CUSTOMER)) == 1


# ── Never, and not at all (F15)


@pytest.mark.parametrize(
    ("stage", "text", "code"),
    [("rcpt", "5.1.1 unknown", "email.no_such_mailbox"), ("data", "5.7.1 spam", "email.content_refused")],
)
async def test_a_final_refusal_fails_now(house: House, leo: Row, stage: Any, text: str, code: str) -> None:
    smtp(house).refuse(stage, 554 if stage == "data" else 550, text)
    sent = await house.reply(leo["id"], "Here it is.")
    failed = await until(house, sent, state="failed")
    assert (failed["code"], failed["next_try_at"]) == (code, None)
    assert (await channel_of(house))["state"] == "active"


@pytest.mark.parametrize("stage", ["auth", "mail"])
async def test_a_refused_login_pauses_the_channel_once_and_keeps_its_queue(house: House, leo: Row, stage: Any) -> None:
    smtp(house).refuse(stage, 535 if stage == "auth" else 550, "5.7.8 no", times=-1)
    others = []
    for number in range(3):
        house.world.house.write(f"p{number}@customer.example", MAILBOX, "Hi", "Hello")
        others.append(await house.row(f"p{number}@customer.example"))
    sent = [await house.reply(row["id"], "Here it is.") for row in (leo, *others)]

    async def paused() -> bool:
        return (await channel_of(house))["state"] == "paused"

    await house.until(paused)
    channel = await channel_of(house)
    assert channel["waiting"] == 4
    assert channel["health"]["code"] == ("email.smtp_login_refused" if stage == "auth" else "email.sender_refused")
    assert "replies wait" in channel["health"]["why"]
    assert await house.hub.store.read(_alerts) == 1
    for one in sent:
        await until(house, one, state="queued")
    smtp(house).heal()
    await house.admin.ask("POST", f"/api/connections/{channel['connection']}/enable")
    for one in sent:
        await until(house, one, state="sent")
    assert len(smtp(house).received) == 4


def _alerts(tx: Any) -> int:
    import sqlalchemy as sa

    from omnibox.store.tables import event

    wanted = sa.select(sa.func.count()).where(event.c.type == "channel.changed", event.c.word.like("email.%"))
    return int(tx.execute(wanted).scalar_one())


async def test_a_line_that_cannot_be_encrypted_pauses_the_channel(house: House, leo: Row) -> None:
    channel = await channel_of(house)
    await house.admin.ask(
        "PATCH", f"/api/connections/{channel['connection']}", {"settings": {"smtp_security": "starttls"}}
    )
    sent = await house.reply(leo["id"], "Here it is.")

    async def paused() -> str | None:
        return (await channel_of(house))["health"]["code"]

    assert await house.until(paused) == "email.smtp_no_starttls"
    assert (await delivery_of(house, sent))["state"] == "queued"


# ── It may have left (F16)


@pytest.mark.parametrize("kind", ["close", "reset"])
async def test_a_lost_answer_after_the_dot_is_never_sent_again_blindly(house: House, leo: Row, kind: Any) -> None:
    smtp(house).break_at("dot", kind)
    sent = await house.reply(leo["id"], "Here it is.")
    doubtful = await until(house, sent, state="uncertain")
    assert doubtful["code"] == "email.smtp_no_answer"
    for looks in (1, 2):

        async def looked(count: int = looks) -> bool:
            return await house.hub.store.read(_looks_for_evidence) >= count

        await house.until(looked)
        later(house, hours=2 * looks)
    assert (await delivery_of(house, sent))["state"] == "uncertain"
    assert len(mails_to(house, CUSTOMER)) == 1
    await house.admin.ask("POST", f"/api/deliveries/{doubtful['id']}/retry")
    await until(house, sent, state="sent")
    first, second = house.world.house.sent_to(CUSTOMER)
    assert first == second


def _looks_for_evidence(tx: Any) -> int:
    import sqlalchemy as sa

    from omnibox.store.tables import job

    ended = job.c.kind == "evidence", job.c.lease_until.is_(None)
    return int(tx.execute(sa.select(sa.func.max(job.c.attempts)).where(*ended)).scalar() or 0)


async def test_a_copy_among_the_sent_mail_settles_the_doubt(house: House, leo: Row) -> None:
    house.world.house.keeps_sent = True
    smtp(house).break_at("dot", "close")
    sent = await house.reply(leo["id"], "Here it is.")
    found = await until(house, sent, state="uncertain")
    await house.admin.ask("POST", f"/api/deliveries/{found['id']}/check")
    await until(house, sent, state="sent")
    assert len(mails_to(house, CUSTOMER)) == 1


# ── What stands in it


async def test_the_answer_quotes_the_customer_and_never_a_note(house: House, leo: Row) -> None:
    note = {"client_id": "note-000001", "text": "He owes us money"}
    await house.admin.ask("POST", f"/api/conversations/{leo['id']}/notes", note)
    first = await house.reply(leo["id"], "One moment.", bcc=[HIDDEN])
    await until(house, first, state="sent")
    second = await house.reply(leo["id"], "Here it is.")
    await until(house, second, state="sent")
    mail = mails_to(house, CUSTOMER)[1]
    text, html = (mail.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    said = text.get_content().replace("\r\n", "\n")
    assert said.startswith("Here it is.\n\nOn ")
    assert said.endswith(f", {CUSTOMER} wrote:\n> Please send it.")
    assert "<b>send</b>" in html.get_content()
    assert "money" not in mail.as_string()
    assert HIDDEN not in mail.as_string()


async def test_a_channel_that_quotes_nothing(house: House, leo: Row) -> None:
    await set_up(house, quote_history=False)
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, state="sent")
    (mail,) = mails_to(house, CUSTOMER)
    assert mail.get_content().replace("\r\n", "\n") == "Here it is.\n"


async def test_signatures_of_channel_and_agent(house: House, leo: Row) -> None:
    await set_up(house, signature="The shop", quote_history=False)
    me = await house.admin.ask("PATCH", "/api/me", {"signature": "Olivia\r\nDesk 4111 1111 1111 1111\n"})
    assert me["signature"] == "Olivia\nDesk •••• •••• •••• 1111"
    sent = await house.reply(leo["id"], "Here it is.")
    await until(house, sent, state="sent")
    said = mails_to(house, CUSTOMER)[0].get_content().replace("\r\n", "\n").rstrip("\n") + "\n"
    assert said == "Here it is.\n\n-- \nOlivia\nDesk •••• •••• •••• 1111\nThe shop\n"
    with pytest.raises(RuntimeError, match="signature"):
        await house.admin.ask("PATCH", "/api/me", {"signature": "x" * 2001})
