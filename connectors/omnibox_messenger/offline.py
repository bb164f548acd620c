"""The lines of `omnibox normalize` for a webhook body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omnibox_messenger.decoding import decode, moment, text
from omnibox_messenger.decoding import member as member_of
from omnibox_messenger.envelopes import mids
from omnibox_messenger.events import Attachment, Event, events, ref, watermark

MOST_BARE = 10_000
"""Elements of nobody and of no known kind beyond this number share a line: millions of them fit into 10 MB."""


def lines(raw: bytes, account: str | None) -> Iterator[dict[str, Any]]:
    """One line per event, in payload order; raises ValueError with the error's code.

    Events of other pages than `account`, and a message that stood before in the same body, have the kind `other`.
    """
    seen: set[str] = set()
    bare = 0
    for event in events(decode(raw)):
        if event.kind == "other" and event.sender is None and event.recipient is None:
            bare += 1
            if bare > MOST_BARE:
                continue
        kind = "other" if account and event.pages - {account} else event.kind
        if kind == "message" and event.mid is not None:
            kind = "other" if event.mid in seen else kind
            seen.add(event.mid)
        yield _line(event, kind)
    if bare > MOST_BARE:
        yield _line(Event("other", "", "", text=f"[{bare - MOST_BARE} more elements of no known kind]"), "other")


def _line(event: Event, kind: str) -> dict[str, Any]:
    return {
        "v": 1,
        "channel": "messenger",
        "kind": kind,
        "external_id": event.mid,
        "in_reply_to": event.reply_to,
        "references": [],
        "sender": _person(event.sender),
        "to": [_person(event.recipient)] if event.recipient else [],
        "cc": [],
        "reply_to": [],
        "subject": None,
        "text": event.text,
        "html": None,
        "reply_text": event.text,
        "attachments": [_attachment(item) for item in event.attachments],
        "timestamp": _timestamp(event.time_ms),
        "auto_submitted": False,
        "bounce": None,
        **_extra(event, kind),
    }


def _person(address: str | None) -> dict[str, str | None] | None:
    return {"name": None, "address": address} if address else None


def _attachment(item: Attachment) -> dict[str, Any]:
    return {
        "type": item.type,
        "url": item.url,
        "title": item.title,
        "latitude": item.latitude,
        "longitude": item.longitude,
    }


def _timestamp(time_ms: int | None) -> str | None:
    if time_ms is None:
        return None
    return moment(time_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(event: Event, kind: str) -> dict[str, Any]:
    if kind == "delivery":
        return {"message_ids": mids(event), "watermark": watermark(event)}
    if kind == "read":
        return {"watermark": watermark(event)}
    if kind == "postback":
        return {"payload": text(member_of(event.body, "payload")), "ref": ref(event)}
    if kind in ("referral", "optin"):
        return {"ref": ref(event)}
    if kind == "reaction":
        return {"emoji": text(member_of(event.body, "emoji")), "action": text(member_of(event.body, "action"))}
    return {}
