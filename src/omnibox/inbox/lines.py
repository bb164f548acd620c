"""Lines of history: what an agent did with a conversation, told in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from omnibox.masking import mask
from omnibox.store import Transaction
from omnibox.store.tables import conversation, message

LINES: Mapping[str, str] = {
    "merged": "Conversation {other} was merged into this one",
    "split_off": "Messages were split off into conversation {other}",
    "split_from": "These messages were split off from conversation {other}",
    "moved_away": "Messages were moved to conversation {other}",
    "moved_here": "Messages were moved here from conversation {other}",
    "went_on": "The conversation went on in number {other}",
    "came_from": "This went on from conversation {other}",
}
"""By their word: screens say them in their language, exports and programs read these."""


def write_line(tx: Transaction, place: int, why: str, other: int, agent_id: int, **asked: Any) -> int:
    """Write a line into the conversation `place`; its id. `asked` are further columns that say what asked for it."""
    home = sa.select(conversation.c.channel_id).where(conversation.c.id == place)
    row = {
        "conversation_id": place,
        "channel_id": tx.execute(home).scalar_one(),
        "kind": "line",
        "author_kind": "agent",
        "author_id": agent_id,
        "text": mask(LINES[why].format(other=other)),
        "at": tx.clock(),
        "created_at": tx.clock(),
        "why": why,
        "related_id": other,
        **asked,
    }
    message_id: int = tx.execute(sa.insert(message).returning(message.c.id), row).scalar_one()
    return message_id
