"""A read mail in the hub's words: a message, which may report on mails of ours, or an echo of our own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from omnibox.connector import Echo, Envelope, File, Inbound, Receipt, Recipients, Unreadable
from omnibox_email import authentication, threadmark, worker
from omnibox_email.abreast import Steps, alone
from omnibox_email.bounces import Reported
from omnibox_email.heads import addresses
from omnibox_email.heads.addresses import OwnAddress
from omnibox_email.reading import Mail

NOBODY = "nobody@invalid"  # the sender of a mail that names none (RFC 2606: never a real address)
# From lines that two readers could understand differently: whoever they name might be a victim: nobody is the contact
AMBIGUOUS = frozenset({"two-addresses", "several-senders", "group", "encoded-address"})
MOST_EXCERPT = 500
CUT = "[Omnibox: this mail is too big or too damaged to be read whole. The original is in the mailbox.]"
MOST_REFS = 200
MOST_NAMED = 200

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
        return position_of(self.folder, self.uidvalidity, self.uid)


def position_of(folder: str, uidvalidity: int, uid: int) -> str:
    """The place of a mail in words, unique within its account."""
    return f"{folder}/{uidvalidity}/{uid}"


@dataclass(frozen=True, slots=True)
class Ours:
    """What is ours: the channels' addresses, the name of this installation, and who checks senders for us."""

    channels: tuple[OwnAddress, ...]
    installation: str
    checking_servers: tuple[str, ...] = ()

    def owns(self, address: str) -> bool:
        return any(channel.is_in(address) for channel in self.channels)

    def part_of(self, message_id: str) -> str | None:
        """The id of our part that was sent under `message_id`; None for ids that are not ours."""
        found = _PART.fullmatch(message_id)
        if not found:
            return None
        domains = {addresses.domain_of(addresses.fold(channel.address)) for channel in self.channels}
        return found.group(1) if found.group(2).lower() in domains else None


def message_id(part_id: str, address: str) -> str:
    """The Message-ID, without angle brackets, that the part `part_id` has when sent from `address`."""
    return f"{part_id}.omnibox@{addresses.domain_of(address).lower()}"


def omnibox_id(installation: str, part_id: str) -> str:
    """The value of X-Omnibox-Id: it survives relays that put a Message-ID of their own in place of ours."""
    return f"{installation}/{part_id}"


def take_in(raw: bytes, place: Place, ours: Ours) -> list[Envelope]:
    """The envelopes of one mail; what breaks the reader is kept aside as `Unreadable`, never raised."""
    return alone(taking_in(raw, place, ours))


def taking_in(raw: bytes, place: Place, ours: Ours) -> Steps[list[Envelope]]:
    """As `take_in`, step by step, for many mails abreast."""
    try:
        mail = yield from worker.steps(raw)
        yield
        return envelopes(mail, place, ours)
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
    part_id = _own_part(mail, ours)
    sender = mail.sender.address if mail.sender else ""
    if place.is_sent_folder and not part_id and all(ours.owns(one) for one in _all_recipients(mail)):
        return []  # a note to oneself, or to people who are not named: nobody's conversation
    if place.is_sent_folder or (part_id and sender and ours.owns(sender)):  # what was sent is ours, by whatever alias
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
    address = mail.sender.address if mail.sender and addresses.is_usable(mail.sender.address) else NOBODY
    checked = authentication.doubt(mail.checks, addresses.domain_of(address), ours.checking_servers)
    doubt = mail.sender_doubt or ("own-address" if ours.owns(address) else None) or checked
    named = [*_all_recipients(mail), *mail.delivered_to]
    reply_to = next((box.address for box in mail.reply_to if addresses.is_usable(box.address)), None)
    is_other = reply_to and addresses.fold(reply_to) != addresses.fold(address) and not ours.owns(reply_to)
    if doubt in AMBIGUOUS:
        is_other = False  # nor is it known whose wish this Reply-To is
    if doubt in AMBIGUOUS or (doubt == "own-address" and not is_other):
        address = f"nobody-{mail.digest[:16]}@invalid"
    reported = _reported_ids(mail)
    to = addresses.channel_of(named, ours.channels)
    tokens = addresses.tokens_in(named, ours.channels)
    return Inbound(
        event_key=event_key(mail),
        address=address,
        to=to,
        sent_at=_moment(mail, place),
        external_id=mail.message_id or f"{mail.digest}@missing",
        text=_noted(mail, mail.text),
        html=mail.html and _noted(mail, mail.html),
        reply_text=_noted(mail, mail.reply_text) if mail.reply_text != mail.text else None,
        subject=mail.subject,
        name=mail.sender.name if mail.sender else None,
        refs=(*reported, *refs(mail)),
        answers=len(reported) + len(mail.in_reply_to),
        tokens=tokens,
        markers=threadmark.marks_in(mail.text, mail.html),
        files=_files(mail),
        automatic=_kind_of_report(mail) or mail.automatic,
        sender_doubt=doubt,
        reports=_reports(mail, place, ours, to, tokens),
        recipients=_recipients(mail, ours),
        reply_address=reply_to if is_other else None,
        position=place.position,
    )


