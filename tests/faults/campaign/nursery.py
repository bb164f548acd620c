"""A process that imports omnibox once and forks a hub at each line it reads: `omnibox serve` without its imports.

Most of a start is the reading of modules. A campaign of a thousand lives would spend its time there, on two cores, and
the moments worth striking at come after.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import pkgutil
import random
import signal
import sys
import traceback
from dataclasses import replace
from datetime import timedelta
from typing import Any

PR_SET_PDEATHSIG = 1
LONGEST_WAIT_S = 5.0
EARLY_S = 2.0
PACKAGES = ("omnibox", "omnibox_webchat", "omnibox_messenger", "omnibox_email")
BESIDES = ("aiosqlite", "asyncpg", "sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.asyncpg")
LEFT_OUT = ("omnibox.testing", "omnibox._web", "omnibox.store.migrations.versions", "omnibox.store.migrations.env")


def preload() -> None:
    """Import what a hub imports, and start nothing."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.startswith(LEFT_OUT) and not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    for name in BESIDES:
        importlib.import_module(name)


def hasten() -> None:
    """Put sends off for seconds: a mail that was refused twice would wait longer than a campaign may last. And believe
    the records of a channel after seconds: a part in doubt could be decided in no campaign."""
    from omnibox.inbox import doubts
    from omnibox.registry import load_connectors

    doubts.EARLY = timedelta(seconds=EARLY_S)

    for registered in load_connectors().values():
        if registered.connector is not None:
            said = registered.connector.capabilities
            retry = replace(said.retry, waits=tuple(min(wait, LONGEST_WAIT_S) for wait in said.retry.waits))
            registered.connector.capabilities = replace(said, retry=retry)


def die_with_parent() -> None:
    """So that a campaign that is itself killed leaves no hub behind; where there is no Linux, it may."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become_hub(life: dict[str, Any]) -> int:
    """In the child: the environment and the arguments of this life, then the program itself."""
    die_with_parent()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(life["environment"])
    random.seed()
    from omnibox import cli, crash

    importlib.reload(crash)  # it reads the environment when it is imported
    sys.argv = ["omnibox", *life["arguments"]]
    cli.main()
    return 0


def tell(number: int) -> None:
    sys.stderr.write(f"{number}\n")
    sys.stderr.flush()


def main() -> None:
    """A line in: a life. On stderr: its pid, then its exit status (negative: the signal)."""
    die_with_parent()
    preload()
    hasten()
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            try:
                os._exit(become_hub(json.loads(line)))
            except SystemExit as end:
                os._exit(end.code if isinstance(end.code, int) else 1)
            except BaseException:
                traceback.print_exc(file=sys.stdout)
                sys.stdout.flush()
                os._exit(1)
        tell(pid)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        tell(status)


if __name__ == "__main__":
    main()
