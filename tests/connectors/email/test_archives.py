"""Mail in files: where each one begins and ends, which are left out, and in which order they come."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.connectors.email.doubles import ADDRESS, CUSTOMER, INSTALLATION, mail

from omnibox.connector import Echo, Envelope, Inbound, NoArchive, Unreadable
from omnibox_email import intake
from omnibox_email.archives import archive as archives
from omnibox_email.archives import mboxes
from omnibox_email.archives.archive import MailArchive
from omnibox_email.heads.addresses import OwnAddress
from omnibox_email.intake import Ours, Place

OURS = Ours((OwnAddress("sales@shop.example"), OwnAddress(ADDRESS)), INSTALLATION)
WHEN = b"Sat Nov 21 10:00:00 2026"
FROM = b"From ana@customer.example " + WHEN


def quiet(_: int, __: int) -> None:
    """Nobody looks."""


def look(*paths: Path | str) -> MailArchive:
    return archives.look_through([str(path) for path in paths], OURS, ADDRESS, quiet)


def read(archive: MailArchive) -> list[Envelope]:
    items = [item for number in range(len(archive)) for item in archive.read(number).envelopes]
    archive.close()
    return items


def small(number: int, body: bytes = b"", head: bytes = b"", sender: str = CUSTOMER, to: str = ADDRESS) -> bytes:
    """A mail with LF line ends."""
    text = body or b"text %d" % number
    return (
        b"From: %s\nTo: %s\nSubject: Number %d\nMessage-ID: <m%d@customer.example>\n"
        b"Date: Sat, 21 Nov 2026 %02d:%02d:%02d +0000\n%s\n%s\n"
        % (
            sender.encode(),
            to.encode(),
            number,
            number,
            number // 3600 % 24,
            number // 60 % 60,
            number % 60,
            head,
            text,
        )
    )


def bodies(path: Path) -> list[bytes]:
    """The text of every mail of an mbox, byte for byte."""
    with path.open("rb") as file:
        found = [mboxes.content(file, span) for span in mboxes.spans(file)]
    return [raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")[2] for raw in found]


def mbox(folder: Path, content: bytes) -> Path:
    path = folder / "box.mbox"
    path.write_bytes(content)
    return path


# ── mbox


@pytest.mark.parametrize(
    "separator",
    [
        b"From ana@customer.example Sat Nov 21 10:00:00 2026",
        b"From MAILER-DAEMON Sat Nov 21 10:00:00 2026",
        b"From - Sat Nov 21 10:00:00 2026",
        b"From ???@??? Sat Nov 21 10:00:00 2026",
        b"From 1573491284729384723@xxx Sat Nov 21 10:00:00 +0000 2026",
        b"From ana@customer.example Sat Nov 21 10:00:00 2026 +0100",
        b"From ana@customer.example Sat Nov 21 10:00:00 CET 2026",
        b"From ana@customer.example  Sat Nov  7 10:00 2026",
        b"From ana at customer.example  Sat Nov 21 10:00:00 2026",
        b'From "Ana Maria"@customer.example Sat Nov 21 10:00:00 2026',
        b"From ana Sat Nov 21 10:00:00 2026 remote from relay",
        b"From ana@customer.example Sat, 21 Nov 2026 10:00:00 +0100",
        b"From ana@customer.example 2026-11-21T10:00:00Z",
        b"From ana@customer.example",
        b"From -",
    ],
)
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_separators_as_programs_write_them(tmp_path: Path, separator: bytes, newline: bytes) -> None:
    content = b"".join(separator + b"\n" + small(number) + b"\n" for number in range(3))
    assert bodies(mbox(tmp_path, content.replace(b"\n", newline))) == [b"text %d" % n + newline for n in range(3)]


@pytest.mark.parametrize(
    "sentence",
    [
        b"From the beginning it was broken.",
        b"From Monday 5 May 2026 on we are closed.\nNote: also on Tuesday.",
        b"From 10:00 to 12:00 2026",
        b"From Sat Nov 21 2026 on\nwe are closed",
        b"From my point of view:\nReceived: nothing.",
        b"From: not a separator either\nTo: you",
        b"From\nTo",
        b"From ana@customer.example I heard\nSubject: nothing",
        b"From Sat Nov 21 10:00:00 2026 until then\nall was well",
    ],
)
def test_a_sentence_that_begins_with_from_stays_in_its_mail(tmp_path: Path, sentence: bytes) -> None:
    body = b"Dear all,\n\n" + sentence + b"\n\nAna"
    content = FROM + b"\n" + small(1, body) + b"\n" + FROM + b"\n" + small(2) + b"\n"
    assert bodies(mbox(tmp_path, content)) == [body + b"\n", b"text 2\n"]


def test_quoted_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    body = b"\n>From the start\n>>From a quote\n> From elsewhere\n >From here"
    content = FROM + b"\n" + small(1, body) + b"\n" + FROM + b"\n" + small(2)
    assert bodies(mbox(tmp_path, content)) == [
        b"\nFrom the start\n>From a quote\n> From elsewhere\n >From here\n",
        b"text 2\n",
    ]


def counted(number: int, body: bytes) -> bytes:
    return FROM + b"\n" + small(number, body, b"Content-Length: %d\n" % (len(body) + 1)) + b"\n"


def test_a_mail_that_is_counted_may_hold_a_whole_mbox(tmp_path: Path) -> None:
    forwarded = b"Look:\n\n" + FROM + b"\n" + small(9) + b"\n>From stays quoted"
    content = counted(1, b"first") + counted(2, forwarded) + counted(3, b"last")
    assert bodies(mbox(tmp_path, content)) == [b"first\n", forwarded + b"\n", b"last\n"]


def test_a_counted_mail_is_unquoted_where_its_program_quotes_too(tmp_path: Path) -> None:
    assert bodies(mbox(tmp_path, counted(1, b"\n>From me") + counted(2, b"x"))) == [b"\nFrom me\n", b"x\n"]


@pytest.mark.parametrize("length", [b"0", b"3", b"99999999", b"-5", b"nonsense", b"999999999999999999999"])
def test_a_count_that_is_wrong_is_not_believed(tmp_path: Path, length: bytes) -> None:
    lying = FROM + b"\n" + small(1, head=b"Content-Length: " + length + b"\n") + b"\n"
    content = lying + FROM + b"\n" + small(2) + b"\n"
    assert bodies(mbox(tmp_path, content)) == [b"text 1\n", b"text 2\n"]


def test_a_stranger_cannot_swallow_the_next_mail_by_a_count_of_their_own(tmp_path: Path) -> None:
    ordinary, victim, last = (FROM + b"\n" + small(number) + b"\n" for number in (1, 3, 4))
    reach = len(b"evil\n\n") + len(victim)
    evil = FROM + b"\n" + small(2, b"evil", b"Content-Length: %d\n" % reach) + b"\n"
    assert bodies(mbox(tmp_path, ordinary + evil + victim + last)) == [b"text 1\n", b"evil\n", b"text 3\n", b"text 4\n"]


def test_an_mbox_that_has_lost_its_blank_lines(tmp_path: Path) -> None:
    content = b"".join(FROM + b"\n" + small(number) for number in range(3))
    assert bodies(mbox(tmp_path, content)) == [b"text 0\n", b"text 1\n", b"text 2\n"]


def test_blank_lines_before_the_first_mail_and_behind_the_last(tmp_path: Path) -> None:
    content = b"\r\n\r\n" + FROM + b"\n" + small(1) + b"\n\n\n"
    assert [body.strip() for body in bodies(mbox(tmp_path, content))] == [b"text 1"]


def test_mails_across_the_edges_of_what_is_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = [b"x" * (size * 37 % 1500) + b"\n\nFrom me to you" for size in range(200)]
    path = mbox(tmp_path, b"".join(FROM + b"\n" + small(n, body) + b"\n" for n, body in enumerate(written)))
    monkeypatch.setattr(mboxes, "AHEAD", 700)
    for chunk in (1000, 1777, 4096, 1 << 20):
        monkeypatch.setattr(mboxes, "CHUNK", chunk)
        assert bodies(path) == [body + b"\n" for body in written]


LINES = st.sampled_from(
    [b"", b"text", b"From me", b">From me", b">>From me", b"From a b", b"To: x", FROM, b"--", b"\xff"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(LINES, max_size=8), min_size=1, max_size=6), st.sampled_from([b"\n", b"\r\n"]))
def test_what_an_mboxrd_writer_wrote_comes_back(
    tmp_path_factory: pytest.TempPathFactory, mails: list[list[bytes]], newline: bytes
) -> None:
    written = [b"\n".join(lines).rstrip(b"\n") + b"." for lines in mails]
    quoted = [re.sub(rb"^(>*From )", rb">\1", body, flags=re.M) for body in written]
    content = b"".join(FROM + b"\n" + small(number, body) + b"\n" for number, body in enumerate(quoted))
    path = mbox(tmp_path_factory.mktemp("rd"), content.replace(b"\n", newline))
    assert [body.replace(b"\r\n", b"\n") for body in bodies(path)] == [body + b"\n" for body in written]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(LINES, st.just(b"\n\n"), st.binary(max_size=30)), max_size=60), st.binary(max_size=3))
def test_no_byte_of_an_mbox_is_lost(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], tail: bytes) -> None:
    content = FROM + b"\n" + b"\n".join(lines) + tail + b"\n"
    path = mbox(tmp_path_factory.mktemp("any"), content)
    with path.open("rb") as file:
        found = list(mboxes.spans(file))
    assert all(content[: span.start].endswith(span.separator + b"\n") for span in found)
    kept = sum(span.end - span.start for span in found)
    separators = sum(len(span.separator) + 1 for span in found)
    assert kept + separators == len(content)


def test_a_large_mbox_is_looked_through_in_flat_memory(tmp_path: Path) -> None:
    """A child measures itself: 130 MB of mail, of which 50 MB are one line, within 60 MB."""
    path = tmp_path / "large"
    block = b"".join(
        FROM + b"\n" + small(n, b"From x\n\n" * 3 + b"a line of text\n" * 400) + b"\n" for n in range(2000)
    )
    with path.open("wb") as file:
        for _ in range(80_000_000 // len(block)):
            file.write(block)
        file.write(FROM + b"\n" + small(1, b"y" * 50_000_000))
    code = """
        import resource, sys
        from omnibox_email.archives import archive as archives
        from omnibox_email.heads.addresses import OwnAddress
        from omnibox_email.intake import Ours
        ours = Ours((OwnAddress("help@shop.example"),), "x")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        archive = archives.look_through([sys.argv[1]], ours, "help@shop.example", lambda done, total: None)
        print(len(archive), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
        for number in (0, 1, len(archive) - 1):
            archive.read(number)
        archive.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    count, grown_mb = (int(word) for word in done.stdout.split())
    assert count == 80_000_000 // len(block) * 2000 + 1
    assert grown_mb < 60


# ── Which mails


def test_what_mail_programs_note_in_their_files_does_not_make_another_mail(tmp_path: Path) -> None:
    notes = b"Status: RO\nX-Status: A\nX-Mozilla-Status: 0001\nX-Mozilla-Keys:  a\n  b\nContent-Length: 7\nX-UID: 4\n"
    path = mbox(tmp_path, FROM + b"\n" + small(1, head=notes + b"X-Kept: yes\n") + b"\n")
    (item,) = read(look(path))
    live = intake.take_in(
        small(1, head=b"X-Kept: yes\n").replace(b"\n", b"\r\n"), Place("INBOX", 1, 1, datetime.now(UTC)), OURS
    )[0]
    assert isinstance(item, Inbound)
    assert isinstance(live, Inbound)
    assert item.event_key == live.event_key
    assert item.position == ""


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"X-Mozilla-Status: 0009\n", "deleted"),
        (b"X-Status: RD\n", "deleted"),
        (b"X-Status: T\n", "drafts"),
        (b"X-IMAP: 1 2\n", ""),
        (b"X-Mozilla-Status: 0001\n", ""),
        (b"", ""),
    ],
)
def test_what_was_deleted_or_never_sent_is_left_out(tmp_path: Path, head: bytes, reason: str) -> None:
    archive = look(mbox(tmp_path, FROM + b"\n" + small(1) + b"\n" + FROM + b"\n" + small(2, head=head) + b"\n"))
    assert dict(archive.left_out) == ({reason: 1} if reason else {})
    assert len(archive) == (1 if reason else 2)
    archive.close()


