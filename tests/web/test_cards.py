"""«This was no card number», and the patterns that a channel hides at every one of its doors."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import aiohttp
import pytest
import sqlalchemy as sa
from tests.web.house import HOOK_SECRET, Browser, House

from omnibox.blobs import Blobs
from omnibox.connector import File, Inbound
from omnibox.inbox.hidden import NotHidden, shape_of, spots_in
from omnibox.masking import mask
from omnibox.store.tables import attachment, message, quarantine

CARD = "4111 1111 1111 1111"
LOYALTY, SHOWN = "LC-12345678", "LC-••••5678"
PATTERN = r"LC-?\d{8}"


async def hear(house: House, text: str, key: str = "new") -> int:
    """A message by the hook; its id."""
    return await post(house, json.dumps({"id": key, "from": "ben", "to": "shop", "text": text, "time": 1772366400}))


async def post(house: House, body: str) -> int:
    owner = await house.browser("owner")
    connection = (await owner.get(f"/api/connections/{house.ids['connection']}")).json
    path = connection["hook_url"].partition("/hooks/")[2]
    signature = hmac.new(HOOK_SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
    done = await owner.post(f"/hooks/{path}", data=body.encode(), headers={"X-Signature": signature})
    assert done.status == 200
    newest = sa.select(sa.func.max(message.c.id))
    found: int = await house.store.read(lambda tx: tx.execute(newest).scalar_one())
    return found


async def text_of(house: House, message_id: int) -> str:
    wanted = sa.select(message.c.text).where(message.c.id == message_id)
    return str(await house.store.read(lambda tx: tx.execute(wanted).scalar_one()))


async def hide(house: House, *patterns: str) -> Browser:
    admin = await house.browser("admin")
    done = await admin.send("PUT", f"/api/channels/{house.ids['channel']}/patterns", {"patterns": list(patterns)})
    assert (done.status, done.json) == (200, {"patterns": list(patterns)})
    return admin


# ── Reports


async def test_a_report_holds_the_shape_and_no_more_digits_than_are_shown(house: House) -> None:
    number = await hear(house, f"Hello Zoe, tracking number {CARD} of order 77812, Baker Street")
    agent, admin = await house.browser("agent"), await house.browser("admin")
    done = await agent.post(f"/api/messages/{number}/mask-reports", {"spot": 0})
    assert done.status == 201
    shape = {name: done.json[name] for name in ("rule", "scheme", "shape", "separators", "last", "around")}
    assert shape == {
        "rule": "card",
        "scheme": "Visa, Mastercard or one alike",
        "shape": "4-4-4-4",
        "separators": "space",
        "last": "1111",
        "around": "word word tracking number [·] word order 00000 word word",
    }
    assert (await admin.get("/api/mask-reports")).json == [done.json]
    table = await admin.get("/api/mask-reports/export")
    assert table.headers["Content-Type"].startswith("text/csv")
    assert table.body.decode().splitlines()[1].endswith(f"4-4-4-4,space,1111,{shape['around']}")
    assert b"Zoe" not in table.body
    assert (await agent.get("/api/mask-reports")).status == 403


async def test_the_same_report_twice_is_one_and_other_spots_are_others(house: House) -> None:
    number = await hear(house, f"{CARD} and 5555-5555-5555-4444")
    agent = await house.browser("agent")
    first = await agent.post(f"/api/messages/{number}/mask-reports", {"spot": 0})
    again = await agent.post(f"/api/messages/{number}/mask-reports", {"spot": 0})
    second = await agent.post(f"/api/messages/{number}/mask-reports", {"spot": 1})
    assert first.json == again.json
    assert (second.json["separators"], second.json["last"]) == ("dash", "4444")
    none = await agent.post(f"/api/messages/{number}/mask-reports", {"spot": 2})
    assert (none.status, none.json["error"]["fields"][0]["path"]) == (422, "spot")
    assert (await agent.post("/api/messages/999999/mask-reports", {"spot": 0})).status == 404


@pytest.mark.parametrize(
    ("text", "rule", "shape", "last"),
    [
        ("4111111111111111", "card", "16", "1111"),
        ("3782 822463 10005", "card", "4-6-5", "0005"),
        ("cvv 123", "code", "3", ""),
        ("exp 12/2029", "date", "2-4", ""),
    ],
)
def test_the_rule_is_told_from_the_shape(text: str, rule: str, shape: str, last: str) -> None:
    found = shape_of(mask(text), 0, has_patterns=False)
    assert (found.rule, found.shape, found.last) == (rule, shape, last)


def test_bullets_of_a_list_are_no_spots() -> None:
    assert spots_in("• one\n• two\n• three") == []
    with pytest.raises(NotHidden):
        shape_of("• one", 0, has_patterns=False)


# ── Patterns


@pytest.mark.parametrize("pattern", [r"\d+", r"(\d{1,3}){1,5}", r"(\d)\1", "[", CARD, ""])
async def test_a_pattern_that_may_not_be_is_refused_at_its_place(house: House, pattern: str) -> None:
    admin = await house.browser("admin")
    path = f"/api/channels/{house.ids['channel']}/patterns"
    done = await admin.send("PUT", path, {"patterns": [PATTERN, pattern]})
    if not pattern:  # an empty line
        assert done.json == {"patterns": [PATTERN]}
        return
    assert (done.status, done.json["error"]["fields"][0]["path"]) == (422, "patterns.1")
    assert done.json["error"]["message"].endswith(".")
    assert (await admin.get(path)).json == {"patterns": []}
    assert (await admin.send("PUT", path, {"patterns": [PATTERN] * 11})).status == 422


async def test_what_arrives_is_hidden_from_the_next_message_on(house: House) -> None:
    assert await text_of(house, await hear(house, LOYALTY, "before")) == LOYALTY
    await hide(house, PATTERN)
    assert await text_of(house, await hear(house, f"{LOYALTY}, {CARD}", "after")) == f"{SHOWN}, •••• •••• •••• 1111"
    await hide(house)
    assert await text_of(house, await hear(house, LOYALTY, "later")) == LOYALTY


async def test_what_cannot_be_read_is_hidden_too(house: House) -> None:
    await hide(house, PATTERN)
    await post(house, f'{{"broken": "{LOYALTY}')
    rows = await house.store.read(lambda tx: tx.execute(sa.select(quarantine)).all())
    kept = [f"{row.excerpt} {row.body}" for row in rows]
    assert kept
    assert all(LOYALTY not in each for each in kept)
    assert any(SHOWN in each for each in kept)


async def test_replies_notes_and_their_files_are_hidden(house: House) -> None:
    await hide(house, PATTERN)
    agent = await house.browser("agent")
    path = f"/api/conversations/{house.ids['own agent']}"
    note = await agent.post(f"{path}/notes", {"client_id": "note-0001", "text": f"Has {LOYALTY}"})
    assert note.json["text"] == f"Has {SHOWN}"
    form = aiohttp.FormData()
    form.add_field("file", f"card {LOYALTY}".encode(), filename=f"{LOYALTY}.txt", content_type="text/plain")
    upload = (await agent.post("/api/uploads", data=form)).json
    said = await agent.post(f"{path}/replies", {"client_id": "reply-001", "text": f"Yours: {LOYALTY}"})
    assert said.json["text"] == f"Yours: {SHOWN}"
    # Whether the channel takes files or not: none lies there unhidden once it was to leave by it.
    await agent.post(f"{path}/replies", {"client_id": "reply-002", "text": "See file", "files": [upload["id"]]})
    wanted = sa.select(attachment).where(attachment.c.key == upload["id"])
    row: Any = await house.store.read(lambda tx: tx.execute(wanted).one())
    blobs: Blobs = house.hub.blobs
    assert (row.name, await blobs.get(row.blob)) == (f"{SHOWN}.txt", f"card {SHOWN}".encode())


async def test_every_part_of_an_envelope_is_hidden(house: House) -> None:
    await hide(house, PATTERN)
    live = house.hub.connections.find(house.ids["connection"])
    assert live is not None
    said = Inbound(
        event_key="whole",
        address="zoe",
        to="shop",
        sent_at=house.clock(),
        text=LOYALTY,
        html=f"<p>LC-<b>1234</b>5678 {LOYALTY}</p>",
        reply_text=LOYALTY,
        subject=LOYALTY,
        name=LOYALTY,
        files=(File(LOYALTY.encode(), f"{LOYALTY}.csv", "text/csv"),),
    )
    (result,) = await house.hub.intake.receive(live.origin, [said])
    row = await house.store.read(
        lambda tx: tx.execute(sa.select(message).where(message.c.id == result.message_id)).one()
    )
    assert (row.text, row.reply_text, row.subject) == (SHOWN, SHOWN, SHOWN)
    assert row.html == f"<p>LC-<b>••••</b>5678 {SHOWN}</p>"
    file = await house.store.read(
        lambda tx: tx.execute(sa.select(attachment).where(attachment.c.message_id == row.id)).one()
    )
    assert (file.name, await house.hub.blobs.get(file.blob)) == (f"{SHOWN}.csv", SHOWN.encode())
    listed = (await (await house.browser("owner")).get("/api/conversations")).json["conversations"]
    assert LOYALTY not in json.dumps(listed)
