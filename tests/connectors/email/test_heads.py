"""The head of any mail: charsets nobody named, encoded words, addresses, ids, dates and names of files."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.connectors.email.test_fixtures import FOLDER, KEYS, record_of

from omnibox_email import charsets
from omnibox_email.charsets import labels
from omnibox_email.heads import addresses, dates, encoded_words, headers, message_ids, parameters
from omnibox_email.heads import head as heads

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def boxes(text: str | bytes) -> list[tuple[str | None, str]]:
    raw = text.encode() if isinstance(text, str) else text
    return [(box.name, box.address) for box in addresses.parse_list(raw)]


def subject(raw: bytes, rest: bytes = b"") -> Any:
    return record_of(b"From: a@x.example\nSubject: " + raw + b"\n" + rest + b"\n\nx\n")["subject"]


def test_there_are_enough_fixtures_of_heads() -> None:
    assert len(list((FOLDER / "heads").glob("*.eml"))) >= 80


# ---- charsets ----


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF_8", "utf-8"), ("utf8mb4", "utf-8"), ('"utf-8"', "utf-8"), ("utf-8//IGNORE", "utf-8"),
        ("3Dutf-8", "utf-8"),
        ("charset=utf-8", "utf-8"), ("utf-8utf-8", "utf-8"), ("cp65001", "utf-8"), ("US-ASCII", "cp1252"),
        ("iso8859_1", "cp1252"), ("ISO-8859-1:1987", "cp1252"), ("Latin-1", "cp1252"), ("iso-88591", "cp1252"),
        ("windows1252", "cp1252"), ("win-1251", "cp1251"), ("Cp1250", "cp1250"), ("ISO_8859-2:1987", "iso8859_2"),
        ("x-my-iso8859-2-text", "iso8859_2"), ("latin-9", "iso8859_15"), ("iso-8859-9", "cp1254"), ("koi8", "koi8_r"),
        ("KOI8-U", "koi8_u"), ("gb2312", "gb18030"), ("X-GBK", "gb18030"), ("ms936", "gb18030"), ("euc-cn", "gb18030"),
        ("gb_2312-80", "gb18030"), ("x-x-big5", "big5hkscs"), ("big-5", "big5hkscs"), ("ks_c_5601-1987", "cp949"),
        ("x-windows-949", "cp949"), ("Shift-JIS", "cp932"), ("x-sjis", "cp932"), ("x-euc-jp", "euc_jp"),
        ("_iso-2022-jp$ESC", "iso2022"), ("csISO2022JP", "iso2022"), ("ISO-2022-KR", "iso2022"), ("HZ-GB-2312", "hz"),
        ("TIS-620", "cp874"), ("iso-8859-8-i", "iso8859_8"), ("x-mac-cyrillic", "mac_cyrillic"), ("IBM850", "cp850"),
        ("unicode-1-1-utf-7", "utf-7"), ("nonsense, gb2312", "gb18030"), ("utf-8*en", "utf-8"), ("x-unknown", None),
        ("", None), ("default", None), ("idna", None), ("base64", None), ("punycode", None), ("undefined", None),
    ],
)  # fmt: skip
def test_a_label_means_what_its_mailer_meant(label: str, codec: str | None) -> None:
    assert labels.codec_of(label) == codec


WRITTEN = {
    "gb18030": ["王芳", "周杰", "样品已寄出", "请查收发票", "退货申请", "关于延期交货的说明", "系统通知"],
    "big5hkscs": ["林志玲", "報價單", "請確認訂單", "您的密碼已變更", "關於退貨的問題"],
    "cp932": ["佐藤健", "会議の件", "お問い合わせ", "キャンセル希望", "請求書送付のご案内"],
    "euc_jp": ["田中", "会議の件", "配送状況のご連絡", "新商品のご案内"],
    "cp949": ["박민수", "배송 문의", "견적서 송부", "비밀번호 변경 안내"],
    "cp1251": ["Анна", "возврат товара", "Где мой заказ?", "Fwd: документы", "Звіт за квартал"],
    "koi8-r": ["Анна", "возврат товара", "Где мой заказ?", "Прайс-лист", "Отчёт за месяц"],
    "iso8859_5": ["Вопрос о доставке вашего заказа"],
    "cp866": ["Вопрос о доставке вашего заказа"],
    "cp1252": [
        "Peña",
        "Jürgen Groß",
        "È arrivato",
        "l’été",
        "¡Hola!",
        "Reclamação",
        "Smørrebrød",
        "ESPAÑA",
        "5 € Rabatt",
    ],
    "cp1250": ["Petr Řehák", "Děkuji", "Számla", "Zamówienie", "Faktura za październik", "Škoda"],
    "iso8859_2": ["Petr Řehák", "Święta", "Objednávka č. 12"],
    "cp1254": ["İstanbul", "Sipariş onayı", "Teşekkürler", "Güneş"],
    "cp1253": ["Μαρία", "Τιμολόγιο", "Η παραγγελία μου"],
    "cp1255": ["תודה רבה", "מתי תגיע ההזמנה"],
    "cp1256": ["شكرا", "استفسار عن المنتج"],
    "cp874": ["ใบเสนอราคา", "ขอบคุณค่ะ"],
    "mac_roman": ["Café", "Réponse à votre demande"],
}


@pytest.mark.parametrize(("codec", "text"), [(codec, text) for codec, texts in WRITTEN.items() for text in texts])
def test_a_few_words_tell_their_charset(codec: str, text: str) -> None:
    assert subject(text.encode(codec)) == text


def test_what_nobody_named_is_read_in_every_charset() -> None:
    lines = (FOLDER / "heads" / "unlabelled.lines").read_text().splitlines()[1:]
    cases = [(codec, text) for codec, _, text in (line.partition("\t") for line in lines)]
    assert [(codec, text, read) for codec, text in cases if (read := subject(text.encode(codec))) != text] == []
    assert len(cases) > 150


def test_a_charset_that_only_the_body_shows_is_that_of_the_head() -> None:
    rare = "訂單號碼請確認一下".encode("gbk")
    assert subject(rare) != "訂單號碼請確認一下"
    mail = b"From: a@x.example\nSubject: " + rare + b"\n\n" + "您好，請問我的訂單在哪裡？".encode("gbk")
    assert record_of(mail)["subject"] == "訂單號碼請確認一下"
    assert (
        subject("Prix à 20 €".encode("iso-8859-15"), b"Content-Type: text/plain; charset=iso-8859-15") == "Prix à 20 €"
    )


def test_what_a_mail_says_elsewhere_settles_a_name_of_two_letters() -> None:
    name = "Ян".encode("koi8-r")
    assert subject(name) != "Ян"
    assert subject(name, b"Content-Type: text/plain; charset=koi8-r") == "Ян"
    assert subject(name, b"To: =?koi8-r?Q?=F0?= <b@x.example>") == "Ян"
    assert subject(name, b"Return-Path: <a@firma.example.ru>") != ""
    mail = b"From: " + name + b" <a@x.example>\nSubject: " + "Вопрос о доставке заказа".encode("koi8-r") + b"\n\nx"
    assert record_of(mail)["sender"] == {"name": "Ян", "address": "a@x.example"}


@pytest.mark.parametrize(
    ("raw", "label", "text"),
    [
        ("Größe".encode(), "iso-8859-1", "Größe"),
        ("Größe".encode(), "gb2312", "Größe"),
        ("Größe".encode("latin-1"), "utf-8", "Größe"),
        ("订单".encode("gbk"), "us-ascii", "订单"),
        ("订单".encode("gbk"), "iso-8859-1", "订单"),
        ("联通".encode("gbk"), "gb2312", "联通"),
        ("返品したいのですが、どうすれば".encode("euc_jp"), "shift_jis", "返品したいのですが、どうすれば"),
        ("Où est-il, à 20 € ?".encode("cp1252"), "", "Où est-il, à 20 € ?"),
        ("Привет, мир".encode("cp1251"), "iso-8859-1", "Привет, мир"),
        ("Привет, мир".encode("cp1251"), "koi8-r", "Привет, мир"),
        ("ÄÖÜ".encode("latin-1"), "iso-8859-1", "ÄÖÜ"),
        ("“Hi” – 5 €".encode("cp1252"), "iso-8859-1", "“Hi” – 5 €"),
        ("zażółć „gęślą”".encode("cp1250"), "iso-8859-2", "zażółć „gęślą”"),
        ("①㈱髙".encode("cp932"), "shift_jis", "①㈱髙"),
        (b"\x1b$B-!-j\x1b(B", "iso-2022-jp", "①㈱"),
        (b"\x1b$B;3ED", "iso-2022-jp", "山田"),
        (b"$B;3ED(B san", "iso-2022-jp", "山田 san"),
        (b"\x1b(I1\x1b(B1", "iso-2022-jp", "ｱ1"),
        (b"\x1b$)C\x0e0!\x0f!", "iso-2022-kr", "가!"),
        (b"~{<:Ky2;~} ~~", "hz-gb-2312", "己所不 ~"),
        ("naïve".encode("utf-16"), "unicode", "naïve"),
        ("naïve".encode("utf-16-be"), "utf-16", "naïve"),
        (b"Hi \xed\xa0\xbd\xed\xb8\x80", "utf-8", "Hi 😀"),
        (b"plain", "utf-16", "plain"),
        (b"plain", "utf-16-le", "plain"),
        ("中文".encode("utf-16-be"), "utf-16-be", "中文"),
        (b"Gr+APwA3w-e", "utf-7", "Grüße"),
    ],
)
def test_bytes_are_believed_before_their_label(raw: bytes, label: str, text: str) -> None:
    assert charsets.decode(raw, label) == text


NARROW = [name for name, codec in labels.ALIASES.items() if codec not in labels.WIDE]


@QUIET
@given(st.binary(max_size=300), st.sampled_from([*NARROW, "", "x-nonsense"]), st.lists(st.text(max_size=10)))
def test_words_round_any_bytes_are_kept_under_any_label(raw: bytes, label: str, hints: list[str]) -> None:
    text = charsets.decode(b"before\n" + raw + b"\nbehind", label, hints)
    assert text.startswith("before\n")
    assert text.endswith("\nbehind")


@QUIET
@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=80))
def test_utf8_stays_what_it_is(text: str) -> None:
    assert charsets.decode(text.encode(), "utf-8") == text or text.encode()[:2] in (b"\xff\xfe", b"\xfe\xff")


# ---- encoded words ----


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("=?utf-8?Q?caf=C3=A9?=", "café"),
        ("=?utf-8?q?caf=c3=a9?=", "café"),
        ("a =?utf-8?Q?b?= =?utf-8?Q?c?= d", "a bc d"),
        ("=?utf-8?Q?b?=c=?utf-8?Q?d?=", "bcd"),
        ("=?utf-8*de-AT?Q?=C3=9Fa?=", "ßa"),
        ("=?utf-8?Q?a_b c?=", "a b c"),
        ("=?utf-8?Q??=x", "x"),
        ("=?utf-8?Q?what?=3F?=", "what??"),
        ("=?utf-8?Q?Really?=21_yes?= ok", "Really?! yes ok"),
        ("=?utf-8?B?w6k?=", "é"),
        ("=?utf-8?B?SGVsbG8=IFdvcmxk?=", "Hello World"),
        ("=?utf-8?B?w7_DvA?=", "ÿü"),
        ("=?utf-8?B?5Lit5paH6Y?= =?utf-8?B?Ku5Lu2?=", "中文邮件"),
        ("=?utf-8?B?5Lit5g==?= =?UTF8?Q?=96=87?=", "中文"),
        ("=?gb2312?B?1tDOxA==?= =?gbk?B?08q8/g==?=", "中文邮件"),
        ("=?utf-8?Q?open_end", "open end"),
        ("=?utf-8?B?w6k= rest", "é rest"),
        ("=?utf-8?Q?cut_=?= =?utf-8?Q?here?=", "cut =here"),
        ("=?utf-8?Q?first =?utf-8?Q?second?=", "first second"),
        ("=?utf-8?Q?=?utf-8?Q?inner?=?=", "inner"),
        ("=?utf-8?Q?=3D=3Futf-8=3FQ=3Finner=3F=3D?=", "inner"),
        ("=? utf-8 ?Q?a?=", "a"),
        ("=??Q?caf=C3=A9?=", "café"),
        ("=?nonsense?Q?caf=C3=A9?=", "café"),
        ("=?us-ascii?Q?caf=E9?=", "café"),
        ("=?utf-8?X?a?= =?b?=", "=?utf-8?X?a?= =?b?="),
        ("2 =? 3 ?= 4", "2 =? 3 ?= 4"),
    ],
)
def test_an_encoded_word_is_read_however_it_is_broken(text: str, decoded: str) -> None:
    assert encoded_words.decode(text) == decoded


@QUIET
@given(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=60),
    st.sampled_from(["utf-8", "utf8", "gb18030"]),
    st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=1, max_size=20),
)
def test_words_cut_anywhere_give_the_whole_text(text: str, label: str, cuts: list[tuple[int, bool]]) -> None:
    raw, at = text.encode(label), 0
    pieces: list[str] = []
    while at < len(raw):
        size, is_base64 = cuts[len(pieces) % len(cuts)]
        piece = raw[at : at + size]
        payload = base64.b64encode(piece).decode() if is_base64 else "".join(f"={byte:02X}" for byte in piece)
        pieces.append(f"=?{label}?{'B' if is_base64 else 'Q'}?{payload}?=")
        at += size
    assert encoded_words.decode("\n ".join(pieces)) == text or "=?" in text


@QUIET
@given(st.text(st.sampled_from("=?utf-8QqBbéw6k_ <>@\"'\n"), max_size=200))
def test_any_mixture_of_word_marks_gives_text(text: str) -> None:
    assert isinstance(encoded_words.decode(text), str)
    found = list(encoded_words.find(text))
    assert all(one.start < one.end for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


def test_a_subject_is_one_line_and_adds_no_header() -> None:
    record = record_of(b"From: a@x.example\nSubject: =?utf-8?Q?Hi=0D=0ATo:_spy=40evil.example=E2=80=A8x=0B=00?=\n\nx\n")
    assert record["subject"] == "Hi To: spy@evil.example x"
    assert record["to"] == []


# ---- addresses ----


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"John \\"Jack\\" Doe" <j@x.example>', [('John "Jack" Doe', "j@x.example")]),
        ("Doe, John <j@x.example>, b@x.example", [("Doe, John", "j@x.example"), (None, "b@x.example")]),
        ("root, <j@x.example>", [(None, "root"), (None, "j@x.example")]),
        ('"Ana", Bob <b@x.example>', [(None, "Ana"), ("Bob", "b@x.example")]),
        ("=?utf-8?Q?Doe, J=C3=B6rg?= <j@x.example>", [("Doe, Jörg", "j@x.example")]),
        ('=?utf-8?Q?"J=C3=B6rg"?= <j@x.example>', [("Jörg", "j@x.example")]),
        ("=?utf-8?Q?J=C3=B6rg <j@x.example>", [("Jörg", "j@x.example")]),
        ("=?utf-8?Q?J=C3=B6?= =?utf-8?Q?rg?= Doe <j@x.example>", [("Jörg Doe", "j@x.example")]),
        ("=?utf-8?Q?Ana_=3Cana=40x=2Eexample=3E?=", [("Ana", "ana@x.example")]),
        ("<=?utf-8?Q?ana=40x=2Eexample?=>", [(None, "ana@x.example")]),
        ("Pete(A \\) chap) <pete(his account)@silly.example(his host)>", [("Pete", "pete@silly.example")]),
        ("a@x.example (Ana)", [("Ana", "a@x.example")]),
        ("a@x.example (=?utf-8?Q?Jos=C3=A9?=)", [("José", "a@x.example")]),
        ("Ana (ana@x.example)", [("Ana", "ana@x.example")]),
        ("<a@x.example> Ana", [("Ana", "a@x.example")]),
        ("Team: a@x.example, Bo <b@x.example>;", [(None, "a@x.example"), ("Bo", "b@x.example")]),
        ("Sales: Ana <a@x.example>", [("Sales: Ana", "a@x.example")]),
        ("Sales: Ana <a@x.example>;", [("Ana", "a@x.example")]),
        ("10:30 Club <a@x.example>", [("10:30 Club", "a@x.example")]),
        ("undisclosed-recipients:;", []),
        ("undisclosed-recipients", []),
        ("<Undisclosed-Recipient:;@x.example>", []),
        ("Ana [mailto:ana@x.example]", [("Ana", "ana@x.example")]),
        ("<mailto:ana@x.example?subject=hi>", [(None, "ana@x.example")]),
        ("<ana@x.example<mailto:ana@x.example>>", [(None, "ana@x.example")]),
        ("smtp:ana@x.example", [(None, "ana@x.example")]),
        ("ana @ x.example .", [(None, "ana@x.example")]),
        ("< ana@x.example. >", [(None, "ana@x.example")]),
        ("<<ana@x.example>>", [(None, "ana@x.example")]),
        ("@relay.example:ana@x.example", [(None, "ana@x.example")]),
        ("<@a.example,@b.example:ana@x.example>", [(None, "ana@x.example")]),
        ('"john doe"@x.example', [(None, '"john doe"@x.example')]),
        ('<"a,b"@x.example>', [(None, '"a,b"@x.example')]),
        ("a@[192.0.2.1], Bo <b@[IPv6:2001:db8::1]>", [(None, "a@[192.0.2.1]"), ("Bo", "b@[IPv6:2001:db8::1]")]),
        ("a@x.example b@x.example", [(None, "a@x.example"), (None, "b@x.example")]),
        ("<a@x.example, b@x.example>", [(None, "a@x.example"), (None, "b@x.example")]),
        ('"Ana <ana@x.example>"', [("Ana", "ana@x.example")]),
        ('"Open <a@x.example>, "Bo" <b@x.example>', [("Open", "a@x.example"), ("Bo", "b@x.example")]),
        ("'t Hooft <h@x.example>", [("'t Hooft", "h@x.example")]),
        ("'Ana' <'ana@x.example'>", [("Ana", "ana@x.example")]),
        ("Ana <ana@x.example", [("Ana", "ana@x.example")]),
        ("Ana ana@x.example>", [("Ana", "ana@x.example")]),
        ("<Ana> <ana@x.example>", [("Ana", "ana@x.example")]),
        ("<Ana Lee ana@x.example>", [(None, "ana@x.example")]),
        ("Ünal <ünal@bücher.example>", [("Ünal", "ünal@bücher.example")]),
        ("a@xn--bcher-kva.example", [(None, "a@xn--bcher-kva.example")]),
        ("王 <w@x.example>；李 <l@x.example>", [("王", "w@x.example"), ("李", "l@x.example")]),
        ("john..doe.@x.example", [(None, "john..doe.@x.example")]),
        ("\u202emoc <a@x.example>", [("moc", "a@x.example")]),
        ("<a\u200b@x.example>", [(None, "a@x.example")]),
        ('"" <a@x.example>, <>, ,;', [(None, "a@x.example")]),
        ('"Doe, J" </O=ORG/CN=JDOE>', [("Doe, J", "/O=ORG/CN=JDOE")]),
        ("Everybody in Sales", [("Everybody in Sales", "")]),
    ],
)  # fmt: skip
def test_a_list_of_addresses_is_read_as_a_person_reads_it(text: str, expected: list[tuple[str | None, str]]) -> None:
    assert boxes(text) == expected


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("ceo@good.example <thief@evil.example>", "two-addresses"),
        ("=?utf-8?Q?ceo=40good.example?= <thief@evil.example>", "two-addresses"),
        ("a@x.example <A@x.example>", ""),
        ("Team: a@x.example;", "group"),
        ('"a@x.example"', "encoded-address"),
        ("Ana <a@x.example>", ""),
    ],
)
def test_an_address_that_two_programs_read_differently_is_doubted(text: str, doubt: str) -> None:
    assert addresses.parse_list(text.encode())[0].doubt == doubt


@pytest.mark.parametrize(
    ("lines", "sender"),
    [
        ("From: Ana <a@x.example>\nReply-To: b@x.example", ("Ana", "a@x.example")),
        ("From: Ana\nReply-To: Bo <b@x.example>\nSender: c@x.example", ("Ana", "b@x.example")),
        ("From: <>\nSender: Bo <b@x.example>\nReturn-Path: <c@x.example>", ("Bo", "b@x.example")),
        ("From:\nReturn-Path: <c@x.example>", (None, "c@x.example")),
        ("From: Doe, Jane\nReturn-Path: <c@x.example>", ("Doe, Jane", "c@x.example")),
        ("Reply-To: junk\nSender: also junk\nReturn-Path: c@x.example", (None, "c@x.example")),
        ("From: Team:;\nSender: b@x.example", ("Team", "b@x.example")),
        ("From: =?utf-8?Q?Jos=C3=A9?=\nSender: b@x.example", ("José", "b@x.example")),
        ("From: root (Cron)\nReturn-Path: <>", ("Cron", "root")),
        ("From: Ana\nFrom: b@x.example", (None, "b@x.example")),
        ("From: Ana Ruiz\nReturn-Path: <>", None),
        ("From: Jane Doe, jane@x.example", ("Jane Doe", "jane@x.example")),
        ("Subject: nobody", None),
    ],
)
def test_the_sender_falls_back_in_order(lines: str, sender: tuple[str | None, str] | None) -> None:
    found = record_of(f"{lines}\nTo: z@x.example\n\nx\n".encode())["sender"]
    assert found == (sender and {"name": sender[0], "address": sender[1]})


@QUIET
@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_of_addresses(raw: bytes) -> None:
    for box in addresses.parse_list(raw, ("gb2312", "?koi8-r")):
        assert not set(box.address) & set("\r\n\0\u202e")
        assert box.name is None or (box.name.strip() == box.name != "" and "\n" not in box.name)


@QUIET
@given(st.text(st.sampled_from("aé@.,;:<>()[]\"'\\ =?utf-8q\t，；"), max_size=120))
def test_any_mixture_of_what_addresses_are_made_of_is_a_list(text: str) -> None:
    for box in addresses.parse_list(text.encode()):
        assert box.name or box.address
        assert (
            addresses.clean_address(box.address) == box.address or "@" not in box.address or '"' in text or "'" in text
        )


# ---- ids ----


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("<a@x> <b@x>", ["a@x", "b@x"]),
        ("<a@x><b@x>,<c@x>", ["a@x", "b@x", "c@x"]),
        ("<a\n b@x> (comment) <<c@x>>", ["ab@x", "c@x"]),
        ("a@x b@x", ["a@x", "b@x"]),
        ("a@x (of <somebody>)", ["somebody"]),
        ("<a@x> <b@x", ["a@x", "b@x"]),
        ("lonely", ["lonely"]),
        ("two words", []),
        ("<> <a@x>", ["a@x"]),
        ("Message from Ann <ann@x> of Monday <id@x>", ["id@x"]),
        ("=?utf-8?q?=3Ca=40x=3E?=", ["a@x"]),
        ("<a@x> <a@x>", ["a@x", "a@x"]),
        ("", []),
    ],
)
def test_ids_are_found_in_every_form(text: str, ids: list[str]) -> None:
    assert message_ids.ids_of(text.encode()) == ids


def test_of_a_chain_too_long_the_newest_ids_are_kept() -> None:
    chain = b" ".join(b"<%d@mail.example>" % number for number in range(12_000))
    found = record_of(b"From: a@x.example\nReferences: " + chain + b"\n\nx\n")["references"]
    assert found[0] == "0@mail.example"
    assert found[-1] == "11999@mail.example"
    assert len(found) == message_ids.MOST_IDS


# ---- dates ----


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Fri, 20 Nov 2026 10:15:00 +0100", "2026-11-20T10:15:00+01:00"),
        ("20 Nov 2026 10:15 -0000", "2026-11-20T10:15:00+00:00"),
        ("20-Nov-26 10:15:00 GMT", "2026-11-20T10:15:00+00:00"),
        ("Fri, 20 Nov 102 10:15:00 PST", "2002-11-20T10:15:00-08:00"),
        ("Fri, 20 Nov 99 10:15:00 CET", "1999-11-20T10:15:00+01:00"),
        ("Fri Nov 20 10:15:00 2026", "2026-11-20T10:15:00+00:00"),
        ("Fri Nov 20 10:15:00 EDT 2026", "2026-11-20T10:15:00-04:00"),
        ("Fri Nov 20 2026 10:15:00 GMT+0100 (CET)", "2026-11-20T10:15:00+01:00"),
        ("Friday, November 20, 2026 10:15 PM", "2026-11-20T22:15:00+00:00"),
        ("2026-11-20T10:15:00.123+05:30", "2026-11-20T10:15:00+05:30"),
        ("20261120T101500Z", "2026-11-20T10:15:00+00:00"),
        ("1795169700", "2026-11-20T10:15:00+00:00"),
        ("2026/11/20 10:15:00 +0900", "2026-11-20T10:15:00+09:00"),
        ("20/11/2026 10:15", "2026-11-20T10:15:00+00:00"),
        ("11/20/2026 10:15 PM", "2026-11-20T22:15:00+00:00"),
        ("20.11.2026, 10:15:00", "2026-11-20T10:15:00+00:00"),
        ("2026年11月20日 10:15", "2026-11-20T10:15:00+00:00"),
        ("金, 20 11月 2026 10:15:00 +0900", "2026-11-20T10:15:00+09:00"),
        ("Пт, 20 ноя 2026 10:15:00 +0300", "2026-11-20T10:15:00+03:00"),
        ("ven. 20 nov. 2026 à 10h15", "2026-11-20T10:15:00+00:00"),
        ("20. März 2026 10:15 MEZ", "2026-03-20T10:15:00+01:00"),
        ("10:15 20-Nov-2026", "2026-11-20T10:15:00+00:00"),
        ("Fri,20Nov2026 10:15:00+0100", "2026-11-20T10:15:00+01:00"),
        ("Fri, 20 Nov 2026 1:5:3 +100", "2026-11-20T01:05:03+01:00"),
        ("Fri, 20 Nov 2026 10.15.00 +-0400", "2026-11-20T10:15:00-04:00"),
        ("Fri, 20 Nov 2026 10:15:00 A", "2026-11-20T10:15:00+00:00"),
        ("Fri, 20 Nov 2026 10:15:00 \"EET\"", "2026-11-20T10:15:00+02:00"),
        ("Fri, 20 Nov 2026 23:59:60 Z", "2026-11-20T23:59:59+00:00"),
        ("Fri, 20 Nov 2026 10:15:00 +0530 (IST (a (b)))", "2026-11-20T10:15:00+05:30"),
        ("Fri, 31 Nov 2026 10:15:00 +0100", None),
        ("Fri, 20 Nov 2026 24:15:00 +0100", None),
        ("Fri, 20 Nov 2026 10:15:00 +2500", None),
        ("Fri, 20 Nov 2026", None),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),
        ("Fri, 20 Nov 2099 10:15:00 +0100", None),
        ("Fri, 20 Nov 20260 10:15:00 +0100", None),
        ("10:15", None),
        ("soon", None),
    ],
)  # fmt: skip
def test_a_date_is_read_in_every_form(text: str, moment: str | None) -> None:
    found = dates.parse_date(text, NOW)
    assert (found.isoformat() if found else None) == moment


@QUIET
@given(st.text(st.sampled_from("0123456789:+-/., ()TZNovFriGMT月年é"), max_size=60))
def test_any_text_is_a_date_with_an_offset_or_none(text: str) -> None:
    found = dates.parse_date(text, NOW)
    assert found is None or found.utcoffset() is not None


# ---- parameters ----


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("attachment; filename=a.pdf", "a.pdf"),
        ('attachment; filename="a; b.pdf"; size=3', "a; b.pdf"),
        ("attachment; filename=my file.pdf", "my file.pdf"),
        ('attachment; filename="never closed.pdf; size=3', "never closed.pdf"),
        ('attachment; filename="a \\"b\\" c.pdf" size=3', 'a "b" c.pdf'),
        ("attachment; filename='a.pdf'", "a.pdf"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20file.pdf", "naïve file.pdf"),
        ("attachment; filename*=\"utf-8'en'na%C3%AFve.pdf\"", "naïve.pdf"),
        ("attachment; filename*=na%C3%AFve.pdf", "naïve.pdf"),
        ("attachment; filename*=iso-8859-1''na%EFve.pdf; filename=other.pdf", "naïve.pdf"),
        ("attachment; filename=other.pdf; filename*=iso-8859-1''na%EFve.pdf", "naïve.pdf"),
        ("attachment; filename*0*=UTF-8''%C3; filename*1*=%A4.pdf", "ä.pdf"),
        ("attachment; filename*1=b.pdf; filename*0=a-", "a-b.pdf"),
        ("attachment; filename*0=a-; filename*2=c.pdf", "a-c.pdf"),
        ("attachment; filename*0*=UTF-8''%C3%A4; filename*1=\"b%20c\"; filename*2*=%20d", "äb%20c d"),
        ('attachment; filename="=?utf-8?B?w6Q=?= =?utf-8?B?Lg==?=pdf"', "ä.pdf"),
        ("attachment; filename==?iso-8859-1?Q?a=E4_b?=", "aä b"),
        ('attachment; filename*0="=?utf-8?Q?=C3"; filename*1="=A4.pdf?="', "ä.pdf"),
        ('attachment; filename="C:\\Users\\x.pdf"', "C:\\Users\\x.pdf"),
        ("attachment; filename=100%25.pdf", "100%25.pdf"),
        ("attachment filename=a.pdf", "a.pdf"),
        ("attachment, filename=A.pdf; size=1", "A.pdf"),
        ("attachment; filename =?utf-8?Q?=C3=A4.pdf?=", "ä.pdf"),
        ("attachment; filename", None),
    ],
)
def test_the_name_of_a_file_is_read_in_every_form(text: str, name: str | None) -> None:
    found = parameters.parameterised(text.encode())
    assert found.value == "attachment"
    assert found.parameters.get("filename") == name


@QUIET
@given(st.binary(max_size=300))
def test_any_bytes_are_a_value_with_parameters(raw: bytes) -> None:
    found = parameters.parameterised(b"a/b; filename*0*=" + raw + b"; x=" + raw, ("big5",))
    assert all(isinstance(value, str) for value in found.parameters.values())


# ---- the block ----


@pytest.mark.parametrize(
    ("raw", "names", "body"),
    [
        (b"From: a\r\nTo: b\r\n\r\nx", ["from", "to"], b"x"),
        (b"\xef\xbb\xbfFrom: a\n\nx", ["from"], b"x"),
        (b"From x Sat Nov 21\n>From y\nFrom: a\n\nx", ["from"], b"x"),
        (b" From: a\nTo: b\n\nx", ["from", "to"], b"x"),
        (b"junk\n\nReceived: by y\nSubject: s\n\nx", ["received", "subject"], b"x"),
        (b"my words\n\nSubject: s\n\nx", [], b"my words\n\nSubject: s\n\nx"),
        (b"From : a\nno colon\nTo\t: b\n\nx", ["from", "to"], b"x"),
        (b"Fr\0om: a\nSub\x01ject: b\n\nx", ["from", "subject"], b"x"),
        (b"From: a\nX: b\n \t\nTo: c\n\nx", ["from", "x", "to"], b"x"),
        (b"From: a\n \nHola:\nx", ["from"], b"Hola:\nx"),
        (b"From: a\nHello there\nBye", ["from"], b"Hello there\nBye"),
        (b"From: a\n--b\nContent-Type: text/plain\n\nx", ["from"], b"--b\nContent-Type: text/plain\n\nx"),
        (b"From: a\n\rTo: b\n\r\n\rx", ["from", "to"], b"\rx"),
        (b"From: a\r\r\nTo: b\r\r\n\r\r\nx", ["from", "to"], b"x"),
        (b"From: a\rTo: b\n\nx", ["from", "to"], b"x"),
        (b"just words: and more\n\nx", [], b"just words: and more\n\nx"),
    ],
)
def test_a_block_is_found_in_damaged_mail(raw: bytes, names: list[str], body: bytes) -> None:
    block, start = headers.split_block(raw, 0, len(raw), is_root=True)
    assert [name for name, _ in block.fields] == names
    assert raw[start:] == body


def test_what_matters_is_read_behind_any_amount_of_what_does_not() -> None:
    raw = b"X-Filler: y\n" * 20_000 + b"To: " + b"b@x.example,\n " * 40_000 + b"\nFrom: a@x.example\nSubject: s\n\nx\n"
    record = record_of(raw)
    assert record["sender"] == {"name": None, "address": "a@x.example"}
    assert record["subject"] == "s"
    assert len(record["to"]) == addresses.MOST_ADDRESSES
    assert record["truncated"]
    assert record_of(b"To: " + b"b@x.example, " * 501 + b"\n\nx")["truncated"]
    assert not record_of(b"To: " + b"b@x.example, " * 500 + b"\n\nx")["truncated"]


def test_a_short_list_of_countries_is_only_a_supposition() -> None:
    block, _ = headers.split_block("From: Peña <a@x.example.ru>\n\n".encode("latin-1"), 0, 29, is_root=True)
    assert heads.sender(block, heads.hints(block, ()))[0] == addresses.Mailbox("Peña", "a@x.example.ru")


# ---- hostile ----

K = 100_000
HOSTILE: dict[str, Callable[[], bytes]] = {
    "word marks": lambda: b"Subject: " + b"=?" * 10 * K,
    "open words": lambda: b"Subject: " + b"=?a?q?b" * K,
    "words of charsets nobody knows": lambda: b"Subject: " + b"=?x?b?gICA?= =?y?b?gYGB?= z " * K,
    "words that seem to go on": lambda: b"Subject: =?a?q?b" + b"?=aa" * K,
    "words in words": lambda: b"Subject: " + b"=?utf-8?q?" * K + b"?=" * K,
    "blanks in a word": lambda: b"Subject: =?" + b" " * 10 * K + b"?q?",
    "eight bits": lambda: b"Subject: " + b"\xe4\xb8\xff\xd6 " * K,
    "letters folded": lambda: b"Subject: " + b"\xc3 \xa4" * K,
    "escapes": lambda: b"Subject: " + b"\x1b$B!!" * K,
    "many subjects": lambda: b"Subject: \xd6\xd0\xce\xc4\r\n" * K,
    "angles": lambda: b"From: " + b"<" * 10 * K,
    "wide commas": lambda: b"From: " + b'""\xef\xbc\x8c' * K,
    "colons": lambda: b"From: " + b"a:" * K,
    "halves of names": lambda: b"From: " + b"Doe, " * K + b"Jane <j@x.example>",
    "blanks round dots": lambda: b"From: a" + b" . " * K + b"@",
    "routes": lambda: b"From: " + b"@a," * K + b":b@x.example",
    "swallowed quotes": lambda: b"From: " + b'"a <b@x.example>, ' * K,
    "ids": lambda: b"References: " + b"<a@" * K + b"\r\n" + b"In-Reply-To: <a@x>\r\n" * K,
    "dates": lambda: b"Date: " + b"1:" * K + b"\r\n" + b"Date: 1 1 1\r\n" * K,
    "parameters": lambda: b"Content-Type: text/plain" + b'; a*1*="%41' * K,
    "early quotes": lambda: b'Content-Type: text/plain; name="a' + b'" b="' * K,
    "carriage returns": lambda: b"X-A: " + b"\r" * (3 * K) + b"x",
    "comments before a value": lambda: b"Content-Type: text/plain; charset=" + b"(a)" * K,
    "folds of blanks": lambda: b"Subject: a" + b"\r\n \r\nX-A: b" * K,
    "noise": lambda: (b"noise\r\n" * 15 + b"To: a@x.example\r\n") * (K // 20),
    "names in eight bits": lambda: b"X-\xe4: a\r\n" * K,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_head_costs_bounded_time_and_hides_nobody(name: str) -> None:
    raw = HOSTILE[name]() + b"\r\nFrom: a@x.example\r\n\r\nbody\r\n"
    before = time.process_time()
    record = record_of(raw)
    assert time.process_time() - before < 10  # processor time: what other work the machine does counts not
    assert set(record) == set(KEYS)
    assert json.dumps(record)
    assert record["text"].endswith("body")


# ---- what the standard library writes well is read as it was meant ----

PRINTABLE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cn"]), min_size=1)
# A word that opens like an encoded one is not well-formed in a name: RFC 2047 wants it encoded.
WORDS = PRINTABLE.filter(lambda word: charsets.clean(word) == word and "=?" not in word)
NAMES = st.lists(WORDS, max_size=3).map(lambda words: " ".join(["Ana", *words]))
LOCALS = st.from_regex(r"[a-z0-9][a-z0-9!#$%&*+=?^_{|}~/-]{0,12}(\.[a-z0-9]{1,8}){0,2}", fullmatch=True)


@QUIET
@given(st.lists(st.tuples(NAMES, LOCALS), min_size=1, max_size=5))
def test_well_formed_addresses_come_back(people: list[tuple[str, str]]) -> None:
    written = [(name, f"{local}@mail.example") for name, local in people]
    raw = ", ".join(formataddr(one) for one in written).encode()
    expected = [(" ".join(name.split()).strip("\"'\\ "), address) for name, address in written]
    found = [((name or "").strip("\"'\\ "), address) for name, address in boxes(raw)]
    assert found == [(name[:500], address) for name, address in expected]


def is_utf8(content: bytes) -> bool:
    """Whether bytes make sense as UTF-8, by which they are read in spite of their label: «Â¡» in ISO-8859-15."""
    return content.decode("utf-8", "replace").isprintable() and "\ufffd" not in content.decode("utf-8", "replace")


@QUIET
@given(NAMES, st.sampled_from(["utf-8", "utf-8", "gb18030", "iso-2022-jp", "koi8-r", "big5", "euc-kr", "iso-8859-15"]))
def test_well_formed_subjects_come_back(text: str, label: str) -> None:
    try:
        spelt_in_parts = b"\xa4\xd4" in text.encode(label)  # how Python writes what KS X 1001 lacks, and no mailer does
    except UnicodeEncodeError:
        label = "utf-8"
    else:
        label = "utf-8" if (label == "euc-kr" and spelt_in_parts) or is_utf8(text.encode(label)) else label
    raw = Header(text, label, header_name="Subject", maxlinelen=60).encode(linesep="\r\n").encode()
    assert subject(raw) == text or "=?" in text


@QUIET
@given(st.datetimes(datetime(1991, 1, 1), datetime(2026, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_well_formed_dates_come_back(moment: datetime, offset: int) -> None:
    aware = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=offset)))
    assert dates.parse_date(format_datetime(aware), NOW) == aware
    assert dates.parse_date(aware.isoformat(), NOW) == aware
    assert dates.parse_date(aware.strftime("%d-%b-%y %H:%M:%S %z"), NOW) == aware


@QUIET
@given(NAMES)
def test_well_formed_names_of_files_come_back(name: str) -> None:
    message = EmailMessage()
    message.add_attachment(b"x", "application", "pdf", filename=name)
    raw = message.as_bytes(policy=SMTP).partition(b"Content-Disposition:")[2].partition(b"\r\n\r\n")[0]
    unfolded = raw.partition(b"\r\nMIME")[0].replace(b"\r\n", b"")
    assert parameters.parameterised(unfolded).parameters["filename"] == name or "=?" in name
