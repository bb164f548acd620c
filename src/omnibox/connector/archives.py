"""Bringing the past in: what a connector offers so that messages kept in files elsewhere come into the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from omnibox.connector.envelopes import Envelope


class NoArchive(Exception):
    """What was named cannot be read as an archive; the message names the cure."""


@dataclass(frozen=True, slots=True)
class Past:
    """One message of an archive: where it lies there, when it arrived (aware UTC), and what it means to the hub."""

    place: str
    at: datetime
    envelopes: tuple[Envelope, ...] = field(repr=False)


class Archive(Protocol):
    """Messages in files, in the order in which they arrived. Nothing in the files is changed."""

    @property
    def digest(self) -> str:
        """Names this content: another one when a message came or went, so that an import knows where it was."""

    @property
    def left_out(self) -> Mapping[str, int]:
        """How many things were passed over, by the reason: a few words, such as «drafts»."""

    def __len__(self) -> int: ...

    def read(self, number: int) -> Past:
        """The message at a place of the order, from 0. One that cannot be read comes as `Unreadable`, never raises."""

    def close(self) -> None: ...


@runtime_checkable
class Archives(Protocol):
    """The connector reads archives."""

    def open_archive(self, paths: Sequence[str], address: str, report: Callable[[int, int], None]) -> Archive:
        """Look through files and folders, in a thread; `report(done, total)` bytes. Raises `NoArchive`, `OSError`.

        `address` is the channel of messages that name none of ours. Our own ones come as an `Echo`.
        """
