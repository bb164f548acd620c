"""Reading and building: what goes in comes out, and no bytes break the reader."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.doubles import ADDRESS, PART_ID
from tests.connectors.email.hostile import HEAD, nested
from tests.connectors.email.test_fixtures import KEYS, record_of

from omnibox.connector import Inbound
from omnibox_email import Email, charsets, intake, reading
from omnibox_email.content import mime, sanitising
from omnibox_email.heads import addresses, headers
from omnibox_email.heads.addresses import OwnAddress
from omnibox_email.sending import building

OURS = intake.Ours((OwnAddress(ADDRESS), OwnAddress("sales@shop.example", "")), "here")
PLACE = intake.Place("INBOX", 5, 9, datetime(2026, 11, 21, tzinfo=UTC))
PRINTABLE = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=300)
QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def whole(record: dict[str, Any]) -> bool:
    return set(record) == set(KEYS) and all(isinstance(record[key], kind) for key, kind in KEYS.items())


def envelope(raw: str | bytes) -> Any:
    content = raw.replace("\n", "\r\n").encode() if isinstance(raw, str) else raw
    return intake.take_in(content, PLACE, OURS)[0]


# ---- no bytes break it ----


@QUIET
@given(st.binary(min_size=1, max_size=2000))
def test_any_bytes_give_a_record(raw: bytes) -> None:
    assert whole(record_of(raw))
    assert isinstance(envelope(raw), Inbound)


MIXTURE = (
    b'From: |Content-Type: |multipart/mixed; boundary=b|text/html|message/rfc822|--b|--|=?utf-8?q?|?=|<|>|"|(|,|;|:| '
    b"|a@b.example|\xe4|\x1b$B|begin 644 x|end|filename*0*=|On 2026 wrote:|> |\0|\r\n|\r\n|\n|\r"
).split(b"|")


@QUIET
@given(st.lists(st.sampled_from(MIXTURE), max_size=80))
def test_any_mixture_of_what_mails_are_made_of_gives_a_record(pieces: list[bytes]) -> None:
    raw = b"".join(pieces) or b"x"
    assert whole(record_of(raw))
    assert intake.take_in(raw, PLACE, OURS)


def test_what_lies_below_fifty_levels_is_kept_as_a_file() -> None:
    mail = reading.read(nested(60))
    assert mail.is_cut
    assert b"hello" in mail.attachments[-1].content


def test_what_lies_beyond_a_thousand_parts_stays_in_the_last_one() -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    raw += b"".join(b"--b\r\n\r\npart %d\r\n" % i for i in range(1100))
    mail = reading.read(raw)
    assert mail.is_cut
    assert "part 1099" in mail.text


# ---- the standard parser is right about well-formed mail ----


def _standard_leaves(raw: bytes) -> list[tuple[str, bytes]]:
    return [
        (part.get_content_type(), part.get_payload(decode=True))  # type: ignore[misc]
        for part in message_from_bytes(raw).walk()
        if not part.is_multipart()
    ]


@QUIET
@given(PRINTABLE, st.one_of(st.none(), PRINTABLE), st.lists(st.tuples(PRINTABLE, st.binary(max_size=300)), max_size=3))
def test_what_is_built_is_what_is_read(text: str, html: str | None, files: list[tuple[str, bytes]]) -> None:
    enclosed = tuple(building.Enclosed(name, "application/pdf", content) for name, content in files)
    raw = building.build(_letter(text=text, html=html, files=enclosed))
    mail = reading.read(raw)
    assert mail.text == charsets.clean(text).strip("\n") or not text.strip()
    assert [one.content for one in mail.attachments] == [content for _, content in files]
    assert len(_standard_leaves(raw)) == 1 + bool(html) + len(files)
    assert [(leaf.type, mime.content(raw, leaf)) for leaf in mime.leaves(mime.parse(raw).root)] == _standard_leaves(raw)


@QUIET
@given(PRINTABLE, PRINTABLE, st.text(max_size=60))
def test_headers_survive_the_way_and_stay_within_their_lines(subject: str, name: str, evil: str) -> None:
    raw = building.build(_letter(subject=subject, sender_name=name, extra={"X-Omnibox-Id": evil}))
    head = raw.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\n" not in raw.replace(b"\r\n", b"")
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    assert sorted(names) == sorted(
        [b"Date", b"Message-ID", b"From", b"To", b"Subject", b"X-Omnibox-Id", b"Content-Type", b"MIME-Version",
         b"Content-Transfer-Encoding"]
    )  # fmt: skip
    mail = reading.read(raw)
    assert mail.sender
    assert mail.sender.address == ADDRESS
    assert "".join((mail.subject or "").split()) == "".join(headers.one_line(subject)[:900].split())


def _letter(**changed: Any) -> building.Letter:
    fixed: dict[str, Any] = {
        "message_id": f"{PART_ID}.omnibox@shop.example",
        "written_at": datetime(2026, 11, 21, tzinfo=UTC),
        "sender": ADDRESS,
        "sender_name": "Shop",
        "to": ("ana@customer.example",),
        "subject": "s",
        "text": "t",
    }
    return building.Letter(**{**fixed, **changed})


def test_a_long_chain_keeps_its_first_and_its_newest_ids() -> None:
    ids = tuple(f"id-{number:04}-{'x' * 60}@mail.example" for number in range(200))
    raw = building.build(_letter(references=ids, in_reply_to=ids[-1]))
    mail = reading.read(raw)
    assert mail.references == (ids[0], *ids[-20:])
    assert mail.in_reply_to == (ids[-1],)
    assert b"=?" not in raw.split(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Hello", "Re: Hello"),
        ("RE: re: AW: Hello", "Re: Hello"),
        ("Re[2]: SV: Hej", "Re: Hej"),
        ("回复：订单", "Re: 订单"),
        ("Regarding: x", "Re: Regarding: x"),
        ("", "Re:"),
        (None, "Re:"),
        ("a\r\nBcc: x@y", "Re: a Bcc: x@y"),
    ],
)
def test_an_answer_carries_one_prefix(subject: str | None, answered: str) -> None:
    assert building.answer_subject(subject) == answered


# ---- harmless ----


def test_sanitised_html_loads_and_runs_nothing() -> None:
    html = (
        '<p onclick="x()" style="background:url(http://a/)">Hi<img src="http://a/1.gif"><img src="cid:x">'
        '<img src="data:image/png;base64,AA"><script>1</script><link rel=stylesheet href=http://a/>'
        '<a href="javascript:1">j</a><form action=http://a/><input></form><table background=http://a/>'
        '<img src=x data-remote-src="javascript:1"><svg onload=x()></svg><video poster=http://a/></video>'
        "<img srcset='http://a/ 2x'>"
    )
    clean = sanitising.sanitise(html, "")
    assert 'src="cid:x"' in clean
    assert clean.count(" src=") == 1
    assert 'data-remote-src="http://a/1.gif"' in clean
    for bad in ("script", "onclick", "style", "javascript", "form", "background", "data:", "svg", "srcset", "poster"):
        assert bad not in clean.replace("data-remote-src", ""), bad
    assert ' src="http' not in clean


# ---- the offline door ----


def test_render_answers_a_mail() -> None:
    inbound = b"From: Ana <a@x.example>\r\nReply-To: r@x.example\r\nSubject: AW: Hi\r\nMessage-ID: <2@x>\r\n"
    inbound += b"In-Reply-To: <1@x>\r\n\r\nx\r\n"
    item = {
        "inbound_base64": base64.b64encode(inbound).decode(),
        "from": "Shop <help@shop.example>",
        "text": ".\nFrom x",
    }
    out = Email.render(item)
    raw = base64.b64decode(out["raw_base64"])
    record = record_of(raw)
    assert (out["envelope_from"], out["envelope_to"]) == (ADDRESS, ["r@x.example"])
    assert record["in_reply_to"] == "2@x"
    assert record["references"] == ["1@x", "2@x"]
    assert record["subject"] == "Re: Hi"
    assert record["text"] == ".\nFrom x"
    assert record["to"] == [{"name": None, "address": "r@x.example"}]
    assert json.dumps(out)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({}, "unsupported"),
        ({"inbound_base64": "", "from": "a@x.example"}, "empty"),
        ({"inbound_base64": "!"}, "invalid"),
    ],
)
def test_what_cannot_be_rendered_is_named(item: dict[str, Any], code: str) -> None:
    with pytest.raises(ValueError) as caught:
        Email.render(item)
    assert caught.value.args == (code,)


def test_a_list_of_addresses_is_capped() -> None:
    raw = b",".join(b"u%d@x.example" % i for i in range(2000))
    assert len(addresses.parse_list(raw)) == addresses.MOST_ADDRESSES
