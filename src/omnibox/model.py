"""The words of the hub as types: states, kinds, roles, and the records that several rooms share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NewType

Seq = NewType("Seq", int)
"""A place in the event log: dense, from 1, in commit order."""

Role = Literal["owner", "admin", "agent"]
ConversationState = Literal["open", "resolved", "merged"]
MessageKind = Literal["inbound", "outbound", "note", "line"]
AuthorKind = Literal["contact", "agent", "bot", "system"]
ConnectionState = Literal["draft", "active", "paused", "disabled"]
AttachmentState = Literal["ready", "pending", "failed"]
DeliveryState = Literal["queued", "sending", "sent", "delivered", "read", "failed", "uncertain"]

ADVANCE: tuple[DeliveryState, ...] = ("failed", "uncertain", "queued", "sending", "sent", "delivered", "read")
"""From the state that most needs a person to the one that needs nobody: a message shows its parts' first."""

LEFT: frozenset[DeliveryState] = frozenset({"sent", "delivered", "read"})
"""The platform has said that it took the part."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a message; `id` is the agent's or the contact's."""

    kind: AuthorKind
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the log: ids and words of the code, no text."""

    seq: Seq
    type: str
    at: datetime
    conversation_id: int | None = None
    message_id: int | None = None
    contact_id: int | None = None
    channel_id: int | None = None
    agent_id: int | None = None
    word: str | None = None
