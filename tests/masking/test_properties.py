"""What holds for every text: masking twice is masking once, and nothing but digits ever changes."""

import html
import re
import sys
import unicodedata
from html.parser import HTMLParser

from hypothesis import example, given, settings
from hypothesis import strategies as st

from omnibox.masking import alphabet, markup, mask, mask_bytes, mask_counted, mask_html, rows, words
from omnibox.masking.plain import count_digits, find_hidden

CARDS = [
    *("4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "3782 822463 10005", "30569309025904"),
    *("6205500000000000004", "5612 3456 7890 1776", "4222222222222", "3530 1113 3330 0000", "4000 0000 0000 0000 006"),
    *("4111.1111.1111.1111", "4111\n1111\n1111\n1111", "1354 10014 004955", "5078 5078 5078 5078 12"),
]
DIGITS = st.text("0123456789", min_size=1, max_size=20) | st.text("45", min_size=1, max_size=5)
GLUE = st.sampled_from(
    [
        " ",
        "-",
        ".",
        "/",
        "\n",
        "\r\n",
        "_",
        "•",
        "• ",
        "+",
        "@",
        ":",
        ",",
        "é",
        "a",
        "|",
        "\u200b",
        "#",
        "=",
        "?",
        "%20",
        "\xad",
        "\u200f",
        "\u202e",
        "\u2028",
        "—",
        ";",
        "•• ",
        "•••",
    ]
)
WORDS = st.sampled_from(
    [
        "cvv ",
        "exp ",
        "card",
        "tarjeta ",
        "ES91",
        "IBAN ",
        "https://x/",
        "€",
        "0.",
        "12/27",
        "<",
        ">",
        "123",
        "<b>",
        "&nbsp;",
        "pin ",
        "código ",
        "cód. seg ",
        "05.28",
        "1227",
        " EUR",
        "2024",
    ]
)
PIECES = st.lists(st.sampled_from(CARDS) | DIGITS | GLUE | GLUE | WORDS, max_size=14).map("".join)
TEXTS = PIECES | st.text() | st.text("0123456789 -•/", max_size=60)


@settings(max_examples=1500)
@given(TEXTS)
@example("•••• •••• •••• 4111 1111 1111 1111")
@example("cvv 8683:4111 1111 1111 1111")
@example("6759649826438453@4000 0000 0000 0000 006")
@example("código 5612 3456 7890 1776796")
@example("cód. seg 626465612 3456 7890 1776\u20284111111111111111")
@example("exp 12/27 411111 1111111111")
@example("cvv 1234 5612 3456 7890 1776 55")
def test_masking_twice_is_masking_once(text: str) -> None:
    once = mask(text)
    again, found = mask_counted(str(once))
    assert again == once
    assert found == 0


@settings(max_examples=500)
@given(TEXTS)
def test_only_digits_change_and_each_to_one_bullet(text: str) -> None:
    masked = mask(text)
    assert len(masked) == len(text)
    for before, after in zip(text, masked, strict=True):
        assert before == after or (before.isdecimal() and after == "•")


@settings(max_examples=300)
@given(st.text(max_size=40).filter(lambda text: not any(character.isdecimal() for character in text)))
def test_a_text_without_digits_stays(text: str) -> None:
    assert mask(text) == text


@settings(max_examples=500)
@given(st.binary(max_size=80) | TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_that_hold_no_number_stay_and_none_are_lost(data: bytes) -> None:
    masked = mask_bytes(data)
    without = re.sub(rb"[0-9]|\xe2\x80\xa2", b"", masked)
    if data.isascii():
        assert without == re.sub(rb"[0-9]", b"", data)
    assert mask_bytes(masked) == masked


def test_a_number_in_an_endless_row_of_numbers_is_found_wherever_it_stands() -> None:
    for count in (*range(960, 1060), 1985, 2000, 4321):
        text = "9 " * count + "4111 1111 1111 1111" + " 9" * 30
        assert mask(text) == "9 " * count + "•••• •••• •••• 1111" + " 9" * 30
        text = "9 " * count + " ".join("4111111111111111") + " 9" * 30
        assert mask(text).count("•") == 12


class Outline(HTMLParser):
    """The tags of a document with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[object] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, [name for name, _ in attrs]))

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(tag)


def outline(text: str) -> list[object]:
    parser = Outline()
    parser.feed(text)
    parser.close()
    return parser.tags


MARKUP = st.sampled_from(
    [
        *("<b>", "</b>", "<p>", "</p>", "<br>", "<td>", "</td>", "<!-- x -->", "<div>", "</div>", "&#52;", "&#x31;"),
        *("&nbsp;", "<a href='/o/4111111111111111?x=4111111111111111'>", "<img alt='4111 1111 1111 1111'>", "&", "<"),
        *("<!--", "-->", "--!>", "<script>", "</script>", "<style>", "</style>", "'", '"', ">", "<![CDATA[", "]]>"),
        *(
            "<img srcset='4111111111111111 1x'>",
            "&shy;",
            "&#8206;",
            "&lt;",
            "&oacute;",
            "&#99;vv ",
        ),
    ]
)
DOCUMENTS = st.lists(st.sampled_from(CARDS) | DIGITS | GLUE | MARKUP | MARKUP, max_size=14).map("".join)


@settings(max_examples=1000)
@given(DOCUMENTS)
def test_html_keeps_its_tags_and_masking_it_twice_is_masking_it_once(source: str) -> None:
    masked = mask_html(source)
    assert mask_html(str(masked)) == masked
    assert outline(masked) == outline(source)
    digits = re.compile(r"&#(?:x3[0-9]|4[89]|5[0-7]);|[\d•]")
    assert digits.sub("", masked) == digits.sub("", source)
    assert len(html.unescape(masked)) == len(html.unescape(source))


@settings(max_examples=500)
@given(DOCUMENTS | TEXTS)
def test_the_quick_look_at_a_document_misses_nothing(source: str) -> None:
    taken_apart = markup.hide_found(source, lambda text: find_hidden(text)[0])
    assert mask_html(source) == taken_apart


@settings(max_examples=500)
@given(TEXTS)
def test_the_quick_look_at_a_text_misses_no_row_of_digits(text: str) -> None:
    assert rows.may_hold_number(text) or not list(rows.find_rows(text))


@settings(max_examples=300)
@given(
    st.from_regex(words.SECURITY_WORD, fullmatch=True),
    st.sampled_from(["{} 123", "({}: 123)", "x {} = 123.", "{}\n123"]),
)
def test_a_code_is_hidden_after_every_key_word_in_every_case(word: str, frame: str) -> None:
    for written in (word, word.upper(), word.title()):
        text = frame.format(written)
        assert mask(text) == text.replace("123", "•••")


@settings(max_examples=300)
@given(st.from_regex(words.EXPIRY_WORD, fullmatch=True), st.sampled_from(["{} 12/27", "({}: 12/27)", "x {} = 12/27."]))
def test_a_date_is_hidden_after_every_key_word_in_every_case(word: str, frame: str) -> None:
    for written in (word, word.upper(), word.title()):
        text = frame.format(written)
        assert mask(text) == text.replace("12/27", "••/••")


def test_every_digit_space_and_dash_of_unicode_is_known() -> None:
    loose = re.compile(f"[{alphabet.LOOSE}]")
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        kind = unicodedata.category(character)
        if kind == "Nd":
            assert count_digits(character) == 1
        if kind in {"Zs", "Pd"}:
            assert loose.fullmatch(character), hex(code)
