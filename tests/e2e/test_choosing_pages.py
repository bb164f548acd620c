"""An admin connects pages by signing in at the provider; later the token dies, and the way back is one click."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import BrowserContext, Page, expect
from tests.e2e.conftest import OWNER, PASSWORD, Stage, sign_in, until

from omnibox.testing.world.demo import PAGE, PSID

SHOTS = os.environ.get("OMNIBOX_SHOTS", "")
SECOND = "105"


async def shoot(page: Page, name: str) -> None:
    """Pictures to look at, light, dark and narrow; only where OMNIBOX_SHOTS names a folder."""
    if not SHOTS:
        return
    before = page.viewport_size
    for kind, scheme, width in (("light", "light", 1440), ("dark", "dark", 1440), ("narrow", "light", 420)):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
        await page.set_viewport_size({"width": width, "height": 1000})
        await page.wait_for_timeout(400)
        await page.screenshot(path=Path(SHOTS) / f"{name}-{kind}.png", full_page=True)
    if before is not None:
        await page.set_viewport_size(before)
    await page.emulate_media(color_scheme="light")


async def test_pages_are_chosen_at_the_provider_and_a_dead_token_is_cured_there(
    context: BrowserContext, world_hub: Stage
) -> None:
    graph = world_hub.world.graph
    graph.add_page(SECOND, "Brightleaf Roastery")
    for page_id in (PAGE, SECOND):
        graph.pages[page_id].subscribed_fields.clear()
    graph.login.add_manager("5001", "Olivia Owner", [PAGE, SECOND])
    graph.login.redirects.add(f"{world_hub.served.base}/consent/return")
    await world_hub.admin.own(await world_hub.served.setup_code(), OWNER, PASSWORD)
    page = await sign_in(context, world_hub.served.base)

    # Two values, and the way there is open.
    await page.goto(f"{world_hub.served.base}/inbox/settings/channels/new/messenger")
    await page.get_by_label("App secret").fill(graph.app_secret)
    await page.get_by_label("App ID").fill(graph.app_id)
    await page.get_by_role("button", name="Advanced").click()
    await page.get_by_label("Graph address").fill(graph.base)
    await page.get_by_label("Login address").fill(graph.base)
    await page.get_by_role("button", name="Save and go on").click()
    await expect(page.get_by_text("has not consented yet")).to_be_visible()
    await shoot(page, "1-draft")
    await page.get_by_role("button", name="Ask for consent").click()

    # At the provider.
    await expect(page.get_by_role("heading", name="Continue as Olivia Owner?")).to_be_visible()
    await page.get_by_role("button", name="Continue").click()

    # Back, with what it opened.
    choices = page.get_by_role("group", name="Choose what to connect")
    await expect(choices.get_by_role("checkbox")).to_have_count(2)
    await choices.get_by_label("Brightleaf Coffee").check()
    await shoot(page, "2-choose")
    await choices.get_by_role("button", name="Connect 1").click()
    await expect(page.get_by_role("heading", name="Brightleaf Coffee", level=3)).to_be_visible()
    await page.get_by_role("button", name="Switch on").click()
    await expect(page.get_by_text("Switched on")).to_be_visible()
    await expect(page.get_by_text("Active").first).to_be_visible()
    assert graph.pages[PAGE].subscribed_fields
    assert not graph.pages[SECOND].subscribed_fields

    # It lives.
    await graph.write(PSID, "Is it in stock?")
    await page.get_by_role("link", name="Conversations").click()
    await page.get_by_role("option", name="Ada Moreno").click()
    await expect(page.get_by_role("log").get_by_text("Is it in stock?")).to_be_visible()

    # The token dies: the reply waits, and everybody is told.
    graph.pages[PAGE].token_error = 460
    box = page.get_by_role("textbox", name="Reply")
    await box.fill("It is.")
    await box.press("Enter")
    bar = page.get_by_role("status").filter(has_text="Brightleaf Coffee: Meta no longer accepts")
    await expect(bar).to_contain_text("Replies wait.")
    await shoot(page, "3-inbox")
    await bar.get_by_role("link", name="Channel settings").click()
    banner = page.get_by_role("alert").filter(has_text="no longer accepts the page access token")
    await expect(banner).to_be_visible()
    await shoot(page, "4-banner")
    assert graph.received(PSID) == []

    # One click and the provider's page later it leaves.
    await banner.get_by_role("button", name="Ask for consent again").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(choices.get_by_role("checkbox").first).to_be_disabled()  # connected
    await expect(banner).to_have_count(0)
    await until(lambda: [taken.text for taken in graph.received(PSID)] == ["It is."])
    await expect(bar).to_have_count(0)
    await shoot(page, "5-healed")
