import hashlib
import hmac
from pathlib import Path

from omnibox.testing import ConnectorTests, Platform
from omnibox_hook import Hook


class TestHook(ConnectorTests):
    connector = Hook
    fixtures = Path(__file__).parents[2] / "fixtures/hook"

    def settings(self, platform: Platform) -> dict[str, str]:
        return {"secret": "correct horse battery", "url": platform.url}

    def sign(self, body: bytes, settings: dict[str, str]) -> dict[str, str]:
        return {"X-Signature": hmac.new(settings["secret"].encode(), body, hashlib.sha256).hexdigest()}
