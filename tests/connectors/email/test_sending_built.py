"""What is built is what is read, whatever it holds; and nothing of anybody's adds a header, a recipient or a mail."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.doubles import ADDRESS, CUSTOMER, FakeContext, QuickEmail, part

from omnibox.connector import ChannelSettings, OutboundFile, Quoted, Recipients, Rejected
from omnibox.testing.world.mail import MailHouse
from omnibox_email import Email, charsets, reading
from omnibox_email.heads import headers
from omnibox_email.offline import record
from omnibox_email.sending import building, fields
from omnibox_email.sending.building import Enclosed, Letter

QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXT = st.text(max_size=300)
WORDS = st.text(max_size=120)
ADDRESSES = st.sampled_from(["ana@customer.example", "o'neil+x@customer.example", "x" * 60 + "@long.example"])
NAMES_OF_FILES = [
    "Rechnung März.pdf",
    "Счёт-фактура №12 за ноябрь 2026 года от поставщика кофе, исправленная и дополненная.pdf",
    "請求書（十一月分）.xlsx",
    "فاتورة نوفمبر.pdf",
    "חשבונית.pdf",
    "ใบแจ้งหนี้.doc",
    "चालान.txt",
    "송장 사본.hwp",
    "Τιμολόγιο.odt",
    "👩‍👩‍👧‍👦 family.png",
    'a "quoted" name; with=signs, and\\slashes.txt',
    "=?utf-8?B?Ww==?=.txt",
    "per%20cent.txt",
    "x" * 140 + ".bin",
    "plain.txt",
    "e\u0301 combining.txt",
]


def letter(**changed: Any) -> Letter:
    fixed = Letter(
        message_id="0193a5b0.omnibox@shop.example",
        written_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC),
        sender=ADDRESS,
        sender_name="Shop",
        to=(CUSTOMER,),
        subject="s",
        text="t",
    )
    return replace(fixed, **changed)


def well_formed(raw: bytes) -> None:
    head = raw.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"\0" not in raw


def field_names(raw: bytes) -> list[str]:
    head = raw.partition(b"\r\n\r\n")[0]
    return [line.split(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]


# ── parse(build(x)) = x


@QUIET
@given(TEXT, st.none() | TEXT, WORDS, WORDS, st.lists(ADDRESSES, min_size=1, max_size=3, unique=True), st.data())
def test_what_is_built_is_what_is_read(
    text: str, html: str | None, subject: str, name: str, to: list[str], data: st.DataObject
) -> None:
    files = data.draw(st.lists(st.tuples(st.sampled_from(NAMES_OF_FILES) | WORDS, st.binary(max_size=200)), max_size=3))
    enclosed = tuple(Enclosed(each, "application/pdf", content) for each, content in files)
    built = letter(text=text, html=html, subject=subject, sender_name=name, to=tuple(to), files=enclosed)
    raw = building.build(built)
    well_formed(raw)
    read = record(raw)
    assert [each["address"] for each in read["to"]] == to
    assert read["sender"]["address"] == ADDRESS
    assert read["external_id"] == built.message_id
    assert "".join((read["subject"] or "").split()) == "".join(headers.one_line(subject)[:900].split())
    assert [each["size"] for each in read["attachments"]] == [len(content) for _, content in files]
    standard = message_from_bytes(raw, policy=policy.default)
    assert isinstance(standard, EmailMessage)
    body = standard.get_body(("plain",))
    assert body is not None
    content = body.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert content.decode().replace("\r\n", "\n") == fields.clean(text).replace("\r\n", "\n")


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_a_file_keeps_its_name_in_every_script(name: str) -> None:
    raw = building.build(letter(files=(Enclosed(name, "text/plain", b"1"),)))
    well_formed(raw)
    standard = message_from_bytes(raw, policy=policy.default)
    (found,) = standard.iter_attachments()  # type: ignore[attr-defined]
    assert found.get_filename() == name
    (ours,) = record(raw)["attachments"]
    if "=?" not in name:  # what looks encoded in a name is decoded once too often when it is read
        assert ours["filename"] == re.split(r"[\\/]", name)[-1].replace("\u200d", "")


@pytest.mark.parametrize("name", NAMES_OF_FILES)
def test_programs_that_know_only_encoded_words_find_the_name_too(name: str) -> None:
    """Some read nothing but the `name` beside the type, in the form that headers have."""
    from email.header import decode_header, make_header

    raw = building.build(letter(files=(Enclosed(name, "text/plain", b"1"),)))
    found = re.search(rb'name="((?:[^"]|\r\n )*)"', raw.replace(b"\r\n ", b" "))
    assert found
    assert str(make_header(decode_header(found[1].decode()))) == name


@QUIET
@given(st.text(max_size=400))
def test_encoded_words_are_whole_letters_and_fit(text: str) -> None:
    from email.header import decode_header

    words = fields.encoded_words(text)
    assert all(len(word) <= 75 for word in words)
    decoded = [decode_header(word)[0] for word in words]
    assert "".join(raw.decode(charset) for raw, charset in decoded) == fields.clean(text)


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ('"a b"@x.example', '"a b"@x.example'),
        ('"a\\"b"@x.example', '"a\\"b"@x.example'),
        ("ana@bücher.example", "ana@xn--bcher-kva.example"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
        ("a..b@x.example", '"a..b"@x.example'),
    ],
)
def test_an_address_on_the_envelope(address: str, written: str) -> None:
    assert fields.envelope(address) == written


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "@x.example",
        "a@",
        "a b@x.example",
        'a"b@x.example',
        "v@x.example, w@x.example",
        "a@x.example>\r\nRCPT TO:<v@x",
        "a@x y",
        "a@x>",
        "a\n@x.example",
        "a" * 950 + "@x.example",
    ],
)
def test_what_is_no_address_goes_nowhere(address: str) -> None:
    with pytest.raises(fields.NotAnAddress):
        fields.envelope(address)


@pytest.mark.parametrize("letter", ["\r", "\n", "\r\n", "\0", "\x0b", "\x7f"])
def test_the_last_door_lets_no_control_character_pass(letter: str) -> None:
    """Values are cleaned before; this one holds for a value that somebody forgets to clean."""
    for write in (lambda: fields.field("X", [f" a{letter}Bcc: b"]), lambda: fields.ids("X", [f"a{letter}b@x.example"])):
        with pytest.raises(ValueError, match="control"):
            write()
    with pytest.raises(ValueError, match="control"):
        fields.plain("X", f"a{letter}b")


def test_building_is_quick() -> None:
    """By steps, not by the clock: what once cost a millisecond is done without the standard library's folding."""
    assert "EmailMessage" not in vars(building)
    assert "Policy" not in " ".join(vars(building))


