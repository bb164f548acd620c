"""What a server says is understood the same in whatever pieces it arrives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from omnibox_email.faults import Timings
from omnibox_email.mailbox.imap_wire import Wire
from omnibox_email.mailbox.imap_words import fetched_in

SAID = (
    b"* OK ready\r\n* 3 EXISTS\r\n* 1 FETCH (UID 7 RFC822.SIZE 9)\r\n* 1 FETCH (UID 7 BODY[] {11}\r\n* 4 EXISTS\r)\r\n"
    b"* 2 FETCH (UID 8 BODY[] {0}\r\n)\r\n* OK no literal {5}\r\n* 2 EXPUNGE\r\n"
    b'* 3 FETCH (UID 9 X {1}\r\n} BODY[] "a\\"b")\r\n'
)


class Asked:
    """A command that waits for its answer."""

    def __init__(self) -> None:
        self._resp_lines: list[bytes | bytearray] = []

    def _reset_timer(self) -> None:
        pass


async def understood(size: int) -> Any:
    wire, asked = Wire(asyncio.get_running_loop(), Timings()), Asked()
    wire.pending_sync_command = asked
    for at in range(0, len(SAID), size):
        wire.data_received(SAID[at : at + size])
    assert not wire.is_lost
    return asked._resp_lines, list(fetched_in(asked._resp_lines)), wire._exists


@pytest.mark.parametrize("size", [1, 2, 3, 7, 40])
async def test_an_answer_in_pieces_is_the_answer(size: int) -> None:
    lines, fetched, exists = await understood(len(SAID))
    assert exists == 2
    assert {each.uid: each.body for each in fetched if each.body is not None} == {7: b"* 4 EXISTS\r", 8: b"", 9: b"}"}
    assert await understood(size) == (lines, fetched, exists)
