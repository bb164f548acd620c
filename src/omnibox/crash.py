"""Crash points: `OMNIBOX_CRASH_AT=n` ends the process, as a power cut would, at the n-th step that matters.

Steps are commits (before and after), calls of a connector's send and of receive, files kept, and the network calls of a
connector (before and after). `OMNIBOX_CRASH_AT=one>other` ends it at the first step `other` that comes behind a step
`one`, whatever their numbers. `OMNIBOX_TEST_CRASH_LOG=file` writes the name of each step down, which is how a sweep
learns how many there are.
"""

import itertools
import os

_first, _, _then = os.environ.get("OMNIBOX_CRASH_AT", "0").rpartition(">")
_at = 0 if _first else int(_then)
_is_armed = False
_log = os.environ.get("OMNIBOX_TEST_CRASH_LOG", "")
_numbers = itertools.count(1)  # the writer's thread and the loop both pass points
_file = os.open(_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if _log else -1


def point(name: str = "step") -> None:
    """Count one step; end the process without any clean-up when it is the chosen one."""
    global _is_armed
    if not _at and not _log and not _first:
        return
    if _is_armed and name == _then:
        os._exit(137)
    _is_armed = _is_armed or name == _first != ""
    number = next(_numbers)
    if _log:
        os.write(_file, f"{number} {name}\n".encode())
    if number == _at:
        os._exit(137)
