"""What every part of the kit stands on: the members a subclass gives, and the platform, context and instance."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from omnibox import connector as api
from omnibox.testing.context import KitContext, with_defaults
from omnibox.testing.platform import Platform, Received

CANARY = "Zebra quartz 5317, ünïcödé 👩‍👩‍👧 and a card 4111111111111111"
SOON_S = 1.0  # what DESIGN allows a source, and a send, to take to end


class Base:
    """Give it `connector`, `fixtures`, `settings` and `sign`; override more where the platform is particular.

    `fixtures` holds recorded webhook bodies `<case>.body`, each with the envelopes it means in `<case>.expected.json`
    (run once with `OMNIBOX_WRITE_EXPECTED=1` to have those written, then read them). What does not apply to a connector
    is skipped by what it declares: no `verify` means no webhook tests, no `run` no source tests; a live channel needs
    no `fixtures` and no `sign`. A source that is not a webhook overrides `read` to have its recorded bodies read.
    """

    connector: ClassVar[Any]
    fixtures: ClassVar[Path]
    sends_by_http: ClassVar[bool] = True
    """False where `send` speaks another protocol: then override the fixture `platform` with one that has `arrived`."""
    statuses: ClassVar[Mapping[int, type[api.SendError]]] = {}
    """Where the platform's bare statuses mean something else than the general rule."""
    patience_s: ClassVar[float] = 10
    """How long to wait for what must happen at all."""
    own_errors: ClassVar[Sequence[tuple[int, object, type[api.SendError]]]] = ()
    """Answers in the platform's own error form: status, body, the error it means."""

    def settings(self, platform: Any) -> dict[str, Any]:
        """Connection settings that make the connector talk to `platform` (its address is `platform.url`)."""
        raise NotImplementedError

    def sign(self, body: bytes, settings: dict[str, Any]) -> dict[str, str]:
        """The headers the platform would send with this body."""
        raise NotImplementedError

    def channels(self, platform: Any) -> list[api.ChannelSettings]:
        """By default one for each address that the recorded messages were sent to."""
        fields = getattr(self.connector, "channel_settings", ())
        return [api.ChannelSettings(address, "", with_defaults(fields, {})) for address in sorted(self._addresses())]

    def batches(self, document: Any) -> Iterable[list[Any]]:
        """Each list inside a decoded body that holds elements, the very list objects; none if it never holds many."""
        return ()

    def outbound(self) -> api.Outbound:
        """A reply the platform takes."""
        windows = self.connector.capabilities.windows
        return api.Outbound(
            id="0193a5b0-7c1e-7000-8000-0000000000f1",
            address=next(iter(self._contacts()), "contact-1"),
            channel=next(iter(sorted(self._addresses())), "channel-1"),
            written_at=datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
            text=CANARY,
            mode=windows[0].mode if windows else "",
        )

    def accept(self, request: Received) -> object:
        """What the platform answers to a good request."""
        return {}

    def read(self, connector: Any, body: bytes, settings: dict[str, Any]) -> Iterable[api.Envelope]:
        """The envelopes of one recorded body."""
        return list(connector.parse(self.request(body, settings)))

    async def fill(self, platform: Any, count: int) -> None:
        """For a source: put `count` more messages where the connector looks for them."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def platform(self) -> AsyncIterator[Any]:
        platform = Platform(self.accept)
        await platform.start()
        yield platform
        await platform.close()

    @pytest_asyncio.fixture
    async def context(self, platform: Any) -> AsyncIterator[KitContext]:
        context = self.new_context(platform)
        yield context
        await context.close()

    @pytest_asyncio.fixture
    async def one(self, context: KitContext) -> Any:
        """An instance of the connector."""
        return self.connector(context)

    def new_context(self, platform: Any, **changed: Any) -> KitContext:
        values = with_defaults(self.connector.settings, self.settings(platform)) | changed
        return KitContext(values, self.channels(platform))

    def request(self, body: bytes, settings: dict[str, Any]) -> api.Request:
        headers = {name.lower(): value for name, value in self.sign(body, settings).items()}
        return api.Request(headers, body)

    def recorded(self) -> list[Path]:
        paths = sorted(path for path in self.fixtures.iterdir() if path.suffix not in (".json", ".md"))
        assert paths, f"no recorded bodies in {self.fixtures}"
        return paths

    def _expected(self) -> list[dict[str, Any]]:
        if not hasattr(self, "fixtures"):
            return []
        return [item for path in sorted(self.fixtures.glob("*.expected.json")) for item in json.loads(path.read_text())]

    def _addresses(self) -> set[str]:
        return {item["to"] for item in self._expected() if item.get("to")}

    def _contacts(self) -> list[str]:
        return [item["address"] for item in self._expected() if item["envelope"] == "Inbound"]

    def _folder(self) -> Path:
        return Path(inspect.getfile(self.connector)).parent

    def _secrets(self, settings: Mapping[str, Any]) -> set[str]:
        """Values that no log or error may hold: secrets, and addresses, which often carry a token."""
        hidden = {field.name for field in self.connector.settings if field.kind in ("secret", "url")}
        return {str(value) for name, value in settings.items() if name in hidden and len(str(value)) > 5}

    async def _failure(self, one: Any, part: api.Outbound) -> str:
        with pytest.raises(api.SendError) as caught:
            await one.send(part)
        return self._told(caught.value)

    @staticmethod
    def _told(error: api.ConnectorError) -> str:
        """Everything an error says, with its causes and its members."""
        return "\n".join([*traceback.format_exception(error), repr(error), repr(vars(error))])

    @staticmethod
    def _logged(context: KitContext, caplog: pytest.LogCaptureFixture, capfd: Any) -> str:
        printed = capfd.readouterr()
        records = [str(vars(record)) for record in caplog.records]
        return "\n".join([*context.log.lines, *records, caplog.text, printed.out, printed.err])

    @staticmethod
    def _assert_silent(said: str, secrets: set[str], texts: set[str]) -> None:
        assert not [len(secret) for secret in secrets if secret in said], "a secret or an address of the platform shows"
        assert not [text for text in texts if text in said], "a text shows"

    @staticmethod
    def _assert_forged(one: Any, request: api.Request) -> None:
        with pytest.raises(api.Forged):
            one.verify(request)


async def assert_cancels(task: asyncio.Future[Any]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=SOON_S)
    assert task.done(), "it went on after cancel"
    assert task.cancelled() or task.exception() is not None, "it swallowed the cancel"
