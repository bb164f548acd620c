"""What an agent sees of a customer's face: our own copy of a picture, and initials wherever there is none."""

from __future__ import annotations

import base64

import pytest
import sqlalchemy as sa
from tests.connectors.messenger.test_troubles import the_page
from tests.connectors.messenger.test_windows import DAY, pass_time
from tests.faults.houses import hasten
from tests.inbox.house import House

from omnibox.inbox import pictures
from omnibox.jobs import enqueue
from omnibox.store import tables as t
from omnibox.testing.world.demo import PAGE, PSID
from omnibox.testing.world.graph import Media
from omnibox.withdrawals import ask_erasure

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def shows(house: House, content: bytes, content_type: str = "image/png") -> None:
    """From now on Meta shows this as the customer's picture."""
    graph = house.world.graph
    graph.people[PSID].picture = graph.media_url(Media("face.png", content_type, content))


def asked(house: House) -> int:
    """How often Meta was asked who somebody is."""
    return house.world.graph.asked.count(("GET", ""))


async def picture_of(house: House) -> str | None:
    found: str | None = (await house.row("Ada Moreno"))["contact"]["picture"]
    return found


async def get(house: House, path: str) -> tuple[int, str, bytes]:
    async with house.admin.http.get(path) as answer:
        return answer.status, answer.content_type, await answer.read()


async def test_a_customers_picture_is_our_own_copy(house: House) -> None:
    shows(house, PNG, "application/x-odd")
    await house.world.graph.write(PSID, "Hello")
    path = await house.until(lambda: picture_of(house))
    house.world.graph.media.clear()  # the address that Meta gave is of no use any more
    assert await get(house, path) == (200, "image/png", PNG)
    card = await house.admin.ask("GET", f"/api/contacts/{(await house.row('Ada Moreno'))['contact']['id']}")
    assert card["picture"] == path


async def test_a_picture_is_for_those_who_are_signed_in(house: House) -> None:
    shows(house, PNG)
    await house.world.graph.write(PSID, "Hello")
    path = await house.until(lambda: picture_of(house))
    house.admin.http.cookie_jar.clear()
    assert (await get(house, path))[0] == 401


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'/>", PNG + bytes(pictures.MOST_BYTES), b""],
    ids=["no bitmap", "too large", "empty"],
)
async def test_what_is_no_small_bitmap_is_not_kept_and_not_asked_for_again(house: House, content: bytes) -> None:
    shows(house, content)
    await house.world.graph.write(PSID, "Hello")
    await house.row("Ada Moreno")
    await house.until(lambda: _has_no_jobs(house))
    hasten(house, 3600)
    await house.until(lambda: _has_no_jobs(house))
    assert (await picture_of(house), asked(house)) == (None, 1)


async def test_an_address_inside_our_own_network_is_not_fetched(house: House) -> None:
    house.world.graph.people[PSID].picture = f"{house.base}/api/openapi.json".replace("127.0.0.1", "127.0.0.7")
    await house.world.graph.write(PSID, "Hello")
    await house.row("Ada Moreno")
    await house.until(lambda: _has_no_jobs(house))
    assert await picture_of(house) is None


async def test_without_metas_permission_there_are_initials_and_no_alarm(house: House) -> None:
    shows(house, PNG)
    house.world.graph.pages[PAGE].shows_profiles = False
    await house.world.graph.write(PSID, "Hello")
    row = await house.row("Messenger user 7001")
    assert row["contact"]["picture"] is None
    hasten(house, 3600)
    assert (await the_page(house))["health"]["code"] is None
    assert asked(house) == 1


async def test_an_old_picture_is_asked_for_again_once_its_person_writes(house: House) -> None:
    shows(house, PNG)
    await house.world.graph.write(PSID, "Hello")
    first = await house.until(lambda: picture_of(house))
    await pass_time(house, 31 * DAY)
    await house.hub.store.write(pictures.ask_again)
    assert await _has_no_jobs(house)  # nobody has written
    shows(house, PNG + b"another")
    await house.world.graph.write(PSID, "Hello again")
    await house.until(lambda: _is_heard(house, "Hello again"))
    await house.hub.store.write(pictures.ask_again)
    hasten(house, 1)
    second = await house.until(lambda: _other_than(house, first))
    assert (await get(house, second))[2] == PNG + b"another"
    await house.hub.store.write(pictures.ask_again)
    assert await _has_no_jobs(house)  # it is new


async def test_a_picture_that_is_gone_at_meta_goes_here(house: House) -> None:
    shows(house, PNG)
    await house.world.graph.write(PSID, "Hello")
    await house.until(lambda: picture_of(house))
    house.world.graph.people[PSID].picture = ""
    identity = await house.hub.store.read(
        lambda tx: tx.execute(sa.select(t.identity.c.id).where(t.identity.c.address == PSID)).scalar_one()
    )
    await house.hub.store.write(lambda tx: enqueue(tx, pictures.JOB, str(identity)))
    await house.until(lambda: _is_none(house))


async def test_who_asks_to_be_erased_loses_the_picture_at_once_and_for_good(house: House) -> None:
    shows(house, PNG)
    await house.world.graph.write(PSID, "Hello")
    path = await house.until(lambda: picture_of(house))
    hub = house.hub
    live = next(each for each in hub.connections.running() if each.connector.name == "messenger")
    await ask_erasure(hub.connections, live, PSID)
    assert (await get(house, path))[0] == 404
    contact = (await house.row("Ada Moreno"))["contact"]
    assert contact["picture"] is None
    await hub.store.write(lambda tx: pictures.keep(tx, contact["id"], "a-fetch-that-was-under-way"))
    assert await picture_of(house) is None


async def _has_no_jobs(house: House) -> bool:
    waiting = sa.select(t.job.c.id).where(t.job.c.kind == pictures.JOB)
    return await house.hub.store.read(lambda tx: tx.execute(waiting).first()) is None


async def _is_heard(house: House, text: str) -> bool:
    return bool((await house.row("Ada Moreno"))["last"]["text"] == text)


async def _other_than(house: House, path: str) -> str | None:
    found = await picture_of(house)
    return found if found != path else None


async def _is_none(house: House) -> bool:
    return await picture_of(house) is None
