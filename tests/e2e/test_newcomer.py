"""What a newcomer gets, played whole in a browser: three customers write, the agent answers each from the inbox."""

from __future__ import annotations

import re
from email import message_from_bytes

from playwright.async_api import BrowserContext, Page, expect
from tests.e2e.conftest import Stage, answer, sign_in, until

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, PSID

CARD = "4111 1111 1111 1111"


async def open_chat(context: BrowserContext, stage: Stage) -> Page:
    """The shop page with its chat open."""
    shop = await context.new_page()
    await shop.goto(f"{stage.world.desk.base}/shop")
    await shop.get_by_role("button", name=re.compile("^(open )?chat", re.I)).click()
    await expect(shop.get_by_role("textbox", name="Write a message…")).to_be_visible()
    return shop


async def chat(shop: Page, text: str) -> None:
    box = shop.get_by_role("textbox", name="Write a message…")
    await box.fill(text)
    await box.press("Enter")


async def test_three_customers_are_answered_from_one_inbox(context: BrowserContext, stage: Stage) -> None:
    world = stage.world
    page = await sign_in(context, stage.served.base)
    shop = await open_chat(context, stage)

    # Each writes on a channel of their own; each appears without a reload, with the icon of its source.
    await chat(shop, "Is the Guji in stock?")
    await world.graph.write(PSID, "Where is my coffee?")
    world.house.write(CUSTOMER, MAILBOX, "Invoice", "Please send it.", name="Leo Conti")
    visitor = page.get_by_role("option").filter(has_text="Is the Guji in stock?")
    ada = page.get_by_role("option").filter(has_text="Ada Moreno")
    leo = page.get_by_role("option").filter(has_text="Leo Conti")
    for row in (visitor, ada, leo):
        await expect(row).to_be_visible()
    await expect(ada.get_by_role("img", name="Messenger")).to_be_visible()
    await expect(leo.get_by_role("img", name="Email")).to_be_visible()
    await expect(visitor.get_by_role("img", name=re.compile("Messenger|Email"))).to_have_count(0)
    await expect(visitor).to_contain_text("Website chat")  # said, not shown

    # Each answer leaves by the channel its customer used.
    await answer(page, "Ada Moreno", "It arrives today.")
    await answer(page, "Leo Conti", "Here is your invoice.")
    await visitor.click()
    await page.get_by_role("textbox", name="Reply").fill("It is!")
    await page.get_by_role("textbox", name="Reply").press("Enter")
    await expect(shop.get_by_role("log").get_by_text("It is!")).to_be_visible()
    await until(lambda: [taken.text for taken in world.graph.received(PSID)] == ["It arrives today."])
    await until(lambda: len(world.house.sent_to(CUSTOMER)) == 1)
    mail = message_from_bytes(world.house.sent_to(CUSTOMER)[0])
    assert mail["Subject"] == "Re: Invoice"
    assert mail["In-Reply-To"] == mail["References"].split()[-1]

    # The customer's mail answer lands in the same conversation, and a resolved one reopens.
    await page.get_by_role("option", name="Leo Conti").click()
    await page.get_by_role("button", name="Resolve", exact=True).click()
    await expect(leo).to_have_count(0)
    world.house.answer(CUSTOMER, world.house.sent_to(CUSTOMER)[0], "Thanks, it is here.")
    await expect(leo).to_be_visible()
    await leo.click()
    log = page.get_by_role("log")
    for text in ("Please send it.", "Here is your invoice.", "Thanks, it is here."):
        await expect(log.get_by_text(text)).to_be_visible()

    # A shop names all its channels alike: the filter says which is which, to the eye as to the ear.
    await page.get_by_role("button", name="Filter by channel").click()
    for title in ("Website chat", "Messenger", "Email"):
        choice = page.get_by_role("menuitem", name=f"{title} Brightleaf Coffee", exact=True)
        await expect(choice).to_contain_text(title)
    await page.keyboard.press("Escape")

    # A card number shows masked on both sides, and was never more than that on the way.
    await chat(shop, f"My card is {CARD}")
    await expect(shop.get_by_role("log").get_by_text("•••• •••• •••• 1111")).to_be_visible()
    await expect(page.get_by_role("option").filter(has_text="•••• •••• •••• 1111")).to_be_visible()


async def test_a_conversation_survives_reload_and_kill(context: BrowserContext, stage: Stage) -> None:
    """Reload with the panel open, kill -9 in mid-conversation: both sides show one history, each message once."""
    page = await sign_in(context, stage.served.base)
    shop = await open_chat(context, stage)
    await chat(shop, "first")
    await expect(page.get_by_role("option").filter(has_text="first")).to_be_visible()
    await page.get_by_role("option").first.click()
    await stage.served.kill()
    await chat(shop, "second, into the void")
    await stage.served.start()
    log = page.get_by_role("log")
    await expect(log.get_by_text("second, into the void")).to_have_count(1)
    await page.get_by_role("textbox", name="Reply").fill("I am back")
    await page.get_by_role("textbox", name="Reply").press("Enter")
    await expect(shop.get_by_role("log").get_by_text("I am back")).to_have_count(1)
    await shop.reload()
    for text in ("first", "second, into the void", "I am back"):
        await expect(shop.get_by_role("log").get_by_text(text, exact=True)).to_have_count(1)


async def test_the_first_owner_sets_the_hub_up_in_the_browser(context: BrowserContext, world_hub: Stage) -> None:
    code = await world_hub.served.setup_code()
    page = await context.new_page()
    await page.goto(f"{world_hub.served.base}/")
    await page.get_by_label("Set-up code").fill("wrong-code")
    await page.get_by_label("Your name").fill("Olga")
    await page.get_by_label("Email").fill("olga@shop.example")
    await page.get_by_label("Password", exact=True).fill("correct horse battery staple")
    submit = page.locator("button[type=submit]")
    await submit.click()
    await expect(page.get_by_role("alert").first).to_be_visible()
    await page.get_by_label("Set-up code").fill(code)
    await submit.click()
    await expect(page.get_by_role("region", name="Conversations")).to_be_visible()
