"""The bodies of the Send API, for sending and for `omnibox render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnibox.connector import Signal, pieces
from omnibox_messenger.decoding import elements, identifier, member
from omnibox_messenger.decoding import text as as_text

MOST_TEXT = 2000
MOST_QUICK_REPLIES = 13
LONGEST_QUICK_REPLY = 20
LONGEST_PAYLOAD = 1000
MOST_ATTACHMENTS = 10_000
"""Of one item; nobody sends as many, and a request for each of the million that fit into 10 MB takes gigabytes."""

GRAPH = "https://graph.facebook.com"
VERSION = "26.0"

_TYPES: Mapping[str, Mapping[str, str]] = {
    "": {"messaging_type": "RESPONSE"},
    "response": {"messaging_type": "RESPONSE"},
    "update": {"messaging_type": "UPDATE"},
    "human_agent": {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"},
}


def body(to: str, message: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """A call of the Send API. A mode that is none of ours raises ValueError(`unsupported`)."""
    if mode not in _TYPES:
        raise ValueError("unsupported")
    return {"recipient": {"id": to}, **_TYPES[mode], "message": dict(message)}


def action(to: str, signal: Signal) -> dict[str, Any]:
    """A call that shows the person what an agent does."""
    return {"recipient": {"id": to}, "sender_action": {"typing": "typing_on", "seen": "mark_seen"}[signal]}


def quick_replies(titles: Sequence[str]) -> dict[str, Any]:
    """The member for quick replies: a title, cut at what Meta takes, with itself as payload.

    More than Meta takes, or longer payloads, raise ValueError(`unsupported`).
    """
    if len(titles) > MOST_QUICK_REPLIES or any(len(title) > LONGEST_PAYLOAD for title in titles):
        raise ValueError("unsupported")
    shown = [quick_reply(_button(title), title) for title in titles]
    return {"quick_replies": shown} if shown else {}


def quick_reply(title: str, payload: str) -> dict[str, str]:
    return {"content_type": "text", "title": title, "payload": payload}


def _button(title: str) -> str:
    if len(title) <= LONGEST_QUICK_REPLY:
        return title
    return next(pieces(title.strip(), LONGEST_QUICK_REPLY)).rstrip()


def media_type(content_type: str) -> str:
    """Meta's word for a kind of file."""
    main = content_type.strip().lower().partition("/")[0]
    return main if main in ("image", "audio", "video") else "file"


def render(item: Mapping[str, Any]) -> dict[str, Any]:
    """The requests one item becomes; raises ValueError with the error's code."""
    to = identifier(item.get("to"))
    said = as_text(item.get("text")) if item.get("text") is not None else ""
    titles = [as_text(title) for title in elements(item.get("quick_replies"))]
    media = elements(item.get("attachments"))
    mode = item.get("mode") or ""
    if len(media) > MOST_ATTACHMENTS or to is None or said is None or None in titles or not isinstance(mode, str):
        raise ValueError("unsupported")
    messages = [_media(found) for found in media]
    messages += [{"text": piece} for piece in pieces(said, MOST_TEXT) if piece.strip()]  # Meta refuses a blank one
    if not messages:
        raise ValueError("empty")
    messages[-1].update(quick_replies([title for title in titles if title and title.strip()]))
    return {"requests": [_request(body(to, message, mode)) for message in messages]}


def _media(found: object) -> dict[str, Any]:
    url = as_text(member(found, "url"))
    if not url:
        raise ValueError("unsupported")
    kind = media_type(as_text(member(found, "content_type")) or "")
    return {"attachment": {"type": kind, "payload": {"url": url}}}


def _request(sent: dict[str, Any]) -> dict[str, Any]:
    url = f"{GRAPH}/v{VERSION}/me/messages"
    return {"method": "POST", "url": url, "headers": {"Content-Type": "application/json"}, "json": sent}