# ── A11: nothing adds a header or a recipient


EVIL = [
    "x\r\nBcc: victim@elsewhere.example",
    "x\nBcc: victim@elsewhere.example\n\nbody",
    "x\rBcc: victim@elsewhere.example",
    "x\0\r\n\r\n.\r\nMAIL FROM:<v@x.example>\r\n",
    "x\u2028Bcc: victim@elsewhere.example\u0085Bcc: v@x.example\x0bBcc: v@x.example",
    "=?utf-8?Q?x=0D=0ABcc:_victim@elsewhere.example?=",
    'x" <victim@elsewhere.example>, "y',
    "x <victim@elsewhere.example>",
]


@pytest.mark.parametrize("evil", EVIL)
async def test_nothing_anybody_wrote_adds_a_header_a_recipient_or_a_mail(house: MailHouse, evil: str) -> None:
    async def read() -> bytes:
        return b"1"

    channel = ChannelSettings(ADDRESS, evil, {"display_name": evil, "signature": evil, "quote_introduction": evil})
    connector = QuickEmail(FakeContext(house.settings(ADDRESS), [channel]))
    quoted = Quoted(datetime(2026, 11, 1, tzinfo=UTC), CUSTOMER, evil, evil, f"<p>{evil}</p>")
    file = OutboundFile(evil, evil, 1, "k", read)
    everything = part(
        subject=evil,
        refs=(evil, "good@x.example"),
        text=evil,
        author=evil,
        signature=evil,
        files=(file,),
        quoted=quoted,
    )
    await connector.send(everything)
    await connector.close()
    (mail,) = house.smtp.received
    assert mail.recipients == (CUSTOMER,)
    well_formed(mail.raw)
    wanted = "Date Message-ID From To Reply-To Subject In-Reply-To References X-Omnibox-Id MIME-Version Content-Type"
    assert field_names(mail.raw) == wanted.split()
    arrived = message_from_bytes(mail.raw)
    for name in ("From", "To", "Reply-To"):
        assert len(arrived.get_all(name) or []) == 1
    assert [each["address"] for each in record(mail.raw)["to"]] == [CUSTOMER]
    assert reading.read(mail.raw).sender is not None
    assert record(mail.raw)["sender"]["address"] == ADDRESS


