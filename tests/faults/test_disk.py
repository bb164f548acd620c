"""A full or failing disk: nothing is acknowledged that is not kept, reading goes on, all heals by itself."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import secrets
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.e2e.conftest import Stage
from tests.e2e.serving import Served
from tests.faults.hooks import post, said
from tests.faults.houses import SOON_S
from tests.faults.processes import OnSmallDisk, can_mount, served

from omnibox.testing.world.demo import CUSTOMER, MAILBOX, Admin
from omnibox.testing.world.visitor import Visitor

MOST_TRIES = 400  # small writes fit for a while into what the log already holds


class FullDisk:
    """Every byte of it is taken; later they are given back."""

    kind: type[Served] = OnSmallDisk

    def strike(self, hub: Served) -> None:
        assert isinstance(hub, OnSmallDisk)
        self._ballast = hub.disk / "ballast"
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    def heal(self, hub: Served) -> None:
        self._ballast.unlink()


class FailingDisk:
    """Every write into a file is refused with an error (`EFBIG`, which the database takes for a failing disk)."""

    kind = Served

    def strike(self, hub: Served) -> None:
        self._before = resource.prlimit(hub.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (1, self._before[1]))

    def heal(self, hub: Served) -> None:
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, self._before)


@pytest.mark.parametrize("fault", [*([FullDisk] if can_mount() else []), FailingDisk])
async def test_a_disk_that_takes_nothing_costs_nothing_that_was_acknowledged(fault: Any, tmp_path: Path) -> None:
    async with served(tmp_path / "home", fault.kind) as stage, aiohttp.ClientSession() as http:
        graph, disk = stage.world.graph, fault()
        assert (await post(http, graph, said(graph, "before"))).status == 200
        row = await _row(stage.admin, "before")
        async with Visitor(stage.served.base, stage.world.desk.site, stage.world.desk.base) as visitor:
            await visitor.say("chat before")
            disk.strike(stage.served)
            kept, refused = await _until_refused(http, stage)
            stage.world.house.write(CUSTOMER, MAILBOX, "Order", "mail meanwhile")
            nack = await visitor.say("chat meanwhile", client_id="chat-meanwhile")
            assert (nack["t"], nack["code"], nack["final"]) == ("nack", "store_unavailable", False)
            click = {"client_id": secrets.token_hex(8), "text": "answer meanwhile"}
            for path, body in ((f"/api/conversations/{row['id']}/replies", click), ("/api/uploads", None)):
                with pytest.raises(RuntimeError, match=r"503.*store_unavailable"):
                    await _try(stage.admin, path, body)
            await _reads_go_on(stage, http, row["id"])
            disk.heal(stage.served)
            assert (await post(http, graph, refused)).status == 200
            visitor.answers.clear()
            assert (await visitor.say("chat meanwhile", client_id="chat-meanwhile"))["t"] == "ack"
            await stage.admin.ask("POST", f"/api/conversations/{row['id']}/replies", click)
            await _row(stage.admin, "mail meanwhile")
        async with http.get(f"{stage.served.base}/readyz") as answer:
            assert answer.status == 200
        texts = await _texts(stage.admin)
        expected = ["before", *kept, f"{refused.element['message']['text']}"]
        expected += ["chat before", "chat meanwhile", "answer meanwhile", "mail meanwhile"]
        assert texts == Counter(expected)


async def _until_refused(http: aiohttp.ClientSession, stage: Stage) -> tuple[list[str], Any]:
    """Events are posted until one is refused: what was acknowledged, and the one that was not."""
    kept: list[str] = []
    for number in range(MOST_TRIES):
        event = said(stage.world.graph, f"meanwhile {number}")
        answer = await post(http, stage.world.graph, event)
        if answer.status != 200:
            assert answer.status == 503
            assert answer.retry_after
            return kept, event
        kept.append(f"meanwhile {number}")
    raise AssertionError("the disk never filled")


async def _reads_go_on(stage: Stage, http: aiohttp.ClientSession, conversation: int) -> None:
    for path in ("/api/snapshot", "/api/conversations?view=resolved", f"/api/conversations/{conversation}/messages"):
        assert await stage.admin.ask("GET", path)
    async with http.get(f"{stage.served.base}/healthz") as answer:
        assert answer.status == 200  # the process lives: nobody needs to start it again
    async with http.get(f"{stage.served.base}/readyz") as answer:
        assert answer.status == 503  # and says that it can store nothing


async def _try(admin: Admin, path: str, body: Any) -> None:
    if body is not None:
        await admin.ask("POST", path, body)
        return
    form = aiohttp.FormData()
    form.add_field("file", bytes(64_000), filename="photo.jpg", content_type="image/jpeg")
    async with admin.http.post(path, data=form) as answer:
        if answer.status >= 400:
            raise RuntimeError(f"{answer.status} {await answer.json()}")


async def _row(admin: Admin, text: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON_S):
        while True:
            for row in (await admin.ask("GET", "/api/conversations"))["conversations"]:
                if row["last"]["text"].strip() == text:
                    return dict(row)
            await asyncio.sleep(0.05)


async def _texts(admin: Admin) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in (await admin.ask("GET", "/api/conversations"))["conversations"]:
        page = await admin.ask("GET", f"/api/conversations/{row['id']}/messages?limit=200")
        found.update(each["text"].strip() for each in page["messages"])
    return found
