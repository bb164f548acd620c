"""What the core lends a connector: the `Context` of `omnibox.connector`, for one live connection."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from omnibox import crash
from omnibox.clock import Clock, now
from omnibox.connector import BadSettings, ChannelSettings
from omnibox.logs import get_logger
from omnibox.outbound import Guard, GuardedHttp
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction, insert
from omnibox.store.tables import memory


class CountedHttp(GuardedHttp):
    """The guarded client; each request is a step at which a crash can be asked for."""

    async def _ask(self, *arguments: Any) -> Any:
        crash.point("before call")
        answer = await super()._ask(*arguments)
        crash.point("after call")
        return answer


@dataclass(frozen=True, slots=True)
class LiveContext:
    """One per connector instance; `close()` it with the instance."""

    connection_id: int
    installation: str
    settings: Mapping[str, Any] = field(repr=False)
    channels: Sequence[ChannelSettings] = field(repr=False)
    hook_url: str
    http: CountedHttp = field(repr=False)
    guard: Guard = field(repr=False)
    secrets: Secrets = field(repr=False)
    store: Store = field(repr=False)
    keep_secret: Any = field(repr=False)
    read_setting: Any = field(repr=False)
    clock: Clock = now
    log: Any = field(default=None, repr=False)

    @property
    def connection(self) -> str:
        return str(self.connection_id)

    def setting(self, name: str) -> Any:
        value = self.settings.get(name)
        if value is None or value == "":
            raise BadSettings(f"the setting {name} is missing", name)
        return value

    def channel(self, address: str) -> ChannelSettings:
        for each in self.channels:
            if each.address == address:
                return each
        raise BadSettings("there is no channel of that address")

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> socket.socket:
        crash.point("connect")
        return await self.guard.connect(host, port, timeout_s)

    def sign(self, purpose: str, value: str) -> str:
        return self.secrets.sign(f"connector {purpose}", value)

    def verify(self, purpose: str, token: str) -> str | None:
        return self.secrets.verify(f"connector {purpose}", token)

    async def save_secret(self, name: str, value: str) -> None:
        await self.keep_secret(self.connection_id, name, value)

    async def stored_setting(self, name: str) -> Any:
        return await self.read_setting(self.connection_id, name)

    async def remember(self, key: str, value: str, until: datetime) -> None:
        row = {"connection_id": self.connection_id, "key": key, "value": value, "until": until}
        await self.store.write(partial(_remember, row=row))

    async def recall(self, key: str) -> str | None:
        wanted = sa.select(memory.c.value).where(
            memory.c.connection_id == self.connection_id, memory.c.key == key, memory.c.until > self.clock()
        )
        found: str | None = await self.store.read(lambda tx: tx.execute(wanted).scalar())
        return found

    async def close(self) -> None:
        await self.http.close()


def _remember(tx: Transaction, row: Mapping[str, Any]) -> None:
    statement = insert(memory)
    newer = {"value": statement.excluded.value, "until": statement.excluded.until}
    tx.execute(statement.on_conflict_do_update(index_elements=["connection_id", "key"], set_=newer), row)


def logger(connector: str, connection_id: int) -> Any:
    return get_logger(f"omnibox.connector.{connector}").bind(connection_id=connection_id)
