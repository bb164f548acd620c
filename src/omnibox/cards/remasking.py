"""Applies today's rules to what is stored: looks in pieces, and writes only what they change, a piece at a time.

How far it has come stands in the store, written with each change; so a kill costs a piece, and the same command goes
on. A row that somebody changes between the look and the write is left alone and looked at again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from omnibox.blobs import Blobs
from omnibox.cards import columns, pieces
from omnibox.cards.audit import Report, look_at_file
from omnibox.cards.ledger import Place
from omnibox.cards.looking import Kind, Seen, apply, look
from omnibox.cards.rules import digest_of_rules
from omnibox.inbox.indexing import start_anew
from omnibox.inbox.intake import masked_file
from omnibox.masking import CARDS, MaskedBytes, Rules
from omnibox.store import Reader, Store, StoreUnavailable, Transaction, insert
from omnibox.store.columns import MaskedText
from omnibox.store.search import index_of
from omnibox.store.tables import attachment, message, metadata, remasking

ROWS = 200  # looked at once, and written at once at most
SAVE_EVERY = 50  # pieces without a change between two notes of the place
TRIES = 5  # at a row that is being changed, and at a store that does not answer
WAIT_S = 2.0
FILES = "attachments"
PIECES = "messages in pieces"
T = TypeVar("T")
Key = list[object]


@dataclass(slots=True)
class Counts:
    """By place, what was found."""

    places: dict[str, Place] = field(default_factory=dict)

    def add(self, place: str, seen: Seen) -> None:
        found = self.places.setdefault(place, Place())
        found.values += 1
        found.cards += len(seen.cards)
        found.codes += seen.codes
        found.own += seen.own


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a run has come: what of which table was looked at, and how much was changed."""

    rules: str
    table: str = ""
    key: tuple[object, ...] = ()
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One row: its key, what it has and what it is to have."""

    key: Key
    before: dict[str, Any]
    values: dict[str, Any]
    message_id: int | None = None


@dataclass(slots=True)
class Remasking:
    """One run. With `is_dry` it counts and changes nothing."""

    store: Store
    blobs: Blobs
    report: Report
    is_dry: bool = False
    counts: Counts = field(default_factory=Counts)

    async def run(self) -> int:
        """From where the last run was broken off, else from the beginning; how many values were changed in all.

        Raises `StoreUnavailable`.
        """
        rules = await self.store.read(columns.read_rules)
        mark = await self.store.read(_unfinished) if not self.is_dry else None
        mark = mark or Mark(await self.store.read(digest_of_rules))
        places = [*(table.name for table in _tables()), FILES, PIECES]
        begin = places.index(mark.table) if mark.table in places else 0
        changed = mark.changed
        for name in places[begin:]:
            key = list(mark.key) if name == mark.table else []
            here = Mark(mark.rules, name, tuple(key), changed)
            changed = await self._place(here, rules)
        if not self.is_dry:
            await _insist(lambda: self.store.write(partial(_finish, store=self.store, changed=changed)))
        return changed

    async def _place(self, mark: Mark, rules: dict[int | None, Rules]) -> int:
        if mark.table == FILES:
            return await self._files(mark, rules)
        if mark.table == PIECES:
            return await self._pieces(mark)
        return await self._table(mark, rules)

    # ── Tables

    async def _table(self, mark: Mark, rules: dict[int | None, Rules]) -> int:
        table, key, changed = metadata.tables[mark.table], list(mark.key), mark.changed
        total = await self.store.read(lambda tx: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
        done = pieces = 0
        while rows := await self.store.read(partial(_piece, table, key)):
            changes = list(self._changes(table, rows, rules))
            pieces += 1
            if not self.is_dry and (changes or pieces % SAVE_EVERY == 0):
                # The place before this piece: broken off among its writes, all of it is looked at again.
                here = Mark(mark.rules, table.name, tuple(key), changed)
                changed += await self._write(table, changes, here, rules)
            key, done = columns.key_of(table, rows[-1]), done + len(rows)
            self.report(table.name, min(done, total), total)
        return changed

    def _changes(
        self, table: sa.Table, rows: Sequence[sa.Row[Any]], rules: dict[int | None, Rules], *, counts: bool = True
    ) -> Iterator[Change]:
        for row in rows:
            mine = rules.get(row.the_channel, CARDS) if rules else CARDS
            before: dict[str, Any] = {}
            values: dict[str, Any] = {}
            for column in columns.masked_columns(table):
                text = row._mapping[column.name]
                if not text:
                    continue
                kind = columns.kind_of(column)
                masked = _masked(text, kind, mine)
                if masked == text:
                    continue
                if counts:
                    self.counts.add(f"{table.name}.{column.name}", look(_shown(text), kind, mine))
                is_typed = isinstance(column.type, MaskedText)
                before[column.name] = text
                values[column.name] = str(masked) if isinstance(masked, str) and not is_typed else masked
            if values:
                message_id = row.id if table is message else row._mapping.get("message_id")
                yield Change(columns.key_of(table, row), before, values, message_id)

    async def _write(
        self, table: sa.Table, changes: Sequence[Change], mark: Mark, rules: dict[int | None, Rules]
    ) -> int:
        """Store them with the mark; what was changed meanwhile is read and tried again."""
        done = 0
        for _ in range(TRIES):
            write = partial(_put, table=table, changes=changes, mark=mark, done=done)
            missed = (await _insist(lambda write=write: self.store.write(write))).result  # type: ignore[misc]
            done += len(changes) - len(missed)
            if not missed:
                break
            rows = await self.store.read(partial(_rows_of, table, missed))
            changes = list(self._changes(table, rows, rules, counts=False))
        return done

    # ── Files

    async def _files(self, mark: Mark, rules: dict[int | None, Rules]) -> int:
        last, changed = int(str(mark.key[0])) if mark.key else 0, mark.changed
        total = await self.store.read(lambda tx: tx.execute(sa.select(sa.func.count(attachment.c.id))).scalar_one())
        done = 0
        while rows := await self.store.read(partial(_piece, attachment, [last])):
            for row in rows:
                last, done = row.id, done + 1
                mine = rules.get(row.the_channel, CARDS)
                changed += await self._file(row, mine, Mark(mark.rules, FILES, (), changed))
            self.report(FILES, min(done, total), total)
        return changed

    async def _file(self, row: sa.Row[Any], rules: Rules, mark: Mark) -> int:
        """One attachment: the masked bytes become a file of their own, and the old one goes once no row names it."""
        if row.blob is None:
            return 0
        try:
            content = await self.blobs.get(row.blob)
        except FileNotFoundError:
            return 0
        masked: MaskedBytes = await masked_file(content, row.content_type, rules)
        if masked == content:
            return 0
        self.counts.add(FILES, look_at_file(content, row.content_type, rules))
        if self.is_dry:
            return 1
        blob = await self.blobs.put(masked)
        values = {"blob": blob, "size": len(masked)}
        change = Change([row.id], {"blob": row.blob}, values, row.message_id)
        here = Mark(mark.rules, FILES, (row.id,), mark.changed)
        put = partial(_put, table=attachment, changes=[change], mark=here, done=0)
        missed = (await _insist(lambda: self.store.write(put))).result
        await self.blobs.remove(blob if missed else row.blob)
        return 0 if missed else 1

    # ── Pieces

    async def _pieces(self, mark: Mark) -> int:
        """What was sent in several messages; after the tables, so that each message is masked by itself already."""
        first, changed = int(str(mark.key[0])) if mark.key else 0, mark.changed
        total = await self.store.read(lambda tx: tx.execute(sa.select(sa.func.count(message.c.id))).scalar_one())
        async for torn in pieces.find(self.store, first):
            self.counts.add(PIECES, pieces.SEEN)
            self.report(PIECES, min(torn.looked_at, total), total)
            if not self.is_dry:
                put = partial(_put_torn, torn=torn, mark=Mark(mark.rules, PIECES, (torn.conversation_id,), changed))
                changed += (await _insist(partial(self.store.write, put))).result
        return changed


async def _insist(work: Callable[[], Awaitable[T]]) -> T:
    """Again where the hub holds the database for longer than a write waits."""
    for _ in range(TRIES - 1):
        try:
            return await work()
        except StoreUnavailable:
            await asyncio.sleep(WAIT_S)
    return await work()


# ── Reading


def _masked(value: Any, kind: Kind, rules: Rules) -> Any:
    """A text as intake would store it today; of a document each of its texts."""
    if isinstance(value, dict):
        return {name: _masked(each, kind, rules) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, kind, rules) for each in value]
    return apply(value, kind, rules) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    """A text, or those of a document, one below the other."""
    if isinstance(value, str):
        return value
    return "\n\n".join(map(_shown, value.values() if isinstance(value, dict) else value))


def _tables() -> list[sa.Table]:
    return [table for table in metadata.sorted_tables if columns.masked_columns(table)]


def _chosen(table: sa.Table) -> sa.Select[Any]:
    wanted = [*table.primary_key.columns, *columns.masked_columns(table)]
    more = [column for column in table.columns if column.name in ("message_id", "blob", "content_type")]
    return sa.select(*dict.fromkeys([*wanted, *more]), columns.channel_of(table))


def _piece(table: sa.Table, key: Key, tx: Reader) -> Sequence[sa.Row[Any]]:
    order = list(table.primary_key.columns)
    return tx.execute(_chosen(table).where(columns.after(table, key)).order_by(*order).limit(ROWS)).all()


def _rows_of(table: sa.Table, keys: Sequence[Key], tx: Reader) -> list[sa.Row[Any]]:
    return [row for key in keys for row in tx.execute(_chosen(table).where(*_is(table, key))).all()]


def _is(table: sa.Table, key: Key) -> list[sa.ColumnElement[bool]]:
    return [column == value for column, value in zip(table.primary_key.columns, key, strict=True)]


def _unfinished(tx: Reader) -> Mark | None:
    """Where a run by the same rules was broken off. After other rules it begins again, and keeps what it has to tell
    the index."""
    row = tx.execute(sa.select(remasking).where(remasking.c.finished_at.is_(None))).first()
    if row is None:
        return None
    rules = digest_of_rules(tx)
    if row.rules != rules:
        return Mark(rules, changed=row.changed)
    return Mark(row.rules, row.place["table"], tuple(row.place["key"]), row.changed)


async def is_unfinished(store: Store) -> bool:
    """Whether a run was broken off."""
    return await store.read(_unfinished) is not None


# ── Writing


def _put(tx: Transaction, table: sa.Table, changes: Sequence[Change], mark: Mark, done: int) -> list[Key]:
    """Write the changes of rows that are as they were, and the mark; the keys of the others."""
    missed: list[Key] = []
    for change in changes:
        values: dict[str, Any] = dict(change.values)
        if "rev" in table.columns:
            values["rev"] = table.c.rev + 1
        same = [table.c[name] == value for name, value in change.before.items()]
        if tx.execute(sa.update(table).where(*_is(table, change.key), *same).values(values)).rowcount:
            _announce(tx, table, change)
        else:
            missed.append(change.key)
    _note(tx, mark, mark.changed + done + len(changes) - len(missed))
    return missed


def _put_torn(tx: Transaction, torn: pieces.Torn, mark: Mark) -> int:
    """Hide it and note the place: its conversation is looked at again. Returns how many messages were changed."""
    done = len(torn.changes) if pieces.rewrite(tx, torn) else 0
    _note(tx, mark, mark.changed + done)
    return done


def _announce(tx: Transaction, table: sa.Table, change: Change) -> None:
    """Have the screens show it."""
    if change.message_id is not None and table.name in ("message", "attachment"):
        wanted = sa.select(message.c.conversation_id).where(message.c.id == change.message_id)
        conversation_id = tx.execute(wanted).scalar()
        tx.announce("message.changed", conversation=conversation_id, message=change.message_id)
    elif table.name == "conversation":
        tx.announce("conversation.changed", conversation=int(str(change.key[0])))
    elif table.name == "contact":
        tx.announce("contact.changed", contact=int(str(change.key[0])))


def _note(tx: Transaction, mark: Mark, changed: int) -> None:
    place = {"table": mark.table, "key": list(mark.key)}
    row = {"id": 1, "rules": mark.rules, "place": place, "changed": changed, "started_at": tx.clock()}
    statement = insert(remasking)
    new = statement.excluded
    kept = {"rules": new.rules, "place": new.place, "changed": new.changed, "finished_at": None}
    tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=kept), row)


def _finish(tx: Transaction, store: Store, changed: int) -> None:
    """The index of what was changed is thrown away, its words at once: they are what can be searched for."""
    if changed:
        index_of(store.is_embedded).clear(tx)
        start_anew(tx)
        tx.ring("events")
    tx.execute(sa.update(remasking).values(finished_at=tx.clock()))


__all__ = ["Counts", "Remasking", "is_unfinished"]
