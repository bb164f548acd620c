"""`/readyz` tells the truth, by the names of the parts."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
from tests.web.house import House


def let_a_part_end(house: House) -> None:
    ended: asyncio.Task[None] = asyncio.ensure_future(asyncio.sleep(0))
    ended.cancel()
    house.hub.readiness.tasks["delivery"] = ended


def let_the_key_be_wrong(house: House) -> None:
    house.hub.connections.is_key_wrong = True


def let_it_stop(house: House) -> None:
    house.hub.readiness.is_stopping = True


def let_the_tables_be_old(house: House) -> None:
    with sqlite3.connect(house.store.url.database or "") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()


@pytest.mark.parametrize(
    ("break_it", "name"),
    [
        (let_a_part_end, "delivery: "),
        (let_the_key_be_wrong, "secret key: "),
        (let_it_stop, "process: "),
        (let_the_tables_be_old, "migrations: "),
    ],
)
async def test_what_does_not_hold_is_named(house: House, break_it: Callable[[House], None], name: str) -> None:
    browser = await house.browser()
    assert (await browser.get("/readyz")).body == b"ready\n"
    break_it(house)
    await asyncio.sleep(0)
    answer = await browser.get("/readyz")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
    (line,) = answer.body.decode().splitlines()
    assert line.startswith(name)
    assert (await browser.get("/healthz")).status == 200


async def test_every_part_that_runs_is_watched(house: House) -> None:
    tasks = house.hub.readiness.tasks
    assert {"feed", "delivery", "jobs"} <= tasks.keys()
    assert not any(task.done() for task in tasks.values())


async def test_a_bus_that_is_gone_is_a_remark(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(house.hub.readiness.bus), "is_whole", lambda self: False)
    answer = await (await house.browser()).get("/readyz")
    assert answer.status == 200
    assert answer.body.decode().splitlines()[0] == "ready"
    assert "bus: " in answer.body.decode()


async def test_many_who_ask_at_once_cost_one_write(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    store = type(house.store)
    proofs = 0
    prove = store.prove

    async def counted(self: object) -> None:
        nonlocal proofs
        proofs += 1
        await prove(house.store)

    monkeypatch.setattr(store, "prove", counted)
    browser = await house.browser()
    answers = await asyncio.gather(*(browser.get("/readyz") for _ in range(30)))
    assert {answer.status for answer in answers} == {200}
    assert proofs < 30
