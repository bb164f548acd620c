"""The copy of the mail that came back: its ids and whom it was for, attached in any form or pasted into the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from omnibox_email.bounces.outcome import MOST_TEXT
from omnibox_email.content import mime
from omnibox_email.heads import addresses, headers
from omnibox_email.heads.addresses import Mailbox
from omnibox_email.heads.headers import Headers

WHOLE = frozenset({"message/rfc822", "message/global"})
HEADS = frozenset({"text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/rfc822"})
_PASTED_ID = re.compile(r"^[> \t]*(?:x-original-)?message-id:[ \t]*<([^<>\s]{3,500})>", re.I | re.M)
_PASTED_MARK = re.compile(r"^[> \t]*x-omnibox-id:[ \t]*(\S{3,200})", re.I | re.M)
_PASTED_FROM = re.compile(r"^[> \t]*(?:mail )?from:[ \t]*([^\n]{3,500})", re.I | re.M)
_PASTED_TO = re.compile(r"^[> \t]*(?:to|cc):[ \t]*([^\n]{3,2000})", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Copy:
    """What is known of the original: its ids, its recipients, and whether it came along."""

    ids: tuple[str, ...] = ()
    addressees: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()  # (display name, address) of those addressees that have one
    is_there: bool = False
    mark: str = ""


def find(raw: bytes, parts: Sequence[mime.Node], text: str) -> Copy:
    """The attached original; else the one that is pasted into the text."""
    for part in parts:
        if part.type in WHOLE or part.type in HEADS:
            content = mime.content(raw, part)
            block, _ = headers.split_block(content, 0, len(content), is_root=True)
            if block.fields:
                ids = tuple(headers.ids_of(block.first("message-id"))[:1])
                boxes = addressees(block)
                names = tuple((box.name, box.address) for box in boxes if box.name and len(box.name) > 2)
                senders = _unique(addresses.parse_list(block.first("from"))[:5])
                mark = block.plain("x-omnibox-id")[:200]
                return Copy(ids, _unique(boxes), senders, names, is_there=True, mark=mark)
    pasted = text[:MOST_TEXT]
    ids = tuple(dict.fromkeys(_PASTED_ID.findall(pasted)))[:5]
    marked = _PASTED_MARK.search(pasted)
    to, senders = _pasted_boxes(_PASTED_TO, pasted), _pasted_boxes(_PASTED_FROM, pasted)
    return Copy(ids, to, senders, mark=marked.group(1) if marked else "")


def addressees(block: Headers) -> list[Mailbox]:
    named = [*block.all("to"), *block.all("cc")]
    boxes = addresses.parse_list(b", ".join(named)[:65536])
    return [box for box in boxes if addresses.is_usable(box.address)]


def _pasted_boxes(field: re.Pattern[str], text: str) -> tuple[str, ...]:
    lines = ", ".join(field.findall(text)[:4]).encode("utf-8", "replace")
    return _unique([box for box in addresses.parse_list(lines) if addresses.is_usable(box.address)])


def _unique(boxes: Sequence[Mailbox]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(box.address for box in boxes))


def whole_parts(raw: bytes, parts: Sequence[mime.Node]) -> list[bytes]:
    """Attached mails that are delivery reports themselves: filters wrap what they find suspicious."""
    found = []
    for part in parts:
        if part.type in WHOLE:
            content = mime.content(raw, part)
            block, _ = headers.split_block(content, 0, len(content), is_root=True)
            if mime.content_type(block).value == "multipart/report":
                found.append(content)
    return found[:1]
