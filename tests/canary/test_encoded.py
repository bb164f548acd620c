"""Numbers in base64, quoted-printable and escapes are hidden where they are; what is no text stays byte for byte."""

from __future__ import annotations

import base64
import json
import random
import time
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from tests.canary.cards import CARDS, spelled
from tests.canary.letters import inner, letter
from tests.canary.search import found

from omnibox.masking import mask_content, mask_raw

CARD = "4111 1111 1111 1111"
HIDDEN = "•••• •••• •••• 1111"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00" + CARD.encode()
PDF = b"%PDF-1.7\n1 0 obj\n(" + CARD.encode() + b")\nendobj\n"


@pytest.mark.parametrize("number", range(len(CARDS)))
def test_an_attached_mail_is_a_mail_without_numbers(number: int) -> None:
    raw = letter(number, "test", "shop@shop.example")
    masked = mask_content(raw, "message/rfc822")
    assert found(raw) != set()
    assert found(masked) == set()
    assert mask_content(masked, "message/rfc822") == masked
    before, after = (message_from_bytes(each, policy=policy.default) for each in (raw, masked))
    assert [part.get_content_type() for part in before.walk()] == [part.get_content_type() for part in after.walk()]
    assert not any(part.defects for part in after.walk())


def test_only_digits_change_in_what_was_encoded() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Größe"
    mail.set_content(f"my card ü {CARD} bye\n" * 20, cte="base64")
    masked = message_from_bytes(mask_content(mail.as_bytes(), "message/rfc822"), policy=policy.default)
    body = masked.get_body(("plain",))
    assert body is not None
    assert body.get_content() == f"my card ü {HIDDEN} bye\n" * 20
    assert masked["Subject"] == "Größe"


def test_letters_beside_a_number_stay() -> None:
    wide = "".join(chr(0xFF10 + int(each)) if each != " " else each for each in CARD)
    mail = EmailMessage()
    mail.set_content(f"<p>é é{wide}ü und ü {wide} é</p>\n", subtype="html", cte="quoted-printable")
    masked = message_from_bytes(mask_content(mail.as_bytes(), "message/rfc822"), policy=policy.default)
    last = "１１１１"
    assert masked.get_content().replace(wide, "") in (
        f"<p>é é•••• •••• •••• {last}ü und ü •••• •••• •••• {last} é</p>\n",
        f"<p>é éü und ü •••• •••• •••• {last} é</p>\n",
    )


def test_a_mail_without_numbers_stays_as_it_is() -> None:
    mail = EmailMessage()
    mail["Subject"] = "Größe über alles"
    mail.set_content("Größe 4111 1111 1111 1112 ü\n" * 30, cte="base64")
    mail.add_alternative("<p>Größe 4111 1111 1111 1112 = ü</p>\n" * 30, subtype="html", cte="quoted-printable")
    mail.add_attachment(PICTURE, maintype="image", subtype="png", filename="ü.png")
    mail.add_attachment(PDF, maintype="application", subtype="pdf", filename="ü.pdf")
    mail.set_boundary("a boundary without digits")
    for part in mail.iter_parts():
        if part.is_multipart():
            part.set_boundary("another one")
    assert mask_content(mail.as_bytes(), "message/rfc822") == mail.as_bytes()


@pytest.mark.parametrize("content", [PICTURE, PDF, b"PK\x03\x04\x00" + CARD.encode(), random.Random(7).randbytes(5000)])
def test_what_is_no_text_stays(content: bytes) -> None:
    assert mask_content(content, "application/octet-stream") == content


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/vnd.ms-excel", "image/svg+xml", "x/y"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
def test_a_text_is_one_whatever_it_is_called(kind: str, encoding: str) -> None:
    masked = mask_content(f"Ana Garc\xeda;{CARD};12\r\n".encode(encoding), kind)
    assert found(masked) == set()
    assert "Ana".encode(encoding)[-2:] in masked


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"a": CARD.replace(" ", "\xa0"), "b": ["x", 12]}),
        json.dumps({"a": CARD.replace(" ", "\n")}),
        json.dumps({"a": "".join(chr(0xFF10 + int(each)) if each != " " else each for each in CARD)}),
        '{"a": "' + "".join(f"\\u{ord(each):04x}" for each in CARD) + '", "b": 1}',
    ],
)
def test_json_stays_json(text: str) -> None:
    masked = mask_raw(text)
    assert found(masked.encode()) == set()
    assert json.loads(masked).keys() == json.loads(text).keys()
    assert mask_raw(masked) == masked


@pytest.mark.parametrize("end", range(9, 19))
def test_half_a_number_at_the_end_of_an_excerpt_is_hidden(end: int) -> None:
    for text in (f"card {CARD[:end]}", base64.b64encode(f"a long beginning, card {CARD[:end]}".encode()).decode()):
        masked = mask_raw(text, is_cut=True)
        said = masked if masked.startswith("card") else base64.b64decode(masked.replace("\n", "")).decode()
        assert "4111" not in said


def test_a_telephone_number_and_an_order_stay_in_a_form() -> None:
    assert (
        mask_raw("phone=%2B34+600+123+456&order=4111111111111112") == "phone=%2B34+600+123+456&order=4111111111111112"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"QUFB" * 125_000,
        b"quoted-printable" + b"=20" * 150_000,
        b"=?a?b?" * 75_000,
        (b"A" * 60 + b"\n") * 8_000,
        b"*=" + b"%41" * 150_000,
        b"\\u0034" * 75_000,
        b"<p>" * 150_000,
        b"=E2=\r\n" * 75_000,
        b";base64," * 60_000,
    ],
    ids=lambda content: content[:8].decode(),
)
def test_half_a_megabyte_of_anything_takes_no_seconds(content: bytes) -> None:
    began = time.process_time()
    mask_content(content, "message/rfc822")
    assert time.process_time() - began < 5


def test_the_mails_of_the_campaign_hold_mails() -> None:
    assert inner(0, spelled(0)).get_content_type() == "multipart/mixed"
