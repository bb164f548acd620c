"""Mail damaged on its way: fixtures cut, flipped, repeated and relabelled with a fixed seed.

A thousand of them; ten thousand with `OMNIBOX_MAIL=long`.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from tests.connectors.email.test_fixtures import all_fixtures
from tests.connectors.email.test_hostile import OURS, PLACE, whole

from omnibox.connector import Unreadable
from omnibox_email import intake, offline

SEED = 20261122
ROUNDS = 10 if os.environ.get("OMNIBOX_MAIL") == "long" else 1
PER_ROUND = 1000
LABELS = (
    b"utf-8 us-ascii iso-8859-1 windows-1251 koi8-r gb2312 big5 iso-2022-jp utf-16 utf-7 hz idna none x-mac-roman"
    b" base64 quoted-printable 7bit x-uuencode text/html text/plain multipart/mixed multipart/alternative"
    b" message/rfc822 attachment inline flowed"
).split()
_LABEL = re.compile(rb"(?<=[=: ])[A-Za-z0-9]+(?:[-/][A-Za-z0-9-]+)+|base64|inline|attachment")
Change = Callable[[random.Random, bytearray, bytes], None]


def cut(source: random.Random, raw: bytearray, other: bytes) -> None:
    at = source.randrange(len(raw))
    del raw[at : at + source.choice((1, 2, 30, 200, len(raw)))]


def flip(source: random.Random, raw: bytearray, other: bytes) -> None:
    for _ in range(source.randint(1, 8)):
        raw[source.randrange(len(raw))] ^= 1 << source.randrange(8)


def repeat(source: random.Random, raw: bytearray, other: bytes) -> None:
    at = source.randrange(len(raw))
    raw[at:at] = raw[at : at + source.randint(1, 400)] * source.randint(1, 40)


def relabel(source: random.Random, raw: bytearray, other: bytes) -> None:
    places = list(_LABEL.finditer(raw))
    if places:
        place = source.choice(places)
        raw[place.start() : place.end()] = source.choice(LABELS)


def graft(source: random.Random, raw: bytearray, other: bytes) -> None:
    at, start = source.randrange(len(raw)), source.randrange(len(other))
    raw[at:at] = other[start : start + source.randint(1, 600)]


def swap_lines(source: random.Random, raw: bytearray, other: bytes) -> None:
    lines = raw.split(b"\n")
    a, b = source.randrange(len(lines)), source.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    raw[:] = b"\n".join(lines)


def other_ends(source: random.Random, raw: bytearray, other: bytes) -> None:
    raw[:] = raw.replace(b"\r\n", b"\n").replace(b"\n", source.choice((b"\n", b"\r", b"\r\n", b"\r\r\n")))


CHANGES: tuple[Change, ...] = (cut, flip, repeat, relabel, relabel, graft, swap_lines, other_ends)
RAWS = [path.read_bytes() for path in all_fixtures()]


def damaged(source: random.Random) -> bytes:
    raw = bytearray(source.choice(RAWS))
    for _ in range(source.randint(1, 4)):
        source.choice(CHANGES)(source, raw, source.choice(RAWS))
        raw = raw or bytearray(b"x")
    return bytes(raw)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_damaged_mail_gives_one_well_formed_record(number: int) -> None:
    source = random.Random(SEED + number)
    for _ in range(PER_ROUND):
        raw = damaged(source)
        record = offline.record_here(raw)
        assert whole(record), raw
        assert json.loads(json.dumps(record, ensure_ascii=False, allow_nan=False).encode()) == record
        moment = record["timestamp"]
        assert moment is None or datetime.fromisoformat(moment).tzinfo is not None
        names = [one["filename"] for one in record["attachments"]]
        assert not any(name is not None and ("/" in name or "\\" in name or name in ("", "..")) for name in names)
        assert "\n" not in (record["subject"] or "")


def test_no_damaged_mail_breaks_the_reader() -> None:
    """What breaks the reader is answered as a stub: none of these is to need it."""
    source = random.Random(SEED)
    for _ in range(300):
        raw = damaged(source)
        items = intake.take_in(raw, PLACE, OURS)
        assert items
        assert not any(isinstance(item, Unreadable) and item.kind != "mail_loop" for item in items), raw


def test_a_mail_cut_anywhere_keeps_what_came_before() -> None:
    raw = b"From: Ana <ana@x.example>\r\nSubject: cut\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n"
    raw += b"first words\r\n--b\r\nContent-Type: image/png; name=a.png\r\n"
    raw += b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo="
    known = raw.index(b"first words") + len(b"first words")
    for end in range(known, len(raw) + 1):
        record = offline.record_here(raw[:end])
        assert record["subject"] == "cut"
        assert record["text"].startswith("first words")
        assert record["sender"] == {"name": "Ana", "address": "ana@x.example"}
