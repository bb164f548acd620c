"""The reply alone: cases by hand of many clients and languages, whole mails, and texts nothing may be cut from."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnibox_email import Email, quotes

FOLDER = Path(__file__).parents[3] / "fixtures" / "email" / "quotes"
QUIET = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
INTRODUCTION = "On Fri, Nov 20, 2026 at 5:55 PM Shop Desk <help@shop.example> wrote:"


def cases(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, text and reply of each case: lines that begin with `~`, and what follows `~~` on a line, are to go."""
    for chunk in (FOLDER / f"{name}.cases").read_text().split("\n### ")[1:]:
        title, _, body = chunk.partition("\n")
        text, reply = [], []
        for line in body.split("\n"):
            own, _, history = line.partition("~~")
            if line.startswith("~"):
                text.append(line[1:])
            else:
                text.append(own + history)
                reply.append(own)
        yield title, "\n".join(text).strip("\n"), "\n".join(reply).strip("\n")


CUT = [
    case
    for name in ("introductions", "blocks", "inline", "signatures", "odd", *(f"review{n}" for n in ("", 3, 4, 5, 6)))
    for case in cases(name)
]
WHOLE = [
    case
    for name in ("whole", "whole_hard", "own_words", *(f"review{n}_whole" for n in ("", 3, 4, 5, 6)))
    for case in cases(name)
]


@pytest.mark.parametrize(("text", "reply"), [case[1:] for case in CUT], ids=[case[0] for case in CUT])
def test_the_reply_is_what_a_reader_takes_for_it(text: str, reply: str) -> None:
    assert quotes.reply_text(text) == reply


@pytest.mark.parametrize(("text", "reply"), [case[1:] for case in CUT], ids=[case[0] for case in CUT])
def test_a_reply_alone_is_not_cut_again(text: str, reply: str) -> None:
    assert quotes.reply_text(reply) == reply


@pytest.mark.parametrize("text", [case[1] for case in WHOLE], ids=[case[0] for case in WHOLE])
def test_own_words_stay_to_the_letter(text: str) -> None:
    assert quotes.reply_text(text) == text


# These are whole only while they stand alone: history itself, a signature, a rule that history below may have drawn.
ALONE = {
    *("quote alone", "only a device line", "only a signature", "forward without own words", "a single mark"),
    *("apple forward without own words", "quotation alone with its introduction", "greater than and words on one line"),
    *("formula and name without history", "two letters in one", "question of names", "underscores", "ends with a rule"),
    *("underlined heading", "emoticons", "bullets with greater than", "python session"),
    *("quoted arrows", "closing with full card and no history", "pgp around nothing"),
}
ABOVE = [case for case in WHOLE if case[0] not in ALONE]


@pytest.mark.parametrize("text", [case[1] for case in ABOVE], ids=[case[0] for case in ABOVE])
def test_own_words_stay_above_history(text: str) -> None:
    assert quotes.reply_text(f"{text}\n\n{INTRODUCTION}\n\n> old\n") == text.rstrip()
    if not any(line.lstrip().startswith(">") for line in text.split("\n")):
        assert quotes.reply_text(f"{INTRODUCTION}\n\n> old\n\n{text}") == text.rstrip()