def test_a_maildir_with_its_folders(tmp_path: Path) -> None:
    names = {
        "cur/1795255201.M1.host:2,S": 1,
        "new/1795255202.M2.host": 2,
        "cur/1795255203.M3.host:2,ST": 3,
        "cur/1795255204.M4.host:2,D": 4,
        "tmp/1795255205.M5.host": 5,
        ".Sent/cur/1795255206.M6.host:2,S": 6,
        ".Trash/cur/1795255207.M7.host:2,S": 7,
        ".Kunden.Entw&APw-rfe/cur/1795255208.M8.host:2,S": 8,
        ".Kunden/new/1795255209.M9.host": 9,
    }
    for name, number in names.items():
        path = tmp_path / "Maildir" / name
        for folder in ("cur", "new", "tmp"):
            (path.parents[1] / folder).mkdir(parents=True, exist_ok=True)
        path.write_bytes(small(number))
    (tmp_path / "Maildir/dovecot-uidlist").write_text("3 V1 N2\n")
    archive = look(tmp_path / "Maildir")
    assert dict(archive.left_out) == {"deleted": 1, "drafts": 1, "folders of drafts, spam or deleted mail": 2}
    assert [item.external_id for item in read(archive)] == [f"m{n}@customer.example" for n in (1, 2, 6, 9)]
    assert len(look(tmp_path / "Maildir/.Trash")) == 1  # who names it wants it


