"""A real browser on a real server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect
from tests.e2e.serving import Served

from omnibox.testing.world.demo import Admin, World, connect_world

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OWNER, PASSWORD = "owner@brightleaf.example", "correct horse battery staple"
EXPECT_MS = 30_000
expect.set_options(timeout=EXPECT_MS)


@dataclass(slots=True)
class Stage:
    """A served hub with the world's three channels, and the owner's hands."""

    served: Served
    world: World
    admin: Admin


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    await world.stop()


@pytest.fixture
async def world_hub(world: World, tmp_path: Path) -> AsyncIterator[Stage]:
    """A served hub that nobody owns yet."""
    served = Served(tmp_path / "home", world.targets)
    admin = Admin(served.base)
    world.desk.inbox_url = served.base
    try:
        await served.start()
        yield Stage(served, world, admin)
    finally:
        await admin.close()
        await served.end()


@pytest.fixture
async def stage(world_hub: Stage) -> Stage:
    """A served hub with an owner and the world's three channels."""
    await world_hub.admin.own(await world_hub.served.setup_code(), OWNER, PASSWORD)
    await connect_world(world_hub.admin, world_hub.world)
    return world_hub


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    context.set_default_timeout(EXPECT_MS)
    yield context
    await context.close()


async def sign_in(context: BrowserContext, base: str, email: str = OWNER) -> Page:
    """The inbox, signed in."""
    page = await context.new_page()
    await page.goto(f"{base}/")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("region", name="Conversations")).to_be_visible()
    return page


async def answer(page: Page, contact: str, text: str) -> None:
    """Open the conversation with a contact and send a reply by Enter."""
    await page.get_by_role("option", name=contact).click()
    box = page.get_by_role("textbox", name="Reply")
    await box.fill(text)
    await box.press("Enter")
    await expect(page.get_by_role("log").get_by_text(text)).to_be_visible()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something outside the browser is so."""
    async with asyncio.timeout(EXPECT_MS / 1000):
        while not holds():
            await asyncio.sleep(0.05)
