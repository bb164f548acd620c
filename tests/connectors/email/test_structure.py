"""How mails are put together: whatever the containers, no word and no file is lost, and order is kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.test_fixtures import FOLDER

from omnibox_email import offline, reading
from omnibox_email.charsets import bodies
from omnibox_email.content import mime, shown, transfer, uuencode

QUIET = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEAD = b"From: Ana <ana@x.example>\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
WORDS = st.text("abcdefghijklmnopqrstuvwxyzäéñßøżжщ中文字", min_size=1, max_size=12)
CONTENT = st.binary(max_size=200)
KINDS = ("mixed", "related", "signed", "report", "parallel", "x-unheard-of", "form-data")


@dataclass
class Text:
    words: str
    encoding: str = "8bit"
    is_html: bool = False


@dataclass
class Enclosure:
    content: bytes
    kind: str = "application/pdf"
    name: str | None = None


@dataclass
class Box:
    kind: str
    children: list[Text | Enclosure | Box] = field(default_factory=list)
    preamble: bytes = b""
    is_closed: bool = True


texts = st.builds(Text, WORDS, st.sampled_from(["8bit", "base64", "quoted-printable", ""]), st.booleans())
files = st.builds(
    Enclosure,
    CONTENT,
    st.sampled_from(["application/pdf", "image/png", "message/rfc822", "text/calendar", "application/ms-tnef"]),
    st.sampled_from([None, "a.pdf", "b c.png"]),
)
boxes = st.recursive(
    st.builds(Box, st.sampled_from(KINDS), st.lists(st.one_of(texts, files), min_size=1, max_size=3)),
    lambda inner: st.builds(
        Box,
        st.sampled_from(KINDS),
        st.lists(st.one_of(texts, files, inner), min_size=1, max_size=3),
        st.sampled_from([b"", b"This is a multi-part message in MIME format.\r\n"]),
        st.booleans(),
    ),
    max_leaves=8,
)


def written(part: Text | Enclosure | Box, path: str = "b") -> bytes:
    """A part with its headers, as a program would write it."""
    if isinstance(part, Box):
        boundary = f"=_{path}".encode()
        head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (part.kind.encode(), boundary)
        inside = (
            b"--%s\r\n%s\r\n" % (boundary, written(child, f"{path}.{number}"))
            for number, child in enumerate(part.children)
        )
        return head + part.preamble + b"".join(inside) + (b"--%s--\r\n" % boundary if part.is_closed else b"")
    if isinstance(part, Enclosure):
        name = f'; name="{part.name}"' if part.name else ""
        head = f"Content-Type: {part.kind}{name}\r\nContent-Transfer-Encoding: base64\r\n\r\n".encode()
        return head + base64.encodebytes(part.content).replace(b"\n", b"\r\n").rstrip()
    raw = (f"<p>{part.words}</p>" if part.is_html else part.words).encode()
    kind = b"html" if part.is_html else b"plain"
    head = b"Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n" % (
        kind,
        part.encoding.encode(),
    )
    if part.encoding == "base64":
        raw = base64.encodebytes(raw).replace(b"\n", b"\r\n").rstrip()
    elif part.encoding == "quoted-printable":
        raw = quopri.encodestring(raw).replace(b"\n", b"\r\n")
    return head + raw


def leaves(part: Text | Enclosure | Box) -> list[Text | Enclosure]:
    if not isinstance(part, Box):
        return [part]
    return [leaf for child in part.children for leaf in leaves(child)]


@QUIET
@given(boxes, st.sampled_from([b"\r\n", b"\n"]))
def test_every_text_and_every_file_comes_out_in_order(box: Box, line_end: bytes) -> None:
    raw = HEAD + written(box)
    mail = reading.read(raw.replace(b"\r\n", line_end))
    found = leaves(box)
    assert mail.text == "\n\n".join(leaf.words for leaf in found if isinstance(leaf, Text))
    enclosed = [leaf for leaf in found if isinstance(leaf, Enclosure)]
    assert [one.content for one in mail.attachments] == [leaf.content for leaf in enclosed]
    assert [(one.content_type, one.name) for one in mail.attachments] == [(leaf.kind, leaf.name) for leaf in enclosed]


@QUIET
@given(boxes, st.data())
def test_a_mail_that_was_cut_keeps_all_that_came_before(box: Box, data: st.DataObject) -> None:
    raw = HEAD + written(box)
    mail = reading.read(raw[: data.draw(st.integers(len(HEAD), len(raw)))])
    expected = [leaf.content for leaf in leaves(box) if isinstance(leaf, Enclosure)]
    whole = [one.content for one in mail.attachments][:-1]
    assert whole == expected[: len(whole)]


# ---- transfer encodings ----


@QUIET
@given(CONTENT, st.integers(1, 90), st.sampled_from([b"\n", b"\r\n", b" \r\n", b"\n!\t"]))
def test_base64_survives_any_line_length_and_noise(content: bytes, width: int, line_end: bytes) -> None:
    letters = base64.b64encode(content)
    lines = line_end.join(letters[at : at + width] for at in range(0, len(letters), width))
    assert transfer.decode(lines, "base64") == content
    assert transfer.decode(lines.rstrip(b"="), "base64") == content


@QUIET
@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6))
def test_base64_padded_piece_by_piece_is_one_file(pieces: list[bytes]) -> None:
    assert transfer.decode(b"\r\n".join(map(base64.b64encode, pieces)), "base64") == b"".join(pieces)


@QUIET
@given(CONTENT)
def test_quoted_printable_is_undone(content: bytes) -> None:
    assert transfer.decode(binascii.b2a_qp(content, quotetabs=True, istext=False), "quoted-printable") == content


@QUIET
@given(st.lists(st.tuples(st.sampled_from(["a.bin", "b c.pdf"]), st.binary(min_size=1, max_size=150)), max_size=4))
def test_uuencoded_files_come_out_of_the_text(files: list[tuple[str, bytes]]) -> None:
    text = b"before\n"
    for name, content in files:
        lines = b"".join(binascii.b2a_uu(content[at : at + 45], backtick=True) for at in range(0, len(content), 45))
        text += b"begin 644 %s\n%s`\nend\nafter %s\n" % (name.encode(), lines, name.encode())
    found, rest = uuencode.split(text)
    assert [(one.name.decode(), one.content) for one in found] == files
    assert rest == b"before\n" + b"".join(b"after %s\n" % name.encode() for name, _ in files)


# ---- charsets ----

SENTENCES = {
    "Où est ma commande, s'il vous plaît ? Elle devait arriver hier à Orléans.": (
        "iso-8859-1",
        "windows-1252",
        "utf-16",
    ),
    "Где мой заказ? Он должен был прийти вчера вечером.": ("koi8-r", "windows-1251", "iso-8859-5", "utf-16-le"),
    "私の注文はどこですか。昨日届くはずでした。": ("shift_jis", "euc-jp", "iso-2022-jp", "utf-16-be"),
    "我的订单在哪里？昨天就应该到了。": ("gb2312", "gb18030", "hz"),
    "我的訂單在哪裡？昨天就應該到了。": ("big5",),
    "제 주문은 어디에 있나요? 어제 도착했어야 합니다.": ("euc-kr", "ks_c_5601-1987"),
}


@pytest.mark.parametrize(
    ("sentence", "label"), [(text, label) for text, labels in SENTENCES.items() for label in labels]
)
def test_a_body_is_read_by_its_label_and_utf8_in_spite_of_it(sentence: str, label: str) -> None:
    codec = "cp949" if label.startswith("ks") else label
    assert bodies.decode(sentence.encode(codec), label) == sentence
    assert bodies.decode(sentence.encode("utf-8"), label) == sentence
    html = f"<p>{sentence}</p>"
    assert bodies.decode(html.encode("utf-8"), label, is_html=True) == html


@pytest.mark.parametrize("label", ["us-ascii", "iso-8859-1", ""])
def test_utf8_wins_over_what_html_says_of_itself(label: str) -> None:
    html = "<meta charset=iso-8859-2><p>Übung macht den Meister, sagt Žofie</p>"
    assert bodies.decode(html.encode(), label, is_html=True) == html


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_wins_over_the_label(codec: str) -> None:
    assert bodies.decode("Grüße".encode(codec), "us-ascii") == "Grüße"


# ---- what the offline door says of files ----


def test_size_and_digest_are_of_the_decoded_bytes() -> None:
    content = bytes(range(256)) * 3
    raw = HEAD + written(Box("mixed", [Text("x"), Enclosure(content, "image/png", "a.png")]))
    (found,) = offline.record_here(raw)["attachments"]
    assert (found["size"], found["sha256"]) == (768, hashlib.sha256(content).hexdigest())


def test_a_file_beyond_the_limit_is_dropped_and_said_to_be() -> None:
    text = b"".join(b"begin 644 a\n#86)C\n`\nend\n" for _ in range(shown.MOST_ATTACHMENTS + 5))
    mail = reading.read(HEAD + b"\r\nwords\n" + text)
    assert len(mail.attachments) == shown.MOST_ATTACHMENTS
    assert "begin 644" in mail.text  # not a file any more, and not lost


def test_a_tree_is_walked_once_however_often_its_delimiter_stands_there() -> None:
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n--b\r\n\r\nx\r\n" * 10
        + b"--b--\r\n" * 10
    )
    assert reading.read(raw).text == "\n\n".join("x" * 10)
    assert len(mime.parse(raw).root.children) == 20


def test_parts_behind_the_end_of_a_mail_are_parts_of_it() -> None:
    part = b"--b\r\nContent-Type: %s\r\n\r\n%s\r\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + part % (b"text/plain", b"words") + b"--b--\r\n"
    late = b"Scanned.\r\n" + part % (b"application/pdf; name=a.pdf", b"%PDF") + b"--b--\r\n"
    mail = reading.read(raw + late)
    assert (mail.text, [file.name for file in mail.attachments]) == ("words", ["a.pdf"])
    assert reading.read(raw + b"--b\r\nno part\r\n").text == "words"


def test_base64_may_be_in_the_letters_of_web_addresses() -> None:
    content = bytes(range(256)) * 3 + b"\xfb\xff"
    encoded = base64.urlsafe_b64encode(content)
    assert transfer.decode(encoded, "base64") == content
    assert transfer.decode(encoded.replace(b"A", b"\r\nA").rstrip(b"="), "base64") == content
    assert transfer.decode(b"R3LDvMOf-noise-ZQ==+", "base64").startswith("Grüß".encode())


def test_letters_of_web_addresses_are_told_in_linear_time() -> None:
    def spent(blanks: int) -> float:
        body = b"AAA-" + b"\n" * blanks + b"!"
        times = []
        for _ in range(5):
            before = time.process_time()
            transfer.decode(body, "base64")
            times.append(time.process_time() - before)
        return min(times)

    assert spent(32_000) < 24 * spent(4_000)  # eightfold where it is linear, 64-fold where it is quadratic


def test_there_are_enough_mails_of_hard_structure() -> None:
    assert len(list((FOLDER / "structure").glob("*.eml"))) >= 70
