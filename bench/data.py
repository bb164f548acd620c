"""Fills a store of the shipped tables with conversations and messages of Zipf text: seeded, quick, both databases.

    filled = await fill(url, conversations=1_000_000, messages=1_000_000)  # migrated, and nobody serves it now

The same seed gives the same rows. A tenth of the conversations is open; a third of those has an agent, one of whoever
is in the table. Word `n` of `Filled.words` is the n-th most frequent. With a served store the search index comes up by
itself; `omnibox.inbox.indexing` can be run to its end before.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.store import tables as t

START_US = 1_735_689_600_000_000  # 2025-01-01; messages follow each other evenly for a year
YEAR_US = 31_536_000_000_000
VOCABULARY = 50_000
WORDS_OF_A_MESSAGE = (4, 44)  # from, to: about 175 characters
OPEN = 10  # one conversation in so many
SELDOM = 2500  # one in so many came by the other channel
STEP = 7919  # coprime with round numbers: neighbours in time are of different conversations
CHUNK = 10_000
ONSETS = (*"bcdfghjklmnprstvz", "st", "tr", "pl", "ch")
SYLLABLES = [onset + rime for onset in ONSETS for rime in (*"aeiouéö", "ie")]
NOTHING = (None, None)
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """What was put in; ids of conversations and messages begin at these and are dense."""

    conversations: int
    messages: int
    channel_id: int
    seldom_id: int  # a channel with few conversations among all
    first_conversation: int
    first_message: int
    words: tuple[str, ...]


def vocabulary(seed: int = 1, size: int = VOCABULARY) -> tuple[str, ...]:
    """Words that can be spoken, the most frequent first and shortest; some have accents."""
    rng = random.Random(f"words {seed}")
    found: dict[str, None] = {}
    while len(found) < size:
        syllables = 1 + (len(found) > 50) + (rng.random() < 0.7) + (rng.random() < 0.2)
        found["".join(rng.choices(SYLLABLES, k=syllables))] = None
    return tuple(found)


def texts(words: Sequence[str], seed: int = 1) -> Iterator[str]:
    """Messages without end: word `n` with a weight of 1 / (n + 2.7)."""
    rng = random.Random(f"texts {seed}")
    weights = list(itertools.accumulate(1 / (rank + 2.7) for rank in range(len(words))))
    while True:
        yield " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(*WORDS_OF_A_MESSAGE)))


async def fill(url: str, *, conversations: int, messages: int, seed: int = 1, channel_id: int | None = None) -> Filled:
    """Put the rows in, behind those that are there. Without `channel_id` they get a channel that is switched off."""
    sink = sink_of(url)
    await sink.open()
    try:
        filled = await _fill(sink, conversations, messages, seed, channel_id)
    finally:
        await sink.close()
    return filled


async def _fill(sink: Sink, conversations: int, messages: int, seed: int, channel_id: int | None) -> Filled:
    first = {table.name: await sink.number(f"SELECT max(id) FROM {table.name}") + 1 for table in FILLED}
    agents = await sink.numbers("SELECT id FROM agent WHERE is_active ORDER BY id")
    seldom = await _make_channel(sink, "seldom")
    channel = channel_id or await _make_channel(sink, "shop")
    words = vocabulary(seed)
    plan = _Plan(first, conversations, messages, channel, seldom, agents)
    for table, columns, rows in plan.tables(words, seed):
        while chunk := list(itertools.islice(rows, CHUNK)):
            await sink.put(table.name, columns, chunk)
    for (state, assignee), count in plan.tally.items():
        before = f"SELECT conversations FROM tally WHERE state = '{state}' AND assignee_id = {assignee}"
        total = count + await sink.number(before)
        await sink.run(f"DELETE FROM tally WHERE state = '{state}' AND assignee_id = {assignee}")
        await sink.put("tally", ("state", "assignee_id", "conversations"), [(state, assignee, total)])
    await sink.settle([table.name for table in FILLED])
    return Filled(conversations, messages, channel, seldom, first["conversation"], first["message"], words)


async def settle(url: str) -> None:
    """As a database is that has had its rows for an hour: PostgreSQL looks after itself about once a minute."""
    if url.startswith("sqlite"):
        return
    sink = _Postgres(url)
    await sink.open(is_one_transaction=False)
    try:
        await sink.run("VACUUM ANALYZE")
        await sink.run("CHECKPOINT")
    finally:
        await sink.close()


async def _make_channel(sink: Sink, name: str) -> int:
    made, channel = [await sink.number(f"SELECT max(id) FROM {table}") + 1 for table in ("connection", "channel")]
    common = {"settings": "", "state": "disabled", "needs_person": False, "created_at": START_US}
    row = {"id": made, "connector": "hook", "name": "Bench", "hook_key": f"bench-{made}", "rev": 0}
    await sink.put_row("connection", row | common)
    row = {"id": channel, "connection_id": made, "address": name, "key": f"bench-{made}", "name": name.title()}
    await sink.put_row("channel", row | common)
    return channel


# ── The rows

FILLED = (t.contact, t.identity, t.conversation, t.message)


@dataclass(slots=True)
class _Plan:
    """Which row belongs to which. Everything follows from the numbers, so nothing is kept."""

    first: dict[str, int]
    conversations: int
    messages: int
    channel: int
    seldom: int
    agents: Sequence[int]

    def tables(self, words: Sequence[str], seed: int) -> Iterator[tuple[sa.Table, Sequence[str], Iterator[Row]]]:
        yield t.contact, ("id", "name", "email", "rev", "created_at"), self._contacts(words)
        yield (
            t.identity,
            ("id", "contact_id", "kind", "scope", "address", "conversation_id", "created_at"),
            self._identities(),
        )
        yield t.conversation, CONVERSATION, self._conversations(texts(words, seed))
        yield t.message, MESSAGE, self._messages(texts(words, seed))

    @property
    def tally(self) -> dict[tuple[str, int], int]:
        """How many stand where, as the store counts them."""
        found: dict[tuple[str, int], int] = {}
        for number in range(self.conversations):
            place = self._state(number), self._assignee(number) or 0
            found[place] = found.get(place, 0) + 1
        return found

    def _state(self, number: int) -> str:
        return "resolved" if number % OPEN else "open"

    def _assignee(self, number: int) -> int | None:
        turn = number // OPEN
        return self.agents[turn // 3 % len(self.agents)] if self.agents and turn % 3 == 0 else None

    def _channel(self, number: int) -> int:
        return self.channel if number // OPEN % SELDOM else self.seldom

    def _at(self, number: int) -> int:
        return START_US + YEAR_US * number // max(self.messages, 1)

    def _conversation_of(self, message: int) -> int:
        return message * STEP % self.conversations

    def _contacts(self, words: Sequence[str]) -> Iterator[Row]:
        for number in range(self.conversations):
            name = f"{words[number * 31 % len(words)]} {words[number * 17 % len(words)]}".title()
            email = f"person{self.first['contact'] + number}@example.org"
            yield self.first["contact"] + number, name, email, 0, START_US

    def _identities(self) -> Iterator[Row]:
        for number in range(self.conversations):
            contact = self.first["contact"] + number
            address = f"person{contact}@example.org"
            place = self.first["identity"] + number, contact, "email", "", address
            yield *place, self.first["conversation"] + number, START_US

    def _conversations(self, said: Iterator[str]) -> Iterator[Row]:
        last: dict[int, tuple[int | None, str | None]] = {}
        turns = max(self.messages - self.conversations, 0)  # before these nobody says a last word
        for message, text in zip(range(self.messages), said, strict=False):
            if message >= turns:
                last[self._conversation_of(message)] = message, text[:160]
        for number in range(self.conversations):
            message, text = last.get(number, NOTHING)
            at = START_US if message is None else self._at(message)
            state = self._state(number)
            yield (
                self.first["conversation"] + number,
                self._channel(number),
                self.first["contact"] + number,
                self.first["identity"] + number,
                state,
                self._assignee(number),
                None if message is None else self.first["message"] + message,
                None if message is None else "inbound",
                None if message is None else "contact",
                text,
                at,
                at,
                None if state == "open" else at,
                START_US,
                False,
                1 if state == "open" else 0,
                0,
                0,
            )

    def _messages(self, said: Iterator[str]) -> Iterator[Row]:
        for number, text in zip(range(self.messages), said, strict=False):
            conversation = self._conversation_of(number)
            message = self.first["message"] + number
            contact = self.first["contact"] + conversation
            identity = self.first["identity"] + conversation
            at = self._at(number)
            yield (
                message,
                self.first["conversation"] + conversation,
                self._channel(conversation),
                identity,
                "inbound",
                "contact",
                contact,
                text,
                at,
                at,
                "bench",
                f"{message}",
                False,
                0,
                0,
            )


CONVERSATION = (
    "id",
    "channel_id",
    "contact_id",
    "identity_id",
    "state",
    "assignee_id",
    "last_message_id",
    "last_kind",
    "last_author",
    "last_text",
    "last_at",
    "last_inbound_at",
    "resolved_at",
    "opened_at",
    "automatic",
    "unread",
    "troubled",
    "rev",
)
MESSAGE = (
    "id",
    "conversation_id",
    "channel_id",
    "identity_id",
    "kind",
    "author_kind",
    "author_id",
    "text",
    "at",
    "created_at",
    "event_scope",
    "event_key",
    "is_elsewhere",
    "edition",
    "rev",
)


# ── The databases


class _Sqlite:
    """Without durability and in one transaction: what is filled for a bench is filled again."""

    def __init__(self, url: str) -> None:
        self._path = sa.make_url(url).database or ""
        self._database: sqlite3.Connection

    async def open(self) -> None:
        self._database = sqlite3.connect(self._path, isolation_level=None)
        for statement in ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-200000", "BEGIN IMMEDIATE"):
            self._database.execute(statement)

    async def number(self, statement: str) -> int:
        row = self._database.execute(statement).fetchone()
        return int(row[0] or 0) if row else 0

    async def numbers(self, statement: str) -> list[int]:
        return [row[0] for row in self._database.execute(statement)]

    async def put(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        places = ", ".join("?" * len(columns))
        self._database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", rows)

    async def put_row(self, table: str, row: dict[str, Any]) -> None:
        await self.put(table, tuple(row), [tuple(row.values())])

    async def run(self, statement: str) -> None:
        self._database.execute(statement)

    async def settle(self, tables: Sequence[str]) -> None:
        self._database.execute("COMMIT")
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        self._database.close()


class _Postgres:
    """By COPY, in one transaction."""

    def __init__(self, url: str) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any
        self._transaction: Any

    async def open(self, *, is_one_transaction: bool = True) -> None:
        import asyncpg  # type: ignore[import-untyped]

        self._connection = await asyncpg.connect(self._url)
        if is_one_transaction:
            self._transaction = self._connection.transaction()
            await self._transaction.start()

    async def number(self, statement: str) -> int:
        return int(await self._connection.fetchval(statement) or 0)

    async def numbers(self, statement: str) -> list[int]:
        return [row[0] for row in await self._connection.fetch(statement)]

    async def put(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        await self._connection.copy_records_to_table(table, columns=list(columns), records=rows)

    async def put_row(self, table: str, row: dict[str, Any]) -> None:
        await self.put(table, tuple(row), [tuple(row.values())])

    async def run(self, statement: str) -> None:
        await self._connection.execute(statement)

    async def settle(self, tables: Sequence[str]) -> None:
        for table in tables:
            await self._connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            )
        await self._transaction.commit()

    async def close(self) -> None:
        await self._connection.close()


Sink = _Sqlite | _Postgres


def sink_of(url: str) -> Sink:
    return _Sqlite(url) if url.startswith("sqlite") else _Postgres(url)
