"""The websites of a chat channel: written by people, compared with what browsers say."""

from __future__ import annotations

import re
from json import dumps

import pytest
import sqlalchemy as sa
from tests.web.house import Answer, Browser, House

from omnibox.store import tables as t


async def add(admin: Browser, *origins: str) -> Answer:
    """A site of a connection that runs."""
    made = await admin.post("/api/connections", {"connector": "webchat", "name": "Chat"})
    assert (await admin.post(f"/api/connections/{made.json['id']}/enable")).status == 200
    body = {"name": "Shop", "settings": {"origins": list(origins)}}
    return await admin.post(f"/api/connections/{made.json['id']}/channels", body)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://Shop.example.com/", "https://shop.example.com"),
        (" shop.example.com ", "https://shop.example.com"),
        ("https://shop.example.com:443", "https://shop.example.com"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://faß.example", "https://xn--fa-hia.example"),
        ("http://192.168.1.5/", "http://192.168.1.5"),
        ("http://intranet:8080", "http://intranet:8080"),
        ("localhost:8000", "http://localhost:8000"),
    ],
)
async def test_a_website_may_hold_the_chat_however_its_address_was_written(
    house: House, written: str, origin: str
) -> None:
    admin = await house.browser("admin")
    made = await add(admin, written)
    assert (made.status, made.json["settings"]["origins"]) == (201, [origin])
    (key,) = re.findall(r'data-site="([^"]+)"', made.json["snippet"])
    visitor = await house.browser()

    async def asked_from(page: str) -> int:
        return (await visitor.send("OPTIONS", f"/w/history?site={key}", headers={"Origin": page})).status

    assert await asked_from(origin) == 204
    assert await asked_from("https://other.example.com") == 403


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        ("https://shop.example.com/en", "leave out what follows the host"),
        ("https://shop.example.com?from=mail", "leave out what follows the host"),
        ("http://shop.example.com", "begin with https://"),
        ("https://*.example.com", "Write scheme and host"),
    ],
)
async def test_an_address_that_no_browser_would_ever_say_is_refused_with_the_cure(
    house: House, written: str, cure: str
) -> None:
    answer = await add(await house.browser("admin"), "https://example.com", written)
    (field,) = answer.json["error"]["fields"]
    assert (answer.status, field["path"]) == (422, "settings.origins")
    assert cure in field["message"]


async def test_what_was_stored_before_stays_until_it_is_written_anew(house: House) -> None:
    """Nobody is locked out of a form because an earlier release took more."""
    admin = await house.browser("admin")
    channel = (await add(admin, "https://shop.example.com")).json["id"]
    old = {"origins": ["https://shop.example.com/en"]}
    sealed = (
        sa.update(t.channel).where(t.channel.c.id == channel).values(settings=house.hub.secrets.encrypt(dumps(old)))
    )
    await house.store.write(lambda tx: tx.execute(sealed))
    answer = await admin.patch(f"/api/channels/{channel}", {"settings": {**old, "title": "Ask us"}})
    assert (answer.status, answer.json["settings"]) == (200, {**old, "title": "Ask us"})
    anew = {"origins": [*old["origins"], "https://example.com"]}
    assert (await admin.patch(f"/api/channels/{channel}", {"settings": anew})).status == 422
