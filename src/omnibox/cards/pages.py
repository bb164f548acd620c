"""Reads a SQLite file and its write-ahead log byte by byte, past SQLite: also what no row names any more.

A page is taken apart into the columns of its cells (https://sqlite.org/fileformat2.html, read in 2026), since in the
file they stand without anything between them: an id and the text after it would be one number. What is left of a page,
and pages that hold no cells, are read as they are. A page that changes while it is read is read as bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"SQLite format 3\0"
WAL_HEADER, FRAME_HEADER = 32, 24
MAY_HOLD = re.compile(r"\d(?:[^\w]{0,6}\d){11}")
_ZEROS = re.compile(rb"\0+")
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INNER = 13, 10, 2
_WITH_CELLS = {_TABLE_LEAF: 8, _INDEX_LEAF: 8, _INDEX_INNER: 12}
_FIXED = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)  # bytes of the serial types 0 to 9


def is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == MAGIC


def page_size(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(100)
    size = int.from_bytes(head[16:18], "big")
    return 65536 if size == 1 else size


def pages(path: Path) -> Iterator[bytes]:
    """The pages of a database file, one after the other."""
    size = page_size(path)
    with path.open("rb") as file:
        while page := file.read(size):
            yield page


def frames(path: Path) -> Iterator[bytes]:
    """The pages in a write-ahead log, those of former rounds that are still there included."""
    with path.open("rb") as file:
        head = file.read(WAL_HEADER)
        size = int.from_bytes(head[8:12], "big")
        if len(head) < WAL_HEADER or not size:
            return
        while len(frame := file.read(FRAME_HEADER + size)) > FRAME_HEADER:
            yield frame[FRAME_HEADER:]


def texts(page: bytes) -> Iterator[str]:
    """What stands in a page: each text of each row by itself, then what belongs to no row. Only what has digits."""
    whole = page.decode("utf-8", "replace")
    if not MAY_HOLD.search(whole):
        return
    start = 100 if page.startswith(MAGIC) else 0
    if page[start : start + 1] and page[start] in _WITH_CELLS:
        rest = bytearray(page)
        try:
            yield from _cells(page, start, rest)
        except (IndexError, ValueError):
            yield whole
            return
        whole = _ZEROS.sub(b" | ", bytes(rest)).decode("utf-8", "replace")
    if MAY_HOLD.search(whole):
        yield whole


def _cells(page: bytes, start: int, rest: bytearray) -> Iterator[str]:
    """The texts in the cells of a page, which are taken out of `rest`."""
    kind = page[start]
    count = int.from_bytes(page[start + 3 : start + 5], "big")
    first = start + _WITH_CELLS[kind]
    rest[start : first + 2 * count] = bytes(first + 2 * count - start)
    for number in range(count):
        at = int.from_bytes(page[first + 2 * number : first + 2 * number + 2], "big")
        begin = at + 4 if kind == _INDEX_INNER else at
        size, begin = _varint(page, begin)
        if kind == _TABLE_LEAF:
            _, begin = _varint(page, begin)
        end = begin + _local(size, len(page), kind)
        if not begin <= end <= len(page):
            raise ValueError(number)
        yield from _columns(page[begin:end])
        rest[at:end] = bytes(end - at)


def _local(size: int, usable: int, kind: int) -> int:
    """How much of a record lies in the page itself; the rest is in pages of its own."""
    most = usable - 35 if kind == _TABLE_LEAF else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    return local if local <= most else least


def _columns(record: bytes) -> Iterator[str]:
    head, at = _varint(record, 0)
    position = head
    while at < head:
        kind, at = _varint(record, at)
        size = _FIXED[kind] if kind < len(_FIXED) else (kind - 12) // 2 if kind >= 12 else 0
        if kind >= 13 and kind % 2:
            text = record[position : position + size].decode("utf-8", "replace")
            if MAY_HOLD.search(text):
                yield text
        position += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = data[at + number]
        if number == 8:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + number + 1
    raise AssertionError
