"""The `Context` a connector gets in tests: the real guard, client and signatures; a memory instead of a database."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from omnibox.connector import BadSettings, ChannelSettings, Field
from omnibox.outbound import Guard, GuardedHttp
from omnibox.secrets import Secrets, random_key

LOOPBACK = ("127.0.0.0/8", "::1", "localhost")


class WatchedSettings(Mapping[str, Any]):
    """Settings that note which names were read."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class KitLog:
    """Keeps each line as it would be written."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def info(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts}")

    def warning(self, event: str, **facts: object) -> None:
        self.lines.append(f"{event} {facts}")


class KitContext:
    """A `Context` whose outgoing door opens loopback too. `close()` it."""

    connection = "1"
    installation = "kit"
    hook_url = "https://omnibox.example/hooks/kit"

    def __init__(
        self,
        settings: Mapping[str, Any],
        channels: Sequence[ChannelSettings] = (),
        allow: Sequence[str] = LOOPBACK,
    ) -> None:
        self.settings = WatchedSettings(settings)
        self.channels = channels
        self.log = KitLog()
        self.guard = Guard(allow)
        self.http = GuardedHttp(self.guard)
        self.saved: dict[str, str] = {}
        self.remembered: dict[str, tuple[str, datetime]] = {}
        self._secrets = Secrets([random_key()])

    async def close(self) -> None:
        await self.http.close()

    def setting(self, name: str) -> Any:
        value = self.settings.get(name)
        if value in (None, ""):
            raise BadSettings(f"the setting {name} is missing", name)
        return value

    def channel(self, address: str) -> ChannelSettings:
        for channel in self.channels:
            if channel.address == address:
                return channel
        raise BadSettings("there is no channel of that address")

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> socket.socket:
        return await self.guard.connect(host, port, timeout_s)

    def sign(self, purpose: str, value: str) -> str:
        return self._secrets.sign(purpose, value)

    def verify(self, purpose: str, token: str) -> str | None:
        return self._secrets.verify(purpose, token)

    async def save_secret(self, name: str, value: str) -> None:
        self.saved[name] = value

    async def stored_setting(self, name: str) -> Any:
        return self.saved.get(name, self.settings.get(name))

    async def remember(self, key: str, value: str, until: datetime) -> None:
        self.remembered[key] = (value, until)

    async def recall(self, key: str) -> str | None:
        value, until = self.remembered.get(key, (None, None))
        return value if until is not None and until > datetime.now(UTC) else None


def with_defaults(fields: Sequence[Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values`, and the declared default of each field that has none."""
    return {field.name: field.default for field in fields if field.default is not None} | dict(values)
