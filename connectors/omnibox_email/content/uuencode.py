"""Uuencoded files inside a text: found, taken out, and what is none left where it stands. Linear in the bytes."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

MOST_FILES = 1000
MOST_FALSE = 200_000

_BEGIN = re.compile(rb"(?:(?<=[\r\n])|\A)begin(-base64)?[ \t]+[0-7]{3,4}[ \t]+([^\r\n]{1,300})(?:\r\n|\n|\r)")
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\n|\r|\Z)")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: its name as it stands and its bytes."""

    name: bytes
    content: bytes


def split(body: bytes) -> tuple[list[Found], bytes]:
    """Every uuencoded file in a text, and the text without them."""
    files: list[Found] = []
    rest: list[bytes] = []
    at = 0
    for _ in range(MOST_FALSE):
        begin = _BEGIN.search(body, at)
        if begin is None or len(files) >= MOST_FILES:
            break
        decoded = (_base64 if begin.group(1) else _lines)(body, begin.end())
        if decoded is None:
            rest.append(body[at : begin.end()])
            at = begin.end()
            continue
        content, after = decoded
        rest.append(body[at : begin.start()])
        files.append(Found(begin.group(2).strip(), content))
        at = after
    return files, b"".join(rest) + body[at:]


def _lines(body: bytes, at: int) -> tuple[bytes, int] | None:
    """The bytes of the lines from `at` and where the text goes on; None where they are no encoded file."""
    out: list[bytes] = []
    are_exact = True
    while at < len(body):
        found = _LINE.match(body, at)
        assert found
        line = found.group(1)
        if _is_end(line):
            return (b"".join(out), _after_end(body, at)) if out or line.strip() != b"end" else None
        data, is_exact = _decoded(line)
        if data is None:
            break
        are_exact = are_exact and is_exact
        out.append(data)
        at = found.end()
    # Never ended: a file that was cut, where every line is one to the letter; prose hardly ever is.
    return (b"".join(out), at) if len(out) > 1 and are_exact else None


def _is_end(line: bytes) -> bool:
    return line.strip() in (b"", b"`", b"end")


def _after_end(body: bytes, at: int) -> int:
    """Behind the lines that end a file: an empty one, `end`, in that order, each of them optional."""
    for _ in range(4):
        found = _LINE.match(body, at)
        if found is None or not _is_end(found.group(1)) or at >= len(body):
            return at
        at = found.end()
        if found.group(1).strip() == b"end":
            return at
    return at


def _decoded(line: bytes) -> tuple[bytes | None, bool]:
    """The bytes of a line, and whether it is as long as it says; trimmed blanks and a check letter are allowed for."""
    length = (line[0] - 32) & 63
    need = (length + 2) // 3 * 4
    letters = line[1:]
    if not 32 < line[0] <= 96 or len(letters) > need + 2 or len(letters) < need - 48:
        return None, False
    try:
        return binascii.a2b_uu(line[:1] + letters[:need]), need - 2 <= len(letters)
    except binascii.Error:
        return None, False


def _base64(body: bytes, at: int) -> tuple[bytes, int] | None:
    end = re.compile(rb"(?:(?<=[\r\n])|\A)={4}[ \t]*(?:\r\n|\n|\r|\Z)").search(body, at)
    if end is None:
        return None
    try:
        return binascii.a2b_base64(body[at : end.start()]), end.end()
    except binascii.Error:
        return None
