"""Searches all that an installation keeps for what intake would have hidden. Reads only; the hub may go on.

Tables are found by asking the database, so a new one needs no word here. They are read in pieces, each on a snapshot of
its own: no lock is held and no log grows while a million messages are read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa

from omnibox.blobs import Blobs
from omnibox.cards import columns, pieces
from omnibox.cards.ledger import Ledger
from omnibox.cards.looking import Seen, is_id, look, spared
from omnibox.inbox.intake import MOST_MASKED_FILE, masked_content
from omnibox.inbox.pictures import named as named_pictures
from omnibox.masking import CARDS, Rules
from omnibox.masking.encoded import is_text
from omnibox.masking.octets import read as read_bytes
from omnibox.secrets import BadKey, Secrets
from omnibox.store import Reader, Store
from omnibox.store.search import is_index_table
from omnibox.store.tables import attachment

ROWS = 200  # of a table at once
NO_TEXT = "no text that intake reads (pictures, PDF, archives and the like)"
SEALED = "gAAAA"  # what the encryption's output begins with
Report = Callable[[str, int, int], None]
"""What is looked at, how much of it is done, how much there is."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """What an audit of tables and files needs."""

    store: Store
    blobs: Blobs
    secrets: Secrets
    ledger: Ledger
    report: Report

    # ── Tables

    async def tables(self) -> None:
        """Every table of the database, those nobody told us about included; the search index's texts are one."""
        rules = await self.store.read(columns.read_rules)
        tables = await self.store.read(_reflect)
        rows = 0
        for number, table in enumerate(tables):
            self.report("tables", number, len(tables))
            rows += await self._table(table, rules)
        self.report("tables", len(tables), len(tables))
        self.ledger.looked["tables"] = f"{len(tables):,} with {rows:,} rows"

    async def _table(self, table: sa.Table, rules: dict[int | None, Rules]) -> int:
        known = columns.known(table.name)
        total = await self.store.read(lambda tx: tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
        key: list[object] = []
        count = 0
        while rows := await self.store.read(partial(_piece, table, key, count)):
            for row in rows:
                self._row(table, known, row, rules)
            key = columns.key_of(table, rows[-1])
            count += len(rows)
            if total > ROWS:
                self.report(table.name, min(count, total), total)
        return count

    def _row(self, table: sa.Table, known: sa.Table | None, row: sa.Row[Any], rules: dict[int | None, Rules]) -> None:
        mine = rules.get(row._mapping["the_channel"], CARDS) if rules and known is not None else CARDS
        for column in _looked_at(table):
            value = row._mapping[column.name]
            if not isinstance(value, str) or not value:
                continue
            is_masked = known is None or columns.is_masked(known, column.name)
            for text in _strings(value, column, self.secrets):
                self.ledger.know(spared(text))
                seen = look(text, columns.kind_of(column), mine if is_masked else CARDS)
                if not seen:
                    continue
                place = f"{table.name}.{column.name}"
                if not is_masked and is_id(text, seen):
                    self.ledger.pass_over(place, seen)
                else:
                    self.ledger.hit(place, _where(table, row), seen)

    async def pieces(self) -> None:
        """What was sent in several messages."""
        async for torn in pieces.find(self.store):
            rows = ", ".join(str(change.message_id) for change in torn.changes)
            self.ledger.hit("message.text, in several messages", f"rows {rows}", pieces.SEEN)

    # ── The index

    async def index(self) -> None:
        """The words of the index; its texts are read as a table."""
        words = 0
        if self.store.is_embedded:
            for word in _embedded_words(str(self.store.url.database)):
                words += 1
                self._word("search_word", word)
        else:
            async for word in self._server_words():
                words += 1
                self._word("search_document.words", word)
        self.ledger.looked["search index"] = f"{words:,} words that begin with a digit"

    def _word(self, place: str, word: str) -> None:
        if (seen := look(word)) and not seen.digits & self.ledger.no_cards:
            self.ledger.hit(place, "a word", seen)

    async def _server_words(self) -> AsyncIterator[str]:
        last = 0
        wanted = sa.text(
            "SELECT id, array_to_string(tsvector_to_array(words), chr(10)) AS words FROM search_document"
            " WHERE id > :last ORDER BY id LIMIT 1000"
        )
        while rows := await self.store.read(partial(_run, statement=wanted, parameters={"last": last})):
            last = rows[-1].id
            for row in rows:
                for word in row.words.split("\n"):
                    if word[:1].isdecimal():
                        yield word

    # ── Files

    async def files(self) -> None:
        """The attachments that intake masks: those that are text. Others are counted, and said to be unread."""
        rules = await self.store.read(columns.read_rules)
        total = await self.store.read(lambda tx: tx.execute(sa.select(sa.func.count(attachment.c.id))).scalar_one())
        last = done = read = 0
        unread: Counter[str] = Counter()
        while rows := await self.store.read(partial(_files, last=last)):
            for row in rows:
                last, done = row.id, done + 1
                read += await self._file(row, rules.get(row.the_channel, CARDS), unread)
            self.report("attachments", done, total)
        self.ledger.looked["attachments"] = f"{read:,} read"
        for why, count in sorted(unread.items()):
            self.ledger.not_looked.append(f"{count:,} attachments: {why}")
        await self._loose()

    async def _file(self, row: sa.Row[Any], rules: Rules, unread: Counter[str]) -> bool:
        if row.blob is None:
            unread["not fetched yet, or could not be fetched"] += 1
            return False
        if (row.size or 0) > MOST_MASKED_FILE:
            unread[f"larger than {MOST_MASKED_FILE // 1_000_000} MB"] += 1
            return False
        try:
            content = await self.blobs.get(row.blob)
        except FileNotFoundError:
            unread["their file is missing"] += 1
            return False
        seen = look_at_file(content, row.content_type, rules)
        if seen:
            self.ledger.hit("attachments", f"attachment {row.id}", seen)
        elif not is_text(content):
            unread[NO_TEXT] += 1
            return False
        return True

    async def _loose(self) -> None:
        """Files that no row names yet, or any more; nobody says what they are, so those that are text are read."""
        names: list[str] = []
        count = 0
        async for name in self.blobs.names(datetime.now(UTC)):
            names.append(name)
            if len(names) == ROWS:
                count += await self._loose_of(names)
                names.clear()
        self.ledger.looked["files that no row names"] = f"{count + await self._loose_of(names):,}"

    async def _loose_of(self, names: Sequence[str]) -> int:
        wanted = sa.select(attachment.c.blob).where(attachment.c.blob.in_(names))
        named = await self.store.read(lambda tx: set(tx.execute(wanted).scalars()) | named_pictures(tx, names))
        loose = [name for name in names if name not in named]
        for name in loose:
            with suppress(FileNotFoundError):
                content = await self.blobs.get(name)
                if is_text(content) and (seen := look_at_file(content, "text/plain", CARDS)):
                    self.ledger.hit("files that no row names", name, seen)
        return len(loose)


# ── Reading


def _reflect(tx: Reader) -> list[sa.Table]:
    """The tables as the database describes them. What FTS5 keeps for itself is read word by word and byte by byte."""
    assert isinstance(tx, sa.Connection)
    inspector = sa.inspect(tx)
    names = [name for name in inspector.get_table_names() if not is_index_table(name) or name == "search_document"]
    return [sa.Table(name, sa.MetaData(), autoload_with=tx, resolve_fks=False) for name in sorted(names)]


def _piece(table: sa.Table, key: list[object], count: int, tx: Reader) -> Sequence[sa.Row[Any]]:
    """The next rows. What is no number comes as text, whatever the database calls it."""
    chosen = [each if _is_plain(each) else sa.cast(each, sa.Text).label(each.name) for each in _looked_at(table)]
    wanted = sa.select(*chosen, columns.channel_of(table)).limit(ROWS)
    order = list(table.primary_key.columns) or list(table.columns)
    wanted = wanted.order_by(*order)
    wanted = wanted.where(columns.after(table, key)) if table.primary_key.columns else wanted.offset(count)
    return tx.execute(wanted).all()


def _looked_at(table: sa.Table) -> list[sa.Column[Any]]:
    """All columns but the words of the index: those are read one by one."""
    return [each for each in table.columns if each.type.__visit_name__ != "TSVECTOR"]


def _is_plain(column: sa.Column[Any]) -> bool:
    return isinstance(column.type, (sa.Integer, sa.Boolean, sa.Text, sa.String, sa.Numeric))


def _where(table: sa.Table, row: sa.Row[Any]) -> str:
    numbers = [value for value in columns.key_of(table, row) if isinstance(value, int)]
    return f"row {', '.join(map(str, numbers))}" if numbers else "a row"


def _strings(value: str, column: sa.Column[Any], secrets: Secrets) -> Iterator[str]:
    """The texts in a value: those of a document, encrypted or not, each by itself."""
    if value.startswith(SEALED):
        with suppress(BadKey):
            value = secrets.decrypt(value)
    if value[:1] in "{[" or isinstance(column.type, sa.JSON):
        try:
            document = json.loads(value)
        except ValueError:
            yield value
        else:
            yield from _leaves(document)
        return
    yield value


def _leaves(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        for name, member in document.items():
            yield str(name)
            yield from _leaves(member)
    elif isinstance(document, list):
        for member in document:
            yield from _leaves(member)
    elif document is not None and not isinstance(document, bool):
        yield str(document)


def _run(tx: Reader, statement: sa.Executable, parameters: dict[str, Any]) -> Sequence[sa.Row[Any]]:
    return tx.execute(statement, parameters).all()


def _files(tx: Reader, last: int) -> Sequence[sa.Row[Any]]:
    wanted = sa.select(attachment, columns.channel_of(attachment)).where(attachment.c.id > last)
    return tx.execute(wanted.order_by(attachment.c.id).limit(ROWS)).all()


def _embedded_words(path: str) -> Iterator[str]:
    """The words of the index that begin with a digit, by pieces."""
    import sqlite3
    from contextlib import closing
    from pathlib import Path

    with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as link:
        try:
            link.execute("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, search_word, row)")
        except sqlite3.OperationalError:  # no index in this database
            return
        last = "0"
        while True:
            wanted = "SELECT term FROM temp.vocabulary WHERE term > ? AND term < ':' ORDER BY term LIMIT 20000"
            found = [term for (term,) in link.execute(wanted, (last,))]
            if not found:
                return
            yield from found
            last = found[-1]


def look_at_file(content: bytes, content_type: str, rules: Rules) -> Seen:
    """What intake would hide in a file."""
    if masked_content(content, content_type, rules) == content:
        return Seen()
    return look(read_bytes(content)[0], "text", rules) or Seen(cards=("in a part of it",))
