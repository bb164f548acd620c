"""Which conversation a message belongs to, where the platform threads by references: the keys, and who may use them.

Every message keeps the word for what placed it:

- `reply_address`: it was sent to the signed address of this conversation
- `in_reply_to`: it answers a message of this conversation by its id
- `references`: it names a message of this conversation among its ancestors
- `marker`: its quoted text holds the signed mark of this conversation
- `outside`: somebody answered for us in another program
- `new`: no key led to a conversation
- `stranger`: a key led to one to which the sender does not belong, so it opened one of its own
- `unverified`: a key led to one, and the sender may not be who they say
- `report`: it tells what became of a message of this conversation
- `agent`: an agent put it here
- `late`: the platform did not tell it when it was said; it was found afterwards
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Why = Literal[
    "reply_address",
    "in_reply_to",
    "references",
    "marker",
    "outside",
    "new",
    "stranger",
    "unverified",
    "report",
    "agent",
    "late",
]


@dataclass(frozen=True, slots=True)
class Key:
    """Something in a message that leads to a conversation."""

    conversation_id: int
    why: Why


@dataclass(frozen=True, slots=True)
class Known:
    """A message's id that was seen before: its conversation now, and the one an agent took it from."""

    conversation_id: int
    moved_from_id: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """The conversation to join, or None for a new one, and why.

    `related` is another conversation that the keys name: where the sender may not join it, an agent may say so.
    """

    conversation_id: int | None
    why: Why
    related: int | None = None


def keys_of(
    tokens: Iterable[int],
    refs: Sequence[str],
    answers: int,
    known: Mapping[str, Known],
    markers: Iterable[int] = (),
) -> list[Key]:
    """What leads to conversations, most trusted first: signed addresses, ids that are answered, ancestors, marks.

    The first `answers` of `refs` are those the message answers by name. An address was signed for the conversation
    where its message stood then: where an agent has taken that message elsewhere, the message's own id knows better.
    """
    answered = [known[ref] for ref in refs[:answers] if ref in known]
    moved_from = {each.moved_from_id for each in answered if each.moved_from_id != each.conversation_id}
    found = [Key(token, "reply_address") for token in tokens if token not in moved_from]
    found += [Key(each.conversation_id, "in_reply_to") for each in answered]
    found += [Key(known[ref].conversation_id, "references") for ref in refs[answers:] if ref in known]
    return found + [Key(marker, "marker") for marker in markers]


def choose(
    keys: Sequence[Key], sender: str, participants: Mapping[int, frozenset[str]], doubt: str | None = None
) -> Placement:
    """Join by a key *and* by belonging there; whoever only holds a key opens a conversation of their own.

    `participants` maps a conversation to the addresses that belong to it. The first key that is good decides; one that
    names another conversation is shown. A subject never joins.
    """
    if not keys:
        return Placement(None, "new")
    for key in keys if doubt is None else ():
        if sender in participants.get(key.conversation_id, frozenset()):
            other = (each.conversation_id for each in keys if each.conversation_id != key.conversation_id)
            return Placement(key.conversation_id, key.why, next(other, None))
    return Placement(None, "stranger" if doubt is None else "unverified", keys[0].conversation_id)
