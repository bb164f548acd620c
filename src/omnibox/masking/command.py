"""The command `omnibox mask`: standard input to standard output, as a whole text or as lines of JSON strings."""

import json
import logging
import re
from typing import BinaryIO

from omnibox.masking.octets import mask_bytes
from omnibox.masking.plain import mask_counted

log = logging.getLogger(__name__)

_SOURCE = "-"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # valid in a JSON string, impossible in UTF-8


class _Refused(Exception):
    """A line that gets no answer but an error: `code` is one of those all offline commands share."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def run(stdin: BinaryIO, stdout: BinaryIO, jsonl: bool) -> int:
    """Mask `stdin` to `stdout`; returns the exit status, 1 if a line was no JSON string.

    A plain text is read whole, because a number may go over a line break. Lines of JSON are answered one by one.
    """
    if jsonl:
        return _run_lines(stdin, stdout)
    stdout.write(mask_bytes(stdin.read()))
    stdout.flush()
    return 0


def _run_lines(stdin: BinaryIO, stdout: BinaryIO) -> int:
    status = 0
    for line in stdin:
        answer, failed = _answer(line)
        status = 1 if failed else status
        text = _LONE_SURROGATE.sub("\ufffd", json.dumps(answer, ensure_ascii=False))
        stdout.write(text.encode() + b"\n")
        stdout.flush()
    return status


def _answer(line: bytes) -> tuple[dict[str, object], bool]:
    try:
        masked, found = mask_counted(_read(line))
    except _Refused as refused:
        return {"source": _SOURCE, "error": {"code": refused.code, "message": str(refused)}}, True
    except Exception as error:
        log.error("line not masked: %s", type(error).__name__)  # its message may hold the text
        return {"source": _SOURCE, "error": {"code": "internal", "message": "the line could not be masked"}}, True
    return {"text": masked, "found": found}, False


def _read(line: bytes) -> str:
    """The string that a line of JSON holds."""
    content = line.strip().removeprefix(b"\xef\xbb\xbf")
    if not content:
        raise _Refused("empty", "the line is empty")
    try:
        value = json.loads(content.decode("utf-8", "surrogateescape"))
    except RecursionError as error:
        raise _Refused("unsupported", "the line is not a JSON string") from error
    except ValueError as error:
        raise _Refused("invalid", "the line is not JSON") from error
    if not isinstance(value, str):
        raise _Refused("unsupported", "the line is not a JSON string")
    return value
