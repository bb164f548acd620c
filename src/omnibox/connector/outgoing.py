"""What leaves: the parts of a reply, and how a text is cut into them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from omnibox.connector.capabilities import Capabilities
from omnibox.connector.envelopes import Recipients
from omnibox.connector.errors import SendError
from omnibox.connector.offers import Offer


@dataclass(frozen=True, slots=True)
class OutboundFile:
    """A file of a reply; `read()` gives its bytes, `key` names them for ever (for example to remember an upload)."""

    name: str = field(repr=False)
    content_type: str
    size: int
    key: str
    read: Callable[[], Awaitable[bytes]] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Part:
    """What leaves in one send: a piece of text, files, or both where the platform takes them together."""

    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    files: tuple[OutboundFile, ...] = ()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """The message that a reply answers, masked. `html` is sanitised."""

    at: datetime
    address: str
    name: str | None = field(default=None, repr=False)
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)


async def no_leaving() -> None:
    """The default of `Outbound.leaving`: nothing to commit."""


@dataclass(frozen=True, slots=True)
class Outbound:
    """One part, addressed. `id` and `written_at` are fixed when the reply is written, so a resend is byte-equal.

    `refs` are the external ids of the conversation, oldest first; `tokens` hold the signed token of the conversation.
    `recipients` are those beside `address` whom the agent named. `only`: the others have it, send it to these alone.
    `author`, `signature` and `picture` (its https address) are the agent's. `mode` is `automatic` where no person wrote
    it. `offer`: what the customer may choose from.
    `leaving()` commits «from here on a loss is uncertain»; await it just before the point of no return.
    """

    id: str
    address: str
    written_at: datetime
    channel: str = ""
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)
    files: tuple[OutboundFile, ...] = ()
    recipients: Recipients = Recipients()
    only: tuple[str, ...] = ()
    quoted: Quoted | None = field(default=None, repr=False)
    refs: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    mode: str = ""
    author: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)
    picture: str = field(default="", repr=False)
    offer: Offer | None = None
    leaving: Callable[[], Awaitable[None]] = field(default=no_leaving, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """The platform took it. `aliases` are further ids it may come back under.

    `refused` is per address, as the part names it: a `Temporary` one is tried again for that address alone.
    """

    external_id: str
    aliases: tuple[str, ...] = ()
    refused: Mapping[str, SendError] = field(default_factory=dict)


def pieces(text: str, most: int) -> Iterator[str]:
    """Cut `text` into parts of at most `most` code points; joined they are `text` again.

    Cuts beside white space where the part holds any, else between grapheme clusters (Unicode UAX 29); a single
    cluster longer than `most` is cut hard.
    """
    while len(text) > most:
        end = _cut(text, most)
        yield text[:end]
        text = text[end:]
    if text:
        yield text


def _cut(text: str, most: int) -> int:
    import regex

    window = text[: most + 64]  # a cluster that crosses the limit is seen whole
    ends = [found.end() for found in regex.finditer(r"\X", window) if found.end() <= most]
    spaces = [end for end in ends if window[end - 1].isspace() or window[end].isspace()]
    return max(spaces or ends or [most])


def default_parts(reply: Part, capabilities: Capabilities) -> list[Part]:
    """Files first, each a part of its own, then the text cut at `max_text`. Choices go with the last, cards alone."""
    text = pieces(reply.text, capabilities.max_text) if capabilities.max_text else [reply.text]
    parts = [Part(files=(file,)) for file in reply.files] + [Part(text=piece) for piece in text if piece.strip()]
    if reply.offer:
        beside = parts.pop() if parts and not reply.offer.cards else Part()
        parts.append(replace(beside, offer=reply.offer))
    return parts
