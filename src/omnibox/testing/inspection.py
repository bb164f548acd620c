"""Looking at envelopes and bodies: documents to compare, rules every envelope keeps, odd variants to try."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any, cast, get_args

from omnibox.connector import Envelope, File, Receipt, Recipients, RemoteFile

ENVELOPES: tuple[type, ...] = get_args(Envelope)
NEEDED = ("event_key", "to", "kind")  # never empty where an envelope has them
SPOKEN = ("text", "html", "reply_text", "subject", "name", "excerpt")
ODD_VALUES: tuple[Any, ...] = (None, True, 7, -1e99, "", "\ud800", [], {}, [None], {"x": [{}]})
NONSENSE = (b"", b"{", b"\xff\xfe", b"no json", b"[" * 100_000, b'{"a":' * 2000, b"\0" * 64, b'"\\ud800', b"<xml/>")


def as_document(envelope: Any) -> dict[str, Any]:
    """An envelope as JSON holds it in `.expected.json`: its kind, and each member that is not the default."""
    return {"envelope": type(envelope).__name__, **_members(envelope)}


def _members(record: Any) -> dict[str, Any]:
    return {
        member.name: _plain(getattr(record, member.name))
        for member in fields(record)
        if getattr(record, member.name) != _default(member)
    }


def _default(member: Field[Any]) -> Any:
    return member.default if member.default_factory is MISSING else member.default_factory()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"size": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    if is_dataclass(value):
        return _members(value)
    return value


def faults(envelope: Any) -> list[str]:
    """Which rules an envelope breaks; empty for a good one. Says names of members, never their values."""
    if not isinstance(envelope, ENVELOPES):
        return [f"{type(envelope).__name__} is not an envelope"]
    found = _odd_members(envelope)
    if getattr(envelope, "external_id", None) == "":
        found.append("external_id is empty; None says there is none")
    if not getattr(envelope, "external_ids", True) and getattr(envelope, "watermark", None) is None:
        found.append("the receipt names no message and has no watermark")
    return [f"{type(envelope).__name__}: {fault}" for fault in found]


def _odd_members(envelope: Any) -> list[str]:
    found, record = [], cast("Any", envelope)  # `isinstance` with a tuple of types leaves only `object`
    for member in fields(record):
        value = getattr(envelope, member.name)
        if not KINDS[str(member.type)](value):
            found.append(f"{member.name} is not {member.type}")
        elif value == "" and (member.name in NEEDED or (member.name == "address" and _default(member) is MISSING)):
            found.append(f"{member.name} is empty")
        elif value == "None" and member.name not in SPOKEN:
            found.append(f"{member.name} is the word None")
    return found


def _is_utc(value: Any) -> bool:
    return isinstance(value, datetime) and value.utcoffset() == timedelta(0)


def _all(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(isinstance(member, kind) for member in value)


def _is_file(value: Any) -> bool:
    return (
        isinstance(value, File)
        and isinstance(value.content, bytes | RemoteFile)
        and isinstance(value.name, str | None)
        and isinstance(value.content_type, str)
    )


KINDS: Mapping[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "str | None": lambda value: isinstance(value, str | None),
    "int": lambda value: isinstance(value, int),
    "bool": lambda value: isinstance(value, bool),
    "datetime": _is_utc,
    "datetime | None": lambda value: value is None or _is_utc(value),
    "tuple[str, ...]": _all(str),
    "tuple[File, ...]": lambda value: isinstance(value, tuple) and all(map(_is_file, value)),
    "Recipients": lambda value: isinstance(value, Recipients),
    "tuple[Receipt, ...]": lambda value: _all(Receipt)(value) and not any(map(_odd_members, value)),
    "Literal['delivered', 'read', 'failed', 'delayed']": lambda value: (
        value in ("delivered", "read", "failed", "delayed")
    ),
}


def spoken(envelopes: Iterable[Any], shortest: int = 6) -> set[str]:
    """Texts, names and addresses of envelopes, none of which a log may hold; too short ones are found by chance."""
    found = {str(getattr(envelope, name, "") or "") for envelope in envelopes for name in (*SPOKEN, "address")}
    found |= {str(file.name or "") for envelope in envelopes for file in getattr(envelope, "files", ())}
    return {text for text in found if len(text) >= shortest}


def is_subsequence(wanted: Sequence[Any], got: Iterable[Any]) -> bool:
    """Whether `wanted` stands in `got`, in this order, with anything between."""
    rest = iter(got)
    return all(any(item == other for other in rest) for item in wanted)


def changed_bytes(body: bytes) -> Iterator[bytes]:
    """`body` with each byte changed, one at a time, and cut, grown and emptied."""
    for place in range(len(body)):
        yield body[:place] + bytes([body[place] ^ (1 << place % 8)]) + body[place + 1 :]
    yield from (body[:-1], body[1:], body + b" ", b" " + body, b"")


def odd_headers(headers: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Signature headers with each one missing, odd, of wrong case or length, or with one character changed."""
    for name, value in headers.items():
        others = {other: text for other, text in headers.items() if other != name}
        yield others
        odd = [
            "",
            " ",
            "é",
            "\udcff",
            "0",
            "sha1=" + value,
            value[:-1],
            value + "0",
            value + " ",
            value * 2,
            " " + value,
        ]
        odd += [
            value[:place] + ("0" if value[place] != "0" else "1") + value[place + 1 :] for place in range(len(value))
        ]
        odd += [value.partition("=")[2], "sha256=", "=" + value, value.swapcase()]
        yield from ({**others, name: text} for text in odd if text != value)


def odd_variants(value: Any) -> Iterator[Any]:
    """`value`, a decoded JSON document, with one member at a time replaced by odd values or taken away."""
    yield from ODD_VALUES
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: odd} for odd in odd_variants(member))
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield from ([*value[:place], odd, *value[place + 1 :]] for odd in odd_variants(member))


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()
