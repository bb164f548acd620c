"""Long words on their way to screens: told piece by piece, and nobody who reads is cut, or misses anything."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from tests.web.house import House
from tests.web.lines import greet, screen, snapshot_of, until

from omnibox.web.sockets import MOST_BYTES, framed


async def test_a_screen_that_missed_many_long_words_takes_them_piece_by_piece(house: House) -> None:
    seen = await snapshot_of(house)
    texts = [await _note_long(house, number) for number in range(80)]
    assert sum(map(len, texts)) > 4 * MOST_BYTES  # what the kernels take besides
    async with screen(house, receive_bytes=4096) as end:
        end.say(t="hello", v=1, token=seen["pass"], epoch=seen["epoch"], cursor=seen["seq"])
        shown = Shown(seen["seq"])
        while len(shown.texts) < len(texts):
            shown.take(await end.hear_frame("events"))
        assert shown.texts == texts
        assert shown.longest < MOST_BYTES // 2
        assert shown.are_live.index(True) == len(shown.are_live) - 1
    assert house.hub.sockets.aborted == 0


async def test_long_words_that_come_at_once_are_told_piece_by_piece(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        shown = Shown(house.hub.feed.position)
        texts = await asyncio.gather(*(_note_long(house, number) for number in range(20)))
        while len(shown.texts) < len(texts):
            shown.take(await end.hear_frame("events"))
        assert sorted(shown.texts) == sorted(texts)
        assert shown.longest < MOST_BYTES // 2


async def test_one_frame_cuts_nobody_however_long_it_is(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        house.hub.feed.hint(kind="long", text="x" * 8 * MOST_BYTES)
        while len((await end.hear_frame("hint")).get("text", "")) < MOST_BYTES:
            pass  # that the screen's own agent is here
    assert house.hub.sockets.aborted == 0


@pytest.mark.parametrize("is_cut", [False, True])
async def test_a_screen_that_stutters_misses_nothing(house: House, *, is_cut: bool) -> None:
    """It reads nothing for a while: what came is still there, or it was cut and reads on from its cursor."""
    async with screen(house, receive_bytes=4096) as end:
        await greet(house, end)
        await until(lambda: house.hub.feed.agents)
        shown, texts = Shown(house.hub.feed.position), [await _note_long(house, 0)]
        while is_cut and house.hub.feed.agents:
            texts.append(await _note_long(house, len(texts)))
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while len(shown.texts) < len(texts):
                shown.take(await end.hear_frame("events"))
    assert (len(shown.texts) < len(texts)) == is_cut
    snapshot = await snapshot_of(house)
    async with screen(house) as end:
        end.say(t="hello", v=1, token=snapshot["pass"], epoch=snapshot["epoch"], cursor=shown.cursor)
        while len(shown.texts) < len(texts):
            shown.take(await end.hear_frame("events"))
    assert shown.texts == texts
    assert house.hub.sockets.aborted == is_cut


class Shown:
    """What a screen makes of the feed: every text as it came, with nothing left out."""

    def __init__(self, cursor: int) -> None:
        self.cursor = cursor
        self.texts: list[str] = []
        self.longest = 0
        self.are_live: list[bool] = []  # of each frame, whether nothing was left behind it

    def take(self, frame: dict[str, Any]) -> None:
        assert frame["after"] == self.cursor
        self.cursor = frame["upto"]
        self.are_live.append(frame["live"])
        said = [each["message"]["text"] for each in frame["events"] if each["type"] == "message.added"]
        self.texts += said
        self.longest = max(self.longest, sum(map(len, said)))


async def _note_long(house: House, number: int) -> str:
    text = f"{number} ".ljust(90_000, "x")
    note = {"client_id": f"a long note {number}", "text": text}
    agent = await house.browser("agent")
    assert (await agent.post(f"/api/conversations/{house.ids['own agent']}/notes", note)).status == 201
    return text


async def test_what_was_held_back_follows_as_the_peer_takes_it(house: House) -> None:
    async with screen(house, receive_bytes=4096) as end:
        await greet(house, end)
        (socket,) = house.hub.sockets
        socket.hold()
        for number in range(40):
            socket.push(framed({"t": "hint", "kind": "long", "number": number, "text": "x" * (MOST_BYTES // 5)}))
        releasing = asyncio.create_task(socket.release())
        heard = -1
        while heard < 39:
            hint = await end.hear_frame("hint")
            if hint["kind"] == "long":
                assert hint["number"] == heard + 1
                heard += 1
        await releasing
        socket.say(t="hint", kind="behind")
        while (await end.hear_frame("hint"))["kind"] != "behind":
            pass
    assert house.hub.sockets.aborted == 0
