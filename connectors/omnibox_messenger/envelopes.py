"""From an `Event` to the envelopes the core stores."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from omnibox.connector import Deleted, Echo, Edited, Envelope, Inbound, Notice, Reaction, Receipt, Unreadable, Warned
from omnibox_messenger.attachments import files, words
from omnibox_messenger.decoding import decode, elements, identifier, integer, member, milliseconds, moment, text
from omnibox_messenger.events import Event, events, ref, referral, watermark
from omnibox_messenger.everyday import everyday

LONGEST_ID = 500
"""Longer ids are replaced by their hash: an index of PostgreSQL takes 2,700 bytes, Meta's ids have about 100."""

EXCERPT = 500


def envelopes(raw: bytes, app_id: str = "") -> Iterable[Envelope]:
    """One envelope per element, `Unreadable` for an odd one, and a `Notice` more where a message brings a referral;
    none for the roles of a page's apps.

    Oldest first by Meta's time, since Meta promises no order; what is equal stays as it came. Raises ValueError for a
    body that is no JSON or no webhook of a page. With `app_id`, metadata of other apps is not taken for ours.
    """
    return everyday(raw) or _element_by_element(raw, app_id)


def _element_by_element(raw: bytes, app_id: str) -> Iterator[Envelope]:
    for event in sorted(events(decode(raw)), key=lambda event: event.time_ms or event.entry_ms or 0):
        try:
            yield from _made(event, app_id)
        except Exception as error:  # the edge: one odd element must not cost its batch
            yield unreadable(event, type(error).__name__)


def _made(event: Event, app_id: str) -> list[Envelope]:
    if len(event.pages) > 1:
        return [unreadable(event, "two_pages")]
    if event.page is None:
        return [unreadable(event, "no_page")]
    if event.member in ("policy_enforcement", "policy-enforcement"):  # Meta has documented both
        return [_policy(event, event.page)]
    if event.contact is None and event.member == "app_roles":
        return []  # it concerns the page and no thread: control is never assumed, so nothing changes for us
    if event.contact is None and (user_ref := identifier(member(event.body, "user_ref"))) and event.kind == "optin":
        event.contact = f"user_ref:{user_ref}"  # a web page made it up: it must never equal a person's id
    if event.contact is None and event.kind not in ("edited", "deleted"):
        name = text(member(event.element, "field"))
        return [_change(event.page, name) if name else unreadable(event, "no_contact")]
    made = _echo(event, app_id) if event.kind == "echo" else _MAKERS[event.kind](event)
    came = event.kind in ("message", "postback") and (referral(event) or ref(event))
    return [made, _referral(event)] if came else [made]


def unreadable(event: Event, kind: str) -> Unreadable:
    """The element as far as it can be told, for the quarantine."""
    whole = _canonical(event.element)
    digest = hashlib.sha256(whole.encode()).hexdigest()
    return Unreadable(kind, event.at, text(whole[:EXCERPT]) or "", len(whole), digest)


def _change(page: str, name: str) -> Unreadable:
    """A post, a comment, a lead: no part of a thread and no field that we ask for. Told once, not each time."""
    field, digest = name[:100], _sha([page, name])
    return Unreadable("not_a_message", f"{_short(page)} {field}", f"changes of the field {field}", 0, digest)


def _sha(value: object) -> str:
    return hashlib.sha256(_canonical(value).encode()).hexdigest()


def _canonical(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True)
    except RecursionError:  # deeper than the encoder follows, though the decoder did
        return "{}"


def _digest(kind: str, event: Event) -> str:
    """The key of an event without an id of its own: the same event sent again has the same one."""
    return _sha([kind, event.page, event.element])  # the element holds sender, time and payload


def _short(value: str) -> str:
    return value if len(value) <= LONGEST_ID else hashlib.sha256(value.encode()).hexdigest()


def _mid(event: Event) -> str | None:
    return _short(event.mid) if event.mid else None


def _sides(event: Event) -> tuple[str, str]:
    """The contact's address and ours."""
    return _short(event.contact or ""), _short(event.page or "")


def _at(event: Event) -> datetime:
    """Meta's time of the event, else of its entry, else 1970: parsing reads no clock."""
    return moment(event.time_ms or event.entry_ms or 0)


def _message(event: Event) -> Inbound:
    address, page = _sides(event)
    mid, found = _mid(event), files(event.attachments)
    shown = "\n".join(line for line in (event.text, *words(event.attachments)) if line)
    if not shown and not found:
        shown = "[message of a kind that cannot be shown]"
    return Inbound(
        event_key=mid or _digest("message", event),
        address=address,
        to=page,
        sent_at=_at(event),
        external_id=mid,
        text=shown,
        refs=_refs(event),
        files=found,
        chosen=_payload(member(event.body, "quick_reply")),
    )


def _refs(event: Event) -> tuple[str, ...]:
    return (_short(event.reply_to),) if event.reply_to else ()


def _echo(event: Event, app_id: str) -> Echo:
    address, page = _sides(event)
    mid = _mid(event)
    return Echo(
        event_key=mid or _digest("echo", event),
        address=address,
        to=page,
        sent_at=_at(event),
        external_id=mid,
        part_id=_part_id(event, app_id),
        text="\n".join(line for line in (event.text, *words(event.attachments)) if line),
        refs=_refs(event),
        files=files(event.attachments),
    )


