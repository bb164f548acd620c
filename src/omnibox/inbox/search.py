"""Finding conversations by what was said in them, over the whole history, the newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from omnibox.inbox import views
from omnibox.inbox.excerpts import Marked, Piece, excerpt, mark
from omnibox.store import Reader, among
from omnibox.store.search import MODES, Index, Mode, Query
from omnibox.store.tables import attachment

BUDGET_S = 0.05  # then a page ends where it stands, and the next one goes on from there
Where = Literal["text", "subject", "file", "contact"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: below a message, among the hits of a mode."""

    mode: Mode
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    hits: list[views.Json]
    following: Place | None
    is_complete: bool  # False while older messages are still being put into the index


def find(
    tx: Reader,
    *,
    index: Index,
    query: Query,
    sight: views.Sight,
    place: Place,
    limit: int,
    clock: Callable[[], float] = time.monotonic,
) -> Page:
    """A page of conversations, each by its newest hit: first those with the words, then those with beginnings of words,
    then those with parts of words.

    Over all pages a conversation stands once. A page is shorter than `limit` where one kind of hits ends, or where
    looking took too long; it is empty only then, or at the end.
    """
    is_complete = index.prepare(tx)
    ends_at = clock() + BUDGET_S
    found: dict[int, int] = {}
    following: Place | None = place
    is_first = place == Place("word")  # no earlier hits: none has to be left out
    while following is not None and not found:
        place, reached = following, None
        if index.can(query, place.mode):
            found, reached = _look(tx, index, query, place, limit, lambda: clock() < ends_at, is_first=is_first)
        is_first = is_first and reached is None
        following = Place(place.mode, reached) if reached is not None else _next_mode(index, query, place.mode)
        if clock() >= ends_at:
            break
    return Page(_show(tx, query, place.mode, found, sight), following, is_complete)


def _next_mode(index: Index, query: Query, mode: Mode) -> Place | None:
    later = MODES[MODES.index(mode) + 1 :]
    return next((Place(each) for each in later if index.can(query, each)), None)


def _mode_before(index: Index, query: Query, mode: Mode) -> Mode | None:
    """The widest of the modes before this one: it finds what all of them do."""
    earlier = MODES[: MODES.index(mode)]
    return next((each for each in reversed(earlier) if index.can(query, each)), None)


def _look(
    tx: Reader, index: Index, query: Query, place: Place, limit: int, has_time: Callable[[], bool], *, is_first: bool
) -> tuple[dict[int, int], int | None]:
    """Conversations with their newest hit, and the id under which to go on."""
    found: dict[int, int] = {}
    known: set[int] = set()
    passed: set[int] = set()
    below, step, most = place.below, 0, 2 * limit + 1  # hits at once, of which some share a conversation
    while True:
        stretch = index.stretch(tx, query, place.mode, below, most, step)
        fresh = {hit.conversation_id for hit in stretch.hits} - known
        passed |= set() if is_first else _passed(tx, index, query, place, fresh)
        known |= fresh
        for hit in stretch.hits:
            if hit.conversation_id in passed or hit.conversation_id in found:
                continue
            if len(found) == limit:
                return found, below_of(found)
            found[hit.conversation_id] = hit.id
        below, step = stretch.reached, step + 1
        if below is None or not has_time():
            return found, below


def below_of(found: Mapping[int, int]) -> int:
    return min(found.values())


def _passed(tx: Reader, index: Index, query: Query, place: Place, conversations: Collection[int]) -> set[int]:
    """Those that stand on an earlier page."""
    passed: set[int] = set()
    if place.below is not None:
        passed = index.found_in(tx, query, place.mode, conversations, place.below)
    if before := _mode_before(index, query, place.mode):
        passed |= index.found_in(tx, query, before, conversations, 0)
    return passed


# ── What is shown of a hit


def _show(tx: Reader, query: Query, mode: Mode, found: Mapping[int, int], sight: views.Sight) -> list[views.Json]:
    rows = {
        said.said_id: (said, conversation) for said, conversation in views.rows_of_messages(tx, found.values(), sight)
    }
    best = {number: _best(query, said, conversation) for number, (said, conversation) in rows.items()}
    unexplained = [number for number, (_, marked) in best.items() if marked.found < len(query.terms)]
    for file in tx.execute(_FILE_NAMES, {"ids": unexplained}) if unexplained else ():
        best[file.message_id] = _better(query, best[file.message_id], "file", file.name)
    shown = []
    for conversation_id, number in found.items():
        row = rows.get(number)
        if row is not None and row[0].id == conversation_id:  # else gone or elsewhere since it was indexed
            where, marked = best[number]
            shown.append(_hit(*row, where, excerpt(marked), mode))
    return shown


_FILE_NAMES = sa.select(attachment.c.message_id, attachment.c.name).where(
    among(attachment.c.message_id), attachment.c.name.is_not(None)
)


def _best(query: Query, said: Any, conversation: views.Json) -> tuple[Where, Marked]:
    """The text that explains the hit best."""
    person = conversation["contact"]
    found: tuple[Where, Marked] = "text", mark(query, said.said_text)
    for text in (said.said_subject, conversation["subject"]):
        found = _better(query, found, "subject", text)
    for text in (person["name"], person["email"], person["phone"], said.said_from):
        found = _better(query, found, "contact", text)
    return found


def _better(query: Query, found: tuple[Where, Marked], where: Where, text: str | None) -> tuple[Where, Marked]:
    if not text or found[1].found == len(query.terms):
        return found
    marked = mark(query, text)
    return (where, marked) if marked.found > found[1].found else found


def _hit(said: Any, conversation: views.Json, where: Where, pieces: Sequence[Piece], mode: Mode) -> views.Json:
    return {
        "message": said.said_id,
        "kind": said.said_kind,
        "author": {"kind": said.said_by_kind, "id": said.said_by, "name": None},
        "at": views.moment(said.said_at),
        "where": where,
        "match": mode,
        "excerpt": [{"text": piece.text, "is_match": piece.is_match} for piece in pieces],
        "conversation": conversation,
    }


__all__ = ["Page", "Place", "find"]
