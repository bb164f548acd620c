"""What comes through the webhook door: verified, stored once, never half; bad input costs nobody else anything."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import sqlite3
import time
from typing import Any

import pytest
from tests.inbox.house import House

from omnibox.testing.world.demo import PAGE, PSID

CARD = "4111 1111 1111 1111"


@pytest.fixture
async def hook(house: House) -> str:
    """The path of the Messenger connection's hook."""
    connections = await house.admin.ask("GET", "/api/connections")
    url = next(each["hook_url"] for each in connections if each["connector"] == "messenger")
    return "/" + url.split("/", 3)[3]


def said(text: str, mid: str, at: float | None = None, page: str = PAGE) -> dict[str, Any]:
    stamp = int((at or time.time()) * 1000)
    return {
        "sender": {"id": PSID},
        "recipient": {"id": page},
        "timestamp": stamp,
        "message": {"mid": mid, "text": text},
    }


def body_of(*elements: Any, page: str = PAGE) -> bytes:
    entry = {"id": page, "time": int(time.time() * 1000), "messaging": list(elements)}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


async def post(house: House, path: str, body: bytes, **headers: str) -> int:
    digest = hmac.new(house.world.graph.app_secret.encode(), body, hashlib.sha256).hexdigest()
    signed = {"X-Hub-Signature-256": f"sha256={digest}", "Content-Type": "application/json"} | headers
    async with house.admin.http.post(path, data=body, headers=signed) as response:
        return response.status


async def all_texts(house: House) -> list[str]:
    found: list[str] = []
    for row in await house.rows():
        found += [each["text"] for each in await house.messages(row["id"])]
    return found


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(house: House, hook: str) -> None:
    body = body_of(said("Hello", "m1"))
    for wrong in ("", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=" + "é" * 64):
        assert await post(house, hook, body, **{"X-Hub-Signature-256": wrong}) == 403
    assert await house.rows() == []
    assert await house.admin.ask("GET", "/api/quarantine") == []


async def test_the_same_event_again_is_one_message(house: House, hook: str) -> None:
    body = body_of(said("Hello", "m1"))
    for _ in range(5):
        assert await post(house, hook, body) == 200
    assert await all_texts(house) == ["Hello"]
    assert (await house.rows())[0]["unread"] == 1


async def test_the_same_event_many_times_at_once_is_one_message(house: House, hook: str) -> None:
    body = body_of(said("Hello", "m1"))
    assert set(await asyncio.gather(*(post(house, hook, body) for _ in range(20)))) == {200}
    assert await all_texts(house) == ["Hello"]


async def test_a_bad_element_costs_its_neighbours_nothing(house: House, hook: str) -> None:
    body = body_of(said("one", "m1"), {"sender": {}, "message": []}, "odd", None, said("two", "m2"))
    assert await post(house, hook, body) == 200
    assert await all_texts(house) == ["one", "two"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b'"x"', b"\xff\xfe\x00", b'{"object":"page","entry":7}'])
async def test_an_unreadable_body_is_kept_aside_and_answered(house: House, hook: str, body: bytes) -> None:
    assert await post(house, hook, body) == 200
    assert await house.rows() == []


async def test_what_is_kept_aside_is_masked(house: House, hook: str) -> None:
    assert await post(house, hook, b'{"oops": "my card is ' + CARD.encode() + b'"') == 200
    kept = await house.admin.ask("GET", "/api/quarantine")
    assert len(kept) == 1
    assert "4111" not in json.dumps(kept)
    assert "1111" in kept[0]["excerpt"]


async def test_an_unknown_page_reaches_nobodys_inbox(house: House, hook: str) -> None:
    assert await post(house, hook, body_of(said("Hello", "m1", page="999"), page="999")) == 200
    assert await house.rows() == []


async def test_bodies_beyond_the_cap_are_refused_before_they_are_read(house: House, hook: str) -> None:
    async with house.admin.http.post(hook, data=io.BytesIO(b"x" * (4 * 1024 * 1024 + 1))) as response:
        assert response.status == 413

    async def stream() -> Any:
        for _ in range(80):
            yield b"x" * 65536

    async with house.admin.http.post(hook, data=stream()) as response:
        assert response.status == 413


async def test_compressed_bodies_are_refused(house: House, hook: str) -> None:
    assert await post(house, hook, body_of(said("Hello", "m1")), **{"Content-Encoding": "gzip"}) == 415


