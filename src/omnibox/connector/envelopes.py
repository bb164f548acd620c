"""What arrives: the envelopes a connector makes of a platform's words."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file the platform keeps for us; the core fetches it later, through the guarded client."""

    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class File:
    """A file of a message. `inline` with a `content_id` means: shown inside the HTML, not beside it."""

    content: bytes | RemoteFile = field(repr=False)
    name: str | None = field(default=None, repr=False)
    content_type: str = "application/octet-stream"
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Recipients:
    """Addresses a message names beside ours, in the order they stand. `bcc` has a reply only, and nobody is told.

    `names` are those of the people behind the addresses, where the message gives them.
    """

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of messages we sent: those named by `external_ids`, or all sent to `address` up to `watermark`.

    `asked` is the address it was sent to, where a forwarding made `address` of it.
    """

    status: Literal["delivered", "read", "failed", "delayed"]
    at: datetime
    to: str
    address: str = ""
    external_ids: tuple[str, ...] = ()
    watermark: datetime | None = None
    code: str = ""
    position: str = ""
    asked: str = ""


@dataclass(slots=True)  # frozen, each would take eight times as long to make
class Inbound:
    """A message from a contact, in the platform's words: nothing is masked yet.

    `event_key` makes the message unique for ever within the connector's `dedupe_scope`. `refs` are external ids this
    message answers, most trusted first: `answers` of them by name, the others as ancestors. `tokens` are signed
    conversation tokens found in addresses, `markers` those found in quoted text. `automatic` names why nobody should
    answer it by machine (for example `auto-replied`). `sender_doubt` says why the sender is not certain; such a message
    never joins a conversation by itself. `reply_address` is where answers are wanted, if elsewhere; it becomes the
    contact's address in a new conversation and never lets anybody into an old one. `reports`: what it says became of
    messages we sent; it stands where they stand if it is about any of them. `position`: where a source found it.
    `late`: the platform did not tell it when it was said; it was found afterwards. `chosen`: the `key` of the button
    that was pressed. `reply_text`: the text without quoted history; None where that is all of it.
    """

    event_key: str
    address: str
    to: str
    sent_at: datetime
    external_id: str | None = None
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    reply_text: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)
    name: str | None = field(default=None, repr=False)
    refs: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    answers: int = 0
    markers: tuple[str, ...] = ()
    automatic: str | None = None
    sender_doubt: str | None = None
    reports: tuple[Receipt, ...] = ()
    recipients: Recipients = Recipients()
    reply_address: str | None = None
    position: str = ""
    late: bool = False
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Echo:
    """A message that left our address: by us (`part_id` is then the id we sent along), or by somebody elsewhere.

    `is_proven` is False where the message alone says so, which anybody can write: then it counts only if it is a part
    that we sent, and is else a message from a sender in doubt. `late`: as in `Inbound`; the part's id is lost then, and
    what we are in doubt about is known by its words.
    """

    event_key: str
    address: str
    to: str
    sent_at: datetime
    external_id: str | None = None
    part_id: str | None = None
    text: str = field(default="", repr=False)
    html: str | None = field(default=None, repr=False)
    subject: str | None = field(default=None, repr=False)
    refs: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    position: str = ""
    recipients: Recipients = Recipients()
    is_proven: bool = True
    late: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """A message has a new text; the highest `revision` wins."""

    external_id: str
    to: str
    at: datetime
    text: str = field(repr=False)
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Deleted:
    """The contact took a message back: its text and files go, a trace with the time stays."""

    external_id: str
    to: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction to a message, the contact's or (`is_ours`) our side's; an empty `emoji` takes it back."""

    external_id: str
    address: str
    to: str
    at: datetime
    emoji: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """What the platform says about the person behind an address.

    `is_stopgap`: it did not tell the name; this one does until it does. `picture` is an address to fetch it from at
    once, empty where there is none; it counts in an answer to `profile` only.
    """

    address: str
    to: str
    name: str | None = field(default=None, repr=False)
    is_stopgap: bool = False
    picture: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a line in the conversation that nobody wrote: a referral, an opt-in, an unknown event.

    `kind` is one of the words `referral`, `optin`, `handover`, `unsupported`; `text` is what to show.
    """

    event_key: str
    kind: str
    address: str
    to: str
    at: datetime
    text: str = field(default="", repr=False)
    position: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """The platform says of itself that something is wrong with our address, or (`is_over`) that nothing is any more.

    Shown as a `Problem` with that code, for a day at least. It stops nothing: what a send may do, its answer says.
    """

    to: str
    at: datetime
    code: str
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An element the connector could not read. `at` says where it stood; `excerpt` is masked before it is kept."""

    kind: str
    at: str
    excerpt: str = field(default="", repr=False)
    size: int = 0
    digest: str = ""
    position: str = ""


Envelope = Inbound | Echo | Receipt | Edited | Deleted | Reaction | Profile | Notice | Warned | Unreadable


@dataclass(frozen=True, slots=True)
class Request:
    """One webhook call: headers, which are asked for by their names in small letters, and the body as it arrived."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    def json(self) -> Any:
        """The body as untyped JSON. What the fast decoder refuses (lone surrogates, NaN) the lenient one takes."""
        import msgspec

        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return json.loads(self.body)

    def signed_by(self, secret: str, signature: str) -> bool:
        """Whether `signature` is the hex HMAC-SHA256 of the body; takes the same time either way."""
        genuine = hmac.digest(secret.encode(), self.body, "sha256").hex()
        return hmac.compare_digest(genuine.encode(), signature.encode("utf-8", "surrogatepass"))
