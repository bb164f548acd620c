"""Starts real servers for tests, on spare ports, in folders of their own, and ends them by process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit


def spare_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find_postgres(kept: Path | None = None) -> Postgres | None:
    """The running server that OMNIBOX_TEST_PG names, else one to be started, else None.

    With `kept` it is always one of our own, whose cluster stays in that folder for the next time.
    """
    given = os.environ.get("OMNIBOX_TEST_PG")
    if given and kept is None:
        return Postgres(None, given)
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    programs = found[-1].parent if found else None
    if programs is None and (initdb := shutil.which("initdb")):
        programs = Path(initdb).parent
    return None if programs is None else Postgres(programs, kept=kept)


class Postgres:
    """A cluster without durability: tests of crashes are about us, not about it."""

    def __init__(self, programs: Path | None, given: str = "", kept: Path | None = None) -> None:
        self._programs = programs
        self._given = given
        self._kept = kept
        self._folder = kept or Path()
        self.port = 0

    def __enter__(self) -> Postgres:
        if self._programs is None:
            return self
        self._folder = self._kept or Path(tempfile.mkdtemp(prefix="omnibox-pg-"))
        self._folder.chmod(0o755)
        self.port = spare_port()
        home = self._folder / "pg"
        if home.exists():
            self.start()
            return self
        home.mkdir(mode=0o700)
        if os.getuid() == 0:  # initdb refuses root
            shutil.chown(home, "postgres", "postgres")
        self._run(
            "initdb", "-D", f"{home}/data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-N"
        )
        self.start()
        return self

    def start(self) -> None:
        home = self._folder / "pg"
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -k '{home}' "
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=60"
        )
        self._run("pg_ctl", "-D", f"{home}/data", "-w", "-t", "30", "-l", f"{home}/log", "-o", options, "start")

    @property
    def is_given(self) -> bool:
        """Whether it is somebody else's, whom no test may stop."""
        return self._programs is None

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is a crash, and loses the last commits here; `fast` writes them all down."""
        self._run("pg_ctl", "-D", f"{self._folder}/pg/data", "-m", mode, "-w", "stop")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self.stop("fast")
        elif self._programs is not None:
            self.stop()
            shutil.rmtree(self._folder, ignore_errors=True)

    def url(self, database: str) -> str:
        if self._given:
            parts = urlsplit(self._given)
            return f"postgresql+asyncpg://{parts.netloc}/{database}"
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str) -> None:
        target = self._given or f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        psql = str(self._programs / "psql") if self._programs else "psql"
        subprocess.run([psql, "-q", "-d", target, "-c", statement], check=True, capture_output=True)

    def _run(self, program: str, *arguments: str) -> None:
        assert self._programs is not None
        drop = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*drop, str(self._programs / program), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


def find_redis() -> Redis | None:
    """The running server that OMNIBOX_TEST_REDIS names, else one to be started, else None."""
    if given := os.environ.get("OMNIBOX_TEST_REDIS"):
        return Redis("", given)
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    return None if program is None else Redis(program)


class Redis:
    """A server that keeps nothing. `stop` and `start` play an outage; the port stays the same."""

    def __init__(self, program: str, given: str = "") -> None:
        self._program = program
        self._given = given
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> Redis:
        if not self._given:
            self.port = spare_port()
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()

    @property
    def is_given(self) -> bool:
        """Whether it is somebody else's, whom no test may stop."""
        return bool(self._given)

    @property
    def url(self) -> str:
        return self._given or f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Returns once it takes connections."""
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --daemonize no --loglevel warning".split()
        folder = tempfile.gettempdir()
        self._process = subprocess.Popen(
            [self._program, *options, "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends_at = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > ends_at:
                    raise AssertionError("redis-server does not start") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """As a crash: nothing is said to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        """It is there and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
