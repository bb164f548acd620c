"""The words of IMAP: what comes back from FETCH and LIST, sets of UIDs, folder names. Pure functions."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

LITERAL = re.compile(rb"\{(\d{1,12})\}\Z")


@dataclass(frozen=True, slots=True)
class Folder:
    """What EXAMINE says of a folder."""

    name: str
    uidvalidity: int
    uidnext: int | None


class Size(NamedTuple):
    """Bytes of a mail and when the server took it."""

    size: int
    received_at: datetime


class Fetched(NamedTuple):
    """One FETCH response: the words outside the body, and the body where there is one."""

    uid: int
    facts: bytes
    body: bytes | None


_FETCH = re.compile(rb"\d+ FETCH \(", re.I)
_UID = re.compile(rb"\bUID (\d+)", re.I)
_QUOTED_BODY = re.compile(rb'BODY\[\](?:<\d+>)? (?:"((?:[^"\\]|\\.)*)"|(NIL))', re.I | re.S)


def fetched_in(lines: Sequence[bytes | bytearray]) -> Iterator[Fetched]:
    """The FETCH responses among the pieces; unsolicited ones (flags) have no UID and fall away."""
    group: list[bytes | bytearray] = []
    for piece in (*lines, b"0 FETCH ("):
        if isinstance(piece, bytes) and _FETCH.match(piece):
            if group and (found := _one_fetched(group)):
                yield found
            group = []
        group.append(piece)


def _one_fetched(group: Sequence[bytes | bytearray]) -> Fetched | None:
    facts = b" ".join([piece for piece in group if isinstance(piece, bytes)])
    literals = [piece for piece in group if isinstance(piece, bytearray)]
    body = bytes(literals[0]) if literals else None
    if body is None and (quoted := _QUOTED_BODY.search(facts)):
        body = re.sub(rb"\\(.)", rb"\1", quoted.group(1) or b"")
        facts = facts[: quoted.start()] + facts[quoted.end() :]
    uid = _UID.search(facts)
    return Fetched(int(uid.group(1)), facts, body) if uid and _FETCH.match(facts) else None


def listed_in(line: bytes | bytearray, following: Sequence[bytes | bytearray]) -> tuple[str, frozenset[str]] | None:
    found = re.match(rb'LIST \(([^)]*)\) (?:"(?:[^"\\]|\\.)*"|NIL) (.+)\Z', bytes(line), re.I | re.S)
    if not found or isinstance(line, bytearray):
        return None
    name = found.group(2)
    if LITERAL.search(name) and following:
        name = bytes(following[0])
    elif name.startswith(b'"'):
        name = re.sub(rb"\\(.)", rb"\1", name[1:-1])
    attributes = frozenset(word.decode("ascii", "replace").lower() for word in found.group(1).split())
    return decode_name(name.decode("ascii", "replace")), attributes


def uid_set(uids: Iterable[int]) -> str:
    """UIDs as IMAP writes sets: neighbours as ranges."""
    ranges: list[list[int]] = []
    for uid in uids:
        if ranges and uid == ranges[-1][1] + 1:
            ranges[-1][1] = uid
        else:
            ranges.append([uid, uid])
    return ",".join(f"{first}:{last}" if first != last else f"{first}" for first, last in ranges)


def quoted_name(name: str) -> str:
    """A folder name as an argument: modified UTF-7 (RFC 3501 5.1.3), quoted."""
    out, foreign = [], ""
    for letter in [*name, ""]:
        if letter and not " " <= letter <= "~":
            foreign += letter
            continue
        if foreign:
            encoded = base64.b64encode(foreign.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            out.append(f"&{encoded}-")
            foreign = ""
        out.append("&-" if letter == "&" else letter)
    return quoted("".join(out))


def quoted(text: str) -> str:
    """An argument as a quoted string (RFC 3501 section 9)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def decode_name(name: str) -> str:
    """A folder name from modified UTF-7; what is none stays as it is."""

    def foreign(found: re.Match[str]) -> str:
        if not found.group(1):
            return "&"
        encoded = found.group(1).replace(",", "/")
        try:
            return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode("utf-16-be")
        except ValueError:
            return found.group()

    return re.sub(r"&([A-Za-z0-9+,]*)-", foreign, name)
