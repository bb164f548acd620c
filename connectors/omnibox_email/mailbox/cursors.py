"""How far each folder has been read: the cursor of a connection, moved in the transaction that stores the mails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from omnibox.connector import Envelope, Receive

MOST_ITEMS = 100  # in one transaction


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a folder has been read.

    `since` is the day reading began: older mail is never imported by itself. Mails above `start` are compared with the
    server now and then; -1 where that is not known. Up to `upto` the folder was renumbered and is offered again. `todo`
    are mails that are stored, and of which it is not known whether they were marked or moved.
    """

    uidvalidity: int
    uid: int
    since: str = ""
    began: str = ""
    start: int = -1
    upto: int = 0
    todo: tuple[int, ...] = ()

    def as_cursor(self) -> dict[str, Any]:
        return {**asdict(self), "todo": list(self.todo)}

    def at(self, uid: int, todo: Sequence[int] = ()) -> Mark:
        """The mark after the mails up to `uid`."""
        return replace(self, uid=uid, todo=tuple(todo), start=self.uid if self.start < 0 else self.start)

    @property
    def began_at(self) -> datetime:
        """When reading began: mail that came before did not wait for us."""
        try:
            return datetime.fromisoformat(self.began)
        except ValueError:
            return datetime.max.replace(tzinfo=UTC)


def first_mark(uidvalidity: int, last: int, *, imports_existing: bool) -> Mark:
    """The mark of a folder that was never read, whose newest mail is `last`."""
    now = datetime.now(UTC)
    start = 0 if imports_existing else last
    return Mark(uidvalidity, start, "" if imports_existing else now.date().isoformat(), now.isoformat(), start)


def renumbered(mark: Mark, uidvalidity: int, last: int) -> Mark:
    """The mark of a folder whose mails have new UIDs now: all since reading began is offered once more."""
    began = datetime.now(UTC).isoformat()
    return Mark(uidvalidity, 0, mark.since, began, start=last, upto=last)


def read_mark(value: Any) -> Mark | None:
    """The mark in a cursor; None where there is none to go by."""
    if not isinstance(value, Mapping) or not isinstance(value.get("uid"), int):
        return None
    return Mark(
        _number(value.get("uidvalidity"), 0),
        value["uid"],
        since=str(value.get("since") or ""),
        began=str(value.get("began") or ""),
        start=_number(value.get("start"), -1),
        upto=_number(value.get("upto"), 0),
        todo=tuple(uid for uid in value.get("todo") or () if isinstance(uid, int)),
    )


def _number(value: Any, default: int) -> int:
    return value if isinstance(value, int) else default


class Keeper:
    """The cursor of all folders of a connection; hands items over one batch at a time."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self._cursor: dict[str, Any] = dict(receive.cursor)
        self._lock = asyncio.Lock()

    def mark(self, folder: str) -> Mark | None:
        return read_mark(self._cursor.get(folder))

    async def take(self, folder: str, items: Sequence[Envelope], mark: Mark | None) -> list[str]:
        """Commit `items` with the new mark; None leaves the mark where it is. At most `MOST_ITEMS` go at once."""
        async with self._lock:
            batches = [items[i : i + MOST_ITEMS] for i in range(0, len(items), MOST_ITEMS)] or [[]]
            outcomes: list[str] = []
            for batch in batches[:-1]:
                outcomes += await self.receive(batch, dict(self._cursor))
            cursor = {**self._cursor, folder: mark.as_cursor()} if mark else dict(self._cursor)
            outcomes += await self.receive(batches[-1], cursor)
            self._cursor = cursor
            return outcomes

    def settled(self, folder: str) -> None:
        """What was to do is done; stored along with the next mails, since doing it twice does no harm."""
        if mark := self.mark(folder):
            self._cursor[folder] = replace(mark, todo=()).as_cursor()
