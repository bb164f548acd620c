"""A connector from another distribution: installed, found, configured in the settings page, used; omnibox unchanged."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import OWNER, PASSWORD, Admin, answer, sign_in, until
from tests.e2e.serving import Served

SOURCE = Path(__file__).parent.parent.parent / "fixtures" / "third_party"
SECRET = "acme-signing-secret"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's contents, as pip lays them out."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(SOURCE)]
    subprocess.run(build, check=True, capture_output=True)
    wheel = next(wheels.glob("*.whl"))
    install = [*pip, "install", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    return target


@pytest.fixture
async def ending() -> AsyncIterator[AsyncExitStack]:
    """What must be closed, whatever becomes of the test."""
    async with AsyncExitStack() as stack:
        yield stack


async def test_a_connector_of_another_wheel_is_found_configured_and_used(
    context: BrowserContext, installed: Path, tmp_path: Path, ending: AsyncExitStack
) -> None:
    taken: list[dict[str, str]] = []

    async def gateway(request: web.Request) -> web.Response:
        if request.method == "GET":
            return web.json_response({"events": []})
        taken.append(await request.json())
        return web.json_response({"page": f"page-{len(taken)}", "id": f"page-{len(taken)}"})

    app = web.Application()
    app.router.add_route("*", "/pages", gateway)
    platform = TestServer(app)
    await platform.start_server()
    served = Served(tmp_path / "home", [f"127.0.0.1:{platform.port}"], PYTHONPATH=str(installed))
    admin = Admin(served.base)
    ending.push_async_callback(platform.close)
    ending.push_async_callback(admin.close)
    ending.push_async_callback(served.end)
    await served.start()
    await admin.own(await served.setup_code(), OWNER, PASSWORD)

    page = await sign_in(context, served.base)
    await page.goto(f"{served.base}/inbox/settings/channels")
    await page.get_by_role("link", name=re.compile("Acme pager")).click()
    await page.get_by_label("Name in omnibox").fill("On-call pager")
    await page.get_by_label("Signing secret").fill(SECRET)
    await page.get_by_label("Gateway").fill(f"http://127.0.0.1:{platform.port}/pages")
    await page.locator("button[type=submit]").first.click()
    channel = page.get_by_role("region", name="Add a channel")
    await channel.get_by_label("Channel name").fill("On call")
    await channel.get_by_label("Address", exact=True).fill("4711")
    await channel.get_by_label("Key of the pager number").fill("key-of-4711")
    await channel.locator("button[type=submit]").click()
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_role("button", name="Switch off")).to_be_visible()
    hook = (await admin.ask("GET", "/api/connections"))[0]["hook_url"]

    recorded = json.loads((SOURCE / "recorded" / "page.body").read_text())
    recorded["events"][0] |= {"number": "4711", "at_ms": int(time.time() * 1000)}
    body = json.dumps(recorded).encode()
    signature = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    async with aiohttp.ClientSession() as http:
        path = re.sub(r"^https?://[^/]+", served.base, hook)
        async with http.post(path, data=body, headers={"x-acme-signature": f"v1={signature}"}) as response:
            assert response.status == 200

    await page.goto(f"{served.base}/inbox/")
    row = page.get_by_role("option").first
    await expect(row).to_be_visible()
    await expect(row.get_by_role("img", name="Acme pager")).to_be_visible()
    label = (await admin.ask("GET", "/api/conversations"))["conversations"][0]["contact"]["label"]
    await answer(page, label, "On my way")
    await until(lambda: bool(taken))
    assert "On my way" in json.dumps(taken[0])
