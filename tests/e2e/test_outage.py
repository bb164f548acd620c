"""A disk that takes nothing, as an agent sees it: why, what to do, and that nobody has to do it twice."""

from __future__ import annotations

import aiohttp
from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in, until
from tests.faults.hooks import post, said
from tests.faults.test_disk import FailingDisk

from omnibox.testing.world.demo import PSID


async def test_the_inbox_says_why_nothing_is_stored_and_goes_on_by_itself(
    context: BrowserContext, stage: Stage
) -> None:
    graph, disk = stage.world.graph, FailingDisk()
    await graph.write(PSID, "Where is my order?")
    page = await sign_in(context, stage.served.base)
    await page.get_by_role("option", name="Ada Moreno").click()
    banner = page.get_by_role("alert").filter(has_text="The disk gives errors.")
    await expect(banner).to_have_count(0)

    disk.strike(stage.served)
    async with aiohttp.ClientSession() as http:
        assert (await post(http, graph, said(graph, "Hello?"))).status == 503
    await expect(banner).to_contain_text("Nothing new is stored; what is there can be read.")
    await expect(banner).to_contain_text("Look at the disk of the server's data.")
    box = page.get_by_role("textbox", name="Reply")
    await box.fill("It is on its way.")
    await box.press("Enter")

    disk.heal(stage.served)
    await expect(banner).to_have_count(0)
    await until(lambda: [taken.text for taken in graph.received(PSID)] == ["It is on its way."])
