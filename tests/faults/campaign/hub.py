"""The process under test: `omnibox serve`, which lives and dies many times on one store."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp

LOST = (aiohttp.ClientError, TimeoutError, ConnectionError)
"""What talking to a process that is being killed raises."""
START_S = 60  # on two cores that eight others share
ROOT = Path(__file__).parents[3]


class Hub:
    """One home folder and one port, which it takes again at each start; what it printed stands in `lines`."""

    def __init__(self, home: Path, allow: list[str], database_url: str = "") -> None:
        self.port = quiet_port()
        self.lines: list[str] = []
        self.pid = 0
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNIBOX_")} | {
            "OMNIBOX_HOME": str(home),
            "OMNIBOX_OUTBOUND_ALLOW": ",".join(allow),
            "OMNIBOX_LOG_FORMAT": "json",
            "OMNIBOX_DATABASE_URL": database_url,
            "OMNIBOX_LEASE_S": "3",  # on PostgreSQL a dead process's work waits so long
        }
        self._nursery: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[int] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_dead(self) -> bool:
        return self._ending is None or self._ending.done()

    async def spawn(self, **environment: str) -> None:
        """A new life, begun as soon as there is a process."""
        assert self.is_dead
        if self._nursery is None:
            self._nursery = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.faults.campaign.nursery", cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE
            )
            self._reading = asyncio.create_task(self._read(self._nursery))
        assert self._nursery.stdin is not None
        life = {"environment": self._environment | environment, "arguments": ["serve", "--port", str(self.port)]}
        self._nursery.stdin.write(json.dumps(life).encode() + b"\n")
        self.pid = await self._told()
        self._ending = asyncio.create_task(self._told())

    async def _told(self) -> int:
        """The next number the nursery tells: a pid, or how a life ended."""
        assert self._nursery is not None
        assert self._nursery.stderr is not None
        line = await self._nursery.stderr.readline()
        if not line.strip().lstrip(b"-").isdigit():  # it ended: a module that cannot be imported
            said = line + await self._nursery.stderr.read()
            raise AssertionError(f"no hub can be started: {said.decode(errors='replace')}")
        return int(line)

    async def _read(self, nursery: Process) -> None:
        assert nursery.stdout is not None
        async for line in nursery.stdout:
            self.lines.append(line.decode(errors="replace"))

    async def start(self, **environment: str) -> None:
        """Returns once the first page can be had; raises where it ends instead."""
        await self.spawn(**environment)
        assert await self.is_up_within(START_S), "".join(self.lines[-20:])

    async def start_surely(self) -> None:
        """Up, whatever happened before."""
        if self.is_dead:
            await self.start()

    async def is_up_within(self, seconds: float) -> bool:
        """Whether it listens before it ends by itself or the time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.is_dead:
                    with contextlib.suppress(OSError):
                        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                        writer.close()
                        return True
                    await asyncio.sleep(0.02)
        return False

    async def dies_within(self, seconds: float) -> bool:
        """Whether it ends by itself before the time is over."""
        if self._ending is not None:
            await asyncio.wait([self._ending], timeout=seconds)
        return self.is_dead

    def strike(self) -> None:
        """`kill -9`, from wherever one stands, without waiting for the end."""
        if not self.is_dead:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def kill(self) -> None:
        """As a power cut: no signal handler, no clean-up."""
        self.strike()
        if self._ending is not None:
            await self._ending

    async def close(self) -> None:
        """No more lives."""
        await self.kill()
        if self._nursery is not None and self._reading is not None:
            self._nursery.kill()
            await self._nursery.wait()
            await self._reading

    async def setup_code(self) -> str:
        """The code that `serve` prints while nobody owns the installation."""
        async with asyncio.timeout(START_S):
            while True:
                for line in self.lines:
                    _, found, code = line.partition("set-up code ")
                    if found:
                        return code.split()[0]
                await asyncio.sleep(0.02)

    def defects(self) -> list[str]:
        """The lines of its log that no outside fault explains."""
        found = []
        for line in self.lines:
            try:
                entry = json.loads(line)
            except ValueError:
                if "Traceback" in line:
                    found.append(f"the hub printed a traceback: {self.lines[self.lines.index(line) :][:30]}")
                continue
            if isinstance(entry, dict) and entry.get("level") in ("error", "critical"):
                found.append(f"the hub logged an error: {line.strip()}")
        return sorted(set(found))


def quiet_port() -> int:
    """A free port below those the system gives to clients.

    Who keeps dialling a dead port among those is one day connected to itself, and the hub cannot have its port back.
    """
    while True:
        port = random.randint(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
