"""What omnibox lends a connector, and what it asks of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from omnibox.connector.capabilities import Capabilities, ChannelSettings, Field
from omnibox.connector.envelopes import Envelope, Request
from omnibox.connector.errors import SendError
from omnibox.connector.outgoing import Outbound, Part, Sent


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's answer. `json` is None where the body is not JSON."""

    status: int
    headers: Mapping[str, str]
    json: Any = field(repr=False)


Refusal = Callable[[Answer], "SendError | None"]
"""A connector's own error table: the error an answer means, or None to leave it to the general rule."""


class Http(Protocol):
    """A guarded HTTP client that answers in the language of `SendError`. Redirects are not followed.

    2xx with JSON → the decoded body; a 2xx body that is not JSON → `Uncertain`; 429 and 503 → `Temporary`; 401, 403 →
    `ChannelDown`; other 3xx and 4xx → `Rejected`; other 5xx → `Uncertain`; no connection → `Temporary`; a connection
    that broke after the request left → `Uncertain`. `refusal` is asked first.
    """

    async def post(
        self,
        url: str,
        *,
        json: object = None,
        form: Mapping[str, str | tuple[str, bytes, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        refusal: Refusal | None = None,
        timeout_s: float = 15,
    ) -> Any:
        """`form` members are texts or files as (name, bytes, content type)."""

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        refusal: Refusal | None = None,
        timeout_s: float = 15,
    ) -> Any: ...


class Log(Protocol):
    """A logger of facts: an event and ids, never text, names, addresses or secrets."""

    def info(self, event: str, **facts: object) -> None: ...
    def warning(self, event: str, **facts: object) -> None: ...


class Context(Protocol):
    """What omnibox lends a connector for one connection."""

    @property
    def connection(self) -> str:
        """Its id, for logs."""

    @property
    def installation(self) -> str:
        """The random name of this installation."""

    @property
    def settings(self) -> Mapping[str, Any]: ...
    @property
    def channels(self) -> Sequence[ChannelSettings]: ...
    @property
    def hook_url(self) -> str: ...
    @property
    def http(self) -> Http: ...
    @property
    def log(self) -> Log: ...

    def setting(self, name: str) -> Any:
        """A required setting; raises `BadSettings` where it is missing or empty."""

    def channel(self, address: str) -> ChannelSettings:
        """The channel of that address; raises `BadSettings` where there is none."""

    async def connect(self, host: str, port: int, timeout_s: float = 30) -> Any:
        """A connected, non-blocking `socket.socket` to a checked address; raises `Temporary`, or `BadSettings`
        where the operator's rules forbid the target. The caller adds TLS and closes it."""

    def sign(self, purpose: str, value: str) -> str:
        """A token for `value`: lower-case letters, digits and dots, safe in a local part, hard to guess (128 bits)."""

    def verify(self, purpose: str, token: str) -> str | None:
        """The value of a token made by `sign` for the same purpose, or None."""

    async def save_secret(self, name: str, value: str) -> None:
        """Keep a renewed secret setting, encrypted, for the next start."""

    async def stored_setting(self, name: str) -> Any:
        """A setting as it is stored now: another process may have renewed it since `settings` was read."""

    async def remember(self, key: str, value: str, until: datetime) -> None: ...
    async def recall(self, key: str) -> str | None: ...


class Connector(Protocol):
    """One instance per connection, made by `cls(context)`; a bad setting raises `BadSettings`."""

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    settings: ClassVar[tuple[Field, ...]]
    # optional: channel_settings: tuple[Field, ...]; look: Look; steps: tuple[Step, ...]

    def __init__(self, context: Context) -> None: ...

    async def send(self, part: Outbound) -> Sent:
        """Deliver one part, or raise a `SendError`.

        With the capability `marks_leaving`, `await part.leaving()` commits «from here on a loss is uncertain» just
        before the point of no return; without it a part is uncertain from the claim."""


@runtime_checkable
class Webhook(Protocol):
    """The platform calls us. Both methods are pure: no I/O, no clock, no state."""

    def verify(self, request: Request) -> None:
        """Raise `Forged` unless the platform sent this."""

    def parse(self, request: Request) -> Iterable[Envelope]:
        """One envelope per element, `Unreadable` for one that cannot be read; raises only for an unreadable body."""


class Receive(Protocol):
    """Where a source hands over what it found."""

    cursor: Mapping[str, Any]  # the last one committed, {} at first

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        """At most 100 items and the cursor in one transaction; returns one outcome each (`stored`, `duplicate`,
        `quarantined`) once they are safe on disk. Raises where the store cannot take them: then nothing was taken."""

    async def missing(self, positions: Sequence[str]) -> list[str]:
        """Those of `positions` at which nothing was ever taken: not stored, not known already, not put aside."""

    async def counted(self, there: int, missing: int, code: str = "") -> None:
        """How a comparison with the platform ended; with anything missing, `code` is shown until one ends well."""

    def waited(self, seconds: float) -> None:
        """How long something lay on the platform before it was taken."""


@runtime_checkable
class Source(Protocol):
    """We call the platform."""

    async def run(self, receive: Receive) -> None:
        """Runs until cancelled (and then ends within a second), or raises a `SendError` that says why it cannot."""


@runtime_checkable
class Missed(Protocol):
    """A platform that calls us, and can be asked afterwards for what was said while nobody listened."""

    def missed(self, channel: str, since: datetime) -> AsyncIterator[Sequence[Envelope]]:
        """What was said on a channel after `since`, known or not, in batches; each conversation in its order. The same
        `event_key` as if it had been told at once. Raises a `SendError` that says why it cannot."""


@runtime_checkable
class Handshake(Protocol):
    def challenge(self, request: Request) -> str:
        """The answer to a GET on the hook URL; raises `Forged`."""


@runtime_checkable
class Checks(Protocol):
    def check(self) -> Any:
        """An async iterator of `Check`: the set-up button, and the probe that ends a pause."""


@runtime_checkable
class Parts(Protocol):
    def parts(self, reply: Part) -> Sequence[Part]:
        """How a reply leaves, in order. Pure."""


@runtime_checkable
class Reserve(Protocol):
    def reserve(self, part: Outbound) -> str:
        """The external id the part will have, so that echoes and answers that overtake `sent` are known. Pure."""


@runtime_checkable
class Evidence(Protocol):
    async def look_up(self, part: Outbound) -> Sent | Literal["absent", "unknown"]:
        """Whether an uncertain part left: `Sent`, surely not there, or nobody knows.

        Raises a `SendError` where the platform cannot be asked: until it can, an agent must insist to send again.
        `Rejected`: it never can, so nobody will know.
        """


Signal = Literal["typing", "seen"]
"""What a customer may see of an agent: that somebody types an answer, that somebody has read."""


@runtime_checkable
class Signals(Protocol):
    async def signal(self, address: str, channel: str, signal: Signal) -> None:
        """Show it to the person, now or not at all; may raise a `SendError`, which nobody hears of."""


@runtime_checkable
class Offline(Protocol):
    """What the offline commands need; class methods, no context. Shapes: docs/commands.md."""

    @classmethod
    def normalize(cls, raw: bytes, account: str | None) -> Iterable[Mapping[str, Any]]: ...
    @classmethod
    def render(cls, item: Mapping[str, Any]) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Chain:
    """The ids a raw message holds: its own, those it answers by name, and its other ancestors, the newest first."""

    external_id: str | None
    answers: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()


@runtime_checkable
class Chains(Protocol):
    """What `omnibox thread` needs; a class method, no context."""

    @classmethod
    def chain(cls, raw: bytes) -> Chain:
        """The ids in one raw message; any bytes give an answer."""
