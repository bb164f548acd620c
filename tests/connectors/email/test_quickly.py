"""What is read in a quick way where a mail is ordinary is what the slow way reads."""

from __future__ import annotations

import re
from collections.abc import Generator
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from omnibox_email import intake
from omnibox_email.abreast import abreast
from omnibox_email.bounces import wording
from omnibox_email.caseless import Caseless
from omnibox_email.charsets import clean
from omnibox_email.heads import parameters
from omnibox_email.heads.addresses import OwnAddress
from omnibox_email.mailbox import fetching
from omnibox_email.quotes import history_words, signature_words

OURS = intake.Ours((OwnAddress("help@shop.example"),), "inst")
PATTERNS = {
    "names": wording.NAMES,
    "starts": signature_words.DEVICE_START,
    "ends": signature_words.DEVICE_END,
    "adverts": signature_words.ADVERT,
    "wrote": history_words.WROTE,
}
PIECES = st.sampled_from(
    [
        "Sent",
        "SENT",
        "from",
        "my",
        "Microsoft",
        "OUTLOOK",
        "gesendet",
        "GESENDET",
        "wrote",
        "SCHRIEB",
        "Gönderildi",
        "gonderildi",
        "ENVIADO",
        "desde",
        "Mobil",
        "Yahoo",
        "mail:",
        "K",
        "ſ",
        "ı",
        "İ",
        "Mailer",
        "Delivery-Daemon",
        "Post",
        "Master",
        "Lähetetty",
        "iPhone",
        "spam",
        "firewall",
    ]
)


def raw_of(number: int, body: bytes) -> fetching.Raw:
    mail = b"From: Ann <ann@x.example>\nTo: help@shop.example\nSubject: %d\n\n%b" % (number, body)
    place = intake.Place("INBOX", 1, number, datetime(2026, 1, 1, tzinfo=UTC))
    return fetching.Raw(mail, place, len(mail))


def test_mails_read_abreast_keep_their_order_and_their_words() -> None:
    bodies = [b"one\n", b"", b"two\n> quoted\n", b"three\n-- \nAnn\n", b"--b\n\nfour\n"]
    raws = [raw_of(number, body) for number, body in enumerate(bodies, 1)]
    raws.insert(2, fetching.Raw("too_big", raws[0].place, 1))
    together = fetching._parse(raws, OURS)
    assert together == [item for raw in raws for item in fetching._parse([raw], OURS)]
    assert len(together) == len(raws)


def test_a_mail_that_breaks_the_reader_costs_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from omnibox_email import automatic

    real = automatic.reason

    def broken(*known: object) -> str | None:
        if known[4] == "2":
            raise ZeroDivisionError
        return real(*known)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(automatic, "reason", broken)
    items = fetching._parse([raw_of(number, b"words\n") for number in (1, 2, 3)], OURS)
    assert [type(item).__name__ for item in items] == ["Inbound", "Unreadable", "Inbound"]


def test_tasks_of_different_length_take_their_steps_in_turn() -> None:
    taken: list[str] = []

    def task(name: str, steps: int) -> Generator[None, None, str]:
        for _ in range(steps):
            taken.append(name)
            yield
        return name

    assert abreast([task("a", 1), task("b", 3), task("c", 0), task("d", 2)]) == ["a", "b", "c", "d"]
    assert "".join(taken) == "abdbdb"


@pytest.mark.parametrize("which", PATTERNS)
@given(pieces=st.lists(PIECES | st.text(max_size=3), max_size=5))
@example(pieces=["SENT", "From"])
@example(pieces=["Gonderildi"])
@example(pieces=["Ann WROTE", "and Bob said:"])
def test_a_caseless_pattern_finds_what_the_ordinary_one_does(which: str, pieces: list[str]) -> None:
    quick = PATTERNS[which]
    slow = re.compile(quick._any.pattern, re.IGNORECASE)
    for text in (" ".join(pieces), "".join(pieces)):
        for found, wanted in ((quick.match(text), slow.match(text)), (quick.search(text), slow.search(text))):
            assert (found and found.span()) == (wanted and wanted.span())
        assert [each.span() for each in quick.finditer(text)] == [each.span() for each in slow.finditer(text)]
        assert quick.sub("-", text) == slow.sub("-", text)


def test_letters_beyond_ascii_that_fold_into_it_are_found_there() -> None:
    assert Caseless("yanıt").match("YANIT")
    assert Caseless("ſent").match("sent")
    assert Caseless("\u212aate").search("my kate", 2)
    assert Caseless("straße").match("STRASSE") is None


@given(
    kind=st.sampled_from(["multipart/mixed", "Multipart/Related", "multipart/signed"]),
    boundary=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80),
    blank=st.sampled_from(["", " ", "  "]),
)
@example(kind="multipart/mixed", boundary="=_next.part-1", blank=" ")
@example(kind="multipart/mixed", boundary="=?utf-8?q?x?=", blank=" ")
def test_a_boundary_is_the_same_by_the_quick_way(kind: str, boundary: str, blank: str) -> None:
    raw = f'{kind};{blank}boundary="{boundary}"'.encode()
    assert parameters.parameterised(raw) == parameters._read(raw, ())


@given(st.text(st.characters(max_codepoint=0x2FF, exclude_categories=())))
@example("a\x0bb")
@example("a\x0bb\r\nc\x1fd\x7f\ud800")
def test_cleaned_text_has_no_control_characters(text: str) -> None:
    cleaned = clean(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", cleaned)
    if text.isascii() and not re.search("[\x00-\x08\x0b-\x1f\x7f]", text):
        assert cleaned == text
