"""The search index follows what happens, by itself, however it is interrupted; the same on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from tests.inbox.desk import WORDS, Desk

from omnibox.bus import LocalBus
from omnibox.clock import now
from omnibox.connector import Deleted, Edited, Profile
from omnibox.inbox import contacts, indexing
from omnibox.inbox.indexing import Indexer, make_indexer, start_anew
from omnibox.masking import mask
from omnibox.store import Transaction
from omnibox.store.tables import message


async def test_edits_deletions_and_names_reach_the_index(desk: Desk) -> None:
    number = await desk.hear("an apple")
    assert await desk.find("apple") == [number]
    await desk.happen(Edited("m1", "shop", now(), revision=1, text="a banana"))
    assert (await desk.find("apple"), await desk.find("banana")) == ([], [number])
    await desk.happen(Profile("ana", "shop", name="Zenobia"))
    assert await desk.find("zenobia banana") == [number]
    contact_id = (await desk.hits("banana"))[0]["conversation"]["contact"]["id"]
    await desk.store.write(lambda tx: contacts.edit(tx, contact_id, contacts.Change(name="Quirina")))
    assert (await desk.find("zenobia"), await desk.find("quirina")) == ([], [number])
    await desk.happen(Deleted("m1", "shop", now()))
    assert (await desk.find("banana"), await desk.find("quirina")) == ([], [])


async def test_a_new_name_reaches_more_messages_than_one_chunk_holds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHUNK", 4)
    numbers = [await desk.hear(word) for word in WORDS]
    await desk.indexer.catch_up()
    await desk.happen(Profile("ana", "shop", name="Zenobia"))
    await desk.hear("after", who="ben")
    for word, number in zip(WORDS, numbers, strict=True):
        assert await desk.find(f"zenobia {word}") == [number]
    assert len(await desk.find("after")) == 1


async def test_history_from_before_the_index_is_filled_in_newest_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "CHUNK", 4)
    numbers = [await desk.hear("an apple", who=f"c{number}") for number in range(10)]
    await desk.indexer.step()
    await desk.indexer.step()
    page = await desk.look("apple")
    assert [hit["message"] for hit in page.hits] == numbers[:5:-1]
    assert not page.is_complete
    assert await desk.find("apple") == numbers[::-1]
    assert (await desk.look("apple")).is_complete


async def test_the_index_is_made_anew_when_told_and_after_another_version(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await desk.hear("an apple")
    assert await desk.find("apple") == [number]

    def change(tx: Transaction) -> None:  # as a later rule of masking would
        tx.execute(sa.update(message).values(text=mask("a banana")))
        start_anew(tx)

    await desk.store.write(change)
    assert (await desk.find("apple"), await desk.find("banana")) == ([], [number])
    await desk.store.write(lambda tx: tx.execute(sa.update(message).values(text=mask("a cherry"))))
    monkeypatch.setattr(desk.indexer.index, "version", 99)
    assert (await desk.find("banana"), await desk.find("cherry")) == ([], [number])


async def test_two_indexers_at_once_miss_and_double_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step of one may meet one of the other, and messages come and change meanwhile."""
    monkeypatch.setattr(indexing, "CHUNK", 3)
    other = make_indexer(desk.store, LocalBus())

    async def write() -> None:
        for number in range(40):
            await desk.hear(f"apple {number}", who=f"c{number}")
            if number % 4 == 0:
                await desk.happen(Edited(f"m{number + 1}", "shop", now(), revision=1, text="banana"))

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        for indexer in (desk.indexer, other):
            group.create_task(follow_until(indexer, writing))
    assert len(await desk.find("apple")) == 30
    assert len(await desk.find("banana")) == 10


async def follow_until(indexer: Indexer, ended: asyncio.Task[None]) -> None:
    while not ended.done():
        await indexer.step()


async def test_a_step_that_was_not_written_is_taken_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before its commit, a step leaves cursor and documents as they were."""
    number = await desk.hear("an apple")
    await desk.indexer.step()

    def dies(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(type(desk.indexer.index), "put", dies)
        with pytest.raises(RuntimeError):
            await desk.indexer.step()
    assert (await desk.look("apple")).hits == []
    assert await desk.find("apple") == [number]


async def test_a_running_indexer_follows_by_itself(desk: Desk) -> None:
    running = asyncio.create_task(desk.indexer.run())
    number = await desk.hear("an apple")
    try:
        async with asyncio.timeout(30):
            while not (page := await desk.look("apple")).hits:
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
    assert page.hits[0]["message"] == number


@pytest.mark.parametrize(("most_s", "pauses"), [(3600.0, 3), (0.0, 1)])
async def test_a_burst_passes_first_and_a_stream_without_end_is_indexed_all_the_same(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, most_s: float, pauses: int
) -> None:
    """One message rings, and another comes in each of the indexer's next two pauses."""
    ringing, coming = iter(["a banana"]), iter(["an apple", "an apple"])
    sleep, wait, put = asyncio.sleep, desk.indexer.bus.wait, type(desk.indexer.index).put
    made = 0
    before_it_wrote: list[int] = []

    async def hear_and_wait(*given: Any) -> None:
        if text := next(ringing, ""):
            await desk.hear(text)
        await wait(*given)

    async def pause(_: float) -> None:
        nonlocal made
        made += 1
        if text := next(coming, ""):
            await desk.hear(text)
        await sleep(0)

    def note(*given: Any) -> None:
        before_it_wrote.append(made)
        put(*given)

    await desk.indexer.catch_up()
    monkeypatch.setattr(indexing, "BUSY", 0)  # whatever came in the last pause came quickly
    monkeypatch.setattr(indexing, "MOST_SETTLE_S", most_s)
    monkeypatch.setattr(desk.indexer.bus, "wait", hear_and_wait)
    monkeypatch.setattr(type(desk.indexer.index), "put", note)
    monkeypatch.setattr(asyncio, "sleep", pause)
    running = asyncio.create_task(desk.indexer.run())
    try:
        async with asyncio.timeout(30):
            while not before_it_wrote:
                await sleep(0)
    finally:
        running.cancel()
    assert before_it_wrote[0] == pauses
