"""Which conversation a message belongs to, where the platform threads by references."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """The conversation to join, or None for a new one. `why` names the key that decided.

    `related` is a conversation the keys point at which the sender may not join by them; an agent may.
    """

    conversation_id: int | None
    why: str | None
    related: int | None = None


def choose(
    tokens: Iterable[int],
    refs: Sequence[str],
    sender: str,
    participants: Mapping[int, frozenset[str]],
    known: Mapping[str, int],
    doubt: str | None = None,
) -> Placement:
    """Join by a key *and* by being a participant; whoever only holds a key opens a conversation of their own.

    `tokens` are conversations that verified tokens name; `refs` are ids in order of trust; `known` maps an id to its
    conversation; `participants` maps a conversation to the addresses that belong to it. Subject never joins.
    """
    found = [(conversation, "reply address") for conversation in tokens]
    found += [(known[ref], "reference") for ref in refs if ref in known]
    for conversation, why in found:
        if doubt is None and sender in participants.get(conversation, frozenset()):
            return Placement(conversation, why)
    return Placement(None, None, related=found[0][0] if found else None)
