"""A hostile mail's original in a real browser: it is laid out, runs nothing, leads nowhere and asks nobody."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from email.message import EmailMessage

from playwright.async_api import BrowserContext, Request, expect
from tests.e2e.conftest import Stage, sign_in

from omnibox.testing.world.demo import CUSTOMER, MAILBOX

PIXEL = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
HOOK = "window.top.document.title='hooked';window.open('/hooked')"
HOSTILE = """
<html><head><base href="{far}/base/"><meta http-equiv="refresh" content="0;url={far}/refresh">
<link rel="stylesheet" href="{far}/link"><link rel="prefetch" href="{far}/prefetch">
<style>@import "{far}/import"; body {{ background: url({far}/css) }}
@font-face {{ font-family: F; src: url({far}/font) }} p {{ font-family: F }}</style></head>
<body background="{far}/body" onload="{hook}"><script>{hook}</script><script src="{far}/script"></script>
<h2>An offer for you</h2><p>Dear reader, <b>look at this</b>: <img src="cid:logo@shop" alt="Our logo" width="40"></p>
<img src="x" onerror="{hook}"><svg onload="{hook}"><image href="{far}/svg"/></svg>
<img src="{far}/pixel.gif" width="1" height="1"><img srcset="{far}/srcset 2x" src="{far}/src" alt="A far picture">
<iframe src="{far}/frame"></iframe><iframe srcdoc="<script>{hook}</script>"></iframe>
<video poster="{far}/poster" src="{far}/video" autoplay></video><object data="{far}/object"></object>
<form action="{far}/form"><input autofocus onfocus="{hook}"><button>Send</button></form>
<div style="position:fixed;inset:0;background:url({far}/style)">Over everything</div>
<table width="1400" border="1"><tr><td background="{far}/cell">A wide table</td></tr></table>
<p><a href="javascript:{hook}">A trap</a> <a href="{far}/link-followed">The shop</a></p></body></html>
"""


def offer(far: str) -> bytes:
    """A mail with its logo inside and everything else far away."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Leo Conti <{CUSTOMER}>", MAILBOX, "An offer"
    mail["Date"], mail["Message-ID"] = "Mon, 16 Nov 2026 09:00:00 +0000", "<offer@customer.example>"
    mail.set_content("Dear reader, look at this.")
    mail.add_alternative(HOSTILE.format(far=far, hook=HOOK), subtype="html")
    (_, html) = mail.iter_parts()
    assert isinstance(html, EmailMessage)
    html.add_related(PIXEL, "image", "png", cid="<logo@shop>", filename="logo.png")
    return mail.as_bytes()


async def test_a_hostile_mail_is_shown_and_stays_inert(context: BrowserContext, stage: Stage) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readline())
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\nConnection: close\r\n\r\nshop"
        )
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(hear, "127.0.0.1", 0)
    far = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        stage.world.house.deliver(offer(far), MAILBOX)
        page = await sign_in(context, stage.served.base)
        asked: list[Request] = []
        errors: list[str] = []
        context.on("request", lambda request: asked.append(request))
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.get_by_role("option", name="Leo Conti").click()
        await expect(page.get_by_role("log").get_by_text("look at this")).to_be_visible()
        title = await page.title()

        await page.get_by_role("button", name="Show original").click()
        await expect(page.get_by_text("2 remote images not loaded")).to_be_visible()
        original = page.frame_locator("iframe[title='Original message from Leo Conti']")
        await expect(original.get_by_role("heading", name="An offer for you")).to_be_visible()
        logo = original.get_by_role("img", name="Our logo")
        await expect(logo).to_be_visible()
        assert await logo.evaluate("image => image.complete && image.naturalWidth") == 1

        # What should not be there is not there; what should not happen did not.
        assert await original.locator("script, style:not(head style), iframe, form, input, svg, [style]").count() == 0
        await original.get_by_text("A trap").click()
        assert [request.url for request in asked if not request.url.startswith((stage.served.base, "data:"))] == []
        assert (heard, errors, len(context.pages), await page.title()) == ([], [], 1, title)
        assert page.frames[-1].url.endswith("/html")
        frame = await (await page.query_selector("iframe")).bounding_box()  # type: ignore[union-attr]
        log = await page.get_by_role("log").bounding_box()
        assert frame is not None
        assert log is not None
        assert frame["x"] >= log["x"]
        assert frame["x"] + frame["width"] <= log["x"] + log["width"]

        # A link opens elsewhere, and that page knows nothing of ours.
        async with context.expect_page() as opening:
            await original.get_by_role("link", name="The shop").click()
        shop = await opening.value
        await shop.wait_for_load_state()
        assert await shop.evaluate("[window.opener, document.referrer, document.body.innerText]") == [None, "", "shop"]
        assert heard[0] == b"GET /link-followed HTTP/1.1\r\n"
        await shop.close()

        await page.get_by_role("button", name="Show text").click()
        await expect(page.locator("iframe")).to_have_count(0)
    finally:
        listener.close()
        await listener.wait_closed()
