"""What the two indexes have in common: what is put in, what is asked, what is found."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from omnibox.masking import Masked
from omnibox.store.search.folding import words_of
from omnibox.store.search.queries import Query
from omnibox.store.transaction import Reader, Transaction

Mode = Literal["word", "beginning", "part"]
"""Whether terms are words, may be beginnings of words, or may stand inside them. Each finds what those before it do."""

MODES: tuple[Mode, ...] = ("word", "beginning", "part")

QUICK_S, SLOW_S = 0.005, 0.02  # of a statement
MOST_ERAS = 16

BREAK = "¶"  # no word has it: phrases do not reach over it, and with a number it is a mark nobody can type


ERA = 1 << 14  # ids in a row: each document is marked with its own, so that a question can be held to some of them


@dataclass(frozen=True, slots=True)
class Document:
    """What is found of one message: its text and those of its files, subject and contact, folded, then masked."""

    id: int
    conversation_id: int
    text: Masked
    words: Sequence[str]  # `indexed_words` of the text


class Hit(NamedTuple):
    id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hits of a stretch of history, newest first. Everything from `reached` on was looked through; None: all."""

    hits: list[Hit]
    reached: int | None


class Pace:
    """How many eras the next statement asks for: the more the quicker the last one was, so that none takes long."""

    def __init__(self) -> None:
        self.eras = 1

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = time.perf_counter()
        yield
        took = time.perf_counter() - began
        if took < QUICK_S:
            self.eras = min(self.eras * 4, MOST_ERAS)
        elif took > SLOW_S:
            self.eras = max(self.eras // 4, 1)


class Index(Protocol):
    """The same question, answered by each database in its own way. For searches one is made per snapshot."""

    version: int
    """Of what is put in: another number, and the index is filled again at the next start."""

    def put(self, tx: Transaction, documents: Sequence[Document]) -> None:
        """Add documents, in place of those with the same ids."""

    def remove(self, tx: Transaction, ids: Collection[int]) -> None: ...
    def clear(self, tx: Transaction) -> None: ...

    def prepare(self, tx: Reader) -> bool:
        """Before the searches of one snapshot: learn what this database can do, and hold it to its index; whether the
        whole history is in that."""

    def can(self, query: Query, mode: Mode) -> bool:
        """Whether there is anything to ask in this mode. Asked after `prepare`."""

    def stretch(self, tx: Reader, query: Query, mode: Mode, below: int | None, most: int, step: int) -> Stretch:
        """At most `most` newest hits with ids under `below`; `step` counts the stretches of one search from 0."""

    def found_in(self, tx: Reader, query: Query, mode: Mode, conversations: Collection[int], since: int) -> set[int]:
        """Which of the conversations have a hit with an id of `since` or more."""


def indexed_words(text: str) -> list[str]:
    """The words of a document, in order, with a break for each line."""
    words: list[str] = []
    for line in text.split("\n"):
        words += words_of(line)
        words.append(BREAK)
    return words
