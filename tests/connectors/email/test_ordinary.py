"""Ordinary mail takes short ways through the reader; here each is held against the long one, and loading off the loop.

A blank or a NUL that means nothing sends a header the long way round, so both are asked through the same door.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.doubles import ADDRESS, mail
from tests.connectors.email.test_fixtures import all_fixtures
from tests.connectors.email.test_mutations import SEED, damaged
from tests.connectors.email.test_quotes import CUT, WHOLE

from omnibox.testing.world.mail import MailHouse
from omnibox_email import charsets, quotes, reading
from omnibox_email.content import mime
from omnibox_email.heads import addresses, dates, headers
from omnibox_email.quotes import blocks, devices, footers, history, introductions, openings, signatures
from omnibox_email.quotes.lines import MOST_LINES

QUIET = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LONG_WAY = b"X-Long-Way: \0\r\n"

NAMES = ("Ann Lee", "Ann", "Dr. A. Lee", "no", "Hidden", "recipient-list not", "Ann  Lee", "-", "A.", "mailto", "")
LOCALS = ("ann", "a.b+c", "recipients", "norecipients", "shown", ".a", "a.", "root", "_", "'a")
DOMAINS = ("x.example", "X.EXAMPLE", "x.example.", "x..example", "-x", "x", "x.example?subject=y", "[1.2.3.4]")
BOXES = st.builds(
    lambda shape, name, local, domain: shape.format(name=name, address=f"{local}@{domain}").encode(),
    st.sampled_from(("{name} <{address}>", "{address}", "<{address}>", "{name}<{address}>", "{address} ({name})")),
    st.sampled_from(NAMES),
    st.sampled_from(LOCALS),
    st.sampled_from(DOMAINS),
)


@QUIET
@given(BOXES)
def test_an_ordinary_address_is_read_as_any_other(raw: bytes) -> None:
    assert addresses.parse_list(raw) == addresses.parse_list(raw + b" ")


MOMENTS = st.builds(
    lambda shape, day, month, year, hour, zone: shape.format(day=day, month=month, year=year, hour=hour, zone=zone),
    st.sampled_from(
        (
            "Fri, {day:02} {month} {year} {hour:02}:15:60 {zone}",
            "{day} {month} {year} {hour:02}:15:00 {zone}",
            " {day}-{month}-{year} {hour:02}:59:00 {zone}",
            "Xyz, {day} {month} {year} {hour}:15:00 {zone} (CET)",
        )
    ),
    st.integers(0, 32),
    st.sampled_from(["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "jan", "Mai"]),
    st.sampled_from((1989, 1990, 2024, 2026, 2027, 20261)),
    st.integers(0, 25),
    st.sampled_from(["+0100", "-0030", "-0000", "+1459", "+1500", "+1600", "+0160", "GMT", "+01:00"]),
)


@QUIET
@given(MOMENTS)
def test_an_ordinary_date_is_read_as_any_other(text: str) -> None:
    assert dates.parse_date(text, NOW) == dates.parse_date(text + "  ", NOW)


@pytest.mark.parametrize("raw", [b"<a@x>", b"<a>", b"<>", b"<a b@x>", b"<a@x> <b@x>", b"a@x", b"<a@x", b"<=?a?q?b?=>"])
def test_an_ordinary_id_is_read_as_any_other(raw: bytes) -> None:
    assert headers.ids_of(raw) == headers.ids_of(raw + b" ")


def test_an_ordinary_head_is_read_as_a_damaged_one() -> None:
    source, short = random.Random(SEED), 0
    for raw in [*(path.read_bytes() for path in all_fixtures()), *(damaged(source) for _ in range(1000))]:
        if headers._ordinary_block(raw, 0, len(raw)) is None:
            continue
        block, start = headers.split_block(raw, 0, len(raw), is_root=True)
        longer = LONG_WAY + raw
        other, after = headers.split_block(longer, 0, len(longer), is_root=True)
        if block.fields:  # else none of them is a header
            assert (other.fields[1:], other.is_cut, after) == (block.fields, block.is_cut, start + len(LONG_WAY))
        short += 1
    assert short > 500


@pytest.mark.parametrize("line", [b"X-One\xff two: 3\n", b"List-\xe4 a: b\n"])
def test_a_name_that_no_field_can_have_costs_its_line_alone(line: bytes) -> None:
    read = reading.read(b"From: ann@x.example\n" + line + b"Subject: Hello\n\nwords\n")
    assert (read.sender and read.sender.address, read.subject, read.text) == ("ann@x.example", "Hello", "words")


def test_a_boundary_counts_though_its_letters_stand_elsewhere_first() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b"\n\nno --b here, nor\n--bc\n--b\n\nHello\n--b\n\nAnn\n--b--\n'
    assert reading.read(raw).text == "Hello\n\nAnn"


@pytest.mark.parametrize("name", ["to", "subject", "x-none"])
def test_a_field_is_found_by_its_name_in_order(name: str) -> None:
    block = headers.Headers((("to", b"a"), ("subject", b"b"), ("to", b"c")))
    wanted = [value for field, value in block.fields if field == name]
    assert block.all(name) == wanted
    assert block.first(name) == (wanted[0] if wanted else b"")
    assert block.has(name) == bool(wanted)


# As Lotus Notes wrote it: the label stands alone at the end of a line, in a column.
COLUMNS = """Thanks, it works.

