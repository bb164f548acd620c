"""The sockets as clients meet them: the upgrade, frames cut and joined, who is sent away, who is cut off."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.house import House
from tests.web.lines import KEY, Line, greet, line, screen, snapshot_of, until

from omnibox.team import sessions
from omnibox.web.sockets import MOST_BYTES
from omnibox.web.websocket import BINARY, BROKEN, CLOSE, PING, TEXT, TOO_BIG, Broken, FrameReader, text_frame

SITE = "http://shop.example"


# ── The upgrade


@pytest.mark.parametrize(
    "changed",
    [
        {"Upgrade": "h2c"},
        {"Connection": "keep-alive"},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Key": ""},
    ],
)
async def test_what_is_no_upgrade_is_refused_and_the_connection_goes_on(house: House, changed: dict[str, str]) -> None:
    right = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
    browser = await house.browser("agent")
    assert (await browser.get("/ws", headers=right | changed)).status == 400
    assert (await browser.get("/api/me")).status == 200


async def test_a_taken_over_connection_is_forgotten_by_the_server(house: House) -> None:
    assert house.server.runner is not None
    server = house.server.runner.server
    assert server is not None
    await until(lambda: not server.connections)
    async with screen(house) as end:
        await greet(house, end)
        await until(lambda: len(house.hub.sockets) == 1)
        ours = [each for each in server.connections if each.transport is None]
        assert ours == []
    await until(lambda: len(house.hub.sockets) == 0)
    assert house.hub.feed.agents == set()


# ── Frames


async def test_frames_are_heard_however_they_are_cut(house: House) -> None:
    async with screen(house) as end:
        snapshot = await snapshot_of(house)
        hello = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"], "cursor": snapshot["seq"]}
        text = json.dumps(hello).encode()
        end.send(TEXT, text[:10], is_last=False)
        end.send(PING, b"between")
        end.send(0, text[10:20], is_last=False)
        end.send(0, text[20:])
        assert await end.hear() == (0xA, b"between")
        assert (await end.hear_frame("welcome"))["v"] == 1


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x02{}", BROKEN),  # not masked
        (b"\xc1\x80mask", BROKEN),  # an extension that was not agreed on
        (b"\x80\x80mask", BROKEN),  # goes on with nothing
        (b"\x09\x80mask", BROKEN),  # a ping in pieces
        (b"\x89\xfe\x00\x7emask", BROKEN),  # a long ping
        (b"\x83\x80mask", BROKEN),  # a kind that does not exist
        (b"\x82\x80mask", 1003),  # binary
        (b"\x81\xff\x00\x00\x00\x00\x7f\xff\xff\xffmask", TOO_BIG),
        (b"\x81\x80mask", 4400),  # empty, so no JSON
    ],
)
async def test_what_is_no_frame_ends_the_socket(house: House, frame: bytes, code: int) -> None:
    async with screen(house) as end:
        end.raw(frame)
        assert await end.hear_end() == code


@pytest.mark.parametrize("text", [b"[1]", b'{"t":1}', b"\xff", b'{"t":"op"}'])
async def test_what_is_no_greeting_ends_the_socket(house: House, text: bytes) -> None:
    async with screen(house) as end:
        end.send(TEXT, text)
        assert await end.hear_end() == 4400


async def test_a_close_is_answered(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        end.send(CLOSE, (1000).to_bytes(2))
        assert await end.hear_end() == 1000
        await until(lambda: len(house.hub.sockets) == 0)


async def test_a_client_library_understands_it(house: House) -> None:
    snapshot = await snapshot_of(house)
    browser = await house.browser("agent")
    async with browser.client.ws_connect("/ws") as ws:
        hello = {"t": "hello", "v": 1, "token": snapshot["pass"], "epoch": snapshot["epoch"], "cursor": snapshot["seq"]}
        await ws.send_json(hello)
        assert (await ws.receive_json())["t"] == "welcome"
        await ws.close()
        assert ws.close_code == 1000


class Cut:
    """Bytes as a network may cut them."""

    def __init__(self, data: bytes, at: list[int]) -> None:
        places = sorted({0, len(data), *(place % (len(data) + 1) for place in at)})
        self.pieces = [data[a:b] for a, b in itertools.pairwise(places)]


def client_frame(kind: int, payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    head = (
        bytes((0x80 | size,))
        if size < 126
        else b"\xfe" + size.to_bytes(2)
        if size < 65536
        else b"\xff" + size.to_bytes(8)
    )
    key = (mask * (size // 4 + 1))[:size]
    return bytes((0x80 | kind,)) + head + mask + bytes(a ^ b for a, b in zip(payload, key, strict=True))


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, BINARY]), st.binary(max_size=300)), max_size=6),
    st.binary(min_size=4, max_size=4),
    st.lists(st.integers(min_value=0, max_value=2000), max_size=8),
)
def test_every_cut_gives_the_same_messages(sent: list[tuple[int, bytes]], mask: bytes, at: list[int]) -> None:
    reader = FrameReader(1000)
    data = b"".join(client_frame(kind, payload, mask) for kind, payload in sent)
    got = [(each.kind, each.payload) for piece in Cut(data, at).pieces for each in reader.feed(piece)]
    assert got == sent


@given(st.binary(max_size=200), st.lists(st.integers(min_value=0, max_value=200), max_size=4))
def test_nonsense_is_refused_and_nothing_else_happens(data: bytes, at: list[int]) -> None:
    reader, payloads = FrameReader(100), []
    with suppress(Broken):
        for piece in Cut(data, at).pieces:
            payloads += [each.payload for each in reader.feed(piece)]
    assert all(len(payload) <= 125 for payload in payloads)


def test_sizes_stand_in_the_header() -> None:
    for size in (0, 125, 126, 65_535, 65_536):
        frame = text_frame(b"x" * size)
        assert len(frame) - size == (2 if size < 126 else 4 if size < 65_536 else 10)


# ── Who is sent away


async def test_who_says_no_hello_is_sent_away(house: House) -> None:
    at = 0.0
    house.hub.sockets.now = lambda: at
    async with screen(house) as end:
        await until(lambda: len(house.hub.sockets) == 1)
        (socket,) = house.hub.sockets
        at = 4.0
        socket.expect_hello()
        assert len(house.hub.sockets.silent) == 1
        at = 6.0
        socket.expect_hello()
        assert await end.hear_end() == 4408


async def test_who_falls_silent_is_asked_and_then_sent_away(house: House) -> None:
    at = 0.0
    house.hub.sockets.now = lambda: at
    async with screen(house) as end:
        await greet(house, end)
        (socket,) = house.hub.sockets
        at = 59.0
        socket.look_after(text_frame(b'{"t":"ping","n":7}'))
        assert (await end.hear_frame("ping"))["n"] == 7
        end.say(t="pong", n=7)
        await until(lambda: socket._heard_at == 59.0)
        at = 118.0
        socket.look_after(None)
        end.send(PING, b"here")
        while (heard := await end.hear())[0] == TEXT:
            pass  # that the screen's own agent is here
        assert heard == (0xA, b"here")
        at = 200.0
        socket.look_after(None)
        assert await end.hear_end() == 1000


async def test_a_screen_that_takes_long_to_catch_up_is_asked_for_a_sign_of_life(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        (socket,) = house.hub.sockets
        socket.hold()
        socket.look_after(text_frame(b'{"t":"ping","n":7}'))
        assert (await end.hear_frame("ping"))["n"] == 7


async def test_a_session_that_ends_cuts_its_sockets(house: House) -> None:
    async with screen(house) as end, line(house, "/ws", f"Cookie: omnibox_session={house.tokens['agent2']}") as other:
        await greet(house, end)
        await house.store.write(lambda tx: sessions.end(tx, sessions.hash_of(house.tokens["agent"])))
        assert await end.hear_end() == 1006
        other.send(PING, b"still here")
        assert await other.hear() == (0xA, b"still here")


async def test_a_stop_sends_everybody_away_for_a_moment(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        stopping = asyncio.create_task(house.hub.sockets.stop())
        assert await end.hear_end() == 1012
        end.send(CLOSE, (1012).to_bytes(2))
        await stopping
        assert len(house.hub.sockets) == 0


# ── Who does not read


async def test_a_peer_that_takes_nothing_is_cut_and_costs_the_others_nothing(house: House) -> None:
    async with screen(house, receive_bytes=4096) as stalled, screen(house) as other:
        await greet(house, stalled)
        await greet(house, other)
        await until(lambda: len(house.hub.feed.agents) == 2)
        heard = asyncio.create_task(_count(other))
        frames = 0
        while len(house.hub.feed.agents) == 2:
            house.hub.feed.hint(kind="filler", text="x" * 20_000)
            frames += 1
            await asyncio.sleep(0)  # the transports write
            assert frames * 20_000 < 64 * MOST_BYTES
        assert house.hub.sockets.aborted == 1
        assert len(house.hub.sockets) == 1
        house.hub.feed.hint(kind="last")
        assert await heard == frames + 1


async def _count(end: Line) -> int:
    count = 0
    while True:
        hint = await end.hear_frame("hint")
        count += hint["kind"] != "presence"
        if hint["kind"] == "last":
            return count


async def test_a_peer_whose_oldest_frame_stays_is_cut_at_the_second_look(house: House) -> None:
    async with screen(house, receive_bytes=4096) as stalled:
        await greet(house, stalled)
        (socket,) = house.hub.sockets
        while not socket.waiting_bytes:
            house.hub.feed.hint(kind="filler", text="x" * 20_000)
            await asyncio.sleep(0)
        socket.look_after(None)
        assert house.hub.sockets.aborted == 0
        socket.look_after(None)
        assert house.hub.sockets.aborted == 1
        await until(lambda: len(house.hub.sockets) == 0)


async def test_a_screen_that_catches_up_is_not_cut_because_everybody_comes(house: House) -> None:
    agent = await house.browser("agent")
    seen = await snapshot_of(house)
    note = {"client_id": "a note that was missed", "text": "missed"}
    assert (await agent.post(f"/api/conversations/{house.ids['own agent']}/notes", note)).status == 201
    async with screen(house) as end:
        end.say(t="hello", v=1, token=seen["pass"], epoch=seen["epoch"], cursor=seen["seq"])
        await until(lambda: house.hub.feed.agents)
        everybody = set(range(1_000, 1_600))
        for who in everybody:
            house.hub.screens.opened(who)
        missed = await end.hear_frame("events")
        assert [each["message"]["text"] for each in missed["events"] if "message" in each] == ["missed"]
        while everybody:
            everybody.discard((await end.hear_frame("hint"))["agent"])


async def test_who_types_is_shown_before_what_they_wrote(house: House) -> None:
    agent = await house.browser("agent2")
    async with screen(house) as end:
        await greet(house, end)
        house.hub.hints.contact_types(house.ids["own agent"])
        note = {"client_id": "a note after typing", "text": "written"}
        assert (await agent.post(f"/api/conversations/{house.ids['own agent']}/notes", note)).status == 201
        heard: list[str] = []
        while "events" not in heard:
            frame = json.loads((await end.hear())[1])
            heard.append(frame.get("kind", frame["t"]))
        assert heard[-2:] == ["typing", "events"]


async def test_a_client_that_sends_too_fast_is_heard_in_order(house: House) -> None:
    async with screen(house) as end:
        await greet(house, end)
        conversation = house.ids["own agent"]
        for number in range(80):
            end.say(t="op", kind="note", client_id=f"fast-{number:04d}", conversation=conversation, text=f"{number}")
        answers = [await end.hear_frame("ack") for _ in range(80)]
        assert [each["client_id"] for each in answers] == [f"fast-{number:04d}" for number in range(80)]


@pytest.mark.parametrize("kind", ["note", "reply"])
async def test_an_ack_names_the_message_also_when_it_is_told_again(house: House, kind: str) -> None:
    agent = await house.browser("agent")
    conversation = house.ids["own agent"]
    told = {"t": "op", "kind": kind, "client_id": "told twice", "conversation": conversation, "text": "once"}
    async with screen(house) as end:
        await greet(house, end)
        end.say(**told)
        ack = await end.hear_frame("ack")
        house.clock.advance(seconds=30)
        end.say(**told)
        again = await end.hear_frame("ack")
    kept = (await agent.get(f"/api/conversations/{conversation}/messages")).json["messages"]
    (message,) = [each for each in kept if each["text"] == "once"]
    assert (ack["id"], ack["at"]) == (again["id"], again["at"]) == (message["id"], message["at"])
    assert ack["seq"] > 0


async def test_an_unknown_site_hears_why(house: House) -> None:
    async with line(house, "/w/ws?site=nowhere", f"Origin: {SITE}") as end:
        assert await end.hear_end() == 4403


async def test_the_socket_is_no_door_without_a_session(house: House) -> None:
    browser = await house.browser()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await browser.client.ws_connect("/ws")
    assert refused.value.status == 401
