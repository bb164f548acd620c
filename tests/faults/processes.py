"""The served hub as a process of its own whose disk, descriptors and time can be taken away."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.conftest import OWNER, PASSWORD, Stage
from tests.e2e.serving import BIN, Served

from omnibox.testing.world.demo import Admin, World, connect_world

MOUNT = 'mkdir -p "$1" && mount -t tmpfs -o size="$2" tmpfs "$1" && shift 2 && exec "$@"'


def can_mount() -> bool:
    """Whether a small disk of one's own may be had here, without being anybody special."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True)
    return tried.returncode == 0


class OnSmallDisk(Served):
    """Served from a home folder on a disk of `size`, which nobody else sees and which goes with the process."""

    size = "6m"

    @property
    def disk(self) -> Path:
        """The home folder as it is seen from here."""
        return Path(f"/proc/{self.pid}/root") / self.home.relative_to("/")

    def inside(self, script: str) -> None:
        """Run a shell's line where the home folder, `$0`, is what the hub sees there."""
        there = ["nsenter", "-t", str(self.pid), "-U", "-m", "--preserve-credentials"]
        subprocess.run([*there, "sh", "-c", script, str(self.home)], check=True)

    async def start(self, **environment: str) -> None:
        small = ["unshare", "-rm", "sh", "-c", MOUNT, "sh", str(self.home), self.size]
        served = [str(BIN / "omnibox"), "serve", "--port", str(self.port)]
        self._process = await asyncio.create_subprocess_exec(
            *small, *served, env=self._environment | environment, stdout=PIPE, stderr=STDOUT
        )
        self._reading = asyncio.create_task(self._read(self._process))
        await self._until_it_listens()


@asynccontextmanager
async def served(home: Path, kind: type[Served] = Served, **environment: str) -> AsyncIterator[Stage]:
    """A hub in a process, with an owner and the world's three channels."""
    world = World()
    await world.start()
    served = kind(home, world.targets, **environment)
    admin = Admin(served.base)
    try:
        await served.start()
        await admin.own(await served.setup_code(), OWNER, PASSWORD)
        await connect_world(admin, world)
        yield Stage(served, world, admin)
    finally:
        await admin.close()
        await served.end()
        await world.stop()
