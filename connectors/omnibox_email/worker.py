"""A process of its own for reading mail: limited in time and memory, and there is an answer whatever becomes of it.

Mail is made by strangers: what makes a parser loop, grow or crash shall cost that mail alone. The offline commands read
every mail here; the hub those that are large or look odd (`is_ordinary`), so that its event loop never waits for one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from io import BufferedReader, RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO

from omnibox_email.abreast import Steps, alone

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from omnibox_email.reading import Mail

CPU_S = 10
WALL_S = 14.0  # with the start of the command and what is made of a lost mail below the 20 s that are promised
MEMORY_BYTES = 700 << 20  # beside what the process holds before it reads anything
AT_ONCE_S = 1.0
IDLE_S = 60.0  # then the process ends by itself; the next mail starts another
MOST_MAILS = 2000  # to a process, and a large one ends it: memory that was once taken is seldom given back
LARGE = 2 << 20
ORDINARY = 300_000
SMALL = 16_000
# What every scanner stops at, and how often an ordinary mail may hold it; of each a letter that is counted faster.
MOST_MARKS = (
    *((b"-", b"\n--", 500), (b"=", b"=?", 2000), (b"\nbegin ", b"\nbegin ", 200)),
    *((letter, letter, 20_000) for letter in (b"<", b"(", b";")),
)
_LENGTH_BYTES = 8


class Exceeded(Exception):
    """The process ended, or was ended, before it answered."""


@dataclass(frozen=True, slots=True)
class _Child:
    """The running process and the two pipes to it."""

    pid: int
    to: int
    back: int
    wait: Callable[[], object]


class Worker:
    """Reads mails one after the other in a process of its own; starts it when there is one to read."""

    def __init__(self, start: Callable[[], _Child]) -> None:
        self._start = start
        self._child: _Child | None = None
        self._mails = 0
        self._lock = threading.Lock()

    def ask(self, task: str, raw: bytes, wall_s: float = WALL_S) -> Any:
        """What the process makes of `raw`: a record or a `Mail`. Raises `Exceeded`."""
        with self._lock:
            is_fresh, began = self._child is None, time.monotonic()
            try:
                answer = self._ask(task, raw, wall_s)
            except Exceeded:
                if is_fresh or time.monotonic() - began > AT_ONCE_S:
                    raise
                answer = self._ask(task, raw, wall_s)  # it had gone to rest
            if len(raw) > LARGE or self._mails >= MOST_MAILS:
                self._end()
            return answer

    def close(self) -> None:
        """End the process; a mail that is being read is given up."""
        if self._child is not None:
            _kill(self._child)
        with self._lock:
            self._end()

    def _ask(self, task: str, raw: bytes, wall_s: float) -> Any:
        child = self._child = self._child or self._start()
        ends_at = time.monotonic() + wall_s
        has_answered = False
        try:
            _write(child.to, task.encode("ascii") + len(raw).to_bytes(_LENGTH_BYTES, "big"), ends_at)
            _write(child.to, raw, ends_at)
            answer = _load(BufferedReader(_Answer(child.back, ends_at)))
            has_answered = True
        except (OSError, EOFError, TimeoutError, pickle.UnpicklingError, MemoryError):
            raise Exceeded from None
        finally:
            if not has_answered:
                self._end()
        self._mails += 1
        if answer is None:
            self._end()
            raise Exceeded
        return answer

    def _end(self) -> None:
        child, self._child, self._mails = self._child, None, 0
        if child is not None:
            _kill(child)
            for pipe in (child.to, child.back):
                with contextlib.suppress(OSError):
                    os.close(pipe)
            child.wait()


def is_ordinary(raw: bytes) -> bool:
    """Whether a mail is small and plain enough to be read in the hub's own process."""
    if len(raw) > ORDINARY:
        return False
    return len(raw) <= SMALL or all(
        raw.count(letter) <= most or raw.count(mark) <= most for letter, mark, most in MOST_MARKS
    )


def read(raw: bytes) -> Mail:
    """The mail in `raw`, for the hub; to be called in a thread. What cannot be read within the limits is a stub."""
    return alone(steps(raw))


def steps(raw: bytes) -> Steps[Mail]:
    """As `read`, step by step where the mail is ordinary."""
    from omnibox_email import reading

    return reading.steps(raw) if is_ordinary(raw) else _aside(raw)


def _aside(raw: bytes) -> Steps[Mail]:
    from omnibox_email import stubs

    yield
    try:
        mail: Mail = _hub.ask("m", raw)
    except Exceeded:
        return stubs.stub(raw)
    return mail


