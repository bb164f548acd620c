"""`omnibox thread` as a user runs it: which mails belong together by the ids they name."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OMNIBOX = [sys.executable, "-m", "omnibox.cli"]


def run(*arguments: object, stdin: bytes = b"", cwd: Path | None = None) -> tuple[list[dict[str, Any]], int]:
    command = [*OMNIBOX, "thread", "--channel", "email", *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, cwd=cwd)
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def threads(folder: Path, *mails: str | bytes) -> list[tuple[str, bool]]:
    """The conversation of each mail, given in this order, and whether it is a duplicate."""
    for number, mail in enumerate(mails):
        raw = mail if isinstance(mail, bytes) else mail.replace("\n", "\r\n").encode()
        (folder / f"{number:03}.eml").write_bytes(raw)
    found, status = run(folder)
    assert status == 0
    assert [sorted(line) for line in found] == [["conversation", "duplicate", "source"]] * len(mails)
    assert [line["source"] for line in found] == [str(folder / f"{number:03}.eml") for number in range(len(mails))]
    return [(line["conversation"], line["duplicate"]) for line in found]


def mail(own: str = "", answers: str = "", refs: str = "", subject: str = "Hi", sender: str = "a@x.example") -> str:
    lines = [f"From: {sender}", f"Subject: {subject}"]
    lines += [f"Message-ID: {own}"] if own else []
    lines += [f"In-Reply-To: {answers}"] if answers else []
    lines += [f"References: {refs}"] if refs else []
    return "\n".join([*lines, "", "words", ""])


def numbers(found: list[tuple[str, bool]]) -> list[int]:
    """Conversations by their first appearance."""
    order = list(dict.fromkeys(number for number, _ in found))
    return [order.index(number) for number, _ in found]


def test_the_first_known_id_that_is_answered_wins_over_all_ancestors(tmp_path: Path) -> None:
    found = threads(
        tmp_path,
        mail("<a@x>"),
        mail("<b@x>"),
        mail("<c@x>", answers="<unknown@x> <b@x> <a@x>", refs="<a@x>"),
        mail("<d@x>", answers="<unknown@x>", refs="<b@x> <a@x> <other@x>"),
        mail("<e@x>", refs="<a@x> <b@x> <a@x>"),
        mail("<f@x>", answers="<unknown@x>", refs="<unknown@x>"),
    )
    assert numbers(found) == [0, 1, 1, 0, 0, 2]


def test_what_comes_later_is_not_known_yet(tmp_path: Path) -> None:
    found = threads(
        tmp_path, mail("<answer@x>", answers="<question@x>"), mail("<question@x>"), mail("", "<question@x>")
    )
    assert numbers(found) == [0, 1, 1]


WRITTEN = [
    "<a@x>",
    "a@x",
    "(the mail) <a@x> (of Tuesday)",
    'Your message of "Tue, 3 Nov 2026" <a@x>',
    "Message from Ana <ana@y.example> <a@x>",
    "<a@\n x>",
    "\n <a@x>",
    "<\ta@x >",
    "=?utf-8?q?=3Ca=40x=3E?=",
    "<other@y>, <a@x>",
]


def test_an_id_counts_however_it_is_written(tmp_path: Path) -> None:
    found = numbers(threads(tmp_path, mail("<a@x>"), *(mail(answers=one) for one in WRITTEN)))
    assert dict(zip(WRITTEN, found[1:], strict=True)) == dict.fromkeys(WRITTEN, 0)


# Name, the mails in order, and the conversation each belongs to. `@x` becomes another domain for each of them.
SEQUENCES: list[tuple[str, tuple[str, ...], list[int]]] = [
    ("apple loses references", (mail("<a@x>"), mail("<b@x>", "<a@x>", "<a@x>"), mail("<c@x>", "<b@x>")), [0, 0, 0]),
    ("apple names its own mail", (mail("<a@x>"), mail("<b@x>", "<a@x>"), mail("<c@x>", "<b@x>", "<z@x>")), [0, 0, 0]),
    ("a mail between is missing", (mail("<a@x>"), mail("<d@x>", "<c@x>", "<a@x> <b@x> <c@x>")), [0, 0]),
    ("a relay put its own id", (mail("<a@x>"), mail("<c@x>", "<0100@eu.ses@x>")), [0, 1]),
    (
        "a relay put its own id, ours is an ancestor",
        (mail("<a@x>"), mail("<c@x>", "<0100@ses@x>", "<a@x> <1@x>")),
        [0, 0],
    ),
    ("both ids are a duplicate's", (mail("<a@x>"), mail("<b@x>"), mail("<a@x>", "<b@x>")), [0, 1, 0]),
    ("an answer to two conversations", (mail("<a@x>"), mail("<b@x>"), mail("<c@x>", "<a@x>", "<b@x>")), [0, 1, 0]),
    (
        "a bridge joins nothing",
        (mail("<a@x>"), mail("<b@x>"), mail("<c@x>", "<a@x>", "<b@x>"), mail("", "<b@x>")),
        [0, 1, 0, 1],
    ),
    ("brothers of an unknown mail", (mail("<b@x>", "<r@x>"), mail("<c@x>", "<r@x>")), [0, 1]),
    ("forwarded with its ancestors", (mail("<a@x>"), mail("<b@x>", refs="<a@x>", subject="Fwd: Hi")), [0, 0]),
    (
        "a ticket's number in the subject",
        (mail("<a@x>", subject="[#4711] Hi"), mail("<b@x>", subject="Re: [#4711] Hi")),
        [0, 1],
    ),
    (
        "ids glued and cut",
        (mail("<a@x>"), mail("<b@x>", refs="<z@x><a@x><cut-off"), mail("<c@x>", refs="<a@x> <cut")),
        [0, 0, 0],
    ),
    ("ids with brackets, blanks and signs", (mail("<[1.2]%b$c/d=e@x>"), mail("<b@x>", "<[1.2]%b$c/d=e@x>")), [0, 0]),
    ("a gateway's remark behind the id", (mail("<a@x> (added by postmaster@y)"), mail("<b@x>", "<a@x>")), [0, 0]),
    ("an id without its end", (mail("<a@x"), mail("<b@x>", "<a@x>")), [0, 0]),
    ("a person's address is no id", (mail("<a@x>"), mail("<b@x>", "Ana <ana@x>")), [0, 1]),
    (
        "ids in a body and in other headers",
        (mail("<a@x>"), mail("<b@x>\nResent-Message-ID: <a@x>\nX-Id: <a@x>")),
        [0, 1],
    ),
    ("two headers of one name", (mail("<a@x>"), mail("<b@x>", "<u@x>\nIn-Reply-To: <a@x>")), [0, 0]),
    ("copies in two mailboxes", (mail("<a@x>"), mail("<a@x>\nDelivered-To: b@y"), mail("<b@x>", "<a@x>")), [0, 0, 0]),
]


def test_chains_as_programs_and_relays_leave_them(tmp_path: Path) -> None:
    mails = [
        one.replace("@x", f"@x{number}.example")
        for number, (_, sequence, _) in enumerate(SEQUENCES)
        for one in sequence
    ]
    found, wrong, at = threads(tmp_path, *mails), [], 0
    for name, sequence, expected in SEQUENCES:
        got = numbers(found[at : at + len(sequence)])
        at += len(sequence)
        if got != expected:
            wrong.append((name, got))
    assert wrong == []
    assert len({number for number, _ in found}) == sum(max(expected) + 1 for _, _, expected in SEQUENCES)


def test_ids_are_compared_exactly_and_nothing_else_is(tmp_path: Path) -> None:
    found = threads(
        tmp_path,
        mail("<Aa@x>", subject="Order 5001"),
        mail("<b@x>", answers="<aa@x>", subject="Re: Order 5001"),
        mail("<c@x>", subject="Order 5001"),
        mail("<d@x>", answers="<Aa@x>", subject="Other", sender="else@y.example"),
    )
    assert numbers(found) == [0, 1, 2, 0]


def test_the_same_id_again_is_a_duplicate_whatever_is_in_it(tmp_path: Path) -> None:
    found = threads(
        tmp_path,
        mail("<a@x>"),
        mail("<b@x>"),
        mail("a@x", subject="Another"),
        mail("<b@x>", answers="<a@x>"),
        mail("<c@x>"),
    )
    assert numbers(found) == [0, 1, 0, 1, 2]
    assert [is_duplicate for _, is_duplicate in found] == [False, False, True, True, False]


def test_mails_without_an_id_never_match_each_other(tmp_path: Path) -> None:
    nameless = [
        mail(),
        mail("<>"),
        mail("< >"),
        mail(answers="<>", refs="<> <>"),
        mail(),
        "",
        b"\xff\xfe garbage",
        "no header",
    ]
    found, status = [], 0
    for number, raw in enumerate(nameless):
        (tmp_path / f"{number}.eml").write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    found, status = run(tmp_path)
    assert [line["error"]["code"] for line in found if "error" in line] == ["empty"]
    good = [line["conversation"] for line in found if "error" not in line]
    assert (len(set(good)), status) == (len(nameless) - 1, 1)
    assert not any(line.get("duplicate") for line in found)


def test_a_mail_that_answers_itself_opens_a_conversation(tmp_path: Path) -> None:
    assert numbers(threads(tmp_path, mail("<a@x>"), mail("<b@x>", answers="<b@x>", refs="<b@x>"))) == [0, 1]


def test_the_order_is_that_of_the_arguments_and_a_folder_is_sorted(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, raw in {"in/b": mail("<b@x>", "<a@x>"), "in/a": mail("<a@x>"), "z": mail("<z@x>", "<b@x>")}.items():
        (tmp_path / name).write_text(raw)
    found, status = run("z", "in", "-", cwd=tmp_path, stdin=mail("<s@x>", refs="<b@x>").encode())
    assert [(line["source"], line["conversation"]) for line in found] == [
        ("z", "1"),
        ("in/a", "2"),
        ("in/b", "2"),
        ("-", "2"),
    ]
    assert status == 0


def test_a_bad_input_costs_its_own_line_and_the_status(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(mail("<a@x>"))
    (tmp_path / "b").write_text(mail("<b@x>", "<a@x>"))
    (tmp_path / "nothing").write_bytes(b"")
    found, status = run("a", "gone", "nothing", "b", cwd=tmp_path)
    assert [line.get("conversation") or line["error"]["code"] for line in found] == ["1", "internal", "empty", "1"]
    assert status == 1
    assert run(stdin=mail("<a@x>").encode()) == ([{"source": "-", "conversation": "1", "duplicate": False}], 0)


@pytest.mark.parametrize(("channel", "says"), [("messenger", "'messenger' has no thread"), ("pigeon", "'pigeon'")])
def test_a_channel_whose_messages_name_nothing_is_a_usage_error(channel: str, says: str) -> None:
    done = subprocess.run([*OMNIBOX, "thread", "--channel", channel], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()
    assert "email" in done.stderr.decode()


def test_a_long_chain_and_a_huge_body_are_answered_in_bounded_memory(tmp_path: Path) -> None:
    """Ten thousand answers in one thread, and mails that are ten million bytes of brackets."""
    code = (
        "import io, resource, sys\n"
        "from omnibox import offline\n"
        "from omnibox.connector import Chain\n"
        "from omnibox_email.chains import chain_of\n"
        "resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))\n"
        "known = offline.Threads()\n"
        "places = {known.place(Chain(f'{n}@x', (f'{n - 1}@x',) if n else ())) for n in range(100_000)}\n"
        "assert places == {(1, False)}, places\n"
        "head = b'Message-ID: <a@x>\\nReferences: '\n"
        "for one in (b'<', b'<>', b'(', b'<a@x> ', b'=?'):\n"
        "    filling = one * (10_000_000 // len(one))\n"
        "    assert chain_of(head + filling + b'\\n\\nwords').external_id == 'a@x'\n"
        "    chain_of(filling)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")
