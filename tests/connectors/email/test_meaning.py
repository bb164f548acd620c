"""What a mail means to the hub: who wrote it, what it answers, what of it is new."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.doubles import ADDRESS, PART_ID, TOKEN

from omnibox.connector import Echo, Inbound
from omnibox_email import intake, quotes
from omnibox_email.heads.addresses import OwnAddress
from omnibox_email.heads.dates import parse_date

FIXTURES = sorted((Path(__file__).parents[3] / "fixtures" / "email").glob("*.eml"))
OURS = intake.Ours((OwnAddress(ADDRESS), OwnAddress("sales@shop.example", "")), "here")
PLACE = intake.Place("INBOX", 5, 9, datetime(2026, 11, 21, tzinfo=UTC))
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def envelope(raw: str | bytes) -> Any:
    content = raw.replace("\n", "\r\n").encode() if isinstance(raw, str) else raw
    return intake.take_in(content, PLACE, OURS)[0]


def test_tokens_are_found_wherever_an_address_stands() -> None:
    for header in ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"):
        item = envelope(f"From: a@x.example\n{header}: Help <HELP+{TOKEN.upper()}@Shop.Example>\n\nx\n")
        assert item.tokens == (TOKEN,), header
        assert item.to == ADDRESS
    assert envelope("From: a@x.example\nTo: help+short@shop.example\n\nx\n").tokens == ()
    assert envelope(f"From: a@x.example\nTo: sales+{TOKEN}@shop.example\n\nx\n").tokens == ()
    assert envelope("From: a@x.example\nTo: sales+x@shop.example\n\nx\n").to == "sales@shop.example"
    assert envelope("From: a@x.example\nTo: someone@else.example\n\nx\n").to == ADDRESS


def test_ids_come_most_trusted_first() -> None:
    item = envelope("From: a@x.example\nIn-Reply-To: <3@x>\nReferences: <1@x> <2@x>\n <3@x>\n\nx\n")
    assert item.refs == ("3@x", "2@x", "1@x")


def test_the_key_tells_content_and_not_the_way_it_came() -> None:
    base = "From: a@x.example\nMessage-ID: <1@x>\nSubject: s\n\nbody\n"
    first, again = envelope(base), envelope("Received: by y\nDelivered-To: z@x.example\n" + base)
    other, unnamed = envelope(base.replace("body", "other")), envelope(base.replace("Message-ID: <1@x>\n", ""))
    assert first.event_key == again.event_key == envelope(base.encode()).event_key
    assert len({first.event_key, other.event_key, unnamed.event_key}) == 3
    assert unnamed.external_id.endswith("@missing")


def test_our_own_mail_that_comes_back_is_an_echo() -> None:
    by_id = envelope(f"From: {ADDRESS}\nTo: c@x.example\nMessage-ID: <{PART_ID}.omnibox@shop.example>\n\nx\n")
    by_header = envelope(f"From: {ADDRESS}\nTo: c@x.example\nMessage-ID: <r@relay>\nX-Omnibox-Id: here/p-1\n\nx\n")
    elsewhere = envelope(f"From: {ADDRESS}\nTo: c@x.example\nX-Omnibox-Id: another/p-1\n\nx\n")
    stranger = envelope(f"From: v@x.example\nMessage-ID: <{PART_ID}.omnibox@shop.example>\n\nx\n")
    assert (type(by_id), by_id.part_id, by_id.address) == (Echo, PART_ID, "c@x.example")
    assert (type(by_header), by_header.part_id) == (Echo, "p-1")
    assert (type(elsewhere), elsewhere.sender_doubt) == (Inbound, "own-address")
    assert type(stranger) is Inbound


def test_a_mail_an_agent_sent_from_elsewhere_is_an_echo_of_the_sent_folder() -> None:
    raw = f"From: {ADDRESS}\r\nTo: c@x.example\r\nIn-Reply-To: <1@x>\r\n\r\nx\r\n".encode()
    place = intake.Place("Sent", 1, 1, PLACE.received_at, is_sent_folder=True)
    (item,) = intake.take_in(raw, place, OURS)
    assert isinstance(item, Echo)
    assert (item.part_id, item.refs) == (None, ("1@x",))


def test_a_report_names_the_mail_and_each_recipient() -> None:
    raw = (FIXTURES[0].parent / "dsn-failed.eml").read_bytes()
    (item,) = intake.take_in(raw, PLACE, OURS)
    assert isinstance(item, Inbound)
    assert item.automatic == "bounce"
    own = (f"{PART_ID}.omnibox@shop.example",)
    assert [(one.status, one.address, one.external_ids == own) for one in item.reports] == [
        ("failed", "ana@gone.example", True),
        ("failed", "bob@full.example", True),
    ]


@pytest.mark.parametrize(
    ("sender", "doubt"),
    [
        ("Ana <a@x.example>", None),
        ('"b@y.example" <a@x.example>', None),
        ("a@x.example <a@x.example>", None),
        ("b@y.example <a@x.example>", "two-addresses"),
        ("a@x.example, b@y.example", "several-senders"),
        ("Team: a@x.example;", "group"),
        ("<=?utf-8?q?a=40x.example?=>", "encoded-address"),
        ("Nobody", "no-from"),
    ],
)
def test_an_ambiguous_sender_is_doubted(sender: str, doubt: str | None) -> None:
    assert envelope(f"From: {sender}\nTo: {ADDRESS}\nReply-To: a@x.example\n\nx\n").sender_doubt == doubt


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("X: y", None),
        ("Auto-Submitted: no", None),
        ("Auto-Submitted: auto-generated; x", "auto-generated"),
        ("Return-Path: <>", "null-sender"),
        ("Precedence: Bulk", "bulk"),
        ("List-Unsubscribe: <x>", "list"),
        ("X-Auto-Response-Suppress: OOF, AutoReply", "auto-response-suppress"),
        ("X-Auto-Response-Suppress: DR", None),
        ("X-Autoreply: yes", "auto-replied"),
        ("X-Loop: here", "loop"),
        ("Content-Type: multipart/report; report-type=disposition-notification; boundary=b", "read-receipt"),
    ],
)
def test_automatic_mail_is_told_from_a_person_s(lines: str, reason: str | None) -> None:
    assert envelope(f"From: a@x.example\n{lines}\n\n--b\n\nx\n--b--\n").automatic == reason
    assert envelope("From: no-reply@x.example\n\nx\n").automatic == "robot-sender"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sat, 21 Nov 2026 10:00:00 -0000", "2026-11-21T10:00:00+00:00"),
        ("21 Nov 26 10:00 EST (comment)", "2026-11-21T10:00:00-05:00"),
        ("Mon, 21 Nov 2026 10:00:00", "2026-11-21T10:00:00+00:00"),
        ("Sat Nov 21 10:00:00 2026", "2026-11-21T10:00:00+00:00"),
        ("2026-11-21T10:00:00+05:30", "2026-11-21T10:00:00+05:30"),
        ("Sa, 21 Dez 2024 10.00 +0100", "2024-12-21T10:00:00+01:00"),
        ("Sat, 21 Nov 2026 10:00:60 Z", "2026-11-21T10:00:59+00:00"),
        ("Sat, 31 Feb 2026 10:00:00 +0000", None),
        ("Sat, 21 Nov 2026 25:00:00 +0000", None),
        ("Sat, 21 Nov 2026 10:00:00 +9999", None),
        ("Sat, 21 Nov 2027 10:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_have_an_offset_or_are_none(text: str, moment: str | None) -> None:
    found = parse_date(text, now=datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert (found.isoformat() if found else None) == moment


# ---- quotes ----

INTRODUCTIONS = [
    "On Fri, Nov 20, 2026 at 5:55 PM Shop <help@shop.example> wrote:",
    "El vie, 20 nov 2026 a las 17:55, Shop (<help@shop.example>) escribió:",
    "Il giorno ven 20 nov 2026 alle ore 17:55 Shop <help@shop.example> ha scritto:",
    "Am Fr., 20. Nov. 2026 um 17:55 Uhr schrieb Shop <help@shop.example>:",
    "Le ven. 20 nov. 2026 à 17:55, Shop <help@shop.example> a écrit :",
    "Em sex., 20 de nov. de 2026 às 17:55, Shop <help@shop.example> escreveu:",
    "Op vr 20 nov 2026 om 17:55 schreef Shop <help@shop.example>:",
    "pt., 20 lis 2026 o 17:55 Shop <help@shop.example> napisał(a):",
    "pá 20. 11. 2026 v 17:55 odesílatel Shop <help@shop.example> napsal:",
    "Den fre. 20. nov. 2026 kl. 17.55 skrev Shop <help@shop.example>:",
    "pe 20. marrask. 2026 klo 17.55 Shop (help@shop.example) kirjoitti:",
    "пт, 20 нояб. 2026 г. в 17:55, Shop <help@shop.example>:",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
@pytest.mark.parametrize("mark", ["> ", ""])
def test_history_is_cut_in_many_languages(introduction: str, mark: str) -> None:
    words = introduction.split(" ")
    for line in (introduction, "\n".join((" ".join(words[:-2]), " ".join(words[-2:])))):
        text = f"My own words.\n\n{line}\n\n{mark}old\n{mark}older"
        assert quotes.reply_text(text) == "My own words."


@QUIET
@given(st.text(max_size=400))
def test_something_is_always_left(text: str) -> None:
    assert bool(quotes.reply_text(text).strip()) == bool(text.strip())
