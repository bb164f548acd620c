"""Messages that thread by references: those of one fetch are stored as if each had come alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from tests.inbox.desk import BEGAN, Desk, open_desk

from omnibox.bus import LocalBus
from omnibox.connector import AddressKind, Capabilities, File, Inbound, Recipients
from omnibox.inbox import conversations
from omnibox.inbox.messages import Result
from omnibox.store import Store, tables
from omnibox.store.migrations import migrate

CAPABILITIES = Capabilities(
    address=AddressKind("email", is_scoped=False, folds_case=True), threads_by="refs", dedupe_scope="installation"
)
ANA, BEN, EVE = "Ana@x.example", "ben@x.example", "eve@x.example"
# What differs from one run to the next, or counts writes: times, random names, revisions.
COMPARED = (
    "contact",
    "identity",
    "conversation",
    "participant",
    "message",
    "attachment",
    "external_ref",
    "arrival",
    "job",
    "tally",
)
NOT_COMPARED = {"created_at", "opened_at", "last_at", "resolved_at", "unreachable_at", "due_at", "at", "key", "blob"}

FILES = (File(b"a,b", "a.csv", "text/csv"), File(b"c,d", "c.csv", "text/csv"))
WITH_OTHERS = Recipients(to=("ben@x.example",), cc=("Cal@x.example",), names={"ben@x.example": "Ben"})


def mail(number: int, who: str, *refs: str, **more: Any) -> Inbound:
    """The mail `number`, whose id is `m<number>`."""
    at = BEGAN + timedelta(seconds=number)
    words = {"text": f"text {number}", "subject": f"subject {number}", "name": who.partition("@")[0].title()}
    given = {"refs": refs, "answers": min(len(refs), 1), "position": f"INBOX/1/{number}", **words, **more}
    return Inbound(f"key {number}", who, "shop", at, external_id=f"m{number}", **given)


FETCHES = [
    [
        (mail(1, ANA), "stored", 1, "new"),
        (mail(2, ANA.lower(), "m1", "never-seen"), "stored", 1, "in_reply_to"),
        (mail(3, ANA, "never-seen", answers=0), "stored", 1, "references"),
        (mail(4, EVE, "gone", name=None), "stored", 2, "new"),
        (mail(5, EVE, "m4", files=FILES), "stored", 2, "in_reply_to"),
        (mail(6, EVE), "stored", 3, "new"),
        (mail(7, EVE, "m6", automatic="auto-replied"), "stored", 3, "in_reply_to"),
        (mail(8, "robot@y.example", automatic="bulk"), "stored", 4, "new"),
        (mail(9, "nobody@invalid", sender_doubt="no-from"), "stored", 5, "new"),
        (mail(10, "robot@y.example", automatic="bulk"), "stored", 6, "new"),
        (mail(11, EVE, "m4", "m6"), "stored", 2, "in_reply_to"),
        (mail(24, EVE, "m6", "gone"), "stored", 3, "in_reply_to"),
    ],
    [  # an agent has resolved the first conversation
        (mail(12, ANA, "m2", recipients=WITH_OTHERS), "stored", 1, "in_reply_to"),
        (mail(13, "form@shop.example", reply_address="dora@x.example"), "stored", 7, "new"),
        (mail(14, "dora@x.example", "m13"), "stored", 7, "in_reply_to"),
        (mail(15, ANA, "m16"), "stored", 8, "new"),  # before what it answers
        (mail(16, ANA), "stored", 9, "new"),
        (mail(17, ANA, "m16"), "stored", 9, "in_reply_to"),
        (mail(25, EVE, "gone", answers=0), "stored", 2, "references"),
        (mail(18, BEN, "m1"), "stored", 10, "stranger"),
        (mail(2, ANA, position="INBOX/2/2"), "duplicate", 1, "in_reply_to"),
        (mail(19, EVE, "m14"), "stored", 11, "stranger"),  # to a conversation that began a moment ago
        (mail(20, "dora@x.example", "m14", sender_doubt="dmarc-fail"), "stored", 12, "unverified"),
    ],
    [
        (mail(21, BEN), "stored", 13, "new"),
        (mail(21, BEN), "duplicate", 13, "new"),
        (replace(mail(22, ANA, "m1"), external_id="m21"), "stored", 1, "in_reply_to"),  # the same id, other content
        (mail(26, EVE, "m4"), "stored", 2, "in_reply_to"),
        (mail(23, BEN, "m21"), "stored", 13, "in_reply_to"),
        (mail(27, EVE, "m4"), "stored", 2, "in_reply_to"),
        (mail(28, "nobody-1@invalid", sender_doubt="no-from"), "stored", 14, "new"),
        (mail(29, "nobody-2@invalid", sender_doubt="no-from"), "stored", 15, "new"),
    ],
]


@pytest.mark.parametrize("most", [4, 100])
async def test_what_comes_together_is_stored_as_if_it_came_alone(url: str, tmp_path: Path, most: int) -> None:
    together = await taken(url, tmp_path, most)
    alone = await taken(f"sqlite:///{tmp_path}/alone.db", tmp_path, 1)
    assert together == alone
    assert together["placed"] == [tuple(wanted) for fetch in FETCHES for _, *wanted in fetch]
    assert together["order"][:4] == [15, 14, 2, 13]
    assert {"INBOX/1/1", "INBOX/1/2", "INBOX/2/2"} <= {json.loads(row)[1] for row in together["arrival"]}


class Together:
    """A store for what needs no second try, message by message."""

    def __init__(self, store: Store) -> None:
        self.write_together = store.write_together


async def taken(url: str, home: Path, most: int) -> dict[str, Any]:
    """All tables once the mails came, `most` in one commit, with agents who resolve between fetches of ten."""
    await migrate(url)
    store = Store(url, ring=lambda words: None)
    await store.start()
    try:
        desk = await open_desk(store, LocalBus(), home)
        channels = {"shop": desk.origin.channels["shop"]}
        origin = replace(desk.origin, capabilities=CAPABILITIES, channels=channels, acknowledging=frozenset({1}))
        intake = replace(desk.intake, store=cast("Store", Together(store)))
        outcomes: list[Result] = []
        for fetch in FETCHES:
            mails = [each for each, *_ in fetch]
            for first in range(0, len(mails), most):
                outcomes += await intake.receive(origin, mails[first : first + most])
            await store.write(lambda tx: conversations.resolve(tx, 1, None))
        return await rows(desk, outcomes)
    finally:
        await store.stop()


async def rows(desk: Desk, outcomes: list[Result]) -> dict[str, Any]:
    """Every row of the inbox, events in order, conversations as their list shows them, and where each message went."""

    def read(tx: sa.Connection) -> dict[str, Any]:
        found: dict[str, Any] = {name: sorted(all_of(tx, tables.metadata.tables[name])) for name in COMPARED}
        listed = tables.conversation
        found["event"] = all_of(tx, tables.event)
        found["order"] = list(tx.execute(sa.select(listed.c.id).order_by(listed.c.last_at.desc())).scalars())
        message = tables.message
        placed = {row.id: row for row in tx.execute(sa.select(message.c.id, message.c.conversation_id, message.c.why))}
        found["placed"] = [(each.outcome, *placed[each.message_id or 0][1:]) for each in outcomes]
        return found

    return await desk.store.read(read)


def all_of(tx: sa.Connection, table: sa.Table) -> list[str]:
    """The rows in the order they were made, in words."""
    names = [each.name for each in table.c if each.name not in NOT_COMPARED]
    shown = [name for name in names if (table.name, name) != ("conversation", "rev")]
    found = tx.execute(sa.select(*(table.c[name] for name in shown)).order_by(*table.primary_key))
    return [json.dumps(list(row), sort_keys=True, default=str) for row in found]


async def test_a_mail_that_two_processes_take_at_once_opens_one_conversation(postgres_url: str, tmp_path: Path) -> None:
    """It came to two of our mailboxes, or was handed in again elsewhere."""
    await migrate(postgres_url)
    async with started(postgres_url) as one, started(postgres_url) as other:
        desk = await open_desk(one, LocalBus(), tmp_path)
        origin = replace(desk.origin, capabilities=CAPABILITIES)
        intakes = desk.intake, replace(desk.intake, store=other)
        writers = [who for known in range(5) for who in (BEN, f"new-{known}@x.example")]
        for number, who in enumerate(writers, 1):
            both = await asyncio.gather(*(each.receive(origin, [mail(number, who)]) for each in intakes))
            assert sorted(result.outcome for [result] in both) == ["duplicate", "stored"]
        listed = tables.conversation.c
        homes = await one.read(lambda tx: list(tx.execute(sa.select(listed.id).order_by(listed.id)).scalars()))
        placed = await one.read(lambda tx: set(tx.execute(sa.select(tables.message.c.conversation_id)).scalars()))
        counts = await one.read(lambda tx: tx.execute(sa.select(sa.func.sum(tables.tally.c.conversations))).scalar())
    assert set(homes) == placed
    assert len(homes) == counts == len(writers)


@asynccontextmanager
async def started(url: str) -> AsyncIterator[Store]:
    store = Store(url)
    await store.start()
    yield store
    await store.stop()
