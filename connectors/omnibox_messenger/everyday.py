"""The short way for what nearly every webhook body is: text messages with nothing else about them.

A typed decoder takes such a body in a fifth of the time. It gives just what the long way gives, or nothing at all:
whatever is odd, new or of another kind goes the long way.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Literal

import msgspec

from omnibox.connector import Inbound
from omnibox_messenger.decoding import moment

LONGEST = 500
EARLIEST_MS, LATEST_MS = 10**11, 10**14  # outside of these a number is no count of milliseconds


class _Side(msgspec.Struct, forbid_unknown_fields=True):
    id: str


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    mid: str
    text: str


class _Element(msgspec.Struct, forbid_unknown_fields=True):
    sender: _Side
    recipient: _Side
    timestamp: int
    message: _Message


class _Entry(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    time: int
    messaging: list[_Element]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    object: Literal["page"]
    entry: list[_Entry]


_decoder = msgspec.json.Decoder(_Body)


def everyday(raw: bytes) -> Sequence[Inbound] | None:
    """The messages of the body, oldest first; None where the body holds anything but plain text messages."""
    try:
        body = _decoder.decode(raw)
    except (ValueError, RecursionError):
        return None
    found: list[Inbound] = []
    for entry in body.entry:
        for element in entry.messaging:
            if not _is_everyday(entry.id, element):
                return None
            found.append(_message(entry.id, element))
    found.sort(key=attrgetter("sent_at"))
    return found


def _is_everyday(page: str, element: _Element) -> bool:
    sender, mid, text = element.sender.id, element.message.mid, element.message.text
    return (
        page == element.recipient.id != sender
        and _is_id(page)
        and _is_id(sender)
        and _is_id(mid)
        and text != ""
        and "\0" not in text
        and EARLIEST_MS <= element.timestamp < LATEST_MS
    )


def _message(page: str, element: _Element) -> Inbound:
    mid = element.message.mid
    return Inbound(mid, element.sender.id, page, moment(element.timestamp), mid, element.message.text)


def _is_id(value: str) -> bool:
    return value.isascii() and value.isprintable() and " " not in value and 0 < len(value) <= LONGEST
