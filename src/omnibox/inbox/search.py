"""Finding conversations by what was said in them, over the whole history, the newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from omnibox.inbox import views
from omnibox.inbox.excerpts import Marked, Piece, excerpt, mark
from omnibox.store import Reader
from omnibox.store.search import MODES, Index, Mode, Query, state
from omnibox.store.tables import attachment, identity, message

BUDGET_S = 0.1  # then a page ends where it stands, and the next one goes on from there
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
    index.prepare(tx)
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
    return Page(_show(tx, query, place.mode, found, sight), following, _is_complete(tx))


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


def _is_complete(tx: Reader) -> bool:
    below = tx.execute(sa.select(state.c.below)).scalar()
    return below == 0


# ── What is shown of a hit


def _show(tx: Reader, query: Query, mode: Mode, found: Mapping[int, int], sight: views.Sight) -> list[views.Json]:
    if not found:
        return []
    rows = views.rows_by_id(tx, found.keys(), sight)
    said = {row.id: row for row in tx.execute(_SAID, {"ids": list(found.values())})}
    marked = {number: _mark_said(query, row) for number, row in said.items()}
    short = [number for number, (_, best) in marked.items() if best.found < len(query.terms)]
    files = _file_names(tx, short)
    shown = []
    for conversation_id, message_id in found.items():
        row, conversation = said.get(message_id), rows.get(conversation_id)
        if row is None or conversation is None:
            continue  # gone since it was indexed
        where, best = _best(query, marked[message_id], files.get(message_id, ()), row.address, conversation)
        shown.append(_hit(row, conversation, where, excerpt(best), mode))
    return shown


_SAID = (
    sa.select(
        message.c.id,
        message.c.kind,
        message.c.author_kind,
        message.c.author_id,
        message.c.text,
        message.c.subject,
        message.c.at,
        identity.c.address,
    )
    .outerjoin(identity, identity.c.id == message.c.identity_id)
    .where(message.c.id.in_(sa.bindparam("ids", expanding=True)), message.c.deleted_at.is_(None))
)


def _mark_said(query: Query, row: sa.Row[Any]) -> tuple[Where, Marked]:
    text = mark(query, row.text)
    if row.subject and text.found < len(query.terms):
        subject = mark(query, row.subject)
        if subject.found > text.found:
            return "subject", subject
    return "text", text


def _file_names(tx: Reader, message_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    if message_ids:
        names = sa.select(attachment.c.message_id, attachment.c.name)
        for row in tx.execute(names.where(attachment.c.message_id.in_(message_ids), attachment.c.name.is_not(None))):
            found.setdefault(row.message_id, []).append(row.name)
    return found


def _best(
    query: Query, said: tuple[Where, Marked], files: Sequence[str], address: str | None, conversation: views.Json
) -> tuple[Where, Marked]:
    """The text that explains the hit best."""
    best = said
    if best[1].found == len(query.terms):
        return best
    person = conversation["contact"]
    known = [person["name"], person["email"], person["phone"], address]
    others: list[tuple[Where, str | None]] = [("subject", conversation["subject"])]
    others += [*(("file", name) for name in files), *(("contact", text) for text in known)]
    for where, text in others:
        if text and (marked := mark(query, text)).found > best[1].found:
            best = where, marked
    return best


def _hit(row: sa.Row[Any], conversation: views.Json, where: Where, pieces: Sequence[Piece], mode: Mode) -> views.Json:
    return {
        "message": row.id,
        "kind": row.kind,
        "author": {"kind": row.author_kind, "id": row.author_id, "name": None},
        "at": views.moment(row.at),
        "where": where,
        "match": mode,
        "excerpt": [{"text": piece.text, "is_match": piece.is_match} for piece in pieces],
        "conversation": conversation,
    }


__all__ = ["Page", "Place", "find"]
