"""Where something came from: the connection, its channels, and the scopes their ids are unique in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from omnibox.connector import Capabilities, Envelope
from omnibox.masking import CARDS, Rules

INSTALLATION = "installation"


@dataclass(frozen=True, slots=True)
class Origin:
    """A live connection as intake needs it. `channels` maps our own addresses to channel ids; those in `acknowledging`
    confirm a person's first message.

    `read_token` gives the conversation that a signed token names, or None for a forged one.
    """

    connection_id: int
    capabilities: Capabilities
    channels: Mapping[str, int]
    read_token: Callable[[str], int | None]
    acknowledging: frozenset[int] = frozenset()
    rules: Mapping[int, Rules] = field(default_factory=dict)
    """Of the channels that hide more than card numbers."""

    def channel_of(self, address: str) -> int | None:
        return self.channels.get(self.folded(address))

    def rules_for(self, envelope: Envelope) -> Rules:
        """What is hidden in an envelope: by the channel it names; of one that names none, by all of them."""
        if not self.rules:
            return CARDS
        to = getattr(envelope, "to", None)
        return self.all_rules() if to is None else self.rules.get(self.channel_of(to) or 0, CARDS)

    def all_rules(self) -> Rules:
        """Those of all channels together."""
        return Rules(tuple(pattern for rules in self.rules.values() for pattern in rules.patterns))

    def folded(self, address: str) -> str:
        return address.casefold() if self.capabilities.address.folds_case else address

    def id_scope(self, channel_id: int) -> str:
        """The scope in which the platform's ids of messages are unique."""
        return INSTALLATION if self.capabilities.dedupe_scope == "installation" else f"channel:{channel_id}"

    def address_scope(self, channel_id: int) -> str:
        """The scope in which a contact's address names one person."""
        return f"channel:{channel_id}" if self.capabilities.address.is_scoped else ""
