"""Delivery reports: which mails are one, whom they name and what they say; the fixtures hold whole mails."""

from __future__ import annotations

import html as markup
import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnibox_email import reading
from omnibox_email.bounces import Bounce, codes, reports

FOLDER = Path(__file__).parents[3] / "fixtures" / "email" / "bounces"
REPORTS = sorted(path for path in FOLDER.glob("*.eml") if not path.name.startswith("not-"))
OTHERS = sorted(FOLDER.glob("not-*.eml"))
DAEMON = "Return-Path: <>\nFrom: MAILER-DAEMON@relay.example\nTo: help@shop.example\n"
PERSON = "From: Ana Gomez <ana@mail.example>\nTo: help@shop.example\n"


def bounce_of(raw: str) -> Bounce | None:
    return reading.read(raw.encode()).bounce


def said(raw: str) -> list[tuple[str, str | None, str | None]]:
    found = bounce_of(raw)
    assert found
    return [(one.address, one.status, one.action) for one in found.recipients]


def test_there_are_enough_of_both() -> None:
    assert len(REPORTS) >= 70
    assert len(OTHERS) >= 25


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_whoever_forwards_a_report_by_hand_sends_none(path: Path) -> None:
    """The same words, quoted below a line of a person's own."""
    text = reading.read(path.read_bytes()).text
    for subject in ("Fwd: Undelivered Mail Returned to Sender", "What is this?", "Undeliverable"):
        quoted = text.replace("\n", "\n> ")
        assert (
            bounce_of(f"{PERSON}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\nSee.\n\n> {quoted}")
            is None
        )
        assert (
            bounce_of(f"{PERSON}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\nSee.\n\n{text}") is None
        )


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_code_is_never_invented(path: Path) -> None:
    raw = path.read_bytes()
    mail = reading.read(raw)
    assert mail.bounce
    everything = mail.text + "".join(one.content.decode("utf-8", "replace") for one in mail.attachments)
    assert [one.status for one in mail.bounce.recipients if one.status and one.status not in everything] == []


def _lines(text: str) -> str:
    return "<br>\n".join(markup.escape(line) for line in text.split("\n"))


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{markup.escape(line)}</p>" for line in text.split("\n") if line.strip())