@pytest.mark.parametrize(
    "evil", ["v@x.example>\r\nRCPT TO:<w@x.example", "v@x.example\r\nDATA\r\n", "v@x.example, w@x.example"]
)
async def test_no_recipient_can_be_two(house: MailHouse, evil: str) -> None:
    connector = QuickEmail(FakeContext(house.settings(ADDRESS)))
    for copies in (Recipients(cc=(evil,)), Recipients(bcc=(evil,))):
        with pytest.raises(Rejected, match=r"email\.address_not_supported"):
            await connector.send(part(recipients=copies))
    await connector.close()
    assert not house.smtp.received
    assert "RCPT" not in house.smtp.commands


# ── A54: one mail stays one mail


@pytest.mark.parametrize(
    "text",
    [
        ".",
        "..",
        "a\n.\nMAIL FROM:<v@x.example>\nRCPT TO:<v@x.example>\nDATA\nFrom: boss\n\npay\n.\n",
        "a\r.\rb",
        "a\r\n.\r\nb",
        "a\n.\r\nb",
        "a\r.\r\nb",
        "a\r\n.\rb",
        "a\x85.\x85b",
        "\n.\n" * 50,
        ".hidden",
        "x" * 5000 + "\n." + "y" * 5000,
    ],
)
@pytest.mark.parametrize("html", [None, True])
async def test_a_text_never_ends_its_mail(house: MailHouse, text: str, html: bool | None) -> None:
    """The server of the world ends a mail at a dot after a bare LF too, as the careless ones do."""
    connector = QuickEmail(FakeContext(house.settings(ADDRESS)))
    await connector.send(part(text=text, html=text if html else None))
    await connector.send(part(text="next"))
    await connector.close()
    first, second = house.smtp.received
    assert b"next" in second.raw
    well_formed(first.raw.removesuffix(b"\r\n"))
    body: Any = message_from_bytes(first.raw, policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]
    arrived = body.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert arrived.removesuffix("\n") == text.replace("\r\n", "\n").removesuffix("\n")


async def test_each_byte_of_a_file_arrives(house: MailHouse) -> None:
    content = bytes(range(256)) * 5 + b"\r\n.\r\n"

    async def read() -> bytes:
        return content

    connector = QuickEmail(FakeContext(house.settings(ADDRESS)))
    await connector.send(part(files=(OutboundFile("a.bin", "application/x-thing", len(content), "k", read),)))
    await connector.close()
    (found,) = message_from_bytes(house.smtp.received[0].raw, policy=policy.default).iter_attachments()  # type: ignore[attr-defined]
    assert found.get_payload(decode=True) == content


# ── `omnibox render`, on any input


def rendered(inbound: bytes, **item: Any) -> tuple[bytes, dict[str, Any]]:
    given = {"inbound_base64": base64.b64encode(inbound).decode(), "from": "Shop <help@shop.example>", "text": "Yes."}
    out = dict(Email.render({**given, **item}))
    return base64.b64decode(out["raw_base64"]), out


