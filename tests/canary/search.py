"""Looks for the canaries in bytes, however they may be written there; uses nothing of the code under test."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from pathlib import Path

from tests.canary.cards import CARDS

_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_NO_BYTE_OF_DIGITS = bytes(set(_NO_DIGITS) - set(b"\xef\xbc\xd9") - set(range(0x90, 0xAA)))
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_UNICODE = re.compile(rb"\\u([0-9A-Fa-f]{4})")
_ENTITY = re.compile(rb"&#(?:x([0-9A-Fa-f]{1,5})|([0-9]{1,6}));")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_SCRIPTS = {"\uff10": b"\xef\xbc", "\u0660": b"\xd9"}
_NEEDLES = {card.encode(): card for card in CARDS}


def found(content: bytes) -> set[tuple[str, str]]:
    """The canaries in these bytes: how it is written, and which one. Any separators may stand between the digits."""
    return {(form, card) for form, view in _views(content) for card in _in(view)}


def _in(view: bytes) -> Iterator[str]:
    view = view.translate(None, _NO_BYTE_OF_DIGITS)
    for zero, lead in _SCRIPTS.items():
        if lead in view:
            for digit in range(10):
                view = view.replace(chr(ord(zero) + digit).encode(), b"%d" % digit)
    digits = view.translate(None, _NO_DIGITS)
    return (card for needle, card in _NEEDLES.items() if needle in digits)


def _views(content: bytes) -> Iterator[tuple[str, bytes]]:
    yield "plain", content  # UTF-16 and UTF-32 too: between their digits only zeros stand
    if len(content) < 2_000_000:
        for name in ("utf-16-le", "utf-16-be"):  # digits of other scripts
            for start in (0, 1):
                yield name, content[start:].decode(name, "ignore").encode("utf-8", "ignore")
    if b"=" in content:
        yield "quoted-printable", binascii.a2b_qp(content)
    if b"%" in content:
        yield "percent", _PERCENT.sub(lambda match: bytes.fromhex(match[1].decode()), content)
    if b"\\u" in content:
        yield "escapes", _UNICODE.sub(lambda match: _character(int(match[1], 16)), content)
    if b"&#" in content:
        yield (
            "entities",
            _ENTITY.sub(lambda match: _character(int(match[1] or match[2], 16 if match[1] else 10)), content),
        )
    yield "base64", b"\n".join(_decoded(content))
    if b"\n" in content:
        yield "base64 in lines", b"\n".join(_decoded(content.replace(b"\r", b"").replace(b"\n", b"")))


def _character(code: int) -> bytes:
    return chr(code).encode("utf-8", "ignore") if code < 0xD800 or 0xDFFF < code < 0x110000 else b""


def _decoded(content: bytes) -> Iterator[bytes]:
    """What runs of base64 say, wherever in a run the first whole character lies."""
    for run in _BASE64.findall(content):
        plain = run.replace(b"-", b"+").replace(b"_", b"/")
        for start in range(4):
            piece = plain[start : start + (len(plain) - start) // 4 * 4]
            yield base64.b64decode(piece)


def in_folder(root: Path, but: frozenset[str] = frozenset(), since: float = 0.0) -> dict[str, set[tuple[str, str]]]:
    """The files below a folder in which a canary stands, by their path; `since` leaves out what is older."""
    hits: dict[str, set[tuple[str, str]]] = {}
    for path in sorted(root.rglob("*")):
        if not path.is_file() or path.name in but or path.stat().st_mtime < since:
            continue
        if seen := found(path.read_bytes()) | found(path.name.encode()):
            hits[str(path.relative_to(root))] = seen
    return hits
