"""Starts and ends the servers under test, each on a core of its own, and reads what they cost."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from omnibox.testing.world.demo import Admin

BARE = Path(__file__).parent / "bare"
CPU_CLOCK = 2  # of the process whose number stands above it, `CPUCLOCK_SCHED` of Linux
START_S = 30
STOP_S = 15
PAGE = b"GET /inbox/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
OWNER, PASSWORD = "owner@bench.example", secrets.token_urlsafe(12)
_cores = sorted(os.sched_getaffinity(0))


def stand_aside() -> None:
    """Keep this process, which makes the load, off the servers' core where there are two."""
    if len(_cores) > 1:
        os.sched_setaffinity(0, {_cores[1]})


def run_aside(command: Sequence[str]) -> str:
    """What a script of the servers' core prints; it runs to its end."""
    pin = partial(os.sched_setaffinity, 0, {_cores[0]})
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=pin)
    return done.stdout


def spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that listens on `port`. Ended by its own id."""

    def __init__(self, command: Sequence[str], port: int, output: Path | None = None) -> None:
        # An installed package has its byte code; ours gets it by the start that goes before the first measured one.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("OMNIBOX_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        self.port = port
        self.began = time.perf_counter()
        with (output or Path(os.devnull)).open("ab") as sink:
            self.process = subprocess.Popen(
                command,
                stdout=sink,
                stderr=sink,
                env=environment,
                preexec_fn=partial(os.sched_setaffinity, 0, {_cores[0]}),  # no threads here yet
            )

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def until_page(self) -> float:
        """Seconds from the start until the front page was complete."""
        while time.perf_counter() - self.began < START_S:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}")
            if page := _ask(self.port):
                if b" 200 " not in page[:16]:
                    raise RuntimeError(f"the first page is no page: {page[:60]!r}")
                return time.perf_counter() - self.began
            time.sleep(0.003)
        raise TimeoutError("the server does not answer")

    def until_listening(self) -> None:
        while not _accepts(self.port):
            if self.process.poll() is not None or time.perf_counter() - self.began > START_S:
                raise RuntimeError("the server does not listen")
            time.sleep(0.003)

    def cpu_s(self) -> float:
        """CPU time of all its threads so far, by its own clock: /proc counts hundredths of a second."""
        return time.clock_gettime((~self.process.pid << 3) | CPU_CLOCK)

    def rss_mb(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the server has no memory")

    def kill(self) -> None:
        """As the power does it."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()


def _ask(port: int) -> bytes:
    """The answer to a request for the front page, whole; empty while nobody listens."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(PAGE)
            while piece := line.recv(65536):
                answer += piece
    except ConnectionError:
        return b""
    return answer


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return False
    return True


@contextmanager
def bare(name: str, *words: str) -> Iterator[Server]:
    """One of the limits, listening."""
    port = spare_port()
    server = Server([sys.executable, str(BARE / f"{name}.py"), str(port), *words], port)
    try:
        server.until_listening()
        yield server
    finally:
        server.stop()


class Hub:
    """`omnibox serve` as a user starts it, on a temporary folder that may be started again after a stop or a kill.

    With `kept` it is that folder, and stays.
    """

    def __init__(
        self, outbound_allow: Sequence[str] = (), settings: Sequence[str] = (), kept: Path | None = None
    ) -> None:
        self._is_kept = kept is not None
        self.folder = kept or Path(tempfile.mkdtemp(prefix="omnibox-bench-"))
        self.home = self.folder / "home"
        self.database = self.home / "omnibox.db"
        self.output = self.folder / "output"
        self.port = spare_port()
        self.home.mkdir(mode=0o700, exist_ok=self._is_kept)
        self.output.unlink(missing_ok=True)
        allow = ", ".join(f'"{target}"' for target in outbound_allow)
        lines = [f"outbound_allow = [{allow}]", *settings]
        (self.home / "omnibox.toml").write_text("\n".join(lines) + "\n")
        self._server: Server | None = None

    @property
    def server(self) -> Server:
        """The process of the last start."""
        if self._server is None:
            raise RuntimeError("the hub was never started")
        return self._server

    def start(self) -> Server:
        """Start, or start again; returns once it listens."""
        command = Path(sys.executable).with_name("omnibox")
        words = ["serve", "--home", str(self.home), "--port", str(self.port)]
        self._server = Server([str(command), *words], self.port, self.output)
        self._server.until_listening()
        return self._server

    @property
    def base(self) -> str:
        return self.server.base

    async def own(self) -> Admin:
        """The owner's hands, on a hub that has no owner yet."""
        code = ""
        while not code:
            code = self.output.read_text().partition("set-up code ")[2].partition("\n")[0]
            await asyncio.sleep(0.01)
        admin = Admin(self.base)
        await admin.own(code, OWNER, PASSWORD)
        return admin

    def close(self) -> None:
        if self._server is not None:
            self._server.stop()
        if not self._is_kept:
            shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def hub(outbound_allow: Sequence[str] = (), settings: Sequence[str] = ()) -> Iterator[Hub]:
    """A fresh hub, gone afterwards. `settings` are further lines of its omnibox.toml."""
    found = Hub(outbound_allow, settings)
    try:
        found.start()
        yield found
    finally:
        found.close()