def rendered_or_refused(inbound: bytes, **item: Any) -> tuple[bytes, dict[str, Any]] | None:
    """None where nobody can be answered, said by the right code."""
    try:
        return rendered(inbound, **item)
    except ValueError as error:
        if error.args != ("unsupported",):
            raise
        return None


INBOUND = (
    b"From: =?utf-8?B?w4FuYQ==?= <ana@customer.example>\r\nSubject: AW: Re: Hi\r\nMessage-ID: <2@x.example>\r\n"
    b"References: <0@x.example>\r\n <1@x.example>\r\nIn-Reply-To: <1@x.example>\r\n\r\nHello\r\n"
)


def test_an_answer_has_all_that_answers_have() -> None:
    raw, out = rendered(INBOUND)
    well_formed(raw)
    assert out["envelope_from"] == "help@shop.example"
    assert out["envelope_to"] == ["ana@customer.example"]
    arrived = message_from_bytes(raw, policy=policy.default)
    assert arrived["In-Reply-To"] == "<2@x.example>"
    assert arrived["References"].split() == ["<0@x.example>", "<1@x.example>", "<2@x.example>"]
    assert arrived["Subject"] == "Re: Hi"
    assert abs((arrived["Date"].datetime - datetime.now(UTC)).total_seconds()) < 300
    assert arrived["Message-ID"] != message_from_bytes(rendered(INBOUND)[0])["Message-ID"]
    named, _ = rendered(INBOUND, **{"from": "Tienda Ñandú <help@shop.example>"})
    well_formed(named)
    assert message_from_bytes(named, policy=policy.default)["From"].addresses[0].display_name == "Tienda Ñandú"


def test_without_references_the_mail_that_was_answered_before_is_named() -> None:
    raw, _ = rendered(INBOUND.replace(b"References: <0@x.example>\r\n <1@x.example>\r\n", b""))
    assert message_from_bytes(raw)["References"].split() == ["<1@x.example>", "<2@x.example>"]


def test_a_long_chain_keeps_its_first_and_its_newest() -> None:
    chain = b" ".join(b"<%d.%s@x.example>" % (number, b"y" * 60) for number in range(300))
    raw, _ = rendered(INBOUND.replace(b"<0@x.example>\r\n <1@x.example>", chain))
    ids = message_from_bytes(raw)["References"].split()
    assert ids[0].startswith("<0.")
    assert ids[-1] == "<2@x.example>"
    assert ids[-2].startswith("<299.")
    assert len(ids) == 21


def test_reply_to_goes_first_and_all_of_it() -> None:
    raw, out = rendered(b"Reply-To: <r@x.example>, Two <s@x.example>\r\n" + INBOUND)
    assert out["envelope_to"] == ["r@x.example", "s@x.example"]
    assert [each["address"] for each in record(raw)["to"]] == out["envelope_to"]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("name", ["Subject", "From", "Reply-To", "Message-ID", "References", "In-Reply-To"])
def test_no_value_of_the_mail_adds_anything_to_the_answer(name: str, evil: str) -> None:
    encoded = "=?utf-8?B?" + base64.b64encode(evil.encode()).decode() + "?="
    for value in (
        evil.replace("\r\n", "\r\n "),
        encoded,
        f"{encoded} <ana@customer.example>",
        f"<{encoded}@x.example>",
    ):
        inbound = f"{name}: {value}\r\n".encode() + INBOUND
        answer = rendered_or_refused(inbound)
        if answer is None:
            continue
        raw, out = answer
        well_formed(raw)
        names = field_names(raw)
        assert set(names) <= {
            "Date", "Message-ID", "From", "To", "Subject", "In-Reply-To", "References", "MIME-Version", "Content-Type",
            "Content-Transfer-Encoding",
        }  # fmt: skip
        assert len(names) == len(set(names))
        assert len(out["envelope_to"]) == len(record(raw)["to"]) >= 1
        assert record(raw)["text"] == "Yes."


