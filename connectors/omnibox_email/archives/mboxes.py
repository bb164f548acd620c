"""Where the mails of an mbox begin and end, for files of any size and of every habit.

Four kinds are about, and no file says which it is: mboxo and mboxrd quote lines of a mail that begin with «From »,
mboxcl counts the bytes of a mail in Content-Length as well, mboxcl2 counts and does not quote. Many programs quote
nothing. So a line is believed to separate mails by its shape and by what stands around it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1 << 20
AHEAD = 4096  # bytes of a chunk's end that are looked at again with the next one, so that every line is seen whole
HEAD = 1 << 16

_MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAYS = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
# asctime(), with a zone before or after the year; the date of a mail; ISO 8601
_DATED = re.compile(
    rb"\AFrom [^\r\n]{0,500}?"
    rb"(?:" + _DAYS + rb",?\s+" + _MONTHS + rb"\s+\d{1,2}\s+\d{1,2}:\d\d(?::\d\d)?(?:\s+[\w+-]{1,6}){0,2}\s+\d{4}"
    rb"|" + _DAYS + rb",?\s+\d{1,2}[ -]" + _MONTHS + rb"[ -]\d{2,4}\s+\d{1,2}:\d\d"
    rb"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d)"
    rb"[^\r\n]{0,100}\r?(?:\n|\Z)"
)
_BARE = re.compile(rb"\AFrom (?:-|\"?[^\s\"]{1,300}\"?(?:@[^\s]{1,255})?)\s*\r?(?:\n|\Z)")
_HEADER = re.compile(rb"\A(?:>?From |[!-9;-~]{1,80}[ \t]*:)")
_KNOWN = re.compile(
    rb"\A(?:return-path|received|from|to|date|message-id|subject|delivered-to|x-[!-9;-~]{1,60}|mime-version|sender"
    rb"|content-type|content-length|reply-to|envelope-to|status|dkim-signature|authentication-results|in-reply-to"
    rb"|references|cc|arc-seal|user-agent|list-[a-z]{1,20})[ \t]*:",
    re.I,
)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,15})[ \t]*\r?$", re.I | re.M)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_QUOTED = re.compile(rb"^>(>*From )", re.M)
_BARE_FROM = re.compile(rb"^From ", re.M)


@dataclass(frozen=True, slots=True)
class Span:
    """One mail: where its bytes lie, the separator before it, and whether it was counted instead of quoted."""

    start: int
    end: int
    separator: bytes
    is_counted: bool = False


def begins_like_mbox(head: bytes) -> bool:
    """Whether a file that begins so is an mbox; blank lines may stand before its first mail."""
    text = head.lstrip(b"\r\n")
    return text.startswith(b"From ") and (_DATED.match(text) is not None or _is_separator(text, is_after_blank=True))


def spans(file: BinaryIO, report: Callable[[int], None] = lambda _: None) -> Iterator[Span]:
    """The mails of an mbox in order, in flat memory; `report` hears how many bytes have been looked at.

    A count is believed where a mail begins behind it, and as long as every mail of the file counts right: anybody can
    write a Content-Length into a mail of their own.
    """
    size = os.fstat(file.fileno()).st_size
    opened: tuple[int, bytes, int] | None = None
    does_count = True
    for at, separator, following in _separators(file, size, report):
        if opened is not None:
            if at < opened[2]:
                continue  # a line of a mail whose end is known
            yield _span(opened, at)
        end = _counted_end(file, following, size) if does_count else 0
        does_count = end > 0
        opened = following, separator, end
    if opened is not None:
        yield _span(opened, size)


def _span(opened: tuple[int, bytes, int], limit: int) -> Span:
    """The mail that ends at `limit`, or where its count says, if only a blank line is left out by that."""
    start, separator, end = opened
    is_counted = 0 < end <= limit <= end + 4
    return Span(start, end if is_counted else limit, separator, is_counted)


def content(file: BinaryIO, span: Span, *, is_quoted: bool = True) -> bytes:
    """The mail's own bytes: its quoted lines as they were written, without the blank line that ends it."""
    raw = os.pread(file.fileno(), span.end - span.start, span.start)
    if not is_quoted:
        return raw
    ending = b"\r\n" if raw.endswith(b"\r\n") else b"\n"
    if raw.endswith(ending * 2):
        raw = raw[: -len(ending)]
    does_not_quote = span.is_counted and _BARE_FROM.search(raw) is not None
    return raw if does_not_quote or b">From " not in raw else _QUOTED.sub(rb"\1", raw)


def _separators(file: BinaryIO, size: int, report: Callable[[int], None]) -> Iterator[tuple[int, bytes, int]]:
    """(where it begins, the line, where the next line begins) of every line that separates mails."""
    base, kept = 0, b""
    while base < size:
        more = os.pread(file.fileno(), CHUNK, base + len(kept))
        block = kept + more
        is_last = not more or base + len(block) >= size
        limit = len(block) if is_last else len(block) - AHEAD
        first = len(block) - len(block.lstrip(b"\r\n")) if base == 0 else -1
        for at in _from_lines(block, first, limit):
            is_after_blank = block[max(0, at - 4) : at].endswith((b"\n\n", b"\n\r\n"))
            text = block[at : at + AHEAD]
            if at == first or _is_separator(text, is_after_blank=is_after_blank):
                line = text.partition(b"\n")[0]
                yield base + at, line.rstrip(b"\r"), base + min(at + len(line) + 1, len(block))
        if is_last:
            report(size)
            return
        keep_from = limit - 4  # what stands before a line decides too
        base, kept = base + keep_from, block[keep_from:]
        report(base)


def _from_lines(block: bytes, first: int, limit: int) -> Iterator[int]:
    """Where lines begin with «From »; `first`: where the file's own first line is, below zero if it is not here."""
    if block.startswith(b"From ", max(first, 0)) and first >= 0:
        yield first
    at = block.find(b"\nFrom ", max(first, 3))  # three bytes belong to what was looked at before
    while 0 <= at < limit - 1:
        yield at + 1
        at = block.find(b"\nFrom ", at + 1)


def _is_separator(text: bytes, *, is_after_blank: bool) -> bool:
    """Whether the «From » line that `text` begins with parts two mails, rather than being somebody's sentence."""
    following = text.partition(b"\n")[2]
    if _DATED.match(text):
        if is_after_blank:
            return not following.strip(b"\r\n") or following[:1] in b"\r\n" or _HEADER.match(following) is not None
        return _KNOWN.match(following) is not None
    return is_after_blank and _BARE.match(text) is not None and _KNOWN.match(following) is not None


def _counted_end(file: BinaryIO, start: int, size: int) -> int:
    """Where the mail ends by its Content-Length; 0 without one, or where no mail begins behind it."""
    head = os.pread(file.fileno(), HEAD, start)
    found = _END_OF_HEAD.search(head)
    length = _LENGTH.search(head, 0, found.start() + 1) if found else None
    if found is None or length is None:
        return 0
    end = start + found.end() + int(length.group(1))
    if end > size:
        return 0
    behind = os.pread(file.fileno(), 16, end).lstrip(b"\r\n")
    return end if not behind or behind.startswith(b"From ") else 0
