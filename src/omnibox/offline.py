"""The offline commands `normalize`, `render` and `thread`: JSON Lines out, one failure costs its own line only."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from omnibox.connector import Chain, Chains, Offline

STDIN = "-"
SURROGATE = re.compile(r"[\ud800-\udfff]")
QUOTED_FROM = re.compile(rb">+From ")
MESSAGES: Mapping[str, str] = {
    "empty": "the input is empty",
    "invalid": "the input cannot be decoded",
    "unsupported": "the input is not a payload of this channel",
    "internal": "the input could not be read",
}


def normalize(
    connector: type[Offline],
    paths: Sequence[str],
    account: str | None,
    stdin: BinaryIO,
    out: BinaryIO,
    *,
    is_mbox: bool,
) -> bool:
    """Write the lines of every input; returns whether all were answered."""
    is_clean = True
    for source in inputs(paths):
        for line in _lines_of(connector, source, account, stdin, is_mbox=is_mbox):
            is_clean &= write_line(out, {**line, "source": source})
        out.flush()
    return is_clean


def render(connector: type[Offline], stdin: BinaryIO, out: BinaryIO) -> bool:
    """Write one line per line read, in order; returns whether all were rendered."""
    is_clean = True
    for raw in stdin:
        is_clean &= write_line(out, _rendered(connector, raw.strip()))
        out.flush()
    return is_clean


def thread(connector: type[Chains], paths: Sequence[str], stdin: BinaryIO, out: BinaryIO) -> bool:
    """Write one line per input: the conversation its ids lead to; returns whether all were answered.

    Memory grows by an id and a number per input, never by its size.
    """
    is_clean, known = True, Threads()
    for source in inputs(paths):
        is_clean &= write_line(out, {"source": source, **_threaded(connector, known, source, stdin)})
        out.flush()
    return is_clean


def _threaded(connector: type[Chains], known: Threads, source: str, stdin: BinaryIO) -> Mapping[str, Any]:
    try:
        with _opened(source, stdin) as file:
            raw = file.read()
    except OSError as error:
        return failure("internal", f"the input cannot be read: {error.strerror or 'it failed'}")
    if not raw:
        return failure("empty")
    try:
        number, is_duplicate = known.place(connector.chain(raw))
    except Exception:
        return failure("internal")
    return {"conversation": str(number), "duplicate": is_duplicate}


class Threads:
    """The conversations of one run, and the ids that lead to them. By headers alone: who may join is the hub's rule."""

    def __init__(self) -> None:
        self._by_id: dict[bytes, int] = {}
        self._opened = 0

    def place(self, chain: Chain) -> tuple[int, bool]:
        """The number of the conversation, and whether a message with this id was there before."""
        own = _short(chain.external_id) if chain.external_id else None
        if own is not None and own in self._by_id:
            return self._by_id[own], True
        named = (self._by_id.get(_short(each)) for each in (*chain.answers, *chain.ancestors))
        number = next((found for found in named if found is not None), None)
        if number is None:
            self._opened += 1
            number = self._opened
        if own is not None:
            self._by_id[own] = number
        return number, False


def _short(external_id: str) -> bytes:
    """16 bytes for an id of any length."""
    return hashlib.blake2b(external_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def inputs(paths: Sequence[str]) -> Iterator[str]:
    """The sources in order: a folder stands for every regular file below it, sorted by the bytes of their paths."""
    for path in paths or [STDIN]:
        if path != STDIN and Path(path).is_dir():
            yield from sorted(_files_below(path), key=os.fsencode)
        else:
            yield path


def _files_below(folder: str) -> Iterator[str]:
    for top, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(top, name)  # noqa: PTH118 - the path as found: pathlib would drop a leading `./`
            if _is_regular(path):  # reading a pipe that nobody fills would hang
                yield path


def _is_regular(path: str) -> bool:
    try:
        return stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True  # reported as unreadable, not passed over


def _lines_of(
    connector: type[Offline], source: str, account: str | None, stdin: BinaryIO, *, is_mbox: bool
) -> Iterator[Mapping[str, Any]]:
    try:
        with _opened(source, stdin) as file:
            for raw in split_mbox(file) if is_mbox else [file.read()]:
                yield from _normalized(connector, raw, account)
    except OSError as error:
        yield failure("internal", f"the input cannot be read: {error.strerror or 'it failed'}")


@contextmanager
def _opened(source: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    if source == STDIN:
        yield stdin
        return
    with Path(source).open("rb") as file:
        yield file


def _normalized(connector: type[Offline], raw: bytes, account: str | None) -> Iterator[Mapping[str, Any]]:
    if not raw:
        yield failure("empty")
        return
    try:
        yield from connector.normalize(raw, account)
    except ValueError as error:
        yield _refusal(error)
    except Exception:
        yield failure("internal")


def _rendered(connector: type[Offline], raw: bytes) -> Mapping[str, Any]:
    if not raw:
        return failure("empty")
    try:
        item = json.loads(raw)
    except (ValueError, RecursionError):
        return failure("invalid")
    if not isinstance(item, dict):
        return failure("unsupported")
    try:
        return connector.render(item)
    except ValueError as error:
        return _refusal(error)
    except Exception:
        return failure("internal")


def _refusal(error: ValueError) -> Mapping[str, Any]:
    """A connector refuses by a ValueError that holds a code; any other ValueError is a fault of its own."""
    code = str(error.args[0]) if error.args else ""
    return failure(code if code in MESSAGES else "internal")


def failure(code: str, message: str = "") -> Mapping[str, Any]:
    return {"error": {"code": code, "message": message or MESSAGES[code]}}


def write_line(out: BinaryIO, line: Mapping[str, Any]) -> bool:
    """One JSON object as one line of UTF-8; returns whether it is no error line."""
    try:
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        kept = {"source": line["source"]} if "source" in line else {}
        line = {**kept, **failure("internal")}
        text = json.dumps(line, ensure_ascii=False)
    out.write(SURROGATE.sub("\ufffd", text).encode() + b"\n")
    return "error" not in line


def split_mbox(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The mails of an mbox. A `From ` line begins one at the start and after an empty line; `>From ` is unquoted."""
    mail: list[bytes] = []
    is_after_blank, has_begun = True, False
    for line in lines:
        if is_after_blank and line.startswith(b"From "):
            if has_begun:
                yield _without_last_blank(mail)
            mail, has_begun = [], True
        elif has_begun or line.strip():
            has_begun = True
            mail.append(line[1:] if QUOTED_FROM.match(line) else line)
        is_after_blank = not line.strip(b"\r\n")
    yield _without_last_blank(mail)


def _without_last_blank(mail: list[bytes]) -> bytes:
    """The empty line before a `From ` line belongs to the mbox, not to the mail."""
    if mail and not mail[-1].strip(b"\r\n"):
        mail.pop()
    return b"".join(mail)
