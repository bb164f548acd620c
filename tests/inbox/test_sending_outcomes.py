"""Recipients with an outcome each, on both databases: what an echo, a restart and a bounce leave of it."""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from tests.inbox.test_sending_pace import BOTH, Desk, Workers, desk

from omnibox.connector import Outbound, Rejected, Sent, Temporary
from omnibox.inbox import deciding, states
from omnibox.inbox.outcomes import everyone
from omnibox.store import Transaction
from omnibox.store import tables as t

__all__ = ["desk"]
COPIES = {"to": ["p0"], "cc": ["Boss", "p0"], "bcc": ["archive", "boss"]}


async def queued(desk: Desk) -> None:
    """One reply to three people."""
    await desk.queue(1)
    await desk.store.write(lambda tx: tx.execute(sa.update(t.delivery).values(recipients=COPIES)))


async def row(desk: Desk) -> Any:
    return await desk.store.read(lambda tx: tx.execute(sa.select(t.delivery)).one())


async def until(desk: Desk, state: str) -> Any:
    import asyncio

    async with asyncio.timeout(45):
        while (found := await row(desk)).state != state or not found.attempts:
            await asyncio.sleep(0.01)
    return found


def test_everyone_is_named_once_and_the_contact_first() -> None:
    class Row:
        address = "p0"
        recipients = COPIES

    assert everyone(Row) == ["p0", "Boss", "archive"]


@BOTH
async def test_an_echo_that_comes_first_hides_nobody_who_was_refused(desk: Desk) -> None:
    await queued(desk)

    async def send(part: Outbound) -> Sent:
        await desk.store.write(lambda tx: _echo(tx, part.id))
        return Sent(part.id, refused={"BOSS": Rejected("gone"), "archive": Temporary("later", 3600)})

    desk.post.answer = send
    async with Workers(desk, 1):
        found = await until(desk, "queued")
    assert {name: one["state"] for name, one in found.outcomes.items()} == {
        "p0": "sent",
        "Boss": "failed",
        "archive": "queued",
    }
    assert (found.code, found.is_open, found.external_id) == ("later", False, found.part_id)


def _echo(tx: Transaction, part_id: str) -> None:
    locked = states.lock_delivery(tx, 1)
    assert locked is not None
    states.record_sent(tx, locked, "channel:1", part_id)


async def test_only_those_who_wait_are_asked_for_again(desk: Desk) -> None:
    await queued(desk)
    asked: list[tuple[str, ...]] = []

    async def send(part: Outbound) -> Sent:
        asked.append(part.only)
        return Sent(part.id, refused={"archive": Rejected("gone")} if len(asked) == 1 else {})

    desk.post.answer = send
    async with Workers(desk, 1):
        failed = await until(desk, "failed")
        await desk.store.write(lambda tx: deciding.send_again(tx, 1, failed.fence))
        found = await until(desk, "sent")
    assert asked == [(), ("archive",)]
    assert {one["state"] for one in found.outcomes.values()} == {"sent"}


async def test_tries_that_are_used_up_fail_those_alone_who_waited(desk: Desk) -> None:
    await queued(desk)

    async def send(part: Outbound) -> Sent:
        if part.only:
            raise Rejected("no more")
        return Sent(part.id, refused={"archive": Temporary("later", 0.1)})

    desk.post.answer = send
    async with Workers(desk, 1):
        found = await until(desk, "failed")
    assert {name: (one["state"], one["code"]) for name, one in found.outcomes.items()} == {
        "p0": ("sent", ""),
        "Boss": ("sent", ""),
        "archive": ("failed", "no more"),
    }


async def test_a_bounce_is_about_one_of_them(desk: Desk) -> None:
    await queued(desk)
    async with Workers(desk, 1):
        await until(desk, "sent")
    await desk.store.write(lambda tx: _bounce(tx, "BOSS"))
    found = await row(desk)
    assert (found.state, found.code) == ("failed", "came_back")
    assert {name: one["state"] for name, one in found.outcomes.items()} == {
        "p0": "sent",
        "Boss": "failed",
        "archive": "sent",
    }
    await desk.store.write(lambda tx: deciding.dismiss(tx, 1))
    assert (await row(desk)).state == "sent"


def _bounce(tx: Transaction, address: str) -> None:
    locked = states.lock_delivery(tx, 1)
    assert locked is not None
    states.refuse_one(tx, locked, address, "came_back")


async def test_a_receipt_for_more_replies_than_a_statement_has_room_for_reaches_all(desk: Desk) -> None:
    """As 17,000 replies on PostgreSQL, with its 32,767 values; here the limit is made as small as the test."""
    most, many = 2000, 1025  # statements are made for powers of two: 2048 values
    await desk.queue(1)
    one = (await row(desk))._mapping
    at = desk.clock()
    left = {**one, "state": "sent", "is_open": False, "claimed_at": at, "sent_at": at}
    own = [left | {"id": one["id"] + n, "part_id": f"part {n}"} for n in range(1, many)]

    def prepare(tx: Transaction) -> None:
        tx.execute(sa.update(t.delivery).values(state="sent", is_open=False, claimed_at=at, sent_at=at))
        tx.execute(sa.insert(t.delivery), own)

    def read(tx: Transaction) -> None:
        driver: Any = tx.connection.connection.driver_connection
        usual = driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, most)
        try:
            states.advance_to(tx, one["identity_id"], "read", at)
        finally:
            driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, usual)

    await desk.store.write(prepare)
    await desk.store.write(read)
    count = sa.select(t.delivery.c.state, sa.func.count()).group_by(t.delivery.c.state)
    found = await desk.store.read(lambda tx: [tuple(each) for each in tx.execute(count)])
    assert found == [("read", many)]
