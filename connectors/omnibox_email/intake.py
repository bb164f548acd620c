"""A read mail in the hub's words: message, echo of our own, or receipt."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from omnibox.connector import Echo, Envelope, File, Inbound, Receipt, Recipients, Unreadable
from omnibox_email import addresses, reading
from omnibox_email.addresses import OwnAddress
from omnibox_email.bounces import Reported
from omnibox_email.reading import Mail

NOBODY = "nobody@invalid"  # the sender of a mail that names none (RFC 2606: never a real address)
MOST_EXCERPT = 500
MOST_REFS = 200

_PART = re.compile(r"([A-Za-z0-9_-]{1,64})\.omnibox@(\S+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail stands in a mailbox, and when it arrived there."""

    folder: str
    uidvalidity: int
    uid: int
    received_at: datetime
    is_sent_folder: bool = False

    @property
    def position(self) -> str:
        return f"{self.folder}/{self.uidvalidity}/{self.uid}"


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours: the channels' addresses and the name of this installation."""

    channels: tuple[OwnAddress, ...]
    installation: str

    def owns(self, address: str) -> bool:
        return any(channel.is_in(address) for channel in self.channels)

    def part_of(self, message_id: str) -> str | None:
        """The id of our part that was sent under `message_id`; None for ids that are not ours."""
        found = _PART.fullmatch(message_id)
        domains = {addresses.domain_of(addresses.fold(channel.address)) for channel in self.channels}
        return found.group(1) if found and found.group(2).lower() in domains else None


def message_id(part_id: str, address: str) -> str:
    """The Message-ID, without angle brackets, that the part `part_id` has when sent from `address`."""
    return f"{part_id}.omnibox@{addresses.domain_of(address).lower()}"


def omnibox_id(installation: str, part_id: str) -> str:
    """The value of X-Omnibox-Id: it survives relays that put a Message-ID of their own in place of ours."""
    return f"{installation}/{part_id}"


def take_in(raw: bytes, place: Place, ours: Ours) -> list[Envelope]:
    """The envelopes of one mail; what breaks the reader is kept aside as `Unreadable`, never raised."""
    try:
        return envelopes(reading.read(raw), place, ours)
    except Exception as error:  # one mail must never stop a mailbox
        return [unreadable(type(error).__name__, place, size=len(raw), raw=raw)]


def unreadable(kind: str, place: Place, *, size: int, raw: bytes = b"") -> Unreadable:
    """A stub for a mail that stays on its server: where it is and how it begins."""
    return Unreadable(
        kind=kind,
        at=place.position,
        excerpt=raw[:MOST_EXCERPT].decode("utf-8", "replace"),
        size=size,
        digest=hashlib.sha256(raw).hexdigest() if raw else "",
        position=place.position,
    )


def envelopes(mail: Mail, place: Place, ours: Ours) -> list[Envelope]:
    """What a mail means to the hub: usually one message."""
    if mail.is_looping:
        return [Unreadable(kind="mail_loop", at=place.position, digest=mail.digest, position=place.position)]
    if receipts := _receipts(mail, place, ours):
        return receipts
    part_id = _own_part(mail, ours)
    sender = mail.sender.address if mail.sender else ""
    if sender and ours.owns(sender) and (part_id or place.is_sent_folder):
        return [_echo(mail, place, ours, part_id)]
    return [_inbound(mail, place, ours)]


def event_key(mail: Mail) -> str:
    """Unique for ever: same id and same content are one mail, same id and other content two."""
    return f"{mail.message_id or mail.digest + '@missing'}:{mail.digest}"


def _moment(mail: Mail, place: Place) -> datetime:
    """When the mail was written, in UTC; the server's arrival time where it does not say so sensibly."""
    return (mail.sent_at or place.received_at).astimezone(UTC)


def refs(mail: Mail) -> tuple[str, ...]:
    """The ids a mail answers, most trusted first; clients overwrite References more often than In-Reply-To."""
    return tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:MOST_REFS]


