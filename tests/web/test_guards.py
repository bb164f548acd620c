"""What no route gets past: other sites, and a route that names no action."""

from __future__ import annotations

import pytest
from aiohttp import web
from tests.web.conftest import OpenHouse
from tests.web.house import House
from tests.web.toys import TABLE, list_things, read_thing

from omnibox.web.api import Table
from omnibox.web.server import Unguarded, make_app


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        ("https://inbox.example.org", "inbox.example.org", 201),
        ("https://INBOX.example.org:443", "whatever", 201),
        ("http://inbox.example.org", "inbox.example.org", 403),
        ("https://inbox.example.org:8443", "inbox.example.org", 403),
        ("https://rebound.example", "rebound.example", 403),
        ("http://localhost:8080", "localhost:8080", 201),
        ("http://localhost:8080", "localhost:9090", 403),
    ],
)
async def test_with_a_configured_address_only_that_one_counts_and_this_machine(
    build_house: OpenHouse, origin: str, host: str, status: int
) -> None:
    browser = await (await build_house(table=TABLE, public_url="https://inbox.example.org")).browser()
    answer = await browser.post("/api/things", {"text": "a"}, headers={"Origin": origin, "Host": host})
    assert answer.status == status


# ── What no route gets past


def test_a_route_that_names_no_known_action_is_not_made() -> None:
    with pytest.raises(TypeError, match="names no action"):
        Table().route("GET", "/api/x", may="whatever")(read_thing)  # type: ignore[arg-type]


def test_two_handlers_for_one_route_are_refused() -> None:
    with pytest.raises(TypeError, match="two handlers"):
        TABLE.route("GET", "/api/things", may="public")(read_thing)


def test_a_handler_without_a_parameter_for_its_path_is_found_when_it_is_planned() -> None:
    table = Table()
    table.route("GET", "/api/{nowhere}", may="public")(list_things)
    (made,) = table
    with pytest.raises(TypeError, match="nowhere"):
        _ = made.plan


async def test_a_route_that_was_added_past_the_table_stops_the_start(house: House) -> None:
    async def open_door(request: web.Request) -> web.Response:
        return web.Response()

    app = make_app(house.hub)
    app.router.add_get("/open", open_door)
    runner = web.AppRunner(app)
    with pytest.raises(Unguarded, match="/open"):
        await runner.setup()
    await runner.cleanup()