def record(raw: bytes) -> dict[str, Any]:
    """The record of one mail, for the offline commands: every key, whatever the bytes."""
    from omnibox_email import offline, stubs

    try:
        found: dict[str, Any] = _offline.ask("r", raw)
    except Exceeded:
        return offline.record_of(stubs.stub(raw))
    return found


# ---- starting and ending ----


def _spawn() -> _Child:
    """A fresh interpreter: a fork of a server with threads is not safe, and its memory would count."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMNIBOX_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "omnibox_email.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    assert process.stdin
    assert process.stdout
    to, back = os.dup(process.stdin.fileno()), os.dup(process.stdout.fileno())
    process.stdin.close()
    process.stdout.close()
    return _Child(process.pid, to, back, process.wait)


def _start_for_command() -> _Child:
    """A fork of threads is not safe, and not every system has it."""
    return _fork() if hasattr(os, "fork") and threading.active_count() == 1 else _spawn()


def _fork() -> _Child:
    """A copy of a command that does nothing else: there at once."""

    theirs, to = os.pipe()
    back, answers = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(to)
            os.close(back)
            with open(theirs, "rb") as source, open(answers, "wb") as sink:  # noqa: PTH123 - descriptors, not paths
                serve(source, sink)
        finally:
            os._exit(0)  # nothing of the parent's is flushed or ended twice
    os.close(theirs)
    os.close(answers)
    return _Child(pid, to, back, lambda: _reap(pid))


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _kill(child: _Child) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, 9)


_hub = Worker(_spawn)
_offline = Worker(_start_for_command)
atexit.register(_hub.close)
atexit.register(_offline.close)


# ---- the pipes ----


def _write(pipe: int, content: bytes, ends_at: float) -> None:
    os.set_blocking(pipe, False)
    view = memoryview(content)
    while view:
        _await(pipe, ends_at, is_reading=False)
        view = view[os.write(pipe, view[: 1 << 20]) :]


class _Answer(RawIOBase):
    """What comes back, read to where it stays: while 25 MB are copied no other thread runs, the loop's included."""

    def __init__(self, pipe: int, ends_at: float) -> None:
        self._pipe = pipe
        self._ends_at = ends_at

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        _await(self._pipe, self._ends_at, is_reading=True)
        return os.readv(self._pipe, [buffer])


def _await(pipe: int, ends_at: float, *, is_reading: bool) -> None:
    poll = select.poll()
    poll.register(pipe, select.POLLIN if is_reading else select.POLLOUT)
    left = ends_at - time.monotonic()
    if left <= 0 or not poll.poll(left * 1000):
        raise TimeoutError


class _Unpickler(pickle.Unpickler):
    """Takes the records of this package and moments, and calls nothing else: the other side has read hostile bytes."""

    def find_class(self, module: str, name: str) -> Any:
        if module == "datetime" and name in ("datetime", "timezone", "timedelta"):
            return super().find_class(module, name)
        if module.startswith("omnibox_email.") and "." not in name:
            found = super().find_class(module, name)
            if isinstance(found, type) and is_dataclass(found):
                return found
        raise pickle.UnpicklingError


def _load(source: BinaryIO) -> Any:
    return _Unpickler(source).load()


# ---- the other side ----


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer mails until nobody asks any more, or not for long. None stands for a mail that took too much memory."""
    _limit_memory()
    while _is_asked(source):
        head = source.read(1 + _LENGTH_BYTES)
        if len(head) < 1 + _LENGTH_BYTES:
            return
        raw = source.read(int.from_bytes(head[1:], "big"))
        _limit_time()
        try:
            answer = pickle.dumps(_answer(head[:1].decode("ascii"), raw), protocol=5)
        except (MemoryError, RecursionError):
            answer = pickle.dumps(None)
        del raw
        sink.write(answer)
        sink.flush()


def _answer(task: str, raw: bytes) -> Any:
    from omnibox_email import offline, reading

    return offline.record_here(raw) if task == "r" else reading.read(raw)


def _is_asked(source: BinaryIO) -> bool:
    return bool(select.select([source], [], [], IDLE_S)[0])


def _limit_memory() -> None:
    import resource

    memory = MEMORY_BYTES + _mapped_bytes()
    for limit, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        _, hard = resource.getrlimit(limit)
        with contextlib.suppress(ValueError, OSError):  # some systems limit no address space
            resource.setrlimit(limit, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _mapped_bytes() -> int:
    """The address space taken so far: a copy of a large process begins with all of it."""
    try:
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - pathlib would only be loaded for this
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def _limit_time() -> None:
    """The limit counts the whole process: it is moved on before each mail."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    until = int(time.process_time()) + 1 + CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
