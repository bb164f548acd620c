"""`omnibox remask`: history by today's rules, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from asyncio.subprocess import PIPE
from contextlib import closing
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from tests.cards.keeping import CARD, HIDDEN, OMNIBOX, Kept, all_masked
from tests.store.filling import fill

from omnibox.app import running
from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.cards.remasking import Remasking
from omnibox.clock import now
from omnibox.config import Config
from omnibox.events import read_head
from omnibox.inbox import search
from omnibox.inbox.indexing import make_indexer
from omnibox.inbox.views import Sight
from omnibox.store import Store
from omnibox.store import tables as t
from omnibox.store.columns import Json
from omnibox.store.search import index_of, parse

OWN = r"LC-?\d{4}-?\d{4}"


async def remask(kept: Kept, *arguments: str) -> str:
    done = await kept.run("remask", *arguments)
    assert done.exit_code == 0, done.output
    assert CARD not in done.output
    return str(done.output)


async def texts(kept: Kept, column: sa.Column[Any] = t.message.c.text) -> list[str]:
    return [value for (value,) in await kept.read(sa.select(column).order_by(*column.table.primary_key.columns))]


async def found(kept: Kept, typed: str) -> int:
    """How many messages the index finds, as a hub would that starts now."""
    store = Store(kept.url)
    await store.start()
    try:
        await make_indexer(store, LocalBus()).catch_up()
        look = partial(
            search.find,
            index=index_of(store.is_embedded),
            query=parse(typed),
            sight=Sight(lambda _: None, now()),
            place=search.Place("word"),
            limit=25,
        )
        return len((await store.read(look)).hits)
    finally:
        await store.stop()


async def test_history_is_masked_after_it_was_counted(kept: Kept) -> None:
    await kept.plant(t.message.c.text, f"Take {CARD}", id=1)
    await kept.plant(t.message.c.html, "<p>Take <b>4111</b> 1111&nbsp;1111 1111</p>", id=1)
    await kept.plant(t.conversation.c.last_text, CARD, id=1)
    file = await kept.plant_file(f"pan\n{CARD}\n".encode(), "text/csv")
    drawing = await kept.plant_file(f"<svg><text>{CARD}</text></svg>".encode(), "image/svg+xml")
    counted = await remask(kept, "--dry-run")
    assert "would be hidden: 5 card numbers in 5 values" in counted
    assert (await kept.audit())[0] == 1
    said = await remask(kept)
    assert "message.html" in said
    assert "Hidden in 4 rows and files" in said
    assert (await texts(kept))[0] == f"Take {HIDDEN}"
    assert (await texts(kept, t.message.c.html))[0] == "<p>Take <b>••••</b> ••••&nbsp;•••• 1111</p>"
    assert await kept.file_of(file) == f"pan\n{HIDDEN}\n".encode()
    assert await kept.file_of(drawing) == f"<svg><text>{HIDDEN}</text></svg>".encode()
    assert (await kept.audit())[0] == 0
    assert "to hide: nothing" in await remask(kept)


async def test_every_masked_column_of_every_table_is_masked(embedded: Kept) -> None:
    database = embedded.home / "omnibox.db"
    fill(database, 12)
    with closing(sqlite3.connect(database)) as link, link:
        for column in all_masked():
            text = f"Mine: {CARD}"
            value = json.dumps({"contact": text}) if isinstance(column.type, Json) else text
            link.execute(f"UPDATE {column.table.name} SET {column.name} = ? WHERE rowid = 2", (value,))
    await remask(embedded)
    status, page = await embedded.audit()
    assert (status, page.partition("Found:")[2][:10]) == (0, " nothing.\n")


async def test_a_number_sent_in_pieces_before_they_were_joined_is_hidden(kept: Kept) -> None:
    """On channels where people chat; the messages of a conversation, the line in the list and the replies that wait."""
    said = ["My card: 4111 1111", "4111 1111", "1111 1111", "1111 1111 and 5555 5555", "123", "5555 4444"]
    for number, text in enumerate(said, 1):
        await kept.plant(t.message.c.text, text, id=number)
    await kept.plant(t.conversation.c.last_text, "1111 1111", id=1)
    await kept.plant(t.conversation.c.last_message_id, 3, id=1)
    assert (await kept.audit())[0] == 0  # nobody knows the connector: these may be mails
    await kept.plant(t.connection.c.connector, "messenger", id=1)
    status, page = await kept.audit()
    assert (status, "in several messages" in page) == (1, True)
    assert "messages in pieces" in await remask(kept, "--dry-run")
    assert await texts(kept) == said
    await remask(kept)
    hidden = ["My card: •••• ••••", "•••• ••••", "•••• 1111", "•••• 1111 and •••• ••••", "•••", "•••• 4444"]
    assert await texts(kept) == hidden
    assert (await texts(kept, t.conversation.c.last_text))[0] == "•••• 1111"
    assert "to hide: nothing" in await remask(kept)
    assert (await kept.audit())[0] == 0


async def test_a_reaction_is_masked(kept: Kept) -> None:
    change = sa.update(t.message).where(t.message.c.id == 2).values(reactions={"contact": f"👍 {CARD}", "ours": "❤"})
    await kept.write(lambda tx: tx.execute(change))
    assert (await kept.audit())[0] == 1
    await remask(kept)
    rows = await kept.read(sa.select(t.message.c.reactions).where(t.message.c.id == 2))
    assert rows[0][0] == {"contact": f"👍 {HIDDEN}", "ours": "❤"}
    assert (await kept.audit())[0] == 0


async def test_a_code_that_was_asked_for_in_the_past_is_hidden(embedded: Kept) -> None:
    await embedded.plant(t.connection.c.connector, "messenger", id=1)
    for number, text in enumerate(("And the CVV?", "Which room?", "123", "456"), 1):
        await embedded.plant(t.message.c.text, text, id=number)
    for number in (1, 2):
        await embedded.plant(t.message.c.author_kind, "agent", id=number)
    await remask(embedded)
    assert (await texts(embedded))[:4] == ["And the CVV?", "Which room?", "•••", "456"]


async def test_nothing_else_is_touched_and_screens_hear_of_what_is(embedded: Kept) -> None:
    await embedded.plant(t.message.c.text, CARD, id=4)
    before = await embedded.read(sa.select(t.message).where(t.message.c.id != 4).order_by(t.message.c.id))
    await remask(embedded)
    assert await embedded.read(sa.select(t.message).where(t.message.c.id != 4).order_by(t.message.c.id)) == before
    ((rev,),) = await embedded.read(sa.select(t.message.c.rev).where(t.message.c.id == 4))
    assert rev == 1
    events = await embedded.read(sa.select(t.event.c.type, t.event.c.message_id, t.event.c.conversation_id))
    assert [tuple(row) for row in events] == [("message.changed", 4, 2)]


async def test_what_was_found_before_is_not_found_after(kept: Kept) -> None:
    await kept.plant(t.message.c.text, "My number is LC 4401-9982 as ever", id=1)
    await kept.plant(t.message.c.text, "The other said 4401 too", id=2)
    assert await found(kept, "9982") == 1
    await kept.plant(t.channel.c.patterns, r"LC \d{4}-\d{4}", id=1)
    await remask(kept)
    assert await kept.read(sa.text("SELECT id FROM search_document")) == []  # at once, whether a hub runs or not
    assert (await texts(kept))[:2] == ["My number is LC ••••-9982 as ever", "The other said 4401 too"]
    assert await found(kept, "4401") == 1  # the other one
    assert await found(kept, "number") == 1  # and the index is whole


async def test_patterns_count_for_their_channel_only(embedded: Kept) -> None:
    for number in (1, 2):
        await embedded.plant(t.message.c.text, "LC-1234-5678", id=number)
        await embedded.plant(t.conversation.c.last_text, "LC-1234-5678", id=number)
    await embedded.plant(t.channel.c.patterns, OWN, id=1)
    file = await embedded.plant_file(b"LC-1234-5678", message_id=1)
    status, page = await embedded.audit()
    assert (status, "2 matches of own patterns" in page or "own pattern" in page) == (1, True)
    assert "3 matches of own patterns in 3 values" in await remask(embedded)
    assert (await texts(embedded))[:2] == ["LC-••••-5678", "LC-1234-5678"]
    assert await texts(embedded, t.conversation.c.last_text) == ["LC-••••-5678", "LC-1234-5678"]
    assert await embedded.file_of(file) == "LC-••••-5678".encode()
    assert (await embedded.audit())[0] == 0


@pytest.mark.parametrize("step", [2, 5])
async def test_a_run_that_was_killed_goes_on(embedded: Kept, step: int) -> None:
    for number in range(1, 7):
        await embedded.plant(t.message.c.text, f"{number}: {CARD}", id=number)
    await embedded.plant(t.contact.c.name, CARD, id=1)
    file = await embedded.plant_file(CARD.encode())
    assert await found(embedded, "hello") == 0
    assert await kill_at(embedded, step) == 137
    begun = await embedded.read(sa.select(t.remasking.c.finished_at))
    said = await remask(embedded)
    assert ("going on from there" in said) == bool(begun and begun[0][0] is None)
    assert await texts(embedded) == [f"{number}: {HIDDEN}" for number in range(1, 7)]
    assert await embedded.file_of(file) == HIDDEN.encode()
    ((finished_at, changed),) = await embedded.read(sa.select(t.remasking.c.finished_at, t.remasking.c.changed))
    assert (finished_at is not None, changed) == (True, 8)
    assert (await embedded.audit())[0] == 0
    assert await found(embedded, "1111") == 2  # conversations


async def test_a_row_that_changes_meanwhile_keeps_its_new_words(embedded: Kept) -> None:
    """Between the look and the write the hub stores something else; that is looked at in its turn."""
    await embedded.plant(t.message.c.text, f"old {CARD}", id=1)
    store = Store(embedded.url)
    await store.start()
    real = store.read
    seen: list[int] = []

    async def read(fn: Any) -> Any:
        rows = await real(fn)
        is_piece = isinstance(fn, partial) and fn.args and fn.args[0] is t.message
        if is_piece and not seen:
            seen.append(1)
            await embedded.plant(t.message.c.text, f"new {CARD}", id=1)
        return rows

    store.read = read  # type: ignore[method-assign]
    try:
        assert await Remasking(store, Folder(embedded.home / "files"), lambda *_: None).run() == 1
    finally:
        await store.stop()
    assert (await texts(embedded))[0] == f"new {HIDDEN}"


async def kill_at(kept: Kept, step: int) -> int:
    """Run the command as a process that is killed at one of its steps; its exit status."""
    environ = os.environ | kept.environ | {"OMNIBOX_CRASH_AT": str(step)}
    process = await asyncio.create_subprocess_exec(OMNIBOX, "remask", env=environ, stdout=PIPE, stderr=PIPE)
    await process.communicate()
    return process.returncode or 0


async def test_the_hub_goes_on_meanwhile(embedded: Kept) -> None:
    await embedded.plant(t.message.c.text, CARD, id=1)
    async with running(Config(home=embedded.home), setup_code="code") as hub:
        seen = await hub.store.read(read_head)
        said = await asyncio.gather(remask(embedded), hub.store.write(lambda tx: tx.announce("settings.changed")))
        assert "Hidden in 1 rows and files" in said[0]
        assert (await hub.store.read(read_head)).seq == seen.seq + 2
        assert (await embedded.audit())[0] == 0
