"""Answers as a line takes them from its bytes: whole, in pieces of any size, too long, and what is no answer.

That aiohttp's parser knows HTTP is for aiohttp to test; here is what we make of what it finds.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import tracemalloc
import zlib
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibox.outbound.lines import Line, Reply

MOST = 1000
BODY = b'{"id": "m-1", "ok": true}'
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n" + BODY
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    b"A;name=value\r\n" + BODY[:10] + b"\r\n000f\r\n" + BODY[10:] + b"\r\n0\r\nChecksum: 7\r\n\r\n"
)
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
WHOLE = [PLAIN, CHUNKED, INTERIM + PLAIN, INTERIM + CHUNKED]


class Wire(asyncio.Transport):
    """Leads nowhere: the test says itself what comes, in which pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.is_cut = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nobody is there to read it."""

    def abort(self) -> None:
        self.is_cut = True

    def is_closing(self) -> bool:
        return self.is_cut

    def pause_reading(self) -> None:
        """The test goes on to say what it says."""


async def after(say: Callable[[Line], None]) -> tuple[Reply | None, bool]:
    """What came of a request that was answered with what `say` does to its line: the reply, None where the sender is
    told that there is none, and whether the line can carry another."""
    line, left = Line(MOST), []
    line.connection_made(Wire())
    answered = line.ask(b"POST / HTTP/1.1\r\n\r\n", lambda: left.append(True))
    assert left
    say(line)
    assert answered.done()
    try:
        return answered.result(), line.is_open
    except ConnectionError:
        return None, line.is_open


def read(*pieces: bytes) -> tuple[Reply | None, bool]:
    """What comes of an answer in these pieces; the last must be the one that decides."""

    def say(line: Line) -> None:
        for piece in pieces:
            line.data_received(piece)

    return asyncio.run(after(say))


def read_to_the_end(*pieces: bytes, fault: Exception | None = None) -> tuple[Reply | None, bool]:
    """The same, where the line then ends."""

    def say(line: Line) -> None:
        for piece in pieces:
            line.data_received(piece)
        line.connection_lost(fault)

    return asyncio.run(after(say))


def cut(whole: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % len(whole) for place in places} - {0}), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(edges)]


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 10_000), max_size=12))
def test_in_whatever_pieces_it_comes_it_is_the_same_answer(whole: bytes, places: list[int]) -> None:
    reply, is_kept = read(*cut(whole, places))
    assert reply is not None
    assert (reply.status, reply.body, is_kept) == (200, BODY, True)


@pytest.mark.parametrize("whole", WHOLE)
def test_byte_by_byte(whole: bytes) -> None:
    reply, is_kept = read(*cut(whole, range(len(whole))))
    assert reply is not None
    assert (reply.status, reply.body, is_kept) == (200, BODY, True)


def test_names_of_headers_are_found_in_any_case_and_values_are_trimmed() -> None:
    reply, _ = read(b"HTTP/1.1 429 Slow\r\nretry-AFTER: \t 7 \r\nContent-Length: 0\r\n\r\n")
    assert reply is not None
    assert (reply.status, reply.headers["Retry-After"], reply.body) == (429, "7", b"")


@pytest.mark.parametrize(
    ("head", "is_kept"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", True),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: Upgrade, CLOSE\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n", False),
    ],
)
def test_a_line_is_kept_only_where_both_sides_know_it_goes_on(head: bytes, *, is_kept: bool) -> None:
    reply, was_kept = read(head + b"\r\n{}")
    assert reply is not None
    assert (reply.body, was_kept) == (b"{}", is_kept)


@pytest.mark.parametrize("length", range(1, len(PLAIN) + 1))
def test_the_beginning_of_another_answer_ends_the_line(length: int) -> None:
    reply, is_kept = read(PLAIN + PLAIN[:length])
    assert reply is not None
    assert (reply.body, is_kept) == (BODY, False)


def test_an_answer_without_a_length_ends_with_the_line() -> None:
    reply, is_kept = read_to_the_end(b"HTTP/1.1 200 OK\r\n\r\n" + BODY[:7], BODY[7:])
    assert reply is not None
    assert (reply.body, is_kept) == (BODY, False)


def test_an_answer_without_a_length_that_a_fault_cut_off_is_none() -> None:
    assert read_to_the_end(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, fault=ConnectionResetError()) == (None, False)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status: int) -> None:
    reply, is_kept = read(b"HTTP/1.1 %d Nothing\r\nContent-Length: 9\r\n\r\n" % status)
    assert reply is not None
    assert (reply.status, reply.body, is_kept) == (status, b"", True)


@pytest.mark.parametrize(
    "garbled",
    [
        b"ICY 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 020 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n" + PLAIN,
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx1\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"a" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"A: a\r\n" * 10_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 10_000,
    ],
)
def test_what_http_does_not_know_is_no_answer_and_ends_the_line(garbled: bytes) -> None:
    assert read(garbled) == (None, False)


def test_a_body_that_stops_making_sense_is_no_answer_and_ends_the_line() -> None:
    pieces = CHUNKED.partition(b"000f")
    assert read(pieces[0], b"not a number") == (None, False)


@pytest.mark.parametrize("whole", [PLAIN, CHUNKED, INTERIM])
def test_an_answer_that_was_cut_off_is_none(whole: bytes) -> None:
    for length in range(len(whole)):
        assert read_to_the_end(whole[:length]) == (None, False)


@pytest.mark.parametrize(
    ("head", "pieces"),
    [
        (b"Content-Length: 1001\r\n", [b"a" * 999, b"aa"]),
        (b"Transfer-Encoding: chunked\r\n", [b"3e8\r\n" + b"a" * 1000, b"\r\n1\r\na"]),
        (b"Transfer-Encoding: chunked\r\n", [b"1\r\na\r\n" * 100]),  # much ado about a hundred bytes
        (b"", [b"a" * 1001]),
    ],
)
def test_a_body_too_long_is_not_read_to_its_end(head: bytes, pieces: list[bytes]) -> None:
    reply, is_kept = read(b"HTTP/1.1 400 Long\r\n" + head + b"\r\n", *pieces)
    assert reply is not None
    assert (reply.status, reply.body, is_kept) == (400, None, False)


def packed_answer(body: bytes, coding: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n%s" % (coding, len(body), body)


@pytest.mark.parametrize(
    ("packed", "body"),
    [
        (packed_answer(gzip.compress(BODY, mtime=0), b"gzip"), BODY),
        (packed_answer(zlib.compress(BODY), b"Deflate"), BODY),
        (packed_answer(BODY, b"identity"), BODY),
        (packed_answer(gzip.compress(b" " * MOST, mtime=0), b"gzip"), b" " * MOST),
        (packed_answer(gzip.compress(b" " * (MOST + 1), mtime=0), b"gzip"), None),
        (packed_answer(BODY, b"gzip"), None),
    ],
)
def test_a_packed_body_is_opened_as_far_as_it_may_be_long(packed: bytes, body: bytes | None) -> None:
    reply, is_kept = read(packed)
    assert reply is not None
    assert (reply.body, is_kept) == (body, body is not None)


def test_what_would_unfold_to_a_thousand_times_its_size_is_not_unpacked() -> None:
    bomb = packed_answer(gzip.compress(b" " * 5_000_000), b"gzip")
    tracemalloc.start()
    try:
        assert read(bomb)[0] is not None
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