LAYOUTS: dict[str, Callable[[str], str]] = {
    "a page of lines": lambda text: (
        f"Content-Type: text/html; charset=utf-8\n\n<html><body>{_lines(text)}</body></html>"
    ),
    "a page of paragraphs": lambda text: f"Content-Type: text/html; charset=utf-8\n\n{_paragraphs(text)}",
    "a blank line after each": lambda text: "Content-Type: text/plain; charset=utf-8\n\n" + text.replace("\n", "\n\n"),
    "no blank lines": lambda text: "Content-Type: text/plain; charset=utf-8\n\n" + re.sub("\n\\s*\n", "\n", text),
    "no indentation": lambda text: "Content-Type: text/plain; charset=utf-8\n\n" + re.sub(r"(?m)^[ \t]+", "", text),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_a_plain_report_is_of_no_account(layout: str) -> None:
    """Gateways and webmail put the same words into other lines."""
    tried = 0
    for path in (*REPORTS, *OTHERS):
        head, _, _ = path.read_bytes().partition(b"\r\n\r\n")
        if re.search(rb"(?i)multipart|message/|text/html", head):
            continue
        kept = re.sub(rb"(?i)\r\ncontent-[a-z-]+:[^\r]*", b"", head).replace(b"\r\n", b"\n").decode()
        text = reading.read(path.read_bytes()).text
        expected = json.loads(path.with_suffix(".expected.json").read_text())["bounce"]
        bounce = bounce_of(f"{kept}\n{LAYOUTS[layout](text)}")
        found = bounce and [(one.address, one.status, one.action) for one in bounce.recipients]
        assert found == (expected and [tuple(one.values()) for one in expected["recipients"]]), path.stem
        tried += 1
    assert tried >= 80


STATEMENTS = [
    ("550 5.1.1 unknown", "5.1.1"),
    ("550-5.1.1 unknown\n550 5.1.1 look it up", "5.1.1"),
    ("host said: 554 5.7.1 <x>: Relay access denied (in reply to RCPT TO command)", "5.7.1"),
    ("smtp;550 #5.1.0 Address rejected", "5.1.0"),
    ("<mail.corp.example #5.2.2 smtp;552 5.2.2 full>", "5.2.2"),
    ("554 5.0.0 Service unavailable; 550 5.7.26 unauthenticated", "5.7.26"),
    ("451 4.4.1 timed out, 554 5.4.7 expired", "5.4.7"),
    ("451 4.4.7 too long in the queue", "4.4.7"),
    ("550 no such user", None),
    ("552 192.0.5.1 is blocked, see 5.1.1.7", None),
    ("Exim 4.92.3 and Postfix 2.5.1, version 5.1.2", None),
    ("on 4.5.2026 at 10:00", None),
    ("2.1.0 sender ok, 550 unknown", None),
    ("price 5.9.9", None),
]


@pytest.mark.parametrize(("words", "code"), STATEMENTS)
def test_the_most_telling_code_is_given(words: str, code: str | None) -> None:
    text = f"{DAEMON}Subject: Undelivered mail\n\n<ana@gone.example>:\n{words}\n"
    assert said(text) == [("ana@gone.example", code, "failed")]


FAILED = "could not be delivered"
WORDS = [
    f"It {FAILED}.\n550 ana@gone.example... unknown (expanded from: <team@else.example>)",
    f"It {FAILED}.\nUnknown user: ana@gone.example\nSender: boss@else.example",
    f"The mail for ana@gone.example {FAILED}.\nWhen delivery failed, please contact it@gone.example.",
    f"You wrote as boss@else.example.\nThe mail for ana@gone.example {FAILED}.",
    f"Mail to ana@gone.example or to others@gone.example {FAILED}.\n\n--- Original message ---\nTo: ana@gone.example",
    f"It {FAILED}.\n\n<ana@gone.example>:\nunknown\n\nX-Mailer: y\nSubject: z\n\n<else@else.example>: hello",
    f"Recipient address ana@gone.example\nThe mail of boss@else.example {FAILED}.",
    f"Mail from boss@else.example to ana@gone.example {FAILED}.\n\n--- Original message ---\nFrom: boss@else.example",
]


@pytest.mark.parametrize("words", WORDS)
def test_nobody_else_is_taken_for_the_recipient(words: str) -> None:
    assert said(f"{DAEMON}Subject: Undelivered mail\n\n{words}\n") == [("ana@gone.example", None, "failed")]


def test_a_postmaster_s_one_sentence_is_a_report_where_the_subject_says_so() -> None:
    head = "From: postmaster@gone.example\nTo: help@shop.example\nSubject: "
    sentence = "\n\nWe are sorry that mail from you to ana@gone.example could not be delivered.\n"
    assert said(f"{head}Undeliverable mail{sentence}") == [("ana@gone.example", None, "failed")]
    assert bounce_of(f"{head}About yesterday{sentence}") is None
    assert bounce_of(f"{head}Undeliverable mail\nList-Id: <x.example>{sentence}") is None


@pytest.mark.parametrize("local", ["mailer", "bounces", "mta", "delivery", "noreply", "info", "news"])
def test_a_shop_that_could_not_deliver_a_parcel_reports_no_mail(local: str) -> None:
    head = f"From: Parcels <{local}@carrier.example>\nTo: help@shop.example\nSubject: Your parcel waits for you\n\n"
    words = "We could not deliver your parcel 5.1.1 to\nana@gone.example\nWrite to service@carrier.example.\n"
    assert bounce_of(head + words) is None
    assert bounce_of("Auto-Submitted: auto-generated\n" + head + words) is None


def test_a_receipt_of_reading_is_no_report_whatever_it_says() -> None:
    head = f"{DAEMON}Subject: Undeliverable\nContent-Type: multipart/report; boundary=b\n\n--b\n\n"
    words = "Your message to <ana@gone.example> could not be delivered.\n"
    receipt = "--b\nContent-Type: message/disposition-notification\n\nDisposition: x; failed\n--b--\n"
    assert said(f"{head}{words}--b--\n") == [("ana@gone.example", None, "failed")]
    assert bounce_of(f"{head}{words}{receipt}") is None


def test_the_words_beside_a_report_without_a_code_give_it() -> None:
    head = f"{DAEMON}Subject: Undeliverable\nContent-Type: multipart/report; boundary=b\n\n--b\n\n"
    words = "<ana@gone.example>: 550 5.1.1 unknown\n<bo@gone.example>: unknown\n"
    fields = "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822; {}\nAction: failed\n--b--\n"
    assert said(head + words + fields.format("ana@gone.example")) == [("ana@gone.example", "5.1.1", "failed")]
    assert said(head + words + fields.format("else@gone.example")) == [("else@gone.example", None, "failed")]


def test_each_recipient_has_its_own_code() -> None:
    text = (
        f"{DAEMON}Subject: failure notice\n\nYour message could not be delivered.\n\n"
        "<ana@gone.example>: 550 5.1.1 unknown\n<bo@full.example>: over quota\n\n<ci@gone.example>\n  554 5.7.1 no\n"
    )
    assert said(text) == [
        ("ana@gone.example", "5.1.1", "failed"),
        ("bo@full.example", None, "failed"),
        ("ci@gone.example", "5.7.1", "failed"),
    ]


FIELDS = [
    ("Final-Recipient: rfc822; ana@x.example\nAction: failed\nStatus: 5.1.1", ("ana@x.example", "5.1.1", "failed")),
    ("final-recipient:RFC822;<Ana@X.example>\naction:FAILED\nstatus:5.1.1 (x)", ("Ana@X.example", "5.1.1", "failed")),
    ("Final-Recipient: ana@x.example\nAction: expired\nStatus: 4.4.7", ("ana@x.example", "4.4.7", "failed")),
    ("Final-Recipient: rfc822; ana@x.example\nAction: deferred\nStatus: 4.0.0", ("ana@x.example", "4.0.0", "delayed")),
    ("Final-Recipient: rfc822; ana@x.example\nStatus: 4.0.0", ("ana@x.example", "4.0.0", None)),
    ("Final-Recipient: rfc822; ana@x.example\nStatus: 5", ("ana@x.example", None, None)),
    (
        "Final-Recipient: x400; /G=ana/\nOriginal-Recipient: rfc822;a+3Db@x.example\nStatus: 5.1.1",
        ("a=b@x.example", "5.1.1", "failed"),
    ),
    ("Original-Recipient: rfc822;ana+20@x.example\nStatus: 5.1.1", ("ana+20@x.example", "5.1.1", "failed")),
    ("Final-Recipient: utf-8; J\\x{F6}rg@x.example\nStatus: 5.1.1", ("Jörg@x.example", "5.1.1", "failed")),
    ("Final-Recipient: rfc822; ana@x.example (Ana G.)\nStatus:\n 5.1.1", ("ana@x.example", "5.1.1", "failed")),
]


@pytest.mark.parametrize(("block", "wanted"), FIELDS)
def test_a_block_is_read_whatever_is_wrong_with_it(block: str, wanted: tuple[str, str | None, str | None]) -> None:
    for text in (block, f"Reporting-MTA: dns; x\n\n{block}", f"Reporting-MTA: dns; x\r\n{block}\n\n"):
        (one,) = reports.recipients(text.encode())
        assert (one.address, one.status, one.action) == wanted


def test_the_general_code_is_given_and_the_special_one_kept_beside() -> None:
    (one,) = reports.recipients(
        b"Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no"
    )
    assert (one.status, one.detail) == ("5.0.0", "5.1.1")


def test_who_was_asked_is_known_behind_a_forwarding() -> None:
    (one,) = reports.recipients(
        b"Original-Recipient: rfc822;ana@x.example\nFinal-Recipient: rfc822; ana77@inner.example\nStatus: 5.1.1"
    )
    assert (one.address, one.asked) == ("ana77@inner.example", "ana@x.example")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=300), st.text(max_size=60).filter(lambda text: "\n" not in text and "\r" not in text))