def test_a_folder_of_single_mails_and_what_else_lies_there(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/one.eml").write_bytes(small(1).replace(b"\n", b"\r\n"))
    (tmp_path / "b/17").write_bytes(small(2))  # MH
    (tmp_path / "a.emlx").write_bytes(b"%d      \n%s<?xml version" % (len(small(3)), small(3)))
    (tmp_path / "broken.eml").write_bytes(b"\x00\xff no header at all")
    (tmp_path / "INBOX").write_bytes(FROM + b"\n" + small(4))
    (tmp_path / "INBOX.msf").write_text("// <!-- <mdb:mork:z v=1.4/> -->\n")
    (tmp_path / "notes.txt").write_text("Dear diary,\nFrom: now on\n")
    (tmp_path / "empty").touch()
    (tmp_path / "Junk").write_bytes(FROM + b"\n" + small(5))
    os.mkfifo(tmp_path / "pipe")
    archive = look(tmp_path)
    assert dict(archive.left_out) == {"other files": 2, "folders of drafts, spam or deleted mail": 1}
    texts = {item.text for item in read(archive) if isinstance(item, Inbound)}
    assert texts >= {"text 1", "text 2", "text 3", "text 4"}
    assert len(texts) == 5  # and the broken one


def test_a_mail_of_a_file_that_is_named_twice_comes_once(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(small(1))
    os.link(tmp_path / "one.eml", tmp_path / "two.eml")
    assert len(look(tmp_path, tmp_path / "one.eml")) == 1


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.touch()])
def test_where_there_is_no_mail_one_is_told(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "here")
    with pytest.raises(NoArchive):
        look(tmp_path / "here")


