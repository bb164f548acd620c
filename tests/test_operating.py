"""The commands of docs/operating.md and docs/scaling.md, run in their order against real servers.

Blocks that begin with «sh run» are joined to one script. Paths, addresses and ports are those of the test; `systemctl`
and `pip` are played, since a test has no services and installs nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from omnibox.blobs.folder import Folder
from omnibox.masking import mask_content
from omnibox.secrets import Secrets
from omnibox.testing.world.s3 import S3
from tests.servers import Postgres, Redis, spare_port
from tests.store.filling import fill

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "operating.md").read_text() + (DOCS / "scaling.md").read_text()
BIN = Path(sys.executable).parent
BLOCKS = re.findall(r"^```sh run\n(.*?)^```$", PAGE, re.M | re.S)

SYSTEMCTL = """#!/usr/bin/env bash
# Plays systemctl: one process per unit, by the page's own ExecStart lines.
set -eu
verb=$1; shift
for unit in "$@"; do
  place="$UNITS/$unit"
  case $verb in
    start)
      case $unit in
        omnibox) set -- serve --port PORT_8079 ;;
        omnibox-web@*) set -- web --port "${unit#*@}" ;;
        omnibox-worker@*) set -- worker --port "${unit#*@}" ;;
      esac
      omnibox "$@" >"$place.log" 2>&1 & echo $! >"$place.pid"
      for _ in $(seq 900); do
        curl -sf "http://127.0.0.1:$3/readyz" >/dev/null && break
        kill -0 "$(cat "$place.pid")" || { cat "$place.log" >&2; exit 1; }
        sleep 0.1
      done
      curl -sf "http://127.0.0.1:$3/readyz" >/dev/null || { cat "$place.log" >&2; exit 1; } ;;
    stop)
      kill -TERM "$(cat "$place.pid")"
      while kill -0 "$(cat "$place.pid")" 2>/dev/null; do sleep 0.1; done
      rm "$place.pid" ;;
  esac
done
"""


@pytest.fixture
async def s3() -> AsyncIterator[S3]:
    async with S3("omnibox-files", secret="the secret of that key") as server:
        yield server


@pytest.fixture
def units(tmp_path: Path) -> Iterator[Path]:
    """Where the played systemctl notes its processes; whatever still runs is ended."""
    folder = tmp_path / "units"
    folder.mkdir()
    yield folder
    for note in folder.glob("*.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(note.read_text()), signal.SIGKILL)


async def test_the_commands_of_the_guide_work(
    tmp_path: Path, units: Path, s3: S3, postgres_server: Postgres, redis_server: Redis
) -> None:
    programs = tmp_path / "opt/omnibox/bin"
    programs.mkdir(parents=True)
    (programs / "omnibox").symlink_to(BIN / "omnibox")
    places = Places(tmp_path, postgres_server, s3, redis_server.url)
    for name, text in (("systemctl", places.of(SYSTEMCTL)), ("pip", "#!/bin/sh\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for folder in ("var/lib", "var/backups/omnibox", "somewhere/else"):
        (tmp_path / folder).mkdir(parents=True)
    script = places.of("\n".join(["systemctl start omnibox", *BLOCKS]))
    environ = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OMNIBOX_HOME": str(tmp_path / "var/lib/omnibox"),
        "OMNIBOX_PORT": "0",  # the units name their own; `omnibox check` must not find that of somebody else's hub
        "UNITS": str(units),
    }
    await run("systemctl start omnibox; systemctl stop omnibox", environ)
    await prepare(tmp_path / "var/lib/omnibox")
    try:
        await run(script, environ)
        check(tmp_path, s3, places)
    finally:
        places.drop()


async def run(script: str, environ: dict[str, str]) -> None:
    """Each command must succeed; what went wrong is shown with the command."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-eux", "-c", script, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), 420)
    assert process.returncode == 0, said.decode()[-3000:]


