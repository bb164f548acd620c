"""The webhook door from outside: forged, chunked, replayed and misdirected calls, and what the logs say of them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from tests.connectors.messenger.test_signature import FORGED
from tests.connectors.messenger.test_troubles import SECOND, add_second_page, the_connection
from tests.inbox.house import House
from tests.inbox.test_sending import sign_in

from omnibox.testing.world.demo import PAGE, PSID

WORDS = "Words that no log may hold: 4111 1111 1111 1111, né 38"


def body_of(mid: str, entry: str = PAGE, recipient: str = PAGE, **more: Any) -> bytes:
    element = {"sender": {"id": PSID}, "recipient": {"id": recipient}, "timestamp": int(time.time() * 1000)}
    element |= {"message": {"mid": mid, "text": WORDS}} | more
    return json.dumps({"object": "page", "entry": [{"id": entry, "time": 1, "messaging": [element]}]}).encode()


def signature(house: House, body: bytes) -> str:
    return hmac.new(house.world.graph.app_secret.encode(), body, hashlib.sha256).hexdigest()


async def post(house: House, body: bytes | AsyncIterator[bytes], headers: dict[str, str]) -> int:
    path = "/hooks/" + str((await the_connection(house))["hook_url"]).rpartition("/hooks/")[2]
    async with house.admin.http.post(path, data=body, headers=headers) as response:
        await response.read()
        return response.status


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 7):
        yield body[at : at + 7]


async def stored(house: House) -> list[str]:
    return [each["text"] for row in await house.rows() for each in await house.messages(row["id"])]


async def test_no_forged_call_is_stored_or_spoken_of(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = body_of("m_forged")
    genuine = signature(house, body)
    kinds = [each for each in FORGED.values() if all(value.isascii() and "\n" not in value for value in each.values())]
    assert len(kinds) >= 18
    for headers in [*kinds, {"X-Hub-Signature-256": "sha256=" + genuine[:-1] + ("0" if genuine[-1] != "0" else "1")}]:
        assert await post(house, body, headers) == 403
    changed = body.replace(b"38", b"39")
    assert await post(house, changed, {"X-Hub-Signature-256": f"sha256={genuine}"}) == 403
    assert await post(house, pieces(changed), {"X-Hub-Signature-256": f"sha256={genuine}"}) == 403
    assert await stored(house) == []
    assert await house.admin.ask("GET", "/api/quarantine") == []
    told = caplog.text + "".join(str(record.__dict__) for record in caplog.records)
    for secret in (genuine, house.world.graph.app_secret, "no log may hold", "4111 1111"):
        assert secret not in told


async def test_a_genuine_call_in_pieces_is_taken(house: House) -> None:
    body = body_of("m_chunked")
    assert await post(house, pieces(body), {"X-Hub-Signature-256": "sha256=" + signature(house, body)}) == 200
    assert len(await stored(house)) == 1


async def test_a_replayed_call_is_one_message_also_a_week_later(house: House) -> None:
    body = body_of("m_replayed")
    headers = {"X-Hub-Signature-256": "sha256=" + signature(house, body)}
    assert set(await asyncio.gather(*(post(house, body, headers) for _ in range(100)))) == {200}
    (row,) = await house.rows()
    house.shift = timedelta(days=7)
    await sign_in(house)
    assert await post(house, body, headers) == 200
    (again,) = await house.rows()
    assert len(await stored(house)) == 1
    assert (again["unread"], again["rev"]) == (row["unread"], row["rev"])


@pytest.mark.parametrize(("entry", "recipient"), [(PAGE, SECOND), (SECOND, PAGE), ("1", "1"), (PAGE, "1")])
async def test_a_misdirected_event_reaches_nobodys_inbox(house: House, entry: str, recipient: str) -> None:
    await add_second_page(house)
    await house.row("Grace Hopper")
    body = body_of("m_astray", entry, recipient)
    assert await post(house, body, {"X-Hub-Signature-256": "sha256=" + signature(house, body)}) == 200
    assert await stored(house) == ["Hello"]
    (aside,) = await house.admin.ask("GET", "/api/quarantine")
    assert aside["reason"] in ("two_pages", "unknown_channel")
    assert "4111 1111" not in str(aside)


async def test_comments_of_the_page_are_told_of_once(house: House) -> None:
    """A page that is subscribed to its feed tells of every comment and like; none of them is a message."""
    for number in range(5):
        value = {"item": "comment", "comment_id": str(number), "message": WORDS, "from": {"id": "7", "name": "Bo"}}
        entry = {"id": PAGE, "time": number, "changes": [{"field": "feed", "value": value}]}
        body = json.dumps({"object": "page", "entry": [entry]}).encode()
        assert await post(house, body, {"X-Hub-Signature-256": "sha256=" + signature(house, body)}) == 200
    assert await house.rows() == []
    (aside,) = await house.admin.ask("GET", "/api/quarantine")
    assert (aside["reason"], aside["excerpt"]) == ("not_a_message", "changes of the field feed")
