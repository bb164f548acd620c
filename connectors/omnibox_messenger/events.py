"""What stands in a webhook body: every element of every entry as one `Event`, whatever its state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from omnibox_messenger.decoding import elements, flag, identifier, integer, member, milliseconds, number, text

HANDOVERS = (
    "pass_thread_control",
    "take_thread_control",
    "request_thread_control",
    "release_thread_control",
    "app_roles",
)

MEMBERS: Mapping[str, str] = {
    "message": "message",
    "message_edit": "edited",
    "postback": "postback",
    "delivery": "delivery",
    "read": "read",
    "reaction": "reaction",
    "referral": "referral",
    "optin": "optin",
    **dict.fromkeys(HANDOVERS, "handover"),
}
"""The member that makes an element what it is, in the order in which it is looked for, and the kind it makes."""

_MAIN_MEMBER: Mapping[str, str] = {
    "message": "text",
    "message_edit": "text",
    "postback": "title",
    "reaction": "emoji",
    "referral": "ref",
    "optin": "ref",
    "read": "watermark",
    "delivery": "watermark",
}
"""What a bare value stands for where an object was due."""

MOST_ATTACHMENTS = 10_000
"""Meta's apps send 30 at most; the millions that fit into a body of 10 MB would take gigabytes."""

_NO_EVENTS = ("id", "time", "uid", "hop_context")
"""Members of an entry that say something about it. `hop_context` lists the apps the events passed through."""

_NO_KIND = ("sender", "recipient", "timestamp", "id", "time")
"""Members of an element that say whose and when it is, not what."""

_MESSAGING_FIELDS = re.compile("message_(echoes|edits|reactions|deliveries|reads)|messages|messaging_.*|standby")
"""Subscriptions whose events, as the test button of the app's dashboard sends them, stand in `changes`."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment as it arrived; a sticker has the type `sticker` in both of Meta's shapes."""

    type: str | None
    url: str | None = field(default=None, repr=False)
    title: str | None = field(default=None, repr=False)
    latitude: float | None = field(default=None, repr=False)
    longitude: float | None = field(default=None, repr=False)
    payload: object = field(default=None, repr=False)


@dataclass(slots=True)  # a frozen one takes four times as long to make, and one is made per element
class Event:
    """One element. `kind` is a word of the offline command; `member` names what made it; `body` is that member.

    `page` is our side, `contact` the other one. `pages` holds every page the element names: with more than one of
    them it belongs nowhere for certain. Times are milliseconds; `at` says where in the body the element stood.
    """

    kind: str
    member: str
    at: str
    page: str | None = None
    pages: frozenset[str] = frozenset()
    sender: str | None = None
    recipient: str | None = None
    contact: str | None = None
    time_ms: int | None = None
    entry_ms: int | None = None
    mid: str | None = None
    reply_to: str | None = None
    text: str = field(default="", repr=False)
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)
    body: object = field(default=None, repr=False)
    element: object = field(default=None, repr=False)


def events(payload: object) -> Iterator[Event]:
    """Every event of a decoded body, in its order; raises ValueError(`unsupported`) for a body of another shape.

    `messaging` and `standby` are read alike: a page that is not in control of a thread still sees it.
    """
    for at, entry in enumerate(_entries(payload)):
        if not isinstance(entry, dict):
            yield Event("other", "", f"entry[{at}]", element=entry)
            continue
        page, time_ms = identifier(entry.get("id")), milliseconds(entry.get("time"))
        for name, members in entry.items():
            where = f"entry[{at}].{name}"
            if name in ("messaging", "standby"):
                for index, element in enumerate(elements(members)):
                    yield _event(element, page, time_ms, f"{where}[{index}]")
            elif isinstance(members, (list, dict)) and members and name not in _NO_EVENTS:
                for index, element in enumerate(elements(members)):  # `changes` and what else may come
                    yield _change(element, page, time_ms, f"{where}[{index}]")


def _entries(payload: object) -> list[object]:
    """The entries of a body that is a page's webhook.

    A missing `object` is forgiven where the entries look like events; another platform's name is not.
    """
    kind, entries = member(payload, "object"), member(payload, "entry")
    if isinstance(entries, dict):
        entries = [entries]
    if not isinstance(entries, list) or (isinstance(kind, str) and kind.strip().lower() != "page"):
        raise ValueError("unsupported")
    looks_right = any(isinstance(entry, dict) and ("messaging" in entry or "standby" in entry) for entry in entries)
    if not isinstance(kind, str) and not looks_right:
        raise ValueError("unsupported")
    return entries


def _unknown(element: object, page: str | None, entry_ms: int | None, at: str) -> Event:
    pages = frozenset([page] if page else [])
    return Event("other", "", at, page=page, pages=pages, entry_ms=entry_ms, element=element)


