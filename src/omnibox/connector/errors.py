"""What a connector may raise: the class is the decision to take.

ConnectorError
├── BadSettings      a setting is missing or wrong: the admin must act
├── Forged           the request is not the platform's: 403
└── SendError
    ├── Temporary    nothing was sent: try again
    ├── Rejected     this message never
    ├── ChannelDown  they refuse us: pause the channel, keep its queue
    └── Uncertain    it left and no answer came
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of what a connector may raise."""


class BadSettings(ConnectorError):
    """A setting is missing or wrong. `field` is its name; the message names the cure and holds no value of it."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class Forged(ConnectorError):
    """The request does not carry the platform's signature."""


class SendError(ConnectorError):
    """Base of the ways a send can fail. `code` leads to docs/errors.md; it holds no text of the message."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Temporary(SendError):
    """Nothing was sent; not before `retry_after` seconds. `whole_channel`: the channel waits, no attempt is burnt."""

    def __init__(self, code: str, retry_after: float = 0.0, *, whole_channel: bool = False) -> None:
        super().__init__(code)
        self.retry_after = retry_after
        self.whole_channel = whole_channel


class Rejected(SendError):
    """Refused for good. `unreachable`: nothing will reach this contact here until they write again."""

    def __init__(self, code: str, *, unreachable: bool = False) -> None:
        super().__init__(code)
        self.unreachable = unreachable


class ChannelDown(SendError):
    """They refuse us: pause the channel. With `resumes` its `check()` may end the pause, else a person must."""

    def __init__(self, code: str, *, resumes: bool = True) -> None:
        super().__init__(code)
        self.resumes = resumes


class Uncertain(SendError):
    """It left and no answer came: it may have arrived."""
