"""A hidden number that was no card: reported beside its message, seen by the admins, never with more digits."""

from __future__ import annotations

from email.message import EmailMessage

from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in

from omnibox.testing.world.demo import CUSTOMER, MAILBOX

NUMBER = "4111 1111 1111 1111"


def mail(text: str, number: int) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = f"Leo Conti <{CUSTOMER}>", MAILBOX, f"Parcel {number}"
    message["Date"], message["Message-ID"] = "Mon, 16 Nov 2026 09:00:00 +0000", f"<parcel{number}@customer.example>"
    message.set_content(text)
    return message.as_bytes()


async def test_an_agent_reports_what_was_no_card_number(context: BrowserContext, stage: Stage) -> None:
    stage.world.house.deliver(mail(f"My tracking number is {NUMBER}, thank you.", 1), MAILBOX)
    page = await sign_in(context, stage.served.base)
    await page.get_by_role("option", name="Leo Conti").click()
    message = page.get_by_role("log").get_by_role("article").filter(has_text="My tracking number")
    await expect(message).to_contain_text("•••• •••• •••• 1111")
    await message.hover()
    await message.get_by_role("button", name="More for this message").click()
    await page.get_by_role("menuitem", name="This was no card number: •••• •••• •••• 1111").click()
    await expect(page.get_by_text("Thank you: the admins see its shape")).to_be_visible()

    await page.goto(f"{stage.served.base}/inbox/settings/cards")
    report = page.get_by_role("listitem").filter(has_text="Hidden as a card number")
    await expect(report).to_contain_text("4-4-4-4 (space) · ends in 1111")
    await expect(report).to_contain_text("word tracking number word [·] word word")
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export").click()
    table = (await (await download.value).path()).read_text()
    assert table.splitlines()[0] == "id,at,rule,scheme,shape,separators,last,around"
    assert "4111" not in table


async def test_an_admin_has_more_hidden_on_a_channel(context: BrowserContext, stage: Stage) -> None:
    page = await sign_in(context, stage.served.base)
    connections = await stage.admin.ask("GET", "/api/connections")
    mailed = next(each for each in connections if each["channels"][0]["address"] == MAILBOX)
    await page.goto(f"{stage.served.base}/inbox/settings/channels/{mailed['id']}")
    await page.get_by_text("Also hide on this channel").click()
    box = page.get_by_label("Patterns")
    await box.fill(r"LC\d+")
    await page.get_by_role("button", name="Save patterns").click()
    await expect(page.get_by_text("+ and * have no end")).to_be_visible()
    await box.fill(r"LC-?\d{8}")
    await page.get_by_role("button", name="Save patterns").click()
    await expect(page.get_by_text("Saved")).to_be_visible()

    stage.world.house.deliver(mail("My card is LC-12345678, my order 12345678.", 2), MAILBOX)
    await page.goto(f"{stage.served.base}/inbox/")
    await page.get_by_role("option", name="Leo Conti").click()
    await expect(page.get_by_role("log")).to_contain_text("My card is LC-••••5678, my order 12345678.")
