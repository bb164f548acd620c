"""The command `omnibox mask`, as a user runs it."""

import io
import json
import subprocess
import sys

import pytest

from omnibox.masking import command

CARD, HIDDEN = "4111 1111 1111 1111", "•••• •••• •••• 1111"


def run(data: bytes, *, jsonl: bool = False) -> tuple[int, bytes]:
    out = io.BytesIO()
    return command.run(io.BytesIO(data), out, jsonl), out.getvalue()


def lines(data: bytes) -> tuple[int, list[object]]:
    status, out = run(data, jsonl=True)
    return status, [json.loads(line) for line in out.splitlines()]


def test_a_text_comes_out_masked_and_nothing_is_added() -> None:
    assert run(f"card {CARD}".encode()) == (0, f"card {HIDDEN}".encode())
    assert run(f"card {CARD}\r\n".encode()) == (0, f"card {HIDDEN}\r\n".encode())
    assert run(b"") == (0, b"")


def test_a_number_goes_on_over_a_line_break() -> None:
    assert run(b"4111 1111\n1111 1111") == (0, "•••• ••••\n•••• 1111".encode())


@pytest.mark.parametrize(
    "odd", [b"\xff\xfe\xfd", b"\xc3", b"caf\xe9 ", b"\x00\x01", b"\xed\xa0\x80", bytes(range(256))]
)
def test_bytes_that_are_no_utf8_pass_through(odd: bytes) -> None:
    assert run(b"x" + odd) == (0, b"x" + odd)
    assert run(b"x" + odd + b" 4111111111111111") == (0, b"x" + odd + " ••••••••••••1111".encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_text_in_another_encoding_keeps_it(encoding: str) -> None:
    assert run(f"My card: {CARD}".encode(encoding)) == (0, f"My card: {HIDDEN}".encode(encoding))


def test_a_number_with_the_blanks_of_latin_1_is_found() -> None:
    assert run(b"4111\xa01111\xa01111\xa01111") == (0, "••••".encode().join((b"", b"\xa0", b"\xa0", b"\xa01111")))


def test_every_line_of_json_gets_an_answer_with_its_count() -> None:
    status, answers = lines(b'"4111111111111111 and 5555555555554444"\n"hello"\n"cvv 123"')
    assert status == 0
    assert answers == [
        {"text": "••••••••••••1111 and ••••••••••••4444", "found": 2},
        {"text": "hello", "found": 0},
        {"text": "cvv •••", "found": 0},
    ]


def test_a_bad_line_costs_only_itself() -> None:
    status, answers = lines(b'{"a": 1}\nnonsense\n\n[1]\n"4111111111111111"\n' + b"[" * 100_000 + b"\n1" + b"0" * 5000)
    assert status == 1
    codes = [answer.get("error", {}).get("code") for answer in answers if isinstance(answer, dict)]
    assert codes[:5] == ["unsupported", "invalid", "empty", "unsupported", None]
    assert len(codes) == 7
    assert set(codes[5:]) <= {"invalid", "unsupported"}
    assert "nonsense" not in json.dumps(answers)


def test_lone_surrogates_become_replacement_characters() -> None:
    status, answers = lines(rb'"\ud800 4111111111111111 \ud83d\ude00"' + b'\n"caf\xe9"')
    assert status == 0
    assert answers == [{"text": "\ufffd ••••••••••••1111 \U0001f600", "found": 1}, {"text": "caf\ufffd", "found": 0}]


def test_a_failure_inside_is_an_answer_and_names_no_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: str) -> tuple[str, int]:
        raise RuntimeError("4111111111111111")

    monkeypatch.setattr(command, "mask_counted", fail)
    status, answers = lines(b'"4111111111111111"')
    assert status == 1
    assert answers == [{"source": "-", "error": {"code": "internal", "message": "the line could not be masked"}}]
    assert "4111" not in capsys.readouterr().err


def test_an_answer_is_written_before_the_next_line_is_read() -> None:
    program = "import sys; from omnibox.masking import command; command.run(sys.stdin.buffer, sys.stdout.buffer, True)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'"4111111111111111"\n')
        process.stdin.flush()
        assert json.loads(process.stdout.readline()) == {"text": "••••••••••••1111", "found": 1}
        process.stdin.close()
        assert process.wait(10) == 0


def test_masking_starts_without_the_rest_of_the_product() -> None:
    program = "import sys, omnibox.masking.command; print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"sqlalchemy", "aiohttp", "pydantic", "msgspec", "asyncio"} & set(out)
