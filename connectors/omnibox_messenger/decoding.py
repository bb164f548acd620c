"""From the bytes of a webhook body to untyped JSON, and from an untyped member to what it should have been."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEEPEST = 100
"""Containers below this level become null where the body is nested deeper than a decoder can follow."""

_SURROGATES_AND_NUL = re.compile("[\ud800-\udfff\x00]")
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)


def decode(raw: bytes) -> object:
    """The body as untyped JSON; raises ValueError with the word `empty` or `invalid`.

    What the fast decoder refuses (lone surrogates, NaN, wrong UTF-8, endless numbers) the lenient one takes.
    """
    import msgspec

    if not raw:
        raise ValueError("empty")
    try:
        return msgspec.json.decode(raw)
    except ValueError:
        return _decode_leniently(raw.decode(json.detect_encoding(raw), "replace"))
    except RecursionError:
        return _decode_leniently(_cut_depth(raw.decode(json.detect_encoding(raw), "replace")))


def _decode_leniently(body: str) -> object:
    try:
        return json.loads(body, strict=False, parse_int=_integer, parse_constant=lambda _: None)
    except RecursionError:
        return _decode_leniently(_cut_depth(body))
    except ValueError:
        raise ValueError("invalid") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= 400 else digits


def _cut_depth(body: str) -> str:
    """`body` with every container below `DEEPEST` levels replaced by null; linear in its length."""
    kept: list[str] = []
    depth = copied = 0
    for found in _STRUCTURE.finditer(body):
        mark = found.group()
        if mark in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept.append(body[copied : found.start()])
        elif mark in "]}":
            if depth == DEEPEST + 1:
                kept.append("null")
                copied = found.end()
            depth -= 1
    return "".join(kept) + (body[copied:] if depth <= DEEPEST else "")


def member(value: object, name: str) -> object:
    """The member of that name, or None where `value` is no object."""
    return value.get(name) if isinstance(value, dict) else None


def elements(value: object) -> list[object]:
    """A list as it is, a single object as a list of one, null as an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text(value: object) -> str | None:
    """A string, or a number as a string. Lone surrogates and NUL, which no store takes, become U+FFFD."""
    if isinstance(value, str):
        if value.isascii() and "\0" not in value:  # the usual case, and far quicker than the search
            return value
        return _SURROGATES_AND_NUL.sub("\ufffd", value)
    return _digits(value)


def identifier(value: object) -> str | None:
    """An id, whether it came as a string, as a number or inside an object as `id`; None if there is none."""
    if isinstance(value, dict):
        value = value.get("id")
    return (text(value) or "").strip() or None


def _digits(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() <= 1024 else None
    return str(value) if isinstance(value, float) and math.isfinite(value) else None


def number(value: object) -> float | None:
    """A finite number, also out of a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or (isinstance(value, str) and "_" in value):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def integer(value: object) -> int | None:
    """A whole number, also out of a string; exact however large."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if value.bit_length() <= 1024 else None
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,300}\s*", value):
        return int(value)
    found = number(value)
    return None if found is None else int(found)


def flag(value: object) -> bool:
    """Whether a member says yes: true, 1, "true", "1"."""
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "1"}) or value in (1, 1.0)


def milliseconds(value: object) -> int | None:
    """Milliseconds since 1970 of a time given in seconds, milliseconds, microseconds or as ISO 8601."""
    found = number(value)
    if found is None:
        return _iso_milliseconds(value)
    if not 0 < found < 1e17:
        return None
    whole = integer(value) or 0
    if found < 1e11:  # 1e11 s is the year 5138, 1e11 ms is 1973
        return round(found * 1000)
    return whole if found < 1e14 else whole // 1000


def _iso_milliseconds(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value.strip())
        return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def moment(at_ms: int) -> datetime:
    """Milliseconds since 1970 as an aware time, exact."""
    return EPOCH + timedelta(milliseconds=at_ms)
