"""The same mailbox or page is not connected twice: the refusal names the channel that is there, and the cure."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.web.house import Answer, Browser, House

from omnibox.connections import places
from omnibox.inbox import channels
from omnibox.masking import mask
from omnibox.registry import find_connector
from omnibox.secrets import Secrets, random_key
from omnibox.store import Store, Transaction
from omnibox.store import tables as t
from omnibox.store.migrations import migrate

HELP = "help@example.com"
PAGE = "104500000000001"
ACCOUNT = {
    "imap_host": "imap.example.com",
    "imap_user": "Kim@example.com",
    "imap_password": "hunter2",
    "smtp_host": "smtp.example.com",
}


@pytest.fixture
async def admin(house: House) -> Browser:
    return await house.browser("admin")


async def connect(admin: Browser, connector: str, name: str, **settings: Any) -> Answer:
    return await admin.post("/api/connections", {"connector": connector, "name": name, "settings": settings})


async def connected(admin: Browser, connector: str, name: str, **settings: Any) -> int:
    answer = await connect(admin, connector, name, **settings)
    assert answer.status == 201, answer.body
    return int(answer.json["id"])


async def add(admin: Browser, connection: int, address: str, name: str = "Help", **settings: Any) -> Answer:
    body = {"address": address, "name": name, "settings": settings}
    return await admin.post(f"/api/connections/{connection}/channels", body)


def refusal(answer: Answer) -> tuple[int, str, str, str]:
    """Status, place, message and cure; the field alone says both."""
    error = answer.json["error"]
    (field,) = error["fields"]
    assert field["message"] == f"{error['message']} {error['cure']}"
    return answer.status, field["path"], error["message"], error["cure"]


USE = "Use that one and change it as you need it, or remove it first."
BY_DESK = f"{HELP} is connected already: as “Help desk”, by the connection “Our mail”."


async def mail(admin: Browser) -> int:
    connection = await connected(admin, "email", "Our mail", **ACCOUNT)
    assert (await add(admin, connection, HELP, "Help desk")).status == 201
    return connection


@pytest.mark.parametrize("written", [HELP, "HELP@Example.COM", " help@example.com "])
async def test_an_address_is_not_connected_twice_however_it_is_written(admin: Browser, written: str) -> None:
    await mail(admin)
    other = await connected(admin, "email", "Again")
    assert refusal(await add(admin, other, written)) == (409, "address", BY_DESK, USE)
    assert (await admin.get(f"/api/connections/{other}")).json["channels"] == []
    assert (await add(admin, other, "sales@example.com")).status == 201


async def test_an_address_is_not_changed_to_that_of_another_connection(admin: Browser) -> None:
    await mail(admin)
    other = await connected(admin, "email", "Again")
    sales = (await add(admin, other, "sales@example.com")).json["id"]
    assert refusal(await admin.patch(f"/api/channels/{sales}", {"address": HELP}))[:3] == (409, "address", BY_DESK)
    assert (await admin.get(f"/api/connections/{other}")).json["channels"][0]["address"] == "sales@example.com"


async def test_a_mailbox_is_not_read_by_two_connections(admin: Browser) -> None:
    await mail(admin)
    again = {**ACCOUNT, "imap_host": "IMAP.example.com.", "imap_user": "kim@example.com", "imap_port": 143}
    answer = await connect(admin, "email", "Again", **again)
    told = "INBOX of kim@example.com at imap.example.com is connected already: by the connection “Our mail”."
    assert refusal(answer) == (409, "settings.imap_user", told, USE)
    # Another folder, another user, another server, and a connection without a mailbox are other places.
    folders = await connected(admin, "email", "Archive", **again, folders=["Archive"])
    await connected(admin, "email", "Lee", **{**ACCOUNT, "imap_user": "lee@example.com"})
    await connected(admin, "email", "Test server", **ACCOUNT, imap_port=1143)
    await connected(admin, "email", "Relay", **ACCOUNT, incoming="lmtp", door_address="127.0.0.1:2400")
    back = await admin.patch(f"/api/connections/{folders}", {"settings": {"folders": ["Archive", "inbox"]}})
    assert refusal(back)[:2] == (409, "settings.imap_user")


async def test_a_page_is_not_connected_twice_nor_its_app(admin: Browser) -> None:
    first = await connected(admin, "messenger", "Facebook", app_id="77", app_secret="s3cret")
    assert (await add(admin, first, PAGE, "Corner shop", page_access_token="EAA")).status == 201
    other = await connected(admin, "messenger", "Facebook 2", app_id="78", app_secret="s3cret")
    told = f"The page {PAGE} is connected already: as “Corner shop”, by the connection “Facebook”."
    assert refusal(await add(admin, other, PAGE, page_access_token="EAB")) == (409, "address", told, USE)
    answer = await admin.patch(f"/api/connections/{other}", {"settings": {"app_id": "77"}})
    told = "The Meta app 77 is connected already: by the connection “Facebook”."
    assert refusal(answer) == (409, "settings.app_id", told, USE)


async def test_what_is_connected_may_be_changed_and_saved_as_it_is(admin: Browser) -> None:
    connection = await mail(admin)
    channel = (await admin.get(f"/api/connections/{connection}")).json["channels"][0]["id"]
    for change in ({"settings": ACCOUNT}, {"name": "Mail", "settings": {"imap_password": "new"}}):
        assert (await admin.patch(f"/api/connections/{connection}", change)).status == 200
    body = {"address": HELP, "settings": {"signature": "Kind regards"}}
    assert (await admin.patch(f"/api/channels/{channel}", body)).status == 200


async def test_one_that_is_switched_off_still_has_its_place_and_the_cure_says_so(admin: Browser) -> None:
    connection = await mail(admin)
    assert (await admin.post(f"/api/connections/{connection}/disable")).status == 200
    other = await connected(admin, "email", "Again")
    told = refusal(await add(admin, other, HELP))
    assert told[2:] == (BY_DESK, "Switch that one on again and change it as you need it, or remove it first.")


async def test_what_was_removed_is_free_again(admin: Browser) -> None:
    connection = await mail(admin)
    channel = (await admin.get(f"/api/connections/{connection}")).json["channels"][0]["id"]
    other = await connected(admin, "email", "Again")
    assert (await add(admin, other, HELP)).status == 409
    assert (await admin.send("DELETE", f"/api/channels/{channel}")).status == 204
    assert (await add(admin, other, HELP)).status == 201
    assert (await connect(admin, "email", "Third", **ACCOUNT)).status == 409
    assert (await admin.send("DELETE", f"/api/connections/{connection}")).status == 204
    assert (await connect(admin, "email", "Third", **ACCOUNT)).status == 201


async def test_two_at_once_get_one_place(admin: Browser, house: House) -> None:
    drafts = [await connected(admin, "email", f"Mail {number}") for number in range(4)]
    answers = await asyncio.gather(*(add(admin, each, HELP) for each in drafts))
    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]


async def test_two_of_an_earlier_release_can_still_be_changed(admin: Browser, house: House) -> None:
    """They stand side by side since before anybody looked."""
    await mail(admin)
    other = await connected(admin, "email", "Again")
    channel = (await add(admin, other, "sales@example.com")).json["id"]
    twin = sa.update(t.channel).where(t.channel.c.id == channel).values(address=HELP)
    await house.store.write(lambda tx: tx.execute(twin))
    changed = await admin.patch(f"/api/channels/{channel}", {"settings": {"signature": "Bye"}})
    assert changed.status == 200, changed.body


async def test_one_whose_settings_nobody_can_read_any_more_is_in_nobodys_way(admin: Browser, house: House) -> None:
    """Its key is lost: the way out is to connect the mailbox anew."""
    unreadable = Secrets([random_key()]).encrypt("{}")
    lost = sa.update(t.connection).where(t.connection.c.id == await mail(admin)).values(settings=unreadable)
    await house.store.write(lambda tx: tx.execute(lost))
    anew = await connected(admin, "email", "Anew", **ACCOUNT)
    assert (await add(admin, anew, HELP)).status == 201


async def test_connectors_that_occupy_nothing_are_never_in_each_others_way(admin: Browser) -> None:
    for name in ("One", "Two"):
        hook = await connected(admin, "hook", name, url="https://example.com/hook")
        assert (await add(admin, hook, HELP)).status == 201
    await mail(admin)  # an address means something else to another connector


async def test_of_two_processes_that_connect_a_place_at_once_one_hears_no(postgres_url: str) -> None:
    await migrate(postgres_url)
    email, secrets, stores = (
        find_connector("email"),
        Secrets([random_key()]),
        (Store(postgres_url), Store(postgres_url)),
    )
    assert email is not None
    document = secrets.encrypt("{}")

    def draft(tx: Transaction, hook_key: str) -> int:
        return channels.add_connection(tx, connector="email", name=mask("Mail"), hook_key=hook_key, document=document)

    def take(tx: Transaction, connection: int, address: str) -> None:
        key = f"{connection} {address}"
        name = mask("Help")
        channels.add_channel(
            tx, connection_id=connection, address=address, key=key, name=name, document=document, state="draft"
        )
        places.require_free(tx, email, secrets, connection)

    for store in stores:
        await store.start()
    try:
        drafts = [(await store.write(partial(draft, hook_key=str(id(store))))).result for store in stores]
        for turn in range(8):  # without the lock both win four times of five
            works = (partial(take, connection=each, address=f"{turn}@example.com") for each in drafts)
            answers = await asyncio.gather(
                *(store.write(work) for store, work in zip(stores, works, strict=True)), return_exceptions=True
            )
            assert sorted(type(answer).__name__ for answer in answers) == ["Occupied", "Written"]
    finally:
        for store in stores:
            await store.stop()
