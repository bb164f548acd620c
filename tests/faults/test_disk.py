"""A full or failing disk: nothing is acknowledged that is not kept, reading goes on, all heals by itself."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import secrets
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.e2e.conftest import Stage
from tests.e2e.serving import BIN, Served
from tests.faults.hooks import post, said
from tests.faults.houses import SOON_S, until
from tests.faults.processes import OnSmallDisk, can_mount, served
from tests.faults.screens import Screen

from omnibox.config import load, open_secrets, prepare_home
from omnibox.store.migrations import migrate
from omnibox.testing.world.demo import CUSTOMER, MAILBOX, Admin
from omnibox.testing.world.visitor import Visitor

MOST_TRIES = 400  # small writes fit for a while into what the log already holds


class FullDisk:
    """Every byte of it is taken; later they are given back."""

    kind: type[Served] = OnSmallDisk
    word = "full"

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

    kind: type[Served] = Served
    word = "failing"

    def strike(self, hub: Served) -> None:
        self._before = resource.prlimit(hub.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, (1, self._before[1]))

    def heal(self, hub: Served) -> None:
        resource.prlimit(hub.pid, resource.RLIMIT_FSIZE, self._before)


class ReadOnlyDisk(FailingDisk):
    """As after an error of the disk below: what is open takes no more writes, and nothing is opened for writing.

    No disk with open files is remounted read-only, so each half is made by itself: a read-only view of the folder
    above it, and a limit for what was opened before.
    """

    kind = OnSmallDisk
    word = "read_only"

    def strike(self, hub: Served) -> None:
        assert isinstance(hub, OnSmallDisk)
        super().strike(hub)
        hub.inside('mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"')

    def heal(self, hub: Served) -> None:
        assert isinstance(hub, OnSmallDisk)
        hub.inside('umount -l "$0"')
        super().heal(hub)


FAULTS = [*([FullDisk, ReadOnlyDisk] if can_mount() else []), FailingDisk]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_disk_that_takes_nothing_costs_nothing_that_was_acknowledged(fault: Any, tmp_path: Path) -> None:
    async with served(tmp_path / "home", fault.kind) as stage, aiohttp.ClientSession() as http:
        graph, disk = stage.world.graph, fault()
        assert (await post(http, graph, said(graph, "before"))).status == 200
        row = await _row(stage.admin, "before")
        async with Visitor(stage.served.base, stage.world.desk.site, stage.world.desk.base) as visitor:
            await visitor.say("chat before")
            screen = Screen(stage.admin)
            await screen.open()
            assert screen.trouble is None
            disk.strike(stage.served)
            kept, refused = await _until_refused(http, stage)
            stage.world.house.write(CUSTOMER, MAILBOX, "Order", "mail meanwhile")
            nack = await visitor.say("chat meanwhile", client_id="chat-meanwhile")
            assert (nack["t"], nack["code"], nack["final"]) == ("nack", "store_unavailable", False)
            click = {"client_id": secrets.token_hex(8), "text": "answer meanwhile"}
            for path, body in ((f"/api/conversations/{row['id']}/replies", click), ("/api/uploads", None)):
                with pytest.raises(RuntimeError, match=r"503.*store_unavailable.*The disk"):
                    await _try(stage.admin, path, body)
            await _reads_go_on(stage, http, row["id"])
            await until(lambda: screen.trouble == fault.word)
            later = Screen(stage.admin)
            await later.open()
            assert later.trouble == fault.word
            await later.close()
            disk.heal(stage.served)
            await until(lambda: screen.trouble is None)  # nobody needs to write anything for it
            assert (await post(http, graph, refused)).status == 200
            visitor.answers.clear()
            assert (await visitor.say("chat meanwhile", client_id="chat-meanwhile"))["t"] == "ack"
            await stage.admin.ask("POST", f"/api/conversations/{row['id']}/replies", click)
            await _row(stage.admin, "mail meanwhile")
            await screen.close()
        async with http.get(f"{stage.served.base}/readyz") as answer:
            assert answer.status == 200
        texts = await _texts(stage.admin)
        expected = ["before", *kept, f"{refused.element['message']['text']}"]
        expected += ["chat before", "chat meanwhile", "answer meanwhile", "mail meanwhile"]
        assert texts == Counter(expected)
        assert [line for line in stage.served.lines if "Traceback" in line or '"level": "error"' in line] == []


STARTED_ON = (
    'mount -t tmpfs -o size=2m tmpfs "$1" && cp -a "$2/." "$1" && { %s; } && exec "$3" serve --port 0 --home "$1"'
)
FILLED = 'dd if=/dev/zero of="$1/ballast" bs=4k 2>&1 || true'
SHUT = 'mount -o remount,ro "$1"'


@pytest.mark.parametrize(
    ("strike", "says"), [(FILLED, "The disk is full"), (SHUT, "The disk cannot be written")] if can_mount() else []
)
async def test_a_start_on_such_a_disk_says_so_and_is_tried_again(strike: str, says: str, tmp_path: Path) -> None:
    """By status 75, which tells a supervisor that another try may help, unlike a mistake in the configuration."""
    kept, disk = tmp_path / "kept", tmp_path / "disk"
    disk.mkdir()
    config = load(environ={"OMNIBOX_HOME": str(kept)})
    prepare_home(config)
    open_secrets(config)
    await migrate(config.store_url)
    here = ["unshare", "-rm", "sh", "-c", STARTED_ON % strike, "sh", str(disk), str(kept), str(BIN / "omnibox")]
    ended = await asyncio.to_thread(subprocess.run, here, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 75, ended
    assert f"omnibox: {disk}: {says}" in ended.stderr


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