def _noted(mail: Mail, text: str) -> str:
    """The text, with a word to the agent where there was more."""
    return f"{text}\n\n{CUT}".lstrip("\n") if mail.is_cut else text


def _reported_ids(mail: Mail) -> tuple[str, ...]:
    return mail.bounce.original_ids if mail.bounce else ()


def _kind_of_report(mail: Mail) -> str | None:
    """The word for a delivery report that the inbox shows."""
    if not mail.bounce:
        return None
    reported = mail.bounce.recipients
    if any(one.has_failed for one in reported) or not reported:
        return "bounce"
    return "delivery-delayed" if any(one.is_delayed for one in reported) else "delivered"


def _recipients(mail: Mail, ours: Ours) -> Recipients:
    to, cc = (
        tuple([box.address for box in boxes if not ours.owns(box.address) and addresses.is_usable(box.address)])
        for boxes in (mail.to, mail.cc)
    )
    names = {box.address: box.name for box in (*mail.to[:MOST_NAMED], *mail.cc[:MOST_NAMED]) if box.name}
    return Recipients(to=to, cc=cc, names=names)


def _files(mail: Mail) -> tuple[File, ...]:
    return tuple(
        File(one.content, one.name, one.content_type, one.content_id, inline=one.is_shown) for one in mail.attachments
    )


def _echo(mail: Mail, place: Place, ours: Ours, part_id: str | None) -> Echo:
    sender = mail.sender.address if mail.sender else ""
    return Echo(
        event_key=event_key(mail),
        address=next((one for one in _all_recipients(mail) if not ours.owns(one)), ""),
        to=addresses.channel_of([sender], ours.channels),
        sent_at=_moment(mail, place),
        external_id=mail.message_id or f"{mail.digest}@missing",
        part_id=part_id,
        text=mail.text,
        html=mail.html,
        subject=mail.subject,
        refs=refs(mail),
        files=_files(mail),
        position=place.position,
        recipients=_recipients(mail, ours),
        is_proven=place.is_sent_folder,
    )


def _reports(mail: Mail, place: Place, ours: Ours, to: str, tokens: Sequence[str]) -> tuple[Receipt, ...]:
    """What a delivery report says of the mail it is about; the hub knows whether that was ours."""
    if not mail.bounce:
        return ()
    named = tuple(dict.fromkeys((*_part_ids(mail, ours), *mail.bounce.original_ids)))
    at = _moment(mail, place)
    found = []
    for one in mail.bounce.recipients if named or tokens else ():
        status: Literal["failed", "delayed", "delivered"] | None = (
            "failed" if one.has_failed else "delivered" if one.has_arrived else "delayed" if one.is_delayed else None
        )
        if status:
            code = _code(one) if status == "failed" else ""
            found.append(Receipt(status, at, to, one.address, named, code=code, asked=one.asked))
    return tuple(found)


def _part_ids(mail: Mail, ours: Ours) -> list[str]:
    """The Message-IDs of ours behind the mark in a copy of our mail: relays put their own id in place of it."""
    installation, _, part_id = (mail.bounce.mark if mail.bounce else "").partition("/")
    if not part_id or installation != ours.installation:
        return []
    return [message_id(part_id, channel.address) for channel in ours.channels]


_CODES = {
    "5.1.0": "email.no_such_mailbox",
    "5.1.1": "email.no_such_mailbox",
    "5.1.2": "email.no_such_mailbox",
    "5.1.3": "email.no_such_mailbox",
    "5.1.6": "email.no_such_mailbox",
    "5.1.10": "email.no_such_mailbox",
    "5.2.2": "email.mailbox_full",
    "4.2.2": "email.mailbox_full",
    "5.2.3": "email.too_big",
    "5.3.4": "email.too_big",
}


def _code(reported: Reported) -> str:
    status = reported.detail or reported.status or ""
    return _CODES.get(status) or ("email.refused_by_policy" if status.startswith("5.7.") else "email.bounced")
