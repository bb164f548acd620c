"""A way out: what replies and delivery need to know of a live channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omnibox.connector import Capabilities, Connector, Part, Parts, Reserve, default_parts
from omnibox.connector import Outbound as Outgoing
from omnibox.inbox.origin import Origin


@dataclass(frozen=True, slots=True)
class Way:
    """One channel of a live connection. `token` signs a conversation's id for reply addresses."""

    channel_id: int
    address: str
    settings: Mapping[str, Any]
    connector: Connector
    origin: Origin
    token: Callable[[int], str]

    @property
    def capabilities(self) -> Capabilities:
        return self.connector.capabilities

    @property
    def id_scope(self) -> str:
        return self.origin.id_scope(self.channel_id)

    def parts(self, reply: Part) -> Sequence[Part]:
        """How a reply leaves, in order."""
        if isinstance(self.connector, Parts):
            return self.connector.parts(reply)
        return default_parts(reply, self.capabilities)

    def reserve(self, part: Outgoing) -> str | None:
        """The platform's id a part will have, where that is known before."""
        return self.connector.reserve(part) if isinstance(self.connector, Reserve) else None


Ways = Callable[[int], Way | None]
"""Finds the live way of a channel by its id."""
