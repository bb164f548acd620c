"""What a connector may do to set a connection up and keep it well: what it occupies, choices, upkeep, callbacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from omnibox.connector.consent import Grant
from omnibox.connector.envelopes import Request


@dataclass(frozen=True, slots=True)
class Place:
    """Something on the platform that one connection alone can serve: a page, a mailbox.

    `key` is the same for the same place, however it was typed; `title` begins a sentence for the admin. `address` is
    the channel that it belongs to; a place of the connection as a whole names the `setting` that chose it instead.
    """

    key: str
    title: str
    address: str = ""
    setting: str = ""


@runtime_checkable
class Occupies(Protocol):
    """Without it, two connections never stand in each other's way."""

    @classmethod
    def places(cls, settings: Mapping[str, Any], addresses: Sequence[str]) -> Iterable[Place]:
        """What a connection with these settings and channels occupies. Pure; a draft's settings may lack anything."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a connection, or its channel `address`, from serving in full.

    `facts` fill the holes `{name}` in the words of the code: dates, versions, names of permissions; never text of
    customers. `is_down`: nothing can leave, so the channel pauses and its queue waits. `is_deaf`: nothing arrives.
    """

    code: str
    address: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    is_down: bool = False
    is_deaf: bool = False


@dataclass(frozen=True, slots=True)
class Upkept:
    """How a connection does: what is wrong, and on which channels the platform had stopped calling us until now.

    `unknown` are the addresses about which the platform did not answer, empty for the connection as a whole: what was
    known of these stays.
    """

    problems: Sequence[Problem] = ()
    mended: Sequence[str] = ()
    unknown: Sequence[str] = ()


@runtime_checkable
class Upkeep(Protocol):
    async def upkeep(self) -> Upkept:
        """Set right at the platform what we can, and say what is left. Asked when a connection is switched on or
        changed, once a day, and every few minutes while something is wrong. Raises a `SendError` where nobody knows."""


@runtime_checkable
class Applies(Protocol):
    async def apply(self, address: str) -> None:
        """Tell the platform those settings of a channel that it has to know, where they have changed.

        Raises `BadSettings` naming the setting that it does not take, or a `SendError`.
        """


@dataclass(frozen=True, slots=True)
class Choice:
    """One address that a consent opened. `settings` go into its channel; `problem` says why it cannot be had."""

    address: str
    name: str = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""


@runtime_checkable
class Chooses(Protocol):
    """Consent opens several addresses, each with credentials of its own; and a code is redeemed the platform's way."""

    async def redeem(self, code: str, redirect_url: str) -> Grant:
        """The grant for a code that came back; raises a `SendError`, `ChannelDown("consent_needed")` for a code that
        is no longer good."""

    async def choices(self, grant: Grant) -> Sequence[Choice]:
        """What the grant opens; raises a `SendError`."""


@runtime_checkable
class Withdraws(Protocol):
    """The platform says when a person takes a consent back, or wants erased what we have of them. All pure."""

    def withdrawn(self, request: Request) -> str:
        """Whose consent ended; raises `Forged`."""

    def erasure(self, request: Request) -> str:
        """Who wants to be erased; raises `Forged`."""

    def granted(self, settings: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
        """By whose consent a channel with these settings runs (empty: by nobody's), and the settings that hold it."""

    def erasure_answer(self, status_url: str, code: str) -> Mapping[str, Any]:
        """What the platform wants to hear, as JSON."""
