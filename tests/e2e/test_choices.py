"""An agent lets the customer choose, by keyboard; what is tapped comes back as that choice."""

from __future__ import annotations

from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in, until
from tests.e2e.test_choosing_pages import shoot

from omnibox.testing.world.demo import PSID


async def test_a_customer_taps_what_an_agent_offered(context: BrowserContext, stage: Stage) -> None:
    graph = stage.world.graph
    await graph.write(PSID, "When can I come?")
    page = await sign_in(context, stage.served.base)
    await page.get_by_role("option", name="Ada Moreno").click()
    log = page.get_by_role("log")
    await expect(log.get_by_text("When can I come?")).to_be_visible()

    await page.get_by_role("textbox", name="Reply").fill("Which day suits you?")
    await page.get_by_role("button", name="Let the customer choose").click()
    await page.get_by_role("button", name="Add a quick reply").press("Enter")
    await page.keyboard.type("Tuesday")
    await page.keyboard.press("Enter")
    await page.keyboard.type("Thursday")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Add a button").press("Enter")
    await page.keyboard.type("Opening hours")
    await page.keyboard.press("Tab")
    await page.keyboard.type("https://brightleaf.example/hours")
    await shoot(page, "choices-1-composer")
    await page.keyboard.press("Enter")
    await page.get_by_role("textbox", name="Reply").press("Enter")

    await until(lambda: bool(graph.received(PSID)))
    (seen,) = graph.received(PSID)
    assert seen.quick_replies == ("Tuesday", "Thursday")
    assert seen.attachments[0]["payload"]["buttons"][0]["url"] == "https://brightleaf.example/hours"
    offered = log.get_by_role("region", name="Choices")
    await expect(offered.get_by_text("Thursday")).to_be_visible()
    await expect(page.get_by_role("button", name="Add a quick reply")).to_have_count(0)

    await graph.press(PSID, "Thursday")
    await expect(log.get_by_text("Chosen · Which day suits you?")).to_be_visible()
    await expect(offered.get_by_role("listitem").filter(has_text="Thursday").get_by_label("Chosen")).to_be_visible()
    await shoot(page, "choices-2-log")
