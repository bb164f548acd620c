"""Delivery reports: the standard ones (RFC 3464) and the other half, which are plain text from a mail system."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from omnibox_email import addresses, charsets, headers, mime
from omnibox_email.headers import Headers

ACTIONS = frozenset({"failed", "delayed", "delivered", "relayed", "expanded"})
MOST_RECIPIENTS = 200
MOST_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reported:
    """What became of the mail to one recipient; `status` as in RFC 3463, never invented."""

    address: str
    status: str | None
    action: str | None

    @property
    def has_failed(self) -> bool:
        return self.action == "failed" or (self.action is None and not (self.status or "5").startswith(("4", "2")))

    @property
    def has_arrived(self) -> bool:
        return self.action in ("delivered", "relayed") or (self.action is None and (self.status or "").startswith("2"))


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report and the ids of the mail it is about."""

    recipients: tuple[Reported, ...]
    original_ids: tuple[str, ...]


_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_SENDERS = re.compile(r"mailer-?daemon|postmaster|mail-?daemon|mail[ ._-]?delivery|maildelivery|bounces?", re.I)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_PASTED_ID = re.compile(r"^[> \t]*message-id:\s*<([^<>\s]{3,500})>", re.I | re.M)
_COPY_BEGINS = re.compile(
    r"^[> \t-]*(?:(?:received|return-path|message-id|mime-version|x-[\w-]+|dkim-signature):"
    r"|-+ ?(?:below this line|original message|this is a copy|the header|returned message|original-nachricht))",
    re.I | re.M,
)
_DELAYED = re.compile(
    r"\b(?:delayed|will be retried|still trying|not yet been delivered|retrasad|in ritardo|verzögert|retardé)", re.I
)
_PERSONAL = re.compile(r"^(?:re|fwd?|aw|wg|rv|r|i|sv|vs|antw|tr)\s*(?:\[\d+\])?:", re.I)


def read(raw: bytes, tree: mime.Tree, sender: str, subject: str, text: str) -> Bounce | None:
    """The delivery report in a mail, or None: ordinary mail that merely talks of bounces is none."""
    root = tree.root
    parts = list(mime.leaves(root))
    report = root.kind.parameters.get("report-type", "").lower()
    if root.type == "multipart/report" and report not in ("", "delivery-status"):
        return None
    status = next(
        (part for part in parts if part.type in ("message/delivery-status", "message/global-delivery-status")), None
    )
    is_machine = _is_machine(root.headers, sender)
    if status and (root.type == "multipart/report" or is_machine):
        recipients = _recipients(mime.content(raw, status))
        return Bounce(recipients, _original_ids(raw, parts, text)) if recipients else None
    if not is_machine or _PERSONAL.match(subject) or (root.headers.has("in-reply-to") and not _has_copy(parts)):
        return None
    return _informal(raw, root.headers, parts, sender, text)


def _is_machine(block: Headers, sender: str) -> bool:
    local = sender.rpartition("@")[0].lower()
    has_null_sender = block.has("return-path") and block.plain("return-path").replace(" ", "") == "<>"
    return has_null_sender or bool(_SENDERS.match(local)) or block.has("x-failed-recipients")


def _has_copy(parts: Sequence[mime.Node]) -> bool:
    return any(part.type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers") for part in parts)


def _recipients(body: bytes) -> tuple[Reported, ...]:
    """The recipient blocks of a message/delivery-status part."""
    found: list[Reported] = []
    at = 0
    while at < len(body) and len(found) < MOST_RECIPIENTS:
        block, after = headers.split_block(body, at, len(body), is_root=False)
        at = after if after > at else _next_line(body, at)
        named = block.first("final-recipient") or block.first("original-recipient")
        if not named:
            continue
        address = named.decode("utf-8", "replace").partition(";")[2] or named.decode("utf-8", "replace")
        action = re.sub(r"[^a-z].*", "", block.plain("action").lower())
        status = _STATUS.search(block.plain("status")) or _STATUS.search(block.plain("diagnostic-code"))
        found.append(
            Reported(
                addresses.clean_address(address),
                status.group(1) if status else None,
                action if action in ACTIONS else None,
            )
        )
    return tuple(found)


def _next_line(body: bytes, at: int) -> int:
    end = body.find(b"\n", at)
    return len(body) if end < 0 else end + 1


def _original_ids(raw: bytes, parts: Sequence[mime.Node], text: str) -> tuple[str, ...]:
    for part in parts:
        if part.type in ("message/rfc822", "message/global", "text/rfc822-headers", "message/rfc822-headers"):
            copy = mime.content(raw, part)
            block, _ = headers.split_block(copy, 0, len(copy), is_root=True)
            if ids := headers.ids_of(block.first("message-id")):
                return tuple(ids[:1])
    return tuple(dict.fromkeys(_PASTED_ID.findall(text[:MOST_TEXT])))[:5]


def _informal(raw: bytes, block: Headers, parts: Sequence[mime.Node], sender: str, text: str) -> Bounce | None:
    """A report that is only text: who failed stands in a header, in the text above the copy, or in the copy's To."""
    head = text[:MOST_TEXT]
    ids = _original_ids(raw, parts, head)
    named = block.first("x-failed-recipients")
    begins = _COPY_BEGINS.search(head)
    explained = head[: begins.start()] if begins else head
    is_qmail = "qmail-send program" in head[:500] or (
        "this is the" in head[:200].lower() and "mail" in head[:200].lower()
    )
    if not (named or ids or _has_copy(parts) or (is_qmail and begins)):
        return None
    listed = [box.address for box in addresses.parse_list(named) if box.address]
    if not listed:
        own = {addresses.fold(sender)} | {
            addresses.fold(box.address) for box in addresses.parse_list(block.first("to"))
        }
        listed = [one for one in _ADDRESS.findall(explained) if addresses.fold(one) not in own]
        listed = [one for one in listed if not _SENDERS.match(one)]
    listed = listed or _addressees_of_copy(raw, parts)
    unique = list(dict.fromkeys(addresses.fold(one) for one in listed))[:MOST_RECIPIENTS]
    action = "delayed" if _DELAYED.search(explained) else "failed"
    return Bounce(tuple(Reported(one, _status_near(explained, one), action) for one in unique), ids) if unique else None


def _addressees_of_copy(raw: bytes, parts: Sequence[mime.Node]) -> list[str]:
    for part in parts:
        if part.type in ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"):
            copy = mime.content(raw, part)
            block, _ = headers.split_block(copy, 0, len(copy), is_root=True)
            return [box.address for box in addresses.parse_list(block.first("to")) if box.address]
    return []


def _status_near(text: str, address: str) -> str | None:
    """The status code that stands closest after the address, else the first in the text; none is invented."""
    at = charsets.clean(text).lower().find(address.lower())
    near = _STATUS.search(text, max(at, 0)) or _STATUS.search(text)
    return near.group(1) if near else None