@QUIET
@given(st.binary(min_size=1, max_size=400), TEXT, st.none() | TEXT)
def test_any_mail_can_be_answered_or_is_named_as_one_that_cannot(inbound: bytes, text: str, html: str | None) -> None:
    answer = rendered_or_refused(inbound, text=text, html=html)
    if answer is None:
        return
    raw, out = answer
    well_formed(raw)
    assert out["envelope_to"]
    arrived: Any = message_from_bytes(raw, policy=policy.default).get_body(("plain",))  # type: ignore[attr-defined]
    assert arrived.get_payload(decode=True).decode().replace("\r\n", "\n") == fields.clean(text).replace("\r\n", "\n")


@QUIET
@given(st.text(max_size=2000))
def test_the_text_of_an_answer_arrives_unchanged(text: str) -> None:
    raw, _ = rendered(INBOUND, text=text)
    arrived: Any = message_from_bytes(raw, policy=policy.default)
    assert arrived.get_payload(decode=True).decode().replace("\r\n", "\n") == fields.clean(text).replace("\r\n", "\n")
    if text.strip() and charsets.clean(text) == text and "\r" not in text:
        assert record(raw)["text"].strip("\n") == text.strip("\n")


def test_files_of_an_answer_are_taken_in_the_forms_people_write() -> None:
    content = base64.b64encode(b"%PDF").decode()
    files = [
        {"filename": "März.pdf", "content_type": "application/pdf", "content_base64": content},
        {"name": "b.bin", "base64": content},
    ]
    raw, _ = rendered(INBOUND, attachments=files)
    assert [(each["filename"], each["size"]) for each in record(raw)["attachments"]] == [("März.pdf", 4), ("b.bin", 4)]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"attachments": [7]}, "unsupported"),
        ({"attachments": [{"content_base64": "!!!"}]}, "invalid"),
        ({"attachments": "x"}, "unsupported"),
        ({"text": 7}, "unsupported"),
        ({"html": ["x"]}, "unsupported"),
        ({"from": "nobody"}, "unsupported"),
        ({"from": None}, "unsupported"),
        ({"from": ["a@x.example"]}, "unsupported"),
        ({"inbound_base64": 7}, "invalid"),
        ({"inbound_base64": base64.b64encode(b"Subject: x\r\n\r\nnobody").decode()}, "unsupported"),
    ],
)
def test_what_cannot_be_rendered_is_named(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(ValueError) as caught:
        rendered(INBOUND, **changed)
    assert caught.value.args == (code,)


def test_the_command_answers_line_by_line() -> None:
    good = {"inbound_base64": base64.b64encode(INBOUND).decode(), "from": "help@shop.example", "text": "Yes."}
    lines = [json.dumps(good), "{", json.dumps([1]), json.dumps({**good, "from": ""}), json.dumps(good)]
    run = subprocess.run(
        [sys.executable, "-m", "omnibox.cli", "render", "--channel", "email"],
        input="\n".join(lines).encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [sorted(each) for each in answers] == [
        ["envelope_from", "envelope_to", "raw_base64"], ["error"], ["error"], ["error"],
        ["envelope_from", "envelope_to", "raw_base64"],
    ]  # fmt: skip
    assert run.returncode == 1


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("RE^2: Hi", "Re: Hi"),
        ("Re2: Re (3): Hi", "Re: Hi"),
        ("Res: Pedido", "Re: Pedido"),
        ("RIF: R: Ordine", "Re: Ordine"),
        ("Odp: ATB: Zamówienie", "Re: Zamówienie"),
        ("Отв: RE: Заказ", "Re: Заказ"),
        ("答复: 回复：订单", "Re: 订单"),
        ("返信: Re: 注文", "Re: 注文"),
        ("رد: طلب", "Re: طلب"),
        ("RV: Pedido", "Re: RV: Pedido"),
        ("Ref: order 12", "Re: Ref: order 12"),
        ("R2: motor", "Re: R2: motor"),
        ("Response: yes", "Re: Response: yes"),
        ("Re:" * 200 + " deep", "Re: deep"),
    ],
)
def test_one_prefix_whatever_language_the_others_were(subject: str, answered: str) -> None:
    raw, _ = rendered(INBOUND.replace(b"AW: Re: Hi", subject.encode()))
    assert record(raw)["subject"] == answered
