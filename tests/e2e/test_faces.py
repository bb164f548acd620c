"""A customer's picture, of whatever shape, fills the circle in which the initials stood."""

from __future__ import annotations

import struct
import zlib

from playwright.async_api import BrowserContext, expect
from tests.e2e.conftest import Stage, sign_in

from omnibox.testing.world.demo import PSID
from omnibox.testing.world.graph import Media


def portrait(width: int = 30, height: int = 60) -> bytes:
    """A grey PNG that is taller than wide."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x99" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_picture_fills_its_circle(context: BrowserContext, stage: Stage) -> None:
    graph = stage.world.graph
    graph.people[PSID].picture = graph.media_url(Media("face.png", "image/png", portrait()))
    await graph.write(PSID, "Hello")
    page = await sign_in(context, stage.served.base)
    row = page.get_by_role("option", name="Ada Moreno")
    picture = row.locator("img")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("img => img.decode().then(() => img.naturalHeight)") == 60
    circle = picture.locator("xpath=..")
    assert await picture.bounding_box() == await circle.bounding_box()
