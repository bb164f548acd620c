"""What shares a commit goes in together, and leaves what it would have left one by one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from omnibox.blobs import Folder
from omnibox.connector import AddressKind, Capabilities, Deleted, Echo, Edited, Envelope, Inbound, Reaction
from omnibox.inbox import conversations
from omnibox.inbox.intake import Intake
from omnibox.inbox.origin import Origin
from omnibox.masking import mask
from omnibox.secrets import Secrets
from omnibox.store import Store, Transaction, insert
from omnibox.store import tables as t
from omnibox.store.hot import Hot
from omnibox.store.migrations import migrate

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PEOPLE = ("ann", "bob", "cid", "dora")


# ── The store


async def test_what_many_bring_at_once_is_taken_at_once(store: Store) -> None:
    runs: list[int] = []

    def double(tx: Transaction, brought: Sequence[int]) -> list[int]:
        runs.append(len(brought))
        return [2 * each for each in brought]

    async def bring(number: int) -> int:
        for _ in range(number // 10):  # as requests that come from their sockets one turn of the loop after another
            await asyncio.sleep(0)
        return (await store.write_together(double, number)).result

    assert await asyncio.gather(*map(bring, range(50))) == [2 * number for number in range(50)]
    assert runs == [50]


@pytest.mark.parametrize("count", [1, 7, 8, 63, 65, 256, 257, 655])
async def test_rows_of_any_number_all_go_in_and_those_that_were_there_do_not(store: Store, count: int) -> None:
    add = Hot(insert(t.early).on_conflict_do_nothing().returning(t.early.c.value))
    row = {"scope": "s", "kind": "deleted", "at": NOON, "edition": 0}
    rows = [row | {"value": str(number)} for number in range(count)]

    def put(tx: Transaction) -> tuple[set[str], list[Sequence[Any]]]:
        return {value for (value,) in add.run_all(tx.connection, rows)}, add.run_all(tx.connection, rows[::-1])

    new, again = (await store.write(put)).result
    assert (len(new), again) == (count, [])


async def test_the_one_that_cannot_be_taken_costs_the_others_nothing(store: Store) -> None:
    def add(tx: Transaction, brought: Sequence[str]) -> list[str]:
        for name in brought:
            if name == "bad":
                raise ValueError(name)
            tx.execute(sa.insert(t.contact).values(name=mask(name), created_at=tx.clock(), rev=0))
            tx.announce("contact.changed")
        return list(brought)

    names = ["one", "bad", "two", "three"]
    written = await asyncio.gather(*(store.write_together(add, name) for name in names), return_exceptions=True)
    assert [isinstance(each, ValueError) for each in written] == [name == "bad" for name in names]
    found = await store.read(
        lambda tx: tx.execute(sa.select(t.contact.c.name).order_by(t.contact.c.id)).scalars().all()
    )
    assert sorted(found) == ["one", "three", "two"]
    events = await store.read(lambda tx: tx.execute(sa.select(t.event.c.seq).order_by(t.event.c.seq)).scalars().all())
    assert list(events) == [1, 2, 3]


# ── Messages


class Shop:
    """A channel of a store, and what can be asked of it."""

    def __init__(self, store: Store, folder: Path, origin: Origin) -> None:
        self.store, self.origin = store, origin
        self.intake = Intake(store, Folder(folder / "files"), Secrets.load(folder, {}))

    async def take(self, *envelopes: Envelope) -> list[str]:
        return [each.outcome for each in await self.intake.receive(self.origin, envelopes)]

    async def state(self) -> dict[str, Any]:
        """Everything that a screen could show of it, without ids and times of ours."""
        return await self.store.read(_state)


def _state(tx: sa.Connection) -> dict[str, Any]:
    names = {row.id: row.address for row in tx.execute(sa.select(t.identity))}
    found: dict[str, Any] = {}
    rows = {row.id: row for row in tx.execute(sa.select(t.conversation).order_by(t.conversation.c.id))}
    for row in rows.values():
        lines = tx.execute(sa.select(t.message).where(t.message.c.conversation_id == row.id).order_by(t.message.c.id))
        said = [(each.event_key, each.text, each.at, each.author_kind, each.kind, each.reactions) for each in lines]
        found[names[row.identity_id]] = {
            "said": said,
            "shows": (row.state, row.unread, row.last_text, row.last_kind, row.last_inbound_at),
        }
    ref = t.external_ref
    wanted = sa.select(ref.c.value, ref.c.conversation_id, t.message.c.event_key)
    refs = tx.execute(wanted.outerjoin(t.message, t.message.c.id == ref.c.message_id))
    owner = {key: names[row.identity_id] for key, row in rows.items()}
    found["refs"] = sorted((value, owner.get(at), key) for value, at, key in refs)
    found["told"] = sorted(tx.execute(sa.select(t.event.c.type)).scalars())
    found["tally"] = sorted(tuple(row) for row in tx.execute(sa.select(t.tally)) if row.conversations)
    return found


async def open_shop(store: Store, folder: Path) -> Shop:
    def connect(tx: Transaction) -> tuple[int, int]:
        state = {"name": mask("Shop"), "settings": "", "state": "active", "created_at": tx.clock()}
        row = {"connector": "shop", "hook_key": "shop", "rev": 0} | state
        made = tx.execute(sa.insert(t.connection).returning(t.connection.c.id), row).scalar_one()
        row = {"connection_id": made, "address": "shop", "key": "shop"} | state
        return made, tx.execute(sa.insert(t.channel).returning(t.channel.c.id), row).scalar_one()

    made, channel = (await store.write(connect)).result
    capabilities = Capabilities(address=AddressKind("number"), dedupe_scope="channel")
    return Shop(store, folder, Origin(made, capabilities, {"shop": channel}, lambda token: None))


@pytest.fixture
async def shop(store: Store, tmp_path: Path) -> Shop:
    return await open_shop(store, tmp_path)


def said(key: str, who: str = "ann", text: str = "", at: datetime = NOON) -> Inbound:
    return Inbound(key, who, "shop", at, external_id=key, text=text or f"{who} says {key}, thanks")


async def test_messages_of_many_people_at_once_are_each_stored_once(shop: Shop) -> None:
    await asyncio.gather(*(shop.take(said(f"first-{who}", who)) for who in PEOPLE))
    calls = [said(f"m{number}", PEOPLE[number % 4]) for number in range(40)]
    assert await asyncio.gather(*(shop.take(each) for each in calls)) == [["stored"]] * 40
    state = await shop.state()
    for place, who in enumerate(PEOPLE):
        keys = [each[0] for each in state[who]["said"]]
        assert sorted(keys) == sorted([f"first-{who}", *(f"m{number}" for number in range(place, 40, 4))])
        assert state[who]["shows"][1] == 11
        assert state[who]["shows"][2] == state[who]["said"][-1][1]
    assert len(state["refs"]) == 44


async def test_as_many_as_one_call_can_bring_are_taken(shop: Shop) -> None:
    await shop.take(*(said(f"first-{who}", who) for who in PEOPLE))
    many = [said(f"m{number}", PEOPLE[number % 4], "thanks") for number in range(4200)]
    assert set(await shop.take(*many)) == {"stored"}
    assert (await shop.state())["dora"]["shows"][1] == 1051


async def test_the_same_event_twice_at_once_is_one_message(shop: Shop) -> None:
    await shop.take(said("first"))
    outcomes = await shop.take(said("m1"), said("m1"), said("first"), said("m2"))
    assert outcomes == ["stored", "duplicate", "duplicate", "stored"]
    state = await shop.state()
    assert [each[0] for each in state["ann"]["said"]] == ["first", "m1", "m2"]
    assert state["ann"]["shows"][1] == 3


async def test_what_a_person_sends_keeps_its_order_whatever_it_is(shop: Shop) -> None:
    await shop.take(said("first"))
    pieces = said("m2", text="4111 1111"), said("m3", text="1111 1111")
    await shop.take(said("m1"), *pieces, Echo("e1", "ann", "shop", NOON), said("m4"))
    state = await shop.state()
    assert [each[0] for each in state["ann"]["said"]] == ["first", "m1", "m2", "m3", "e1", "m4"]
    assert [each[1] for each in state["ann"]["said"]][2:4] == ["•••• ••••", "•••• 1111"]


async def test_a_resolved_conversation_reopens_among_others(shop: Shop) -> None:
    await shop.take(said("a", "ann"), said("b", "bob"))
    await shop.store.write(lambda tx: conversations.resolve(tx, 1, None))
    await shop.take(said("a2", "ann"), said("b2", "bob"), said("a3", "ann"))
    state = await shop.state()
    assert state["ann"]["shows"][:3] == ("open", 2, "ann says a3, thanks")
    assert state["bob"]["shows"][:3] == ("open", 2, "bob says b2, thanks")
    assert [each[0] for each in state["ann"]["said"]] == ["a", "a2", "a3"]


async def test_what_came_before_its_message_is_applied_to_it(shop: Shop) -> None:
    await shop.take(said("first"), Reaction("m1", "ann", "shop", NOON, "👍"), Edited("m2", "shop", NOON, "better"))
    await shop.take(said("m1"), said("m2"))
    lines = {key: (text, reactions) for key, text, _, _, _, reactions in (await shop.state())["ann"]["said"]}
    assert lines["m1"][1]
    assert lines["m2"][0] == "better"


@pytest.mark.parametrize("seed", range(4))
async def test_together_leaves_what_one_by_one_leaves(seed: int, url: str, store: Store, tmp_path: Path) -> None:
    other_url = f"sqlite:///{tmp_path}/other.db"
    await migrate(other_url)
    other = Store(other_url)
    await other.start()
    try:
        together, single = await open_shop(store, tmp_path), await open_shop(other, tmp_path)
        draw = random.Random(seed)
        for number in range(6):
            batch = [_envelope(draw, f"{number}-{place}") for place in range(draw.randint(1, 24))]
            # Intake masks in place; each shop gets its own.
            for shop, calls in ((together, [batch]), (single, [[each] for each in batch])):
                for call in calls:
                    await shop.take(*(_again(each) for each in call))
        assert await together.state() == await single.state()
    finally:
        await other.stop()


def _envelope(draw: random.Random, key: str) -> tuple[type[Envelope], tuple[Any, ...]]:
    who, at = draw.choice(PEOPLE), NOON + timedelta(seconds=draw.randint(-500, 500))
    known = f"{draw.randint(0, 5)}-{draw.randint(0, 23)}"
    kinds: list[tuple[type[Envelope], tuple[Any, ...]]] = [
        (Inbound, (key, who, "shop", at, key, f"{who} says {key}, thanks")),
        (Inbound, (known, who, "shop", at, known, f"{who} says {known}, thanks")),
        (Inbound, (key, who, "shop", at, None, "4111 1111 1111 1111")),
        (Inbound, (key, who, "shop", at, key, "4111 1111")),
        (Echo, (key, who, "shop", at, key)),
        (Edited, (known, "shop", at, "other words")),
        (Deleted, (known, "shop", at)),
        (Reaction, (known, who, "shop", at, "👍")),
    ]
    return draw.choices(kinds, weights=(60, 6, 2, 6, 4, 3, 2, 3))[0]


def _again(drawn: tuple[type[Envelope], tuple[Any, ...]]) -> Envelope:
    kind, members = drawn
    return kind(*members)