def _own_part(mail: Mail, ours: Ours) -> str | None:
    installation, _, part_id = mail.omnibox_id.partition("/")
    if part_id and installation == ours.installation:
        return part_id
    return ours.part_of(mail.message_id) if mail.message_id else None


def _all_recipients(mail: Mail) -> list[str]:
    return [box.address for box in (*mail.to, *mail.cc) if box.address]


def _inbound(mail: Mail, place: Place, ours: Ours) -> Inbound:
    address = mail.sender.address if mail.sender else NOBODY
    named = [*_all_recipients(mail), *mail.delivered_to]
    reply_to = next((box.address for box in mail.reply_to if addresses.is_usable(box.address)), None)
    is_other = reply_to and addresses.fold(reply_to) != addresses.fold(address) and not ours.owns(reply_to)
    automatic = (
        "delivery-delayed" if mail.bounce and not any(one.has_failed for one in mail.bounce.recipients) else None
    )
    return Inbound(
        event_key=event_key(mail),
        address=address,
        to=addresses.channel_of(named, ours.channels),
        sent_at=_moment(mail, place),
        external_id=mail.message_id or f"{mail.digest}@missing",
        text=mail.text,
        html=mail.html,
        reply_text=mail.reply_text,
        subject=mail.subject,
        name=mail.sender.name if mail.sender else None,
        refs=(*_reported_ids(mail), *refs(mail)),
        tokens=addresses.tokens_in(named, ours.channels),
        files=_files(mail),
        automatic=automatic or mail.automatic,
        sender_doubt=mail.sender_doubt or ("own-address" if ours.owns(address) else None),
        recipients=_recipients(mail, ours),
        reply_address=reply_to if is_other else None,
        position=place.position,
    )


def _reported_ids(mail: Mail) -> tuple[str, ...]:
    return mail.bounce.original_ids if mail.bounce else ()


def _recipients(mail: Mail, ours: Ours) -> Recipients:
    to, cc = (
        tuple(box.address for box in boxes if addresses.is_usable(box.address) and not ours.owns(box.address))
        for boxes in (mail.to, mail.cc)
    )
    return Recipients(to=to, cc=cc)


def _files(mail: Mail) -> tuple[File, ...]:
    return tuple(
        File(one.content, one.name, one.content_type, one.content_id, inline=one.is_shown) for one in mail.attachments
    )


def _echo(mail: Mail, place: Place, ours: Ours, part_id: str | None) -> Echo:
    assert mail.sender
    return Echo(
        event_key=event_key(mail),
        address=next((one for one in _all_recipients(mail) if not ours.owns(one)), ""),
        to=addresses.channel_of([mail.sender.address], ours.channels),
        sent_at=_moment(mail, place),
        external_id=mail.message_id or f"{mail.digest}@missing",
        part_id=part_id,
        text=mail.text,
        html=mail.html,
        subject=mail.subject,
        refs=refs(mail),
        files=_files(mail),
        position=place.position,
    )


def _receipts(mail: Mail, place: Place, ours: Ours) -> list[Envelope]:
    """What a delivery report says of mails we sent; only one with a Message-ID of ours changes anything."""
    if not mail.bounce:
        return []
    own = tuple(one for one in mail.bounce.original_ids if ours.part_of(one))
    if not own:
        return []
    to = addresses.channel_of([*_all_recipients(mail), *mail.delivered_to], ours.channels)
    at = _moment(mail, place)
    found: list[Envelope] = []
    for one in mail.bounce.recipients:
        position = "" if found else place.position  # a position stands for one arrival
        if one.has_failed:
            found.append(Receipt("failed", at, to, one.address, own, code=_code(one), position=position))
        elif one.has_arrived:
            found.append(Receipt("delivered", at, to, one.address, own, position=position))
    return found


def _code(reported: Reported) -> str:
    status = reported.status or ""
    if status.startswith(("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.10")):
        return "email.no_such_mailbox"
    if status == "5.2.2":
        return "email.mailbox_full"
    return "email.refused_by_policy" if status.startswith("5.7.") else "email.bounced"
