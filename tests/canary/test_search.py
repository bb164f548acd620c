"""The search of the campaign finds what it is for."""

from __future__ import annotations

import base64
import json
import quopri
import sqlite3
from html import escape
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from tests.canary.cards import CARDS, spelled
from tests.canary.search import found, in_folder

WRITINGS = {
    "plain": lambda text: text.encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16 without a mark": lambda text: b"x" + text.encode("utf-16-be"),
    "base64, first": lambda text: base64.b64encode(text.encode()),
    "base64, second": lambda text: base64.b64encode(b"x" + text.encode()),
    "base64, third": lambda text: base64.b64encode(b"xx" + text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(("a" * 44 + text).encode()),
    "base64 inside a line": lambda text: b"abc=" + base64.urlsafe_b64encode(text.encode()),
    "quoted-printable": lambda text: quopri.encodestring(text.encode(), quotetabs=True),
    "percent": lambda text: quote_plus(text).encode(),
    "JSON": lambda text: json.dumps({"text": text}).encode(),
    "HTML": lambda text: "".join(f"&#{ord(each)};" for each in text).encode(),
    "tags": lambda text: "<b>".join(text).encode(),
    "HTML, hexadecimal": lambda text: (
        escape("".join(f"&#x{ord(each):x};" for each in text)).replace("&amp;", "&").encode()
    ),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_every_number_is_found_in_every_writing(writing: str) -> None:
    for number, card in enumerate(CARDS):
        content = b"before " + WRITINGS[writing](f"is {spelled(number)} and") + b" behind"
        assert card in {each for _, each in found(content)}, (writing, spelled(number))


def test_what_is_masked_or_another_number_is_not_found() -> None:
    assert found(b"\xe2\x80\xa2" * 12 + b"1111 4111 1111 1111 1112 " + bytes(range(256)) * 100) == set()


def test_a_row_of_a_database_is_found_in_its_file(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "some.db") as link:
        link.execute("CREATE TABLE t (x TEXT)")
        link.execute("INSERT INTO t VALUES (?)", (spelled(3),))
    link.close()
    assert {card for seen in in_folder(tmp_path).values() for _, card in seen} == {CARDS[3]}
