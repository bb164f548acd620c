"""The moment between storing and saying so: the sender asks again, and it is shown once."""

from __future__ import annotations

from pathlib import Path

import aiohttp
from tests.e2e.conftest import Stage
from tests.faults.hooks import post, said
from tests.faults.processes import served

TRIES = 4  # a timer may commit just then, which is not the commit that is meant


async def test_a_kill_between_the_commit_and_the_answer_shows_the_message_once(tmp_path: Path) -> None:
    # Nothing is received while it is set up, so it may be set up by the process that is to die.
    async with (
        served(tmp_path / "home", OMNIBOX_CRASH_AT="receive>after commit") as stage,
        aiohttp.ClientSession() as http,
    ):
        graph = stage.world.graph
        for attempt in range(TRIES):
            text = f"word {attempt}"
            answer = await post(http, graph, said(graph, text))
            await stage.served.end()
            await stage.served.start(OMNIBOX_CRASH_AT="0")
            is_stored = text in await _texts(stage)
            assert answer.status == 0  # nobody was told
            assert (await post(http, graph, said(graph, text))).status == 200
            assert (await _texts(stage)).count(text) == 1
            if is_stored:
                return
            await stage.served.end()
            await stage.served.start()
        raise AssertionError("never died behind the right commit")


async def _texts(stage: Stage) -> list[str]:
    rows = (await stage.admin.ask("GET", "/api/conversations"))["conversations"]
    pages = [await stage.admin.ask("GET", f"/api/conversations/{row['id']}/messages") for row in rows]
    return [each["text"] for page in pages for each in page["messages"]]