# ── In which order, and whose


def test_mails_come_in_the_order_in_which_they_arrived(tmp_path: Path) -> None:
    stamp = b"Received: from a by b;\n\tSat, 21 Nov 2026 12:00:0%d +0000\n"
    mails = [
        small(1, head=stamp % 5),
        small(2, head=stamp % 1 + b"Received: from c by a; Mon, 1 Jan 2001 00:00:00 +0000\n"),
        small(3),  # by its own date, 00:00:03
        small(4).replace(b"Date: Sat, 21 Nov 2026", b"Date: Sat, 21 Nov 2099"),  # nonsense: the separator's, 10:00
        small(5).replace(b"Date: ", b"X-Date: "),
    ]
    archive = look(mbox(tmp_path, b"".join(FROM + b"\n" + raw + b"\n" for raw in mails)))
    found = [archive.read(number) for number in range(5)]
    archive.close()
    ids = [str(past.envelopes[0].external_id)[1] for past in found if isinstance(past.envelopes[0], Inbound)]
    assert ids == ["3", "4", "5", "2", "1"]
    assert found[0].at == datetime(2026, 11, 21, 0, 0, 3, tzinfo=UTC)
    assert found[-1].at == datetime(2026, 11, 21, 12, 0, 5, tzinfo=UTC)
    assert found[0].place.startswith(f"{tmp_path / 'box.mbox'}:")


