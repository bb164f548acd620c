"""The typed layer: parameters, bodies, answers, errors."""

from __future__ import annotations

import gzip
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.web.house import Browser, Furniture, House
from tests.web.toys import SECRET, TABLE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(furnished: tuple[Path, Furniture], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """An application of the routes above. They keep nothing, so one is enough for the module."""
    folder = tmp_path_factory.mktemp("layer") / "home"
    shutil.copytree(furnished[0], folder)
    house = House(folder, furnished[1], TABLE)
    await house.open()
    yield house
    await house.close()


@pytest_asyncio.fixture(loop_scope="module")
async def layer(shared: House) -> Browser:
    """A browser at the application of the routes above."""
    return await shared.browser()


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


async def test_nothing_is_204(shared: House) -> None:
    browser = await shared.browser("agent")
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
    assert record.__dict__["raised"].startswith("toys.py:")
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