def test_any_words_of_a_machine_give_whole_answers(words: str, subject: str) -> None:
    mail = reading.read(f"{DAEMON}Subject: {subject}\n\n{words}".encode("utf-8", "replace"))
    for one in mail.bounce.recipients if mail.bounce else ():
        assert one.action in ("failed", "delayed", "delivered", "relayed", "expanded", None)
        assert one.status is None or codes.stated(one.status) == one.status
    assert mail.automatic


REPEATED = [
    "-",
    "--- ",
    "a@",
    "a@b.c ",
    "<a@b.example>:\n",
    "((",
    "550 5.1.1 ",
    "to: ",
    "5.1.",
    "could not ",
    " \t",
    "x:\n\n",
]
REPEATED += [
    "Recipient: ",
    "Final-Recipient: rfc822; a@b.c\n",
    "Message-ID: <",
    "click reply follow ",
    "\n",
    "mail@",
    "> ",
]
SLOW = """
import json, sys
from omnibox_email import bounces
from omnibox_email.content import mime
for piece in json.load(sys.stdin):
    for kind in ("", "Content-Type: message/delivery-status\\n"):
        head = f"Return-Path: <>\\nFrom: MAILER-DAEMON@x.example\\nSubject: Undelivered mail\\n{kind}\\n"
        raw = (head + piece * (1_000_000 // len(piece))).encode()
        tree = mime.parse(raw)
        bounces.read(raw, tree, "mailer-daemon@x.example", "Undelivered mail", raw[tree.root.start:].decode())
print("done")
"""


def test_a_megabyte_of_anything_repeated_is_read_in_linear_time() -> None:
    """In a process of its own that may use 20 s for nearly forty megabytes; a quadratic scanner needs hours."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    done: Any = subprocess.run(
        [sys.executable, "-c", SLOW], input=json.dumps(REPEATED), capture_output=True, text=True, preexec_fn=limited
    )
    assert done.stdout == "done\n", done.stderr[-500:]