def _part_id(event: Event, app_id: str) -> str | None:
    """Our part id out of the metadata; another app's metadata is none of ours."""
    metadata, app = text(member(event.body, "metadata")), identifier(member(event.body, "app_id"))
    is_ours = not app_id or app is None or app == app_id
    return metadata if metadata and is_ours and len(metadata) <= LONGEST_ID else None


def _postback(event: Event) -> Inbound:
    address, page = _sides(event)
    mid = _mid(event)
    return Inbound(
        event_key=mid or _digest("postback", event),
        address=address,
        to=page,
        sent_at=_at(event),
        external_id=mid,
        text=event.text or text(member(event.body, "payload")) or "[button]",
        chosen=_payload(event.body),
    )


def _payload(pressed: object) -> str:
    """What we gave the button to bring back; whose it is and whether it is ours, the core knows."""
    found = text(member(pressed, "payload")) or ""
    return found if len(found) <= LONGEST_ID else ""


def _receipt(event: Event) -> Envelope:
    address, page = _sides(event)
    mark = milliseconds(watermark(event))
    ids = tuple(_short(mid) for mid in mids(event))
    if mark is None and not ids:
        return unreadable(event, "receipt_for_nothing")
    at_ms = event.time_ms or mark or event.entry_ms or 0
    return Receipt(
        "read" if event.kind == "read" else "delivered",
        moment(at_ms),
        page,
        address=address,
        external_ids=ids,
        watermark=moment(mark) if mark else None,
    )


def mids(event: Event) -> list[str]:
    """The message ids a delivery names."""
    found = (identifier(mid) for mid in elements(member(event.body, "mids")))
    return [mid for mid in found if mid]


def _edited(event: Event) -> Envelope:
    mid, page = _mid(event), event.page
    if mid is None or page is None:
        return unreadable(event, "edit_of_nothing")
    revision = integer(member(event.body, "num_edit")) or 1
    return Edited(mid, _short(page), _at(event), event.text, min(max(revision, 1), 1_000_000))


def _deleted(event: Event) -> Envelope:
    mid, page = _mid(event), event.page
    return (
        unreadable(event, "deletion_of_nothing")
        if mid is None or page is None
        else Deleted(mid, _short(page), _at(event))
    )


def _reaction(event: Event) -> Envelope:
    mid = _mid(event)
    address, page = _sides(event)
    if mid is None:
        return unreadable(event, "reaction_to_nothing")
    is_taken_back = (text(member(event.body, "action")) or "react") == "unreact"
    emoji = text(member(event.body, "emoji")) or text(member(event.body, "reaction")) or ""
    is_ours = event.sender is not None and event.sender == event.page  # given in Meta's own page inbox
    return Reaction(mid, address, page, _at(event), "" if is_taken_back else emoji, is_ours)


def _notice(event: Event, kind: str, shown: str) -> Notice:
    address, page = _sides(event)
    return Notice(_digest(kind, event), kind, address, page, _at(event), shown)


def _referral(event: Event) -> Notice:
    body = referral(event)
    product = identifier(member(member(body, "product"), "id"))
    source = text(member(body, "source")) or ("a product" if product else "a link")
    parts = [f"Came through {source[:100]}"]
    if found := ref(event):
        parts.append(f"reference {found[:200]}")
    if ad := identifier(member(body, "ad_id")):
        parts.append(f"ad {ad[:100]}")
    if product:
        parts.append(f"product {product[:100]}")
    return _notice(event, "referral", ", ".join(parts))


def _optin(event: Event) -> Notice:
    found = ref(event) or text(member(event.body, "title")) or text(member(event.body, "type"))
    return _notice(event, "optin", f"Opted in: {found[:200]}" if found else "Opted in")


_CONTROL: Mapping[str, tuple[str, str]] = {
    "pass_thread_control": ("The thread was passed to another app", "new_owner_app_id"),
    "take_thread_control": ("Another app took the thread", "previous_owner_app_id"),
    "request_thread_control": ("Another app asks for the thread", "requested_owner_app_id"),
    "release_thread_control": ("The thread was released", "previous_owner_app_id"),
}


def _handover(event: Event) -> Notice:
    words_, owner = _CONTROL.get(event.member, ("The apps of this page changed their roles", ""))
    app = identifier(member(event.body, owner)) if owner else None
    return _notice(event, "handover", f"{words_} ({app[:100]})" if app else words_)


def _policy(event: Event, page: str) -> Warned:
    """It concerns the page, not a person."""
    action = (text(member(event.body, "action")) or "").lower()
    is_over = action.startswith("unblock")
    code = "messenger.policy_block" if is_over or action.startswith("block") else "messenger.policy_warning"
    return Warned(_short(page), _at(event), code, is_over)


def _other(event: Event) -> Notice:
    if event.member == "account_linking":
        status = text(member(event.body, "status")) or "changed"
        return _notice(event, "unsupported", f"Account link: {status[:100]}")
    return _notice(event, "unsupported", f"Unsupported event: {(text(event.member) or 'unnamed')[:100]}")


_MAKERS: Mapping[str, Callable[[Event], Envelope]] = {
    "message": _message,
    "postback": _postback,
    "delivery": _receipt,
    "read": _receipt,
    "edited": _edited,
    "deleted": _deleted,
    "reaction": _reaction,
    "referral": _referral,
    "optin": _optin,
    "handover": _handover,
    "other": _other,
}