Ann Smith/Shop                  To
20.11.2026 10:15                help@shop.example
                                cc

                                Subject
                                Order 7

old words"""


def test_no_line_is_passed_over_that_could_open_history(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text for _, text, _ in (*CUT, *WHOLE)]
    texts += [reading.read(path.read_bytes()).text for path in all_fixtures()]
    short = [quotes.reply_text(text) for text in texts]
    assert quotes.reply_text(COLUMNS) == "Thanks, it works."
    monkeypatch.setattr(openings, "may_ask", lambda lines: True)  # then every line is looked at
    monkeypatch.setattr(history, "may_open", lambda page: [at for at, line in enumerate(page.bare) if line])
    monkeypatch.setattr(introductions, "_LAST_LETTERS", {letter for text in texts for letter in text})
    monkeypatch.setattr(devices, "_TOLD_BY", ("",))
    for module in (signatures, footers):
        monkeypatch.setattr(module, "possible_rules", lambda lines, start: list(range(start, len(lines))))
    assert [quotes.reply_text(text) for text in texts] == short


@QUIET
@given(st.lists(st.sampled_from(("\r", "\n", "\r\n", "a")), max_size=9).map("".join))
def test_line_ends_become_one_kind_as_if_each_was_replaced(body: str) -> None:
    assert charsets.clean(body) == body.replace("\r\n", "\n").replace("\r", "\n")
    raw = f"Subject: x\r\n\r\n{body}".encode()
    canonical = b"subject:x\n\n" + body.encode().replace(b"\r\n", b"\n").rstrip(b"\n")  # a lone CR is content there
    assert reading.canonical_digest(raw, mime.parse(raw)) == hashlib.sha256(canonical).hexdigest()


def test_second_crs_are_taken_off_only_where_every_line_has_one() -> None:
    raw = b"Subject: x\r\r\nFrom: ann@x.example\r\n\r\none\r\r\ntwo\r\n"
    assert reading.read(raw).text == "one\n\ntwo"
    everywhere = raw.replace(b"\r", b"").replace(b"\n", b"\r\r\n")
    assert reading.read(everywhere).text == "one\ntwo"


def test_a_text_longer_than_what_is_looked_at_stays_whole() -> None:
    text = "\n".join(f"line {number}" for number in range(MOST_LINES + 500))
    assert quotes.reply_text(text) == text


def test_many_words_below_two_dashes_are_no_signature() -> None:
    own = "--\n" + "\n".join(f"Number {number} of the list is missing." for number in range(20))
    assert quotes.reply_text(f"{own}\n\nOn 2 May 2024 at 10:15, Ann <ann@x.example> wrote:\n\n> old") == own


@pytest.mark.parametrize(
    "line",
    [
        "Reply above this line",
        "## Write your answer above the message ##",
        "-- add your comment above --",
        "Bitte oberhalb dieser Zeile antworten",
        "Por encima de esta linea",
        "Escriba arriba de esta linea",
        "au-dessus de cette ligne",
        "Rispondi sopra questa riga",
        "acima desta linha",
        "boven deze lijn",
        "Skriv over denne linje",
    ],
)
def test_no_text_is_passed_over_that_asks_to_answer_above(line: str) -> None:
    for each in (line, line.upper()):
        assert blocks.is_reply_above(each)
        assert blocks.may_ask(["Hello Ann,", each])


LOADED_ON_THE_LOOP = """
import asyncio, json, sys, threading
from tests.connectors.email.doubles import FakeContext, QuickEmail, Shelf, running

found = []

class Watch:
    def find_spec(name, path=None, target=None):
        if threading.current_thread() is threading.main_thread():
            found.append(name)

async def read():
    shelf = Shelf()
    async with running(QuickEmail(FakeContext(json.loads(sys.argv[1]))), shelf):
        await shelf.until(1)

asyncio.run(asyncio.sleep(0))
sys.meta_path.insert(0, Watch)
asyncio.run(read())
print(json.dumps(found))
"""


async def test_what_reads_mail_is_loaded_beside_the_loop(house: MailHouse) -> None:
    house.deliver(mail("hello", number=1), ADDRESS)
    wanted = {**house.settings(ADDRESS), "import_existing": True}
    command = [sys.executable, "-c", LOADED_ON_THE_LOOP, json.dumps(wanted)]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=Path(__file__).parents[3], capture_output=True, check=True, text=True
    )
    ours = {"omnibox_email", "aioimaplib", "tenacity", "selectolax", "nh3"}
    assert [name for name in json.loads(done.stdout) if name.partition(".")[0] in ours] == []
