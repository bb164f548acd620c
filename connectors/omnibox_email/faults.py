"""What can go wrong on a mail server's line, before it is put into the words of the hub.

Fault
├── Lost           the line is gone or silent: dial again
│   └── Throttled      … because we came too often: not before a while
└── Refused        the server said no
    ├── LoginRefused   … to the login
    ├── NotServed      … to give mails out
    └── NoFolder       … to the folder
"""

from __future__ import annotations

from dataclasses import dataclass


class Fault(Exception):
    """Base. `code` leads to docs/errors.md; nothing the server said is kept."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Lost(Fault):
    """The line is gone, silent or talks nonsense."""


class Throttled(Lost):
    """The server asks us to stay away for `wait_s` seconds."""

    def __init__(self, code: str, wait_s: float) -> None:
        super().__init__(code)
        self.wait_s = wait_s


class Refused(Fault):
    """The server refused what we asked."""


class LoginRefused(Refused):
    """The login was refused for good."""


class NotServed(Refused):
    """The server does not give these mails out; one of them may be damaged there."""


class NoFolder(Refused):
    """There is no such folder, or it may not be read."""

    def __init__(self, folder: str) -> None:
        super().__init__("email.no_folder")
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Timings:
    """How long we wait for mail servers, in seconds."""

    connect_s: float = 30
    command_s: float = 60
    data_s: float = 180
    after_dot_s: float = 600
    idle_answer_s: float = 10
    poll_s: float = 60
    count_s: float = 6 * 3600
    kept_s: float = 60
    backoff_base_s: float = 2
    backoff_most_s: float = 300
    attempts: int = 6