def test_an_introduction_may_be_wrapped_anywhere_in_its_second_half() -> None:
    wrong = []
    for title, text, reply in cases("introductions"):
        lines = [line.strip() for line in text[len(reply) :].strip("\n").split("\n\n")[0].split("\n")]
        words = " ".join(line for line in lines if not line.startswith(">")).split(" ")
        if not text.startswith(reply) or not reply or words[-1][-1:] not in (":", "："):
            continue
        for at in range(len(words) // 2, len(words)):
            for own in ("Sounds good to me.", "See you on Friday", "Here is the list:\n- one\n- two"):
                introduction = f"{' '.join(words[:at])}\n{' '.join(words[at:])}"
                if quotes.reply_text(f"{own}\n\n{introduction}\n\n> old\n> older") != own:
                    wrong.append((title, introduction))
    assert [one for one in wrong if one[0] not in ("only a name", "gnus")] == []  # a name cut in two is a name


def lines_of(name: str) -> list[str]:
    return [line for line in (FOLDER / f"{name}.lines").read_text().splitlines() if not line.startswith("#")]


def left_of(*tails: str) -> set[str]:
    """What is left of a short answer above each tail."""
    return {quotes.reply_text(f"Grey.\n\n{tail}\n") for tail in tails}


def test_an_introduction_of_any_program_and_language_goes() -> None:
    lines = lines_of("introductions")
    wrapped = {line: textwrap.fill(line, 76, break_long_words=False, break_on_hyphens=False) for line in lines}
    wrong = [one for one in lines if left_of(f"{one}\n\n> old", f"{wrapped[one]}\n\n> old") != {"Grey."}]
    assert wrong == []
    assert len(lines) > 250


def test_a_closing_formula_with_a_name_goes_above_history() -> None:
    lines = lines_of("closings")
    wrong = [one for one in lines if left_of(f"{one}\nMarta Sol\n\n{INTRODUCTION}\n\n> old") != {"Grey."}]
    assert wrong == []
    assert len(lines) > 250


def test_the_mark_of_a_program_or_device_goes() -> None:
    lines = lines_of("devices")
    wrong = [one for one in lines if left_of(one, f"{one}\n\n{INTRODUCTION}\n\n> old") != {"Grey."}]
    assert wrong == []
    assert len(lines) > 250


def texts_of(name: str) -> dict[str, str]:
    chunks = (chunk.partition("\n") for chunk in (FOLDER / f"{name}.texts").read_text().split("\n### ")[1:])
    return {title: text.strip("\n") for title, _, text in chunks}


def test_what_a_house_adds_below_all_its_mails_goes_above_history() -> None:
    notices = texts_of("notices")
    history = f"{INTRODUCTION}\n\n> old"
    wrong = [
        name
        for name, notice in notices.items()
        if left_of(
            f"{notice}\n\n{history}", f"{history}\n\n{notice}", f"Kind regards\nMarta Sol\n\n{notice}\n\n{history}"
        )
        != {"Grey."}
    ]
    assert wrong == []
    assert len(notices) > 60


def test_what_a_firm_states_of_itself_goes_below_a_signature_alone() -> None:
    stated = texts_of("notices_signed")
    history = f"{INTRODUCTION}\n\n> old"
    signed = "Kind regards\nMarta Sol"
    for own in ("Grey.", "The new sign:", "Send us your data,"):
        kept = {quotes.reply_text(f"{own}\n\n{text}\n\n{history}") for text in stated.values()}
        assert kept == {f"{own}\n\n{text}" for text in stated.values()}
    assert {quotes.reply_text(f"Grey.\n\n{signed}\n\n{text}\n\n{history}") for text in stated.values()} == {"Grey."}
    for asked in ("Please correct the invoice.", "Die Rechnung bitte mit neuen Daten."):
        own = f"{asked}\n\n{signed}\n\n{stated['registered-uk']}"
        assert quotes.reply_text(f"{own}\n\n{history}") == own


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.eml")), ids=lambda path: path.stem)
def test_a_mail_is_read_as_a_reader_sees_it(path: Path) -> None:
    (record,) = Email.normalize(path.read_bytes(), None)
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    assert {key: record[key] for key in expected} == expected


def test_there_are_enough_of_them() -> None:
    assert len(CUT) >= 200
    assert len(WHOLE) >= 80
    assert len(list(FOLDER.glob("*.eml"))) >= 25


# ---- what holds for any text ----

LINES = st.sampled_from(
    (
        *(INTRODUCTION, "> old", "own words", "", "-- ", "Ann Smith", "From: a@x.example", "Sent: 20 Nov 2026 17:55"),
        *("To: b", "Subject: s", "-----Original Message-----", ">> older", "Best regards", "Sent from my iPhone"),
        *("wrote:", "___", ">"),
    )
)


@QUIET
@given(st.lists(LINES, max_size=25), st.text(max_size=200))
def test_a_reply_holds_lines_of_its_text_in_order(lines: list[str], html: str) -> None:
    text = "\n".join(lines)
    reply = quotes.reply_text(text, html)
    rest = iter(line.rstrip() for line in lines)
    assert all(line.rstrip() in rest for line in reply.split("\n") if line.strip())
    assert bool(reply.strip()) == bool(text.strip())


@QUIET
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_and_html_have_a_reply(text: str, html: str) -> None:
    assert bool(quotes.reply_text(text, html).strip()) == bool(text.strip())


HOSTILE = [
    "On ",
    "On wrote:\n",
    "On 1 Jan 2026 10:00 a@b.example wrote:\n",
    "On 1 Jan 2026 10:00 <a@b.example\n",
    "> \n",
    ">" * 50,
    "a\n> b\n\n",
    "From: a\n",
    "From: a\nSent: b\n",
    "From:\nTo:\nSubject:\n",
    "--\n",
    "-- \n",
    "-----Original Message\n",
    "_" * 9 + "\n",
    "Best regards\n",
    "Sent from my \n",
    "http://a.example <",
    "a" * 70 + "\n",
    " \n",
    "A> b\n",
    "reply above this \n",
    'On Mon, Jan 1, 2026 at 10:00, "x" <',
    "[" + " " * 40,
    "wrote: wrote",
    "@" * 20,
    "(" * 30 + "\n",
    "é\u200b\u00a0",
    "this e-mail ",
    "avast ",
    ">>> a 1:11 ",
    ">>> a 1:11\n",
    "mailtrack https://",
    "[image: a] https://a.example mailtrack\n",
    "-- a --From: ",
    "To: a\n\n",
    "-Ann\n\n",
    "|---\n| To: x\n",
    "On 1 Jan 2026 10:00, A wrote:\n| x\nB\n",
    "Ann schrieb am\n20.11.2026:\n\n",
    ">>> On 1 wrote:\n",
    "thanks, veuillez agréer ",
    "A B | c@x.example | +34 600 000 000\n",
    "1/1/2026 10:00\n\n",
    "        A   To: x\n",
    "a wrote in message news:b@c...\n",
    "On 1 Jan 2026 10:00, A <a@x.example>\n\nwrote:\n",
    "---- forwarded by a\n---\n",
    "If you are not the intended recipient of this confidential message, ",
    "__________ This message was a b checked __________\n",
    "-=-=-=-=-=-=-=-\n",
    "Ihr Team Team Team <",
    "Kind regards\n\nThis e-mail has been scanned for a\n",
    "informationen zum datenschutz finden sie hier ",
    "-=-=-=-=-=-=-=-\nyou are currently subscribed to ",
]


READ_ALL = """
import resource, sys
from omnibox_email import quotes
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))  # measured: 6 s in all; one quadratic scanner alone takes minutes
for piece in eval(sys.stdin.read()):
    text = piece * (1_000_000 // len(piece))
    print(repr(piece), flush=True)
    quotes.reply_text("x\\n" + text)
    long_line = (piece.replace("\\n", " ") * 20)[:400]
    quotes.reply_text(long_line + ":\\n" + text[:200_000], "<div>x</div><p class=gmail_quote>" + text)
    card = "x\\n\\nAnn Smith\\nSales\\n" + text[:200_000].replace("\\n", " ")
    quotes.reply_text(card + "\\n\\nOn 1 Jan 2026 10:00, A <a@x.example> wrote:\\n> b")
print("done")
"""


def test_a_megabyte_of_repetition_is_read_in_linear_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL], input=repr(HOSTILE), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stdout.endswith("done\n"), done.stdout + done.stderr
