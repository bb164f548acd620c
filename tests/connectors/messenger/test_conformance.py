"""The conformance kit, run on the Messenger connector with its recorded bodies."""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from omnibox import connector as api
from omnibox.testing import ConnectorTests
from omnibox_messenger import Messenger

SECRET = "5f1d0c7be28943a6b1c4d9e07a8b3c2d"
TOKEN = "EAAconformance5317"


class TestMessenger(ConnectorTests):
    connector = Messenger
    fixtures = Path(__file__).parents[3] / "fixtures" / "messenger"
    # A bare status means that a gateway answered and not the Graph API: the address is wrong, not the message.
    statuses: ClassVar = {400: api.ChannelDown, 404: api.ChannelDown}
    own_errors = (
        (400, {"error": {"code": 10, "error_subcode": 2018278}}, api.Rejected),
        (400, {"error": {"code": 190}}, api.ChannelDown),
        (500, {"error": {"code": 2}}, api.Temporary),
        (400, {"error": {"code": 613}}, api.Temporary),
        (400, {"error": {"code": 1, "error_subcode": 1357046}}, api.Uncertain),
    )

    def settings(self, platform: Any) -> dict[str, Any]:
        return {"app_secret": SECRET, "verify_token": "verify-me-5317", "graph_base": platform.url}

    def channels(self, platform: Any) -> list[api.ChannelSettings]:
        return [api.ChannelSettings(a, "", {"page_access_token": TOKEN}) for a in sorted(self._addresses())]

    def sign(self, body: bytes, settings: dict[str, Any]) -> dict[str, str]:
        digest = hmac.new(settings["app_secret"].encode(), body, hashlib.sha256).hexdigest()
        return {"X-Hub-Signature-256": f"sha256={digest}"}

    def batches(self, document: Any) -> Iterator[list[Any]]:
        if isinstance(document, dict) and isinstance(document.get("entry"), list):
            yield document["entry"]
            for entry in document["entry"]:
                yield from (entry[name] for name in ("messaging", "standby") if isinstance(entry.get(name), list))

    def accept(self, request: Any) -> object:
        return {"recipient_id": "1", "message_id": f"m_{len(request.body)}", "attachment_id": "a_1"}
