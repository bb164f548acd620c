"""A stranger in somebody's thread: the agent sees the link, merges by one click, thinks again; and who gets a copy."""

from __future__ import annotations

from email import message_from_bytes

from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in, until

from omnibox.testing.world.demo import CUSTOMER, MAILBOX

PARTNER = "mia@partner.example"


async def test_an_agent_merges_what_is_related_and_takes_it_back(context: BrowserContext, stage: Stage) -> None:
    world = stage.world
    copied = [("Cc", f"Mia Serra <{PARTNER}>")]
    asked = world.house.write(CUSTOMER, MAILBOX, "Order 5001", "Where is it?", name="Leo Conti", headers=copied)
    page = await sign_in(context, stage.served.base)
    await page.get_by_role("option", name="Leo Conti").click()
    log = page.get_by_role("log")
    await expect(log.get_by_text("Where is it?")).to_be_visible()

    # Who was in copy is shown, and gets nothing by itself.
    await expect(page.get_by_role("button", name="With Mia Serra")).to_be_visible()
    box = page.get_by_role("textbox", name="Reply")
    await box.fill("On its way.")
    await box.press("Enter")
    await until(lambda: len(world.house.sent_to(CUSTOMER)) == 1)
    assert message_from_bytes(world.house.sent_to(CUSTOMER)[0])["Cc"] is None
    assert len(world.house.sent_to(PARTNER)) == 1  # Leo's own copy of his question

    # She answers Leo's mail: a conversation of her own, that says where it may belong.
    number = message_from_bytes(asked)["Message-ID"]
    world.house.write(
        PARTNER, MAILBOX, "Re: Order 5001", "And mine?", name="Mia Serra", headers=[("In-Reply-To", number)]
    )
    await page.get_by_role("option", name="Mia Serra").click()
    related = page.get_by_role("region", name="Possibly related")
    await expect(related).to_contain_text("Leo Conti")
    await expect(log.get_by_text("does not belong to the one it names")).to_be_visible()
    await box.fill("Half an answer to Mia")

    # Merged by the keyboard: her words, and those begun to her, are where they belong.
    merge = related.get_by_role("button", name="Merge")
    await merge.focus()
    await merge.press("Enter")
    await expect(page.get_by_role("heading", name="Leo Conti", level=1)).to_be_visible()
    await expect(log.get_by_text("And mine?")).to_be_visible()
    await expect(log.get_by_text("You merged conversation")).to_be_visible()
    await expect(page.get_by_role("option")).to_have_count(1)
    await expect(box).to_have_value("Half an answer to Mia")

    # Undone: two conversations as before.
    toast = page.get_by_role("status").filter(has_text="Merged: Mia Serra")
    await toast.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("heading", name="Mia Serra", level=1)).to_be_visible()
    await expect(page.get_by_role("option")).to_have_count(2)
    await expect(related).to_be_visible()
    await page.get_by_role("option", name="Leo Conti").click()
    await expect(log.get_by_text("On its way.")).to_be_visible()
    await expect(log.get_by_text("And mine?")).to_have_count(0)

    # A copy goes to whom the agent ticks.
    await page.get_by_role("button", name="Mia Serra gets no copy").click()
    await box.fill("To both of you.")
    await box.press("Enter")
    await until(lambda: any(b"To both of you." in mail for mail in world.house.sent_to(PARTNER)))
    await expect(page.get_by_role("button", name="Mia Serra gets a copy")).to_be_visible()

    # A message split off stands in a conversation of its own.
    message = log.get_by_role("article").filter(has_text="To both of you.")
    await message.get_by_role("button", name="More for this message").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("menuitem", name="Split off this message").click()
    await expect(log.get_by_text("You split these messages off")).to_be_visible()
    await expect(log.get_by_text("Where is it?")).to_have_count(0)
    await expect(page.get_by_role("option")).to_have_count(3)