def test_an_answer_comes_after_its_question_whatever_their_clocks_said(tmp_path: Path) -> None:
    def answer(number: int, *lines: str) -> bytes:
        return small(number, head="".join(f"{line}\n" for line in lines).encode())

    mails = [
        answer(1, "References: <m9@customer.example>\n <m2@customer.example>"),
        answer(2, "In-Reply-To: Ana's mail of today\n <m3@customer.example>"),
        small(3),
        answer(4, "In-Reply-To: <m5@customer.example>"),  # these two answer each other
        answer(5, "In-Reply-To: <m4@customer.example>"),
        answer(6, "In-Reply-To: <m6@customer.example>"),
    ]
    archive = look(mbox(tmp_path, b"".join(FROM + b"\n" + raw + b"\n" for raw in mails)))
    times = [archive.read(number).at for number in range(6)]
    ids = [str(item.external_id)[1] for item in read(archive) if isinstance(item, Inbound)]
    assert sorted(ids) == list("123456")
    assert ids.index("3") < ids.index("2") < ids.index("1")
    assert times != sorted(times)  # each keeps its own time


def test_a_mail_from_us_is_an_answer_from_elsewhere_unless_it_is_to_us_alone(tmp_path: Path) -> None:
    form = small(2, head=b"Reply-To: bob@customer.example\n", sender=ADDRESS, to=ADDRESS)
    path = mbox(tmp_path, FROM + b"\n" + small(1, sender=ADDRESS, to=CUSTOMER) + b"\n" + FROM + b"\n" + form)
    answer, question = read(look(path))
    assert isinstance(answer, Echo)
    assert (answer.address, answer.to, answer.is_proven) == (CUSTOMER, ADDRESS, True)
    assert isinstance(question, Inbound)
    assert question.reply_address == "bob@customer.example"


def test_a_mail_that_names_none_of_ours_is_for_the_channel_that_was_asked_for(tmp_path: Path) -> None:
    (item,) = read(look(mbox(tmp_path, FROM + b"\n" + small(1, to="list@elsewhere.example"))))
    assert isinstance(item, Inbound)
    assert item.to == ADDRESS


def test_a_mail_that_is_too_large_and_one_that_has_gone_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.eml").write_bytes(small(1, b"x" * 2000))
    (tmp_path / "b.eml").write_bytes(small(2))
    (tmp_path / "c.eml").write_bytes(small(3))
    archive = look(tmp_path)
    monkeypatch.setattr(archives, "BIGGEST_MAIL", 1500)
    (tmp_path / "b.eml").unlink()
    items = read(archive)
    assert [getattr(item, "kind", "") for item in items] == ["too_big", "FileNotFoundError", ""]
    assert [item.at for item in items if isinstance(item, Unreadable)] == [f"{tmp_path}/a.eml", f"{tmp_path}/b.eml"]


def test_the_digest_names_the_content(tmp_path: Path) -> None:
    path = mbox(tmp_path, FROM + b"\n" + small(1))
    first, again = look(path), look(path)
    path.write_bytes(path.read_bytes() + b"\n" + FROM + b"\n" + small(2))
    more = look(path)
    assert first.digest == again.digest != more.digest
    for archive in (first, again, more):
        archive.close()


def test_mail_of_the_doubles_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(mail("as in a mailbox"))
    assert [item.text for item in read(look(tmp_path)) if isinstance(item, Inbound)] == ["as in a mailbox"]


def test_a_box_made_to_be_slow_is_looked_through_in_linear_time(tmp_path: Path) -> None:
    """Eight times the bytes take about eight times as long: 100 times would be square."""
    times = []
    for factor in (1, 8):
        path = mbox(tmp_path, FROM + b"\n" + b"From a\n\n" * (40_000 * factor))
        began = time.process_time()
        with path.open("rb") as file:
            assert len(list(mboxes.spans(file))) == 1
        times.append(time.process_time() - began)
    assert times[1] < 32 * times[0]
