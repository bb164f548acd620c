"""The crash sweep at a stride: the short form of `make faults`, and the promise about replies of several parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.faults.campaign import sweep
from tests.faults.campaign.books import Piece
from tests.faults.campaign.stage import Stage
from tests.faults.campaign.stage import stage as set_up

STEPS = 2  # of each kind; `make faults` takes every one


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with set_up(tmp_path_factory.mktemp("sweep")) as stage:
        yield stage


@pytest.mark.parametrize("kind", sorted(sweep.KINDS))
async def test_a_script_survives_the_end_of_the_hub_at_any_step(stage: Stage, kind: str) -> None:
    steps = await sweep.KINDS[kind].count(stage)
    apart = len(steps) // (STEPS + 1)
    for number in range(apart, apart * STEPS + 1, apart):
        found = await sweep.KINDS[kind].strike(stage, number)
        assert found.problems == [], (found.struck, number)
        assert found.struck, number


@pytest.mark.parametrize("part", [1, 2])
async def test_a_reply_of_several_parts_resumes_at_the_first_unsent_one(stage: Stage, part: int) -> None:
    """The hub dies as Meta takes a part; each part arrives once, in order, under the id it was given at the click."""
    await stage.hub.start_surely()
    people = stage.people()
    await people.messenger[0].say(people.mark("messenger"))
    row = await sweep.row_of(stage, people.messenger[0].said[0])
    taken: list[str] = []

    def strike(what: str) -> None:
        if what == "Graph messages done":
            taken.append(what)
            if len(taken) == part:
                stage.hub.strike()

    stage.listen(strike)
    async with asyncio.timeout(sweep.ROUND_S), sweep.revived(stage.hub):
        reply = await people.answer(row, is_long=True, files=1)
        await sweep.until_left(stage, people, decides=False)
    stage.listen(lambda what: None)
    pieces = list[Piece](people.messenger[0].received())
    assert [word for piece in pieces for word in piece.words] == list(reply.words)
    assert len(pieces) == 3
    assert len({piece.id for piece in pieces}) == 3
