"""What the tests of single faults share: a hub on any database, books to compare, and how often to repeat."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.inbox.house import PASSWORD, SOON_S, House, configured

from omnibox.app import listening, running
from omnibox.testing.world.demo import PAGE, Admin, World, connect_world

Row = dict[str, Any]
IS_LONG = os.environ.get("OMNIBOX_FAULTS") == "long"
MOST_PEOPLE = 100  # that one page of conversations shows
ENDED = ("sent", "delivered", "read", "failed")


def times(short: int, long: int) -> int:
    """How often a fault strikes: `make faults` has more patience than `make test`."""
    return long if IS_LONG else short


@asynccontextmanager
async def opened(home: Path, *, allow: Sequence[str] = (), **settings: Any) -> AsyncIterator[House]:
    """A running hub with the world's three channels; `settings` are the operator's, `allow` more private targets."""
    world = World()
    async with AsyncExitStack() as stack:
        await world.start()
        stack.push_async_callback(world.stop)
        config = configured(home, world, **settings, outbound_allow=[*world.targets, *allow])
        house = House(None, "", None, world, config)  # type: ignore[arg-type]
        house.hub = await stack.enter_async_context(running(config, setup_code="code", clock=house.clock))
        port = await stack.enter_async_context(listening(house.hub, "127.0.0.1", 0))
        house.base = house.hub.connections.base_url = f"http://127.0.0.1:{port}"
        house.admin = Admin(house.base)
        stack.push_async_callback(house.admin.close)
        await house.admin.own("code", "owner@shop.example", PASSWORD)
        await connect_world(house.admin, world)
        yield house


async def people(house: House, count: int, first: int = 8001) -> dict[str, Row]:
    """So many customers of the page who have written once; their conversations by psid."""
    names = {str(psid): f"Customer {psid}" for psid in range(first, first + count)}
    for psid, name in names.items():
        house.world.graph.add_person(psid, name, PAGE)
    await asyncio.gather(*(house.world.graph.write(psid, "Hello") for psid in names))

    async def all_named() -> dict[str, Row]:
        page = await house.admin.ask("GET", f"/api/conversations?limit={MOST_PEOPLE}")
        rows = {row["contact"]["label"]: row for row in page["conversations"]}
        found = {psid: rows[name] for psid, name in names.items() if name in rows}
        return found if len(found) == count else {}

    return dict(await house.until(all_named))


def received(house: House, psid: str) -> list[str]:
    """What a customer of the page sees, in order."""
    return [taken.text for taken in house.world.graph.received(psid)]


async def all_messages(admin: Admin, conversation: int) -> list[Row]:
    """Every page of them, the oldest first."""
    path = f"/api/conversations/{conversation}/messages?limit=200"
    page = await admin.ask("GET", path)
    found = list(page["messages"])
    while page["next"] is not None:
        page = await admin.ask("GET", f"{path}&before={page['next']}")
        found = [*page["messages"], *found]
    return found


async def outbound(house: House, conversation: int) -> list[Row]:
    return [each for each in await all_messages(house.admin, conversation) if each["kind"] == "outbound"]


async def at_rest(house: House, conversations: Iterable[int], *more: str) -> None:
    """Until every reply has ended (`more` names further states that count as an end); the hub's clock is moved on.

    Fails where none of them has come to its end for so long: that a busy machine has many to send is no fault.
    """
    wanted, now = list(conversations), asyncio.get_running_loop().time
    fewest, moved_at = -1, now()
    while True:
        found = [each["state"] for conversation in wanted for each in await outbound(house, conversation)]
        open_ones = [state for state in found if state not in (*ENDED, *more)]
        if not open_ones:
            return
        if fewest < 0 or len(open_ones) < fewest:
            fewest, moved_at = len(open_ones), now()
        assert now() - moved_at < SOON_S, f"not at rest: {Counter(open_ones)} of {len(found)}"
        if "sending" not in open_ones:
            hasten(house, 20)
        await asyncio.sleep(0.05)


def hasten(house: House, seconds: float) -> None:
    """Let the hub's time pass, and have its workers look again at once."""
    house.shift += timedelta(seconds=seconds)
    house.hub.delivery.bus.ring({"deliveries", "jobs"})


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something in this process is so."""
    async with asyncio.timeout(SOON_S):
        while not holds():
            await asyncio.sleep(0.01)


async def until_none(left: Callable[[], int]) -> None:
    """Wait until nothing is left; fails where it has not become less for so long, however much it was."""
    now = asyncio.get_running_loop().time
    fewest, moved_at = left(), now()
    while found := left():
        if found < fewest:
            fewest, moved_at = found, now()
        assert now() - moved_at < SOON_S, f"{found} left"
        await asyncio.sleep(0.02)