class Places:
    """The test's own folders, servers and ports in place of the page's."""

    def __init__(self, root: Path, postgres: Postgres, s3: S3, redis_url: str) -> None:
        self._postgres = postgres
        self.databases = {name: f"{name}_{os.getpid()}" for name in ("omnibox", "restored")}
        ports = {name: str(spare_port()) for name in ("8080", "8081", "8090", "8091", "PORT_8079")}
        server = postgres.url("").replace("+asyncpg", "").rstrip("/")
        self._names = {
            "postgresql://omnibox:password@db.lan/omnibox": f"{server}/{self.databases['omnibox']}",
            "postgresql://omnibox:password@db.lan/restored": f"{server}/{self.databases['restored']}",
            "postgresql://omnibox:password@db.lan": server,
            "CREATE DATABASE omnibox": f"CREATE DATABASE {self.databases['omnibox']}",
            "CREATE DATABASE restored": f"CREATE DATABASE {self.databases['restored']}",
            "https://s3.lan:9000": s3.base,
            "redis://redis.lan:6379/0": redis_url,
            "/var/": f"{root}/var/",
            "/opt/omnibox/": f"{root}/opt/omnibox/",
            "/somewhere/else/": f"{root}/somewhere/else/",
            **ports,
        }

    def of(self, text: str) -> str:
        pattern = "|".join(re.escape(name) for name in sorted(self._names, key=len, reverse=True))
        return re.sub(pattern, lambda found: self._names[found[0]], text)

    def drop(self) -> None:
        for name in self.databases.values():
            self._postgres.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def prepare(home: Path) -> None:
    """Something to carry: agents, a conversation's rows, replies that wait, and files."""
    fill(home / "omnibox.db", 12)
    name = await Folder(home / "files").put(mask_content(b"a file of a message", ""))
    with closing(sqlite3.connect(home / "omnibox.db")) as link, link:
        sealed = (Secrets.load(home, {}).encrypt("{}"),)
        link.execute(
            "UPDATE connection SET connector = 'hook', state = 'draft', hook_key = 'k' || id, settings = ?", sealed
        )
        link.execute("UPDATE channel SET state = 'draft', key = 'c' || id, settings = ?", sealed)
        link.execute("DELETE FROM job")
        link.execute("UPDATE installation SET name = 'guide'")
        link.execute("UPDATE agent SET role = 'owner'")
        link.execute("UPDATE attachment SET blob = ?, state = 'ready' WHERE id = 1", (name,))
        link.execute("UPDATE delivery SET state = 'queued', is_open = 1")


def check(root: Path, s3: S3, places: Places) -> None:
    """The script's end: every copy holds what it should."""
    for folder in ("var/backups/omnibox/2026-11-21", "var/lib/omnibox-restored"):
        with closing(sqlite3.connect(root / folder / "omnibox.db")) as link:
            assert link.execute("SELECT count(*) FROM message").fetchone() == (12,)
            assert set(link.execute("SELECT state, code FROM delivery")) == {("sending", "restored")}
        assert len([path for path in (root / folder / "files").rglob("*") if path.is_file()]) == 1
    epochs = set()
    for name in places.databases.values():
        url = places._postgres.url(name).replace("+asyncpg", "")
        ask = ["psql", url, "-qAt", "-c", "SELECT count(*) FROM message", "-c", "SELECT epoch FROM installation"]
        count, epoch = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.splitlines()
        assert count == "12"
        epochs.add(epoch)
    assert len(epochs) == 2
    assert [each.content for each in s3.objects.values()] == [b"a file of a message"]
    assert s3.refused == 0


def test_the_guide_has_commands_for_each_of_its_tasks() -> None:
    script = "\n".join(BLOCKS)
    for command in ("backup", "restore", "restore --here", "check", "migrate-to", "migrate-files"):
        assert f"omnibox {command}" in script
    assert "omnibox-web@8081" in script
    assert "pg_restore" in script
    assert len(BLOCKS) >= 9
