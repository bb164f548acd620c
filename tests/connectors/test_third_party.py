"""A connector from another distribution passes the same kit. The packaging test installs it as a wheel."""

import base64
import hashlib
import hmac
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from omnibox.connector import ChannelSettings, Rejected, Temporary
from omnibox.testing import ConnectorTests, Platform, Received

HOME = Path(__file__).parents[2] / "fixtures/third_party"
sys.path.append(str(HOME))

from omnibox_pager import Pager  # noqa: E402 - found by the line above


class TestPager(ConnectorTests):
    connector = Pager
    fixtures = HOME / "recorded"
    own_errors = ((500, {"fault": "busy"}, Temporary), (422, {"fault": "no such pager"}, Rejected))

    def setup_method(self) -> None:
        self.missed: list[dict[str, Any]] = []

    def settings(self, platform: Platform) -> dict[str, Any]:
        return {"secret": "acme signing secret", "gateway": f"{platform.url}pages", "every_s": 0.01}

    def channels(self, platform: Platform) -> list[ChannelSettings]:
        return [replace(channel, settings={"key": "key of the number"}) for channel in super().channels(platform)]

    def sign(self, body: bytes, settings: dict[str, Any]) -> dict[str, str]:
        digest = hmac.digest(settings["secret"].encode(), body, hashlib.sha256)
        return {"X-Acme-Signature": "v1=" + base64.b64encode(digest).decode()}

    def batches(self, document: Any) -> Iterable[list[Any]]:
        return [document["events"]]

    def accept(self, request: Received) -> object:
        if request.method == "GET":
            return {"events": self.missed[int(request.query["after"]) :]}
        return {"page": "pg_1000"}

    async def fill(self, platform: Platform, count: int) -> None:
        for number in range(len(self.missed), len(self.missed) + count):
            page = {"type": "page", "page": f"pg_{number}", "pager": "pager-7", "text": f"Page {number}"}
            self.missed.append({**page, "number": "+49 30 5550", "at_ms": 1793612345678 + number})
