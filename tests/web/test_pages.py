"""The built pages, the headers around every answer, the access log, the view through a proxy."""

from __future__ import annotations

import gzip
import logging
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request
from tests.web.conftest import OpenHouse
from tests.web.house import Browser, House
from yarl import URL

from omnibox.web import peer
from omnibox.web.hub import HUB

PAGE = b"<!doctype html><title>omnibox</title>"
SCRIPT = b"export const x = 1;" * 50
GZIPPED = gzip.compress(SCRIPT, mtime=0)  # it names a test, so it must be the same in every process
LISTED = {
    "inbox/index.html": PAGE,
    "inbox/logo.svg": b"<svg/>",
    "inbox/assets/index-abc123.js": SCRIPT,
    "inbox/assets/index-abc123.js.gz": GZIPPED,
    "inbox/assets/index-abc123.js.br": b"as brotli would",
    "inbox/assets/inter-5f.woff2": b"wOF2",
    "inbox/.secret.js": b"no",
    "inbox/assets/index-abc123.js.map": b"no",
    "widget/loader.js": b"(() => {})()",
    "widget/assets/panel-5e.js": SCRIPT,
    "stamp": b"no",
    "outside.js": b"no",
}


@pytest.fixture
async def pages(build_house: OpenHouse, tmp_path: Path) -> Browser:
    """A browser at an omnibox with built pages."""
    for name, content in LISTED.items():
        path = tmp_path / "built" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return await (await build_house(pages=tmp_path / "built")).browser()


# ── The inbox


async def test_the_front_page_is_the_inbox(pages: Browser) -> None:
    for path in ("/", "/inbox"):
        answer = await pages.get(path)
        assert (answer.status, answer.headers["Location"]) == (302, "/inbox/")


@pytest.mark.parametrize("path", ["/inbox/", "/inbox/index.html", "/inbox/link/abc-DEF_123", "/inbox/settings/agents"])
async def test_every_screen_is_the_same_page_under_a_strict_policy(pages: Browser, path: str) -> None:
    answer = await pages.get(path)
    assert (answer.status, answer.body, answer.headers["Cache-Control"]) == (200, PAGE, "no-cache")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; media-src 'self' blob:; frame-src 'self'; worker-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_an_unchanged_page_is_not_sent_again(pages: Browser) -> None:
    tag = (await pages.get("/inbox/")).headers["ETag"]
    answer = await pages.get("/inbox/", headers={"If-None-Match": f'"other", {tag}'})
    assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    assert (await pages.get("/inbox/", headers={"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", b"as brotli would"),
        ("gzip", "gzip", GZIPPED),
        ("br;q=0, gzip;q=0.5", "gzip", GZIPPED),
        ("identity", "", SCRIPT),
        ("", "", SCRIPT),
    ],
)
async def test_a_script_goes_in_the_best_form_the_browser_takes(
    pages: Browser, accepted: str, encoding: str, body: bytes
) -> None:
    url = pages.client.make_url("/inbox/assets/index-abc123.js")
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(url, headers={"Accept-Encoding": accepted}) as answer,
    ):
        assert (answer.headers.get("Content-Encoding", ""), answer.headers["Vary"]) == (encoding, "Accept-Encoding")
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert (await answer.read())[:30] == body[:30]


@pytest.mark.parametrize(
    "path",
    [
        "/inbox/assets/gone-123.js",
        "/inbox/assets/gone",
        "/inbox/assets/index-abc123.js.map",
        "/inbox/assets/index-abc123.js.gz",
        "/inbox/.secret.js",
        "/inbox/..%2foutside.js",
        "/inbox/%2e%2e/outside.js",
        "/inbox/assets/..%2f..%2f..%2foutside.js",
        "/inbox//etc/passwd.txt",
        "/w/assets/..%2f..%2foutside.js",
        "/w/assets/%2e%2e%2floader.js",
        "/w/outside.js",
        "/stamp",
    ],
)
async def test_what_was_not_built_is_not_there(pages: Browser, path: str) -> None:
    base = str(pages.client.make_url("")).rstrip("/")
    async with pages.client.session.get(URL(base + path, encoded=True)) as answer:
        body = await answer.read()
    assert answer.status == 404
    assert body != b"no"


async def test_without_a_build_the_page_says_how_to_make_it(house: House) -> None:
    answer = await (await house.browser()).get("/inbox/")
    assert (answer.status, "npm run build" in answer.body.decode()) == (503, True)


# ── The widget


@pytest.mark.parametrize(
    ("path", "cache"),
    [("/w/loader.js", "public, max-age=300"), ("/w/assets/panel-5e.js", "public, max-age=31536000, immutable")],
)
async def test_the_widget_may_be_loaded_by_any_site(pages: Browser, path: str, cache: str) -> None:
    answer = await pages.get(path)
    assert (answer.status, answer.headers["Cache-Control"]) == (200, cache)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


# ── Around every answer


@pytest.mark.parametrize("path", ["/api/setup", "/api/me", "/api/nothing", "/healthz", "/nothing"])
async def test_every_answer_refuses_frames_guesses_caches_and_other_sites(pages: Browser, path: str) -> None:
    headers = (await pages.get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


async def test_the_access_log_holds_patterns_and_no_secrets(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    browser = await house.browser("agent")
    await browser.get("/api/links/a-secret-token?also=secret-query", headers={"User-Agent": "secret-agent"})
    await browser.post("/api/login", {"email": "secret@example.org", "password": "secret-password"})
    await browser.get("/secret-path%0d%0aX:%20y")
    lines = [record.__dict__ for record in caplog.records if record.name == "omnibox.access"]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("GET /api/links/{token}", 404),
        ("POST /api/login", 401),
        ("unknown", 404),
    ]
    assert "secret" not in str([record.__dict__ for record in caplog.records])


async def test_readiness_follows_the_store_and_health_does_not(house: House) -> None:
    browser = await house.browser()
    assert (await browser.get("/readyz")).status == 200
    with sqlite3.connect(house.store.url.database or "") as connection:
        connection.execute("ALTER TABLE installation RENAME TO elsewhere")
    connection.close()
    assert (await browser.get("/readyz")).status == 503
    assert (await browser.get("/healthz")).status == 200
    # Signed in or not: no door fails because of it with more than a refusal.
    assert (await browser.get("/api/setup")).status in (200, 503)


# ── Through a proxy


class Transport:
    def __init__(self, ip: str) -> None:
        self.ip = ip

    def get_extra_info(self, name: str) -> Any:
        return (self.ip, 1234) if name == "peername" else None


@pytest.mark.parametrize(
    ("ip", "forwarded", "block"),
    [
        ("203.0.113.5", "198.51.100.1", "203.0.113.5"),  # not our proxy: its word counts for nothing
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),  # what the client wrote itself stands further left
        ("10.0.0.1", "198.51.100.1, 10.0.0.9", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "0.0.0.0"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", "", "203.0.113.5"),
        ("10.0.0.1", "2001:db8:1:2::9", "2001:db8:1:2::/64"),
    ],
)
async def test_the_address_is_taken_from_configured_proxies_only(
    build_house: OpenHouse, ip: str, forwarded: str, block: str
) -> None:
    house = await build_house(trusted_proxies=("10.0.0.0/8",))
    app = house.server.app
    assert app is not None
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    request = make_mocked_request("GET", "/", headers=headers, transport=Transport(ip), app=app)
    assert peer.block_of(request) == block
    assert peer.is_https(request) == ip.startswith("10.")
    assert app[HUB] is house.hub
