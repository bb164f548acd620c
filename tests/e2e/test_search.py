"""Finding a conversation again in the browser: type, see why it was found, be led to the place."""

from __future__ import annotations

from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID

CARD = "4111 1111 1111 1111"
AGO = 70  # messages: more than the first page of a conversation


async def test_an_agent_finds_a_message_of_long_ago_and_is_led_to_it(context: BrowserContext, stage: Stage) -> None:
    world = stage.world
    world.house.write(CUSTOMER, MAILBOX, "Invoice", "Die Straße in Köln ist gesperrt.", name="Léo Conti")
    await world.graph.write(PSID, f"My Umbrella is broken, paid with {CARD}")
    for number in range(AGO):
        await world.graph.write(PSID, f"Anything new? {number}")
    page = await sign_in(context, stage.served.base)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    field = page.get_by_role("searchbox", name="Search all conversations")
    results = page.get_by_role("listbox", name="Search results")

    # By accents or without, by the contact's name; the words are marked.
    await page.get_by_role("region", name="Conversations").press("/")
    await expect(field).to_be_focused()
    await field.fill("strasse leo")
    await expect(results.get_by_role("option")).to_have_count(1)
    await expect(results.locator("mark").first).to_have_text("Straße")

    # Parts of words are found too; Enter leads to the message, far up in its conversation.
    await field.fill("brella")
    await expect(results.get_by_role("option").filter(has_text="Ada Moreno")).to_be_visible()
    await expect(page.get_by_text("Inside words")).to_be_visible()
    await field.press("Enter")
    found = page.get_by_role("log").get_by_text("My Umbrella is broken")
    await expect(found).to_be_in_viewport()

    # A card number leaves the field masked and finds what is stored masked.
    await field.fill(CARD)
    await expect(results.locator("mark")).to_contain_text(["1111"])
    assert not [url for url in asked if "4111" in url]

    # Nothing found says so; Escape gives the list back.
    await field.fill("xylophone")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await field.press("Escape")
    await expect(page.get_by_role("listbox", name="Conversations").get_by_role("option")).to_have_count(2)
