"""`omnibox serve` as a process of its own, as an operator starts it; it can be killed and started again."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

from tests.servers import spare_port

START_S = 90  # patience on a busy machine
BIN = Path(sys.executable).parent


class Served:
    """One home folder and one port; what the process printed stands in `lines`."""

    def __init__(self, home: Path, allow: list[str], **environment: str) -> None:
        self.home = home
        self.port = spare_port()
        self.lines: list[str] = []
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("OMNIBOX_")},
            "OMNIBOX_HOME": str(home),
            "OMNIBOX_OUTBOUND_ALLOW": ",".join(allow),
            "OMNIBOX_LOG_FORMAT": "json",
            **environment,
        }
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._printed = asyncio.Event()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def move_to(self, home: Path) -> None:
        """The next start serves another folder at the same address."""
        self.home = home
        self._environment["OMNIBOX_HOME"] = str(home)

    async def start(self, **environment: str) -> None:
        """Returns once the first page can be had."""
        self._process = await asyncio.create_subprocess_exec(
            str(BIN / "omnibox"),
            "serve",
            "--port",
            str(self.port),
            env=self._environment | environment,
            stdout=PIPE,
            stderr=STDOUT,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        await self._until_it_listens()

    async def _until_it_listens(self) -> None:
        async with asyncio.timeout(START_S):
            while True:
                assert self._process is not None
                if self._process.returncode is not None:
                    raise AssertionError("".join(self.lines[-20:]))
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.05)
                    continue
                writer.close()
                return

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            self.lines.append(line.decode(errors="replace"))
            self._printed.set()

    async def setup_code(self) -> str:
        """The code that `serve` prints while nobody owns the installation."""
        async with asyncio.timeout(START_S):
            while True:
                for line in self.lines:
                    if found := re.search(r"set-up code (\S+)", line):
                        return found[1]
                self._printed.clear()
                await self._printed.wait()

    async def end(self) -> None:
        """Whatever state a test left it in: gone."""
        if self._process is not None and self._process.returncode is None:
            await self.stop()

    async def kill(self) -> None:
        """As a power cut: no signal handler, no clean-up."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """As an operator: SIGTERM. Returns the exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: int) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(START_S):
            status = await self._process.wait()
            if self._reading is not None:
                await self._reading
        return status