async def test_a_hook_answers_like_every_door_and_as_its_caller_speaks_http(house: House, hook: str) -> None:
    body = body_of(said("Hello", "m1"))
    digest = hmac.new(house.world.graph.app_secret.encode(), body, hashlib.sha256).hexdigest()

    def request(version: str, more: str = "") -> bytes:
        signed = f"X-Hub-Signature-256: sha256={digest}\r\nContent-Length: {len(body)}\r\n{more}"
        return f"POST {hook} HTTP/{version}\r\nHost: omnibox\r\n{signed}\r\n".encode() + body

    async def answers(*requests: bytes) -> list[str]:
        """What comes back on one line until the other side closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", int(house.base.rpartition(":")[2]))
        writer.write(b"".join(requests))
        said = (await asyncio.wait_for(reader.read(), 30)).decode()
        writer.close()
        return said.split("ok")[:-1]

    kept, closed = await answers(request("1.1"), request("1.1", "Connection: close\r\n"))
    (old,) = await answers(request("1.0"))
    assert [each.partition("\r\n")[0] for each in (kept, closed, old)] == [
        "HTTP/1.1 200 OK",
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 OK",
    ]
    names = [{line.partition(":")[0] for line in each.split("\r\n")[1:]} for each in (kept, closed)]
    assert names[0] | {"Server", "Connection"} == names[1]
    assert "Date" in names[0]


async def test_an_unknown_hook_is_not_found(house: House) -> None:
    assert await post(house, "/hooks/nobody", b"{}") == 404


async def test_a_locked_database_acknowledges_nothing(house: House, hook: str) -> None:
    """503 with Retry-After; the platform sends again, and then it is there once."""
    path = house.config.database_path
    assert path is not None
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    body = body_of(said("Hello", "m1"))
    assert await post(house, hook, body) == 503
    holder.execute("ROLLBACK")
    holder.close()
    assert await post(house, hook, body) == 200
    assert await all_texts(house) == ["Hello"]


async def test_a_card_number_is_masked_before_it_is_stored(house: House, hook: str) -> None:
    assert await post(house, hook, body_of(said(f"my card is {CARD}, thanks", "m1"))) == 200
    assert await all_texts(house) == ["my card is •••• •••• •••• 1111, thanks"]
    files = [each for each in house.config.home.rglob("*") if each.is_file()]
    assert files
    for each in files:
        stored = each.read_bytes()
        assert CARD.encode() not in stored, each
        assert CARD.replace(" ", "").encode() not in stored, each


async def test_late_and_early_halves_merge(house: House, hook: str) -> None:
    """An edit, an unsend and a reaction that overtake their messages wait for them."""
    edit = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": int(time.time() * 1000)}
    early = [
        edit | {"message_edit": {"mid": "m1", "text": "edited", "num_edit": 1}},
        edit | {"message": {"mid": "m2", "is_deleted": True}},
        edit | {"reaction": {"mid": "m3", "action": "react", "emoji": "👍", "reaction": "like"}},
    ]
    assert await post(house, hook, body_of(*early)) == 200
    assert await post(house, hook, body_of(said("first", "m1"), said("second", "m2"), said("third", "m3"))) == 200
    messages = await house.messages((await house.rows())[0]["id"])
    assert [each["text"] for each in messages] == ["edited", "", "third"]
    assert messages[0]["edited_at"] is not None
    assert messages[1]["is_deleted"] is True
    assert messages[2]["reactions"] == ["👍"]


async def test_what_an_edited_message_said_before_is_kept_until_it_is_unsent(house: House) -> None:
    graph = house.world.graph
    mid = await graph.write(PSID, "At five")
    for number, text in ((1, "At six"), (3, "At eight"), (2, "At seven")):  # the third overtakes the second
        await graph.edit(PSID, mid, text, number)
    await graph.settled()
    (said,) = await house.messages((await house.row("Ada Moreno"))["id"])

    async def before() -> list[str]:
        answer = await house.admin.ask("GET", f"/api/messages/{said['id']}/editions")
        return [each["text"] for each in answer["editions"]]

    assert (said["text"], await before()) == ("At eight", ["At five", "At six"])
    await graph.unsend(PSID, mid)
    await graph.settled()
    assert await before() == []


async def test_the_handshake_answers_only_its_own_token(house: House, hook: str) -> None:
    connections = await house.admin.ask("GET", "/api/connections")
    token = next(each["settings"]["verify_token"] for each in connections if each["connector"] == "messenger")
    right = {"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": "1158201444"}
    async with house.admin.http.get(hook, params=right) as response:
        assert (response.status, await response.text()) == (200, "1158201444")
    for wrong in (right | {"hub.verify_token": "x"}, right | {"hub.challenge": "<script>"}, {}):
        async with house.admin.http.get(hook, params=wrong) as response:
            assert response.status == 403
