"""Out of descriptors, threads or memory: what is acknowledged is kept, health is honest, and it passes by itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import threading
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from tests.e2e.conftest import Stage
from tests.faults.hooks import post, said
from tests.faults.houses import IS_LONG, SOON_S
from tests.faults.processes import served
from tests.inbox.house import House

from omnibox.testing.world.graph import Graph, PageEvent
from omnibox.web import readiness

SPARE = 8  # descriptors above those in use
MEMORY = 6 << 20  # bytes above those in use


async def texts_of(stage: Stage) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in (await stage.admin.ask("GET", "/api/conversations"))["conversations"]:
        page = await stage.admin.ask("GET", f"/api/conversations/{row['id']}/messages?limit=200")
        found.update(each["text"][:40] for each in page["messages"])
    return found


async def _status(http: aiohttp.ClientSession, url: str) -> int:
    try:
        async with http.get(url) as answer:
            return int(answer.status)
    except aiohttp.ClientError:
        return 0


if IS_LONG:  # they need processes of their own, and large calls

    async def test_out_of_descriptors_nobody_comes_in_and_who_is_in_goes_on(tmp_path: Path) -> None:
        async with served(tmp_path / "home") as stage, aiohttp.ClientSession() as http:
            graph, pid = stage.world.graph, stage.served.pid
            assert (await post(http, graph, said(graph, "before"))).status == 200
            in_use = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (in_use + SPARE, before[1]))
            crowd = [await asyncio.open_connection("127.0.0.1", stage.served.port) for _ in range(SPARE * 3)]
            try:
                assert (await post(http, graph, said(graph, "by a line that was open"))).status == 200
                assert await _status(stage.admin.http, "/api/conversations") in (200, 503)  # reading may need one more
                async with asyncio.timeout(SOON_S):
                    while await _is_served(stage.served.base):  # the hub had closed a line of its own: one more fits
                        crowd.append(await asyncio.open_connection("127.0.0.1", stage.served.port))
            finally:
                for _, writer in crowd:
                    writer.close()
            async with asyncio.timeout(SOON_S), aiohttp.ClientSession() as stranger:
                while await _status(stranger, f"{stage.served.base}/readyz") != 200:
                    await asyncio.sleep(0.1)
                assert (await post(stranger, graph, said(graph, "after"))).status == 200
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            assert await texts_of(stage) == Counter(["before", "by a line that was open", "after"])

    async def test_short_of_memory_only_what_is_stored_is_acknowledged(tmp_path: Path) -> None:
        """Large calls fail, small ones may; afterwards everything that was answered 200 is there, once."""
        async with served(tmp_path / "home") as stage, aiohttp.ClientSession() as http:
            graph, pid = stage.world.graph, stage.served.pid
            pages = int((await asyncio.to_thread(Path(f"/proc/{pid}/statm").read_text)).split()[0])
            before = resource.prlimit(pid, resource.RLIMIT_AS)
            resource.prlimit(pid, resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, before[1]))
            calls = [_large(graph, number) for number in range(8)]
            answers = await asyncio.gather(*(post(http, graph, *call) for call in calls))
            assert {answer.status for answer in answers} - {200}, "the limit struck nobody"
            resource.prlimit(pid, resource.RLIMIT_AS, before)
            kept = Counter(
                event.element["message"]["text"][:40]
                for call, answer in zip(calls, answers, strict=True)
                for event in call
                if answer.status == 200
            )
            found = await texts_of(stage)
            assert all(found[text] == 1 for text in kept)
            for call in calls:
                assert (await post(http, graph, *call)).status == 200
            assert set((await texts_of(stage)).values()) == {1}


async def _is_served(base: str) -> bool:
    """Whether somebody new is told that all is well."""
    with contextlib.suppress(TimeoutError, aiohttp.ClientError):
        async with aiohttp.ClientSession() as stranger, asyncio.timeout(0.5), stranger.get(f"{base}/healthz") as answer:
            return answer.status == 200
    return False


def _large(graph: Graph, number: int) -> list[PageEvent]:
    return [said(graph, f"{number} {each} " + "x" * 60_000, mid=f"m{number}-{each}") for each in range(15)]


async def test_with_every_thread_stuck_words_flow_and_readiness_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files need a thread: they wait, unacknowledged, and are stored once there is one."""
    monkeypatch.setattr(readiness, "READY_TIMEOUT_S", 0.5)
    graph, go_on = house.world.graph, threading.Event()
    loop = asyncio.get_running_loop()
    stuck = [loop.run_in_executor(None, go_on.wait) for _ in range(64)]
    try:
        async with aiohttp.ClientSession() as http:
            assert (await post(http, graph, said(graph, "words"))).status == 200
            assert len(await house.rows()) == 1
            uploading = asyncio.create_task(_upload(house))
            async with http.get(f"{house.base}/healthz") as answer:
                assert answer.status == 200
            async with http.get(f"{house.base}/readyz") as answer:
                assert (answer.status, "threads" in await answer.text()) == (503, True)
            assert not uploading.done()
            go_on.set()
            assert await uploading == 201
            async with http.get(f"{house.base}/readyz") as answer:
                assert answer.status == 200
    finally:
        go_on.set()
        await asyncio.gather(*stuck)


async def _upload(house: House) -> int:
    form = aiohttp.FormData()
    form.add_field("file", b"%PDF-1.4", filename="a.pdf", content_type="application/pdf")
    async with house.admin.http.post("/api/uploads", data=form) as answer:
        return int(answer.status)