def _change(element: object, page: str | None, entry_ms: int | None, at: str) -> Event:
    """An event of a thread where the change holds one; a post, a comment or a lead is none."""
    value, name = member(element, "value"), member(element, "field")
    has_sides = isinstance(member(value, "sender") or member(value, "recipient"), dict)
    if has_sides and isinstance(name, str) and _MESSAGING_FIELDS.fullmatch(name):
        return _event(value, page, entry_ms, at)
    return _unknown(element, page, entry_ms, at)


def _event(element: object, entry_page: str | None, entry_ms: int | None, at: str) -> Event:
    if not isinstance(element, dict):
        return _unknown(element, entry_page, entry_ms, at)
    name, body = _what(element)
    kind = MEMBERS.get(name, "other")
    sender, recipient = identifier(element.get("sender")), identifier(element.get("recipient"))
    is_from_page = (kind == "message" and flag(member(body, "is_echo"))) or (
        sender is not None and sender == entry_page
    )
    ours, contact = (sender, recipient) if is_from_page else (recipient, sender)
    if kind == "message":
        kind = "deleted" if flag(member(body, "is_deleted")) else "echo" if is_from_page else "message"
    return Event(
        kind,
        name,
        at,
        page=entry_page or ours,
        pages=frozenset(page for page in (entry_page, ours) if page),
        sender=sender,
        recipient=recipient,
        contact=contact,
        time_ms=milliseconds(element.get("timestamp")),
        entry_ms=entry_ms,
        mid=identifier(member(body, "mid")),
        reply_to=_reply_to(member(body, "reply_to")),
        text=_text(kind, body),
        attachments=attachments(body),
        body=body,
        element=element,
    )


def _what(element: Mapping[str, object]) -> tuple[str, object]:
    """The name of the member that makes the element, and that member as an object."""
    for name in MEMBERS:
        found = element.get(name)
        if not found:
            continue
        if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
            found = found[0]
        if isinstance(found, dict):
            return name, found
        main = _MAIN_MEMBER.get(name)
        if main and text(found):
            return name, {main: found}
    there = [name for name in (*MEMBERS, *element) if name in element and name not in _NO_KIND]
    # Who forwards events may write every member there is, null or empty where nothing came: an object goes first.
    said = (name for name in there if isinstance(element[name], dict))
    name = next(said, there[0] if there else "")
    return name, element.get(name)


def _reply_to(value: object) -> str | None:
    return identifier(member(value, "mid") if isinstance(value, dict) else value)


def _text(kind: str, body: object) -> str:
    if kind in ("message", "echo", "edited"):
        return text(member(body, "text")) or ""
    return (text(member(body, "title")) or "") if kind == "postback" else ""


def attachments(body: object) -> tuple[Attachment, ...]:
    """The attachments of a message, however odd. A sticker of the old shape counts as a sticker."""
    found = tuple(_attachment(item) for item in elements(member(body, "attachments") or None)[:MOST_ATTACHMENTS])
    has_sticker = member(body, "sticker_id") is not None
    if not has_sticker:
        return found
    if not found:
        return (Attachment("sticker"),)
    return tuple(
        Attachment("sticker", item.url, item.title, payload=item.payload) if item.type == "image" else item
        for item in found
    )


def _attachment(item: object) -> Attachment:
    payload = member(item, "payload")
    kind = text(member(item, "type"))
    if kind == "image" and member(payload, "sticker_id") is not None:
        kind = "sticker"
    places = member(payload, "coordinates") or member(item, "coordinates")
    return Attachment(
        kind,
        _url(item, payload),
        text(member(item, "title")) or text(member(payload, "title")) or None,
        number(member(places, "lat")),
        number(member(places, "long")),
        payload,
    )


def _url(item: object, payload: object) -> str | None:
    """The payload's address, else the attachment's own, which old documentation writes in capitals."""
    bare = payload if isinstance(payload, str) and "://" in payload else None
    found = (bare, *(member(holder, name) for holder in (payload, item) for name in ("url", "URL")))
    return next((shown for value in found if (shown := text(value))), None)


def watermark(event: Event) -> int | None:
    """The watermark of a receipt as it arrived, in whatever unit."""
    return integer(member(event.body, "watermark"))


def ref(event: Event) -> str | None:
    """The reference of a referral or an opt-in, or of the referral inside a postback or a message."""
    return text(member(event.body, "ref")) or text(member(referral(event), "ref")) or None


def referral(event: Event) -> object:
    """What brought the person here, wherever in the element it stands; None if nothing says so."""
    if event.member == "referral":
        return event.body
    return member(event.body, "referral") or member(event.element, "referral") or None
