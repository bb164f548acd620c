"""The three books of a run: what omnibox was told and acknowledged, what its inbox shows, what customers received.

Every message begins with a mark of its own, such as `mail-a-17`; a reply's words carry the mark and a number, so that
each part of it is known wherever it turns up.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Channel = Literal["chat", "messenger", "mail"]
CHANNELS: tuple[Channel, ...] = ("chat", "messenger", "mail")
LEFT = frozenset({"sent", "delivered", "read"})
DOUBTFUL = frozenset({"failed", "uncertain"})


@dataclass(frozen=True, slots=True)
class Said:
    """A customer's message. `files` are the words that stand in them."""

    channel: Channel
    mark: str
    files: tuple[str, ...] = ()
    is_acknowledged: bool = True


@dataclass(slots=True)
class Reply:
    """What an agent said and the API took; `resent` and `given_up` count what was decided where it was uncertain."""

    channel: Channel
    mark: str
    words: tuple[str, ...]
    resent: int = 0
    given_up: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as the inbox shows it. `states` are those of its deliveries, `ready` counts files one can open."""

    id: int
    channel: Channel
    kind: str
    mark: str
    states: tuple[str, ...] = ()
    ready: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing a customer received. `id` is what the platform saw: Message-ID, metadata, or the message's own."""

    channel: Channel
    mark: str
    words: tuple[str, ...]
    id: str


@dataclass(slots=True)
class Books:
    """All that is compared. `contents` are the words in the files of a shown message, by its id."""

    said: list[Said] = field(default_factory=list)
    replies: dict[str, Reply] = field(default_factory=dict)
    inbox: dict[int, Shown] = field(default_factory=dict)
    live: dict[int, Shown] = field(default_factory=dict)
    announced: Counter[int] = field(default_factory=Counter)
    contents: dict[int, tuple[str, ...]] = field(default_factory=dict)
    received: list[Piece] = field(default_factory=list)
    evidence: frozenset[Channel] = frozenset({"chat", "messenger"})
    """Where it can always be found out whether a lost answer meant «taken»."""


def mark_of(text: str) -> str:
    return text.split(maxsplit=1)[0] if text.strip() else ""


def words_of(text: str, mark: str) -> tuple[str, ...]:
    """The words of a reply among those a customer received; a channel's own additions have no mark."""
    return tuple(word for word in text.split() if word == mark or word.startswith(f"{mark}."))


def long_text(mark: str, words: int) -> str:
    return " ".join([mark, *(f"{mark}.{number}" for number in range(1, words))])


def file_word(mark: str, number: int = 1) -> str:
    return f"{mark}.f{number}"


def file_content(word: str) -> bytes:
    """Bytes that name themselves and show where a piece of them is missing."""
    return f"{word} ".encode() * 200


def word_in(content: bytes) -> str:
    """The word a file was made of, or one that nobody wrote where the bytes are not whole."""
    word = content[:100].split(b" ")[0].decode("ascii", "replace")
    return word if content == file_content(word) else f"{word}-damaged"
