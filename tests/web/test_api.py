"""The typed layer: parameters, bodies, answers, errors, and what no route can get past."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import pytest
from aiohttp import web
from pydantic import Field
from tests.web.conftest import OpenHouse
from tests.web.house import Browser, House

from omnibox.masking import Masked
from omnibox.store import StoreUnavailable
from omnibox.team.policy import Forbidden
from omnibox.web.api import ApiError, Ask, Limit, Table, Time, Wire, moment, route, slow_down, translate
from omnibox.web.server import Unguarded

SECRET = "what a customer wrote"
TABLE = Table()


class Inner(Wire):
    size: Annotated[int, Field(ge=1)]


class Body(Wire):
    text: str
    inner: Inner | None = None
    many: list[Inner] = Field(default_factory=list)


class Thing(Wire):
    id: int
    text: str
    at: Time | None = None


class OutOfPaper(Exception):
    pass


translate(OutOfPaper, lambda _: ApiError(507, "out_of_paper", "There is no paper.", "Bring some."))


@TABLE.route("GET", "/api/things/{id}", may="public")
async def read_thing(ask: Ask, id: int, limit: Limit = 50, before: str | None = None) -> dict[str, Any]:
    """One thing."""
    return {"id": id, "limit": limit, "before": before}


@TABLE.route("POST", "/api/things", may="public", status=201)
async def make_thing(ask: Ask, body: Body) -> Thing:
    if body.text == "again":
        ask.response.set_status(200)
    return Thing(id=1, text=body.text, at=ask.hub.clock())


@TABLE.route("GET", "/api/things", may="public")
async def list_things(ask: Ask) -> list[Thing]:
    """Dicts, models and masked texts side by side."""
    at = ask.hub.clock()
    return [Thing(id=1, text=Masked("a")), {"id": 2, "text": Masked("b"), "at": moment(at)}]  # type: ignore[list-item]


@TABLE.route("GET", "/api/wrong/{how}", may="public")
async def answer_wrongly(ask: Ask, how: str) -> Thing:
    answers: dict[str, Any] = {
        "missing": {"id": 1, "at": None},
        "unknown": {"id": 1, "text": "a", "at": None, "password_hash": "x"},
        "type": {"id": "1", "text": "a", "at": None},
    }
    found: Thing = answers[how]
    return found


@TABLE.route("DELETE", "/api/things/{id}", may="read")
async def drop_thing(ask: Ask, id: int) -> None:
    return None


@TABLE.route("GET", "/api/raise/{what}", may="public")
async def raise_it(ask: Ask, what: str) -> Thing:
    errors: dict[str, Exception] = {
        "defect": ValueError(SECRET),
        "store": StoreUnavailable(SECRET),
        "forbidden": Forbidden("not_today", "Come back tomorrow."),
        "paper": OutOfPaper(SECRET),
        "slow": slow_down(100.2),
    }
    raise errors[what]


@TABLE.route("GET", "/api/ready", may="public")
async def answer_ready(ask: Ask) -> web.Response:
    return web.Response(text="as it is", headers={"Cache-Control": "max-age=5"})


@pytest.fixture
async def layer(build_house: OpenHouse) -> Browser:
    """A browser at an application of the routes above."""
    return await (await build_house(table=TABLE)).browser()


# ── What comes in


async def test_path_and_query_arrive_typed_with_their_defaults(layer: Browser) -> None:
    assert (await layer.get("/api/things/7?before=x&limit=3&other=1")).json == {"id": 7, "limit": 3, "before": "x"}
    assert (await layer.get("/api/things/7")).json == {"id": 7, "limit": 50, "before": None}


@pytest.mark.parametrize("id", ["0", "-1", "x", "1.5", "9007199254740992", "9" * 40, "%00"])
async def test_a_path_that_names_nothing_is_not_found(layer: Browser, id: str) -> None:
    answer = await layer.get(f"/api/things/{id}")
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=%00"])
async def test_a_query_out_of_bounds_is_invalid(layer: Browser, query: str) -> None:
    answer = await layer.get(f"/api/things/7?{query}")
    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a", "inner": {"size": 0}}, "inner.size"),
        ({"text": "a", "inner": {"size": "1"}}, "inner.size"),
        ({"text": "a", "many": [{"size": 1}, {}]}, "many.1.size"),
        ([], ""),
        ({"text": "a\0b"}, ""),
    ],
)
async def test_a_bad_member_is_named_by_its_path(layer: Browser, body: object, path: str) -> None:
    answer = await layer.post("/api/things", body)
    assert (answer.status, answer.code) == (422, "invalid")
    assert [fault["path"] for fault in answer.json["error"]["fields"]] == [path]


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"text": "\\ud800"}', b'{"text": NaN}', b"[" * 5000])
async def test_what_is_not_json_is_invalid(layer: Browser, raw: bytes) -> None:
    answer = await layer.post("/api/things", data=raw, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (422, "invalid")


async def test_an_escaped_backslash_before_u0000_is_ordinary_text(layer: Browser) -> None:
    assert (await layer.post("/api/things", {"text": "a\\u0000"})).json["text"] == "a\\u0000"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", "text/json"]
)
async def test_only_json_is_taken(layer: Browser, kind: str) -> None:
    answer = await layer.post("/api/things", data=b'{"text": "a"}', headers={"Content-Type": kind})
    assert (answer.status, answer.code) == (415, "json_only")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_has_a_cap(layer: Browser, *, chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(300):
            yield b"x" * 1024

    data = pieces() if chunked else b"x" * (256 * 1024 + 1)
    answer = await layer.post("/api/things", data=data, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (413, "too_large")
    assert (await layer.post("/api/things", {"text": "x" * 250_000})).status == 201


async def test_a_packed_body_counts_unpacked(layer: Browser) -> None:
    import gzip

    packed = gzip.compress(b'{"text": "' + b"x" * 5_000_000 + b'"}')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert len(packed) < 10_000
    assert (await layer.post("/api/things", data=packed, headers=headers)).status == 413


# ── What goes out


async def test_an_answer_has_its_status_and_times_in_milliseconds(layer: Browser) -> None:
    made = await layer.post("/api/things", {"text": "ü"})
    assert (made.status, made.json) == (201, {"id": 1, "text": "ü", "at": "2026-03-01T12:00:00.250Z"})
    assert made.headers["Content-Type"] == "application/json"
    assert (await layer.post("/api/things", {"text": "again"})).status == 200


async def test_dicts_models_and_masked_texts_are_answered_alike(layer: Browser) -> None:
    assert (await layer.get("/api/things")).json == [
        {"id": 1, "text": "a", "at": None},
        {"id": 2, "text": "b", "at": "2026-03-01T12:00:00.250Z"},
    ]


async def test_a_ready_response_goes_as_it_is(layer: Browser) -> None:
    answer = await layer.get("/api/ready")
    assert (answer.body, answer.headers["Cache-Control"]) == (b"as it is", "max-age=5")


@pytest.mark.parametrize("how", ["missing", "unknown", "type"])
async def test_under_test_an_answer_that_is_not_what_its_route_declares_fails(layer: Browser, how: str) -> None:
    assert (await layer.get(f"/api/wrong/{how}")).status == 500


async def test_nothing_is_204(build_house: OpenHouse) -> None:
    browser = await (await build_house(table=TABLE)).browser("agent")
    answer = await browser.send("DELETE", "/api/things/1")
    assert (answer.status, answer.body) == (204, b"")


# ── Errors


async def test_a_defect_is_500_and_neither_answer_nor_log_quote_it(
    layer: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await layer.get("/api/raise/defect")
    assert (answer.status, answer.code) == (500, "internal")
    assert SECRET not in answer.body.decode()
    (record,) = [record for record in caplog.records if record.name == "omnibox.web"]
    assert (record.__dict__["error"], record.__dict__["route"]) == ("ValueError", "GET /api/raise/{what}")
    assert record.__dict__["raised"].startswith("test_api.py:")
    assert not any(SECRET in str(record.__dict__) for record in caplog.records)


async def test_a_store_that_does_not_answer_is_503_with_a_time_to_come_back(layer: Browser) -> None:
    answer = await layer.get("/api/raise/store")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "store_unavailable", "2")


async def test_errors_of_the_domain_are_translated(layer: Browser) -> None:
    assert (await layer.get("/api/raise/forbidden")).json == {
        "error": {"code": "not_today", "message": "Come back tomorrow.", "cure": None, "fields": []}
    }
    paper = await layer.get("/api/raise/paper")
    assert (paper.status, paper.json["error"]["cure"]) == (507, "Bring some.")
    slow = await layer.get("/api/raise/slow")
    assert (slow.status, slow.headers["Retry-After"], slow.json["error"]["cure"]) == (
        429,
        "101",
        "Wait 2 min, then try again.",
    )


async def test_unknown_paths_and_methods_answer_in_the_same_form(layer: Browser) -> None:
    assert (await layer.get("/api/nothing")).code == "not_found"
    answer = await layer.send("PUT", "/api/things")
    assert (answer.status, answer.code) == (405, "method_not_allowed")


# ── Other sites


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Omnibox": ""},
        {"X-Omnibox": "0"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
)
async def test_a_change_from_another_site_is_refused(layer: Browser, headers: dict[str, str]) -> None:
    answer = await layer.post("/api/things", {"text": "a"}, headers=headers)
    assert (answer.status, answer.code) == (403, "cross_site")


async def test_a_change_from_our_own_pages_is_taken(layer: Browser) -> None:
    own = str(layer.client.make_url("")).rstrip("/")
    assert (await layer.post("/api/things", {"text": "a"}, headers={"Origin": own})).status == 201
    assert (await layer.post("/api/things", {"text": "a"}, headers={"Sec-Fetch-Site": "same-origin"})).status == 201


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
    from omnibox.web.server import make_app

    async def open_door(request: web.Request) -> web.Response:
        return web.Response()

    app = make_app(house.hub)
    app.router.add_get("/open", open_door)
    runner = web.AppRunner(app)
    with pytest.raises(Unguarded, match="/open"):
        await runner.setup()
    await runner.cleanup()


def test_the_decorator_fills_the_table_of_the_application() -> None:
    assert route.__self__ is not TABLE  # type: ignore[attr-defined]
