"""Who may speak to the hook of an app, and for which page; through the door, with nothing told to the log."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from tests.web.house import Answer
from tests.web.messenger.conftest import CAFE, CUSTOMERS, OTHER, SHOP, Stage

from omnibox.testing.world.graph_hooks import signature

TEXT = "canary: is it ☕?"
TIME_MS = 1_772_366_400_000  # the house's time


def body(page: str, mid: str = "m_1", sender: str = "7001", text: str = TEXT, at_ms: int = TIME_MS) -> bytes:
    message = {
        "sender": {"id": sender},
        "recipient": {"id": page},
        "timestamp": at_ms,
        "message": {"mid": mid, "text": text},
    }
    return json.dumps({"object": "page", "entry": [{"id": page, "time": at_ms, "messaging": [message]}]}).encode()


async def post(stage: Stage, content: bytes | AsyncIterator[bytes], headers: Mapping[str, str]) -> Answer:
    meta = await stage.house.browser()
    path = (await stage.shown())["hook_url"].removeprefix(stage.base)
    return await meta.post(path, data=content, headers={"Content-Type": "application/json", **headers})


async def signed(stage: Stage, content: bytes) -> Answer:
    return await post(stage, content, {"X-Hub-Signature-256": signature(stage.graph.app_secret, content)})


async def rows(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stage.admin.get("/api/conversations")).json["conversations"]
    channels = {each["id"] for each in (await stage.shown())["channels"]}
    return [row for row in found if row["channel"] in channels]


def forgeries(secret: str, content: bytes) -> dict[str, dict[str, str]]:
    genuine = signature(secret, content)
    digest = hmac.new(secret.encode(), content, hashlib.sha256)
    sha1 = "sha1=" + hmac.new(secret.encode(), content, hashlib.sha1).hexdigest()
    again = json.dumps(json.loads(content), ensure_ascii=False).encode()
    return {
        "none": {},
        "empty": {"X-Hub-Signature-256": ""},
        "the old kind alone": {"X-Hub-Signature": sha1},
        "the old kind in its place": {"X-Hub-Signature-256": sha1},
        "the old kind beside a wrong one": {"X-Hub-Signature": sha1, "X-Hub-Signature-256": "sha256=" + "0" * 64},
        "upper case": {"X-Hub-Signature-256": genuine.upper()},
        "upper case digits": {"X-Hub-Signature-256": "sha256=" + genuine[7:].upper()},
        "without its name": {"X-Hub-Signature-256": genuine[7:]},
        "cut": {"X-Hub-Signature-256": genuine[:-1]},
        "longer": {"X-Hub-Signature-256": genuine + "0"},
        "flipped": {"X-Hub-Signature-256": genuine[:-1] + ("0" if genuine[-1] != "0" else "1")},
        "two": {"X-Hub-Signature-256": f"{genuine},{genuine}"},
        "base64": {"X-Hub-Signature-256": "sha256=" + base64.b64encode(digest.digest()).decode()},
        "another algorithm's name": {"X-Hub-Signature-256": "sha512=" + genuine[7:]},
        "another app's secret": {"X-Hub-Signature-256": signature("f" * 32, content)},
        "no secret": {"X-Hub-Signature-256": signature("", content)},
        "of the body encoded again": {"X-Hub-Signature-256": signature(secret, again)},
        "of another body": {"X-Hub-Signature-256": signature(secret, content + b" ")},
        "of nothing": {"X-Hub-Signature-256": signature(secret, b"")},
        "no text": {"X-Hub-Signature-256": "sha256=é" + genuine[8:]},
    }


async def test_a_forged_call_changes_nothing_and_leaves_no_word(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await stage.live(SHOP)
    content = body(SHOP)
    found = forgeries(stage.graph.app_secret, content)
    assert len(found) == 20
    for name, headers in found.items():
        refused = await post(stage, content, headers)
        assert refused.status == 403, name
        for secret in (stage.graph.app_secret, signature(stage.graph.app_secret, content)[7:], "canary"):
            assert secret.encode() not in refused.body, name
    assert await rows(stage) == []
    for secret in (stage.graph.app_secret, signature(stage.graph.app_secret, content)[7:], "canary"):
        assert secret not in caplog.text
    assert (await stage.admin.get("/api/quarantine")).json == []
    assert (await signed(stage, content)).status == 200
    assert len(await rows(stage)) == 1


async def test_a_genuine_call_in_chunks_passes_and_a_compressed_one_does_not(stage: Stage) -> None:
    await stage.live(SHOP)
    content = body(SHOP)

    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(content), 7):
            yield content[at : at + 7]

    right = {"X-Hub-Signature-256": signature(stage.graph.app_secret, content)}
    packed = gzip.compress(content)
    sealed = {"X-Hub-Signature-256": signature(stage.graph.app_secret, packed), "Content-Encoding": "gzip"}
    assert (await post(stage, packed, sealed)).status == 415
    assert await rows(stage) == []
    assert (await post(stage, chunks(), right)).status == 200
    assert await stage.texts(SHOP) == [TEXT]


async def test_a_call_played_again_is_one_message_now_and_a_week_later(stage: Stage) -> None:
    await stage.live(SHOP)
    content = body(SHOP)
    for _ in range(4):
        answers = await asyncio.gather(*(signed(stage, content) for _ in range(25)))
        assert {each.status for each in answers} == {200}
    stage.house.clock.advance(days=7)
    assert (await signed(stage, content)).status == 200
    assert await stage.texts(SHOP) == [TEXT]
    (row,) = await rows(stage)
    assert row["unread"] == 1


async def test_an_old_event_is_taken_once_at_its_own_time(stage: Stage) -> None:
    await stage.live(SHOP)
    old = body(SHOP, "m_old", at_ms=TIME_MS - 3 * 86_400_000)
    for _ in range(2):
        assert (await signed(stage, old)).status == 200
    assert await stage.texts(SHOP) == [TEXT]


async def test_a_page_that_is_not_ours_is_nobodys_inbox(stage: Stage) -> None:
    await stage.live(SHOP, CAFE)
    assert (await signed(stage, body("999"))).status == 200
    assert (await signed(stage, body(OTHER, "m_2"))).status == 200  # an app may have more pages than are connected
    assert await rows(stage) == []
    assert (await signed(stage, body(CAFE, "m_3", sender=CUSTOMERS[CAFE]))).status == 200
    assert (await signed(stage, body(SHOP, "m_4", sender=CUSTOMERS[CAFE]))).status == 200  # the ids swapped
    found = {row["channel"]: row for row in await rows(stage)}
    assert set(found) == {(await stage.channel(page))["id"] for page in (SHOP, CAFE)}
    assert len({row["contact"]["id"] for row in found.values()}) == 2  # the same number is another person there


async def test_an_element_that_names_another_page_than_its_entry_reaches_one_inbox_at_most(stage: Stage) -> None:
    await stage.live(SHOP, CAFE)
    mixed = json.loads(body(SHOP))
    mixed["entry"][0]["id"] = CAFE
    assert (await signed(stage, json.dumps(mixed).encode())).status == 200
    cafe = (await stage.channel(CAFE))["id"]
    found = await rows(stage)
    assert len(found) <= 1
    assert cafe not in [row["channel"] for row in found]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1",
        "?hub.mode=unsubscribe&hub.verify_token=$&hub.challenge=1",
        "?hub.mode=subscribe&hub.verify_token=$&hub.challenge=<script>1</script>",
        "?hub.mode=subscribe&hub.verify_token=$&hub.challenge=",
        "?hub.mode=subscribe&hub.verify_token=$%00&hub.challenge=1",
        "?hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
    ],
)
async def test_a_handshake_answers_digits_to_who_knows_the_token(stage: Stage, query: str) -> None:
    await stage.live(SHOP)
    shown = await stage.shown()
    path, token = shown["hook_url"].removeprefix(stage.base), shown["settings"]["verify_token"]
    meta = await stage.house.browser()
    refused = await meta.get(path + query.replace("$", token))
    assert refused.status == 403
    assert b"script" not in refused.body
    answer = await meta.get(f"{path}?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444")
    assert (answer.status, answer.body) == (200, b"1158201444")
    assert answer.headers["Content-Type"].startswith("text/plain")
