"""What can go wrong on a mail server's line, before it is put into the words of the hub.

Fault
├── Lost           the line is gone or silent: dial again
└── Refused        the server said no
    ├── LoginRefused   … to the login
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


class Refused(Fault):
    """The server refused what we asked."""


class LoginRefused(Refused):
    """The login was refused for good."""


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
    kept_s: float = 60
    backoff_base_s: float = 2
    backoff_most_s: float = 300
    attempts: int = 6
