"""What Meta's Send API takes and what it refuses, as far as the simulated Graph API plays it.

Read from Meta's pages of 2026 (messaging windows, message tags, error codes). As strict as Meta: what the real
platform would refuse must not pass here; undocumented members are refused too, where Meta may only ignore them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

HOUR_MS = 3600 * 1000
DAY_MS = 24 * HOUR_MS
MOST_TEXT = 2000
MOST_UPLOAD = 25 * 1024 * 1024
MOST_QUICK_REPLIES = 13
MOST_BUTTON_TEXT, MOST_BUTTONS, MOST_BUTTON, MOST_PAYLOAD = 640, 3, 20, 1000
MOST_ELEMENTS, MOST_TITLE = 10, 80
MEDIA = frozenset({"image", "audio", "video", "file"})
RETIRED_TAGS = frozenset({"CONFIRMED_EVENT_UPDATE", "ACCOUNT_UPDATE", "POST_PURCHASE_UPDATE"})
ACTIONS = frozenset({"typing_on", "typing_off", "mark_seen"})

_CALL = frozenset(
    {
        *("recipient", "messaging_type", "tag", "message", "sender_action", "persona_id"),
        *("access_token", "appsecret_proof"),
    }
)
_MESSAGE = frozenset({"text", "attachment", "quick_replies", "metadata"})


@dataclass(slots=True)
class Quota:
    """What a page may ask: calls a second by kind, and calls in an hour. Times are Meta's, in milliseconds."""

    per_s: dict[str, float] = field(default_factory=lambda: {"text": 300.0, "media": 10.0, "thread": 2.0})
    burst_s: float = 10.0
    per_hour: int = 1_000_000
    _seen: dict[str, list[int]] = field(default_factory=dict)

    def count(self, kind: str, now_ms: int) -> None:
        """Count a call; raises `Refused` for one too many."""
        seen = self._seen.setdefault(kind, [])
        since = now_ms - int(1000 * self.burst_s)
        seen[:] = [at for at in seen if at > since] + [now_ms]
        if kind in self.per_s and len(seen) > self.per_s[kind] * self.burst_s:
            raise Refused(613, None, "Calls to this api have exceeded the rate limit")
        hour = self._seen.setdefault("", [])
        hour.append(now_ms)
        if self.share(now_ms) > 100:
            raise Refused(80006, None, "There have been too many calls to this page")

    def share(self, now_ms: int) -> int:
        """Percent of the hour's calls that are used."""
        hour = self._seen.get("", [])
        while hour and hour[0] <= now_ms - HOUR_MS:
            hour.pop(0)
        return -(-100 * len(hour) // self.per_hour)

    def regained_in_min(self, now_ms: int) -> int:
        """Minutes until a used-up quota has room again; 0 where it has room."""
        return 0 if self.share(now_ms) < 100 else -(-(self._seen[""][0] + HOUR_MS - now_ms) // 60_000)


class Refused(Exception):
    """An error of the Graph API."""

    def __init__(self, code: int, subcode: int | None = None, message: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.code, self.subcode, self.message, self.status = code, subcode, message, status

    def body(self) -> dict[str, Any]:
        """The error as Meta words it: the message may well quote what was sent."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.message}",
            "type": "OAuthException",
            "code": self.code,
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": {**error, "fbtrace_id": "AbCdEfGhIjK0123456789"}}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Send API that is well formed."""

    psid: str
    messaging_type: str = ""
    tag: str = ""
    text: str = field(default="", repr=False)
    attachment: Mapping[str, Any] | None = field(default=None, repr=False)
    quick_replies: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    metadata: str = ""
    action: str = ""
    persona: str | None = None


def read_call(payload: object) -> Call:
    """The call a body makes; raises `Refused`."""
    body = _object(payload, "body", _CALL)
    recipient = _object(body.get("recipient"), "recipient", {"id"})
    psid = recipient.get("id")
    if not isinstance(psid, str) or not psid:
        raise Refused(100, None, "Param recipient[id] must be a string")
    if "sender_action" in body:
        if body["sender_action"] not in ACTIONS or "message" in body:
            raise Refused(100, None, "Invalid sender_action")
        return Call(psid, action=str(body["sender_action"]))
    kind, tag = body.get("messaging_type"), body.get("tag", "")
    _check_type(kind, tag)
    message = _object(body.get("message"), "message", _MESSAGE)
    return Call(
        psid,
        str(kind),
        str(tag),
        text=_text(message),
        attachment=_attachment(message),
        quick_replies=_quick_replies(message.get("quick_replies", [])),
        metadata=_metadata(message.get("metadata", "")),
        persona=body.get("persona_id"),
    )


def _object(value: object, name: str, allowed: Collection[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused(100, None, f"Param {name} must be an object")
    odd = sorted(set(value) - set(allowed))
    if odd:
        raise Refused(100, None, f"Unexpected key {odd[0]!r} on param {name}")
    return value


def _check_type(kind: object, tag: object) -> None:
    if kind not in ("RESPONSE", "UPDATE", "MESSAGE_TAG"):
        raise Refused(100, None, "Param messaging_type must be one of RESPONSE, UPDATE, MESSAGE_TAG")
    if tag in RETIRED_TAGS:
        raise Refused(100, 1893061, "This message tag is no longer supported")
    if (kind == "MESSAGE_TAG") != (tag == "HUMAN_AGENT") or (tag and kind != "MESSAGE_TAG"):
        raise Refused(100, None, "messaging_type and tag do not fit")


def _text(message: Mapping[str, Any]) -> str:
    if ("text" in message) == ("attachment" in message):
        raise Refused(100, None, "A message has either text or attachment")
    text = message.get("text", "")
    if not isinstance(text, str) or ("text" in message and not text.strip()):
        raise Refused(100, None, "Param message[text] must be a non-empty string")
    if len(text) > MOST_TEXT:
        raise Refused(100, None, f"Param message[text] must be at most {MOST_TEXT} characters: {text[:60]}")
    return text


def _attachment(message: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if "attachment" not in message:
        return None
    attachment = _object(message["attachment"], "attachment", {"type", "payload"})
    if attachment.get("type") == "template":
        check_template(attachment.get("payload"))
        return attachment
    payload = _object(attachment.get("payload"), "payload", {"url", "attachment_id", "is_reusable"})
    if attachment.get("type") not in MEDIA:
        raise Refused(100, None, "Param attachment[type] must be one of image, audio, video, file, template")
    if isinstance(payload.get("url"), str) == isinstance(payload.get("attachment_id"), str):
        raise Refused(100, None, "An attachment has either url or attachment_id")
    return attachment


def check_template(payload: object) -> None:
    """Raise `Refused` unless it is a button template or a generic one within Meta's limits."""
    if not isinstance(payload, dict):
        raise Refused(100, None, "Param payload must be an object")
    if payload.get("template_type") == "button":
        found = _object(payload, "payload", {"template_type", "text", "buttons"})
        _words(found.get("text"), "text", MOST_BUTTON_TEXT)
        _buttons(found.get("buttons"), least=1)
    elif payload.get("template_type") == "generic":
        found = _object(payload, "payload", {"template_type", "elements"})
        elements = found.get("elements")
        if not isinstance(elements, list) or not 0 < len(elements) <= MOST_ELEMENTS:
            raise Refused(100, None, f"A generic template has 1 to {MOST_ELEMENTS} elements")
        for element in elements:
            _element(element)
    else:
        raise Refused(100, None, "Param template_type must be one of button, generic")


def _element(value: object) -> None:
    element = _object(value, "element", {"title", "subtitle", "image_url", "default_action", "buttons"})
    _words(element.get("title"), "title", MOST_TITLE)
    if "subtitle" in element:
        _words(element["subtitle"], "subtitle", MOST_TITLE)
    if "image_url" in element:
        _address(element["image_url"])
    if len(element) < 2:
        raise Refused(100, None, "An element has a title and something else")
    if "buttons" in element:
        _buttons(element["buttons"], least=0)


def _buttons(value: object, least: int) -> None:
    if not isinstance(value, list) or not least <= len(value) <= MOST_BUTTONS:
        raise Refused(100, None, f"There are at most {MOST_BUTTONS} buttons")
    for each in value:
        button = _object(each, "button", {"type", "title", "url", "payload"})
        _words(button.get("title"), "title", MOST_BUTTON)
        if button.get("type") == "web_url":
            _address(button.get("url"))
        elif button.get("type") in ("postback", "phone_number"):
            _words(button.get("payload"), "payload", MOST_PAYLOAD)
        else:
            raise Refused(100, None, "Param button[type] must be one of web_url, postback, phone_number")


def presses_of(call: Call) -> dict[str, str]:
    """What every quick reply and button of a message brings back, by its title; links bring nothing."""
    payload = (call.attachment or {}).get("payload", {})
    elements = payload.get("elements", [])
    buttons = [*payload.get("buttons", []), *(each for element in elements for each in element.get("buttons", []))]
    pressed = [*call.quick_replies, *(button for button in buttons if button["type"] == "postback")]
    return {str(each["title"]): str(each["payload"]) for each in pressed}


def _words(value: object, name: str, most: int) -> None:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= len(value) <= most:
        raise Refused(100, None, f"Param {name} must be a string of 1 to {most} characters")


def _address(value: object) -> None:
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        raise Refused(100, None, "Param url must be a web address")


def _quick_replies(value: object) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list) or len(value) > MOST_QUICK_REPLIES:
        raise Refused(100, None, f"Param quick_replies must be a list of at most {MOST_QUICK_REPLIES}")
    replies = [_object(reply, "quick_replies", {"content_type", "title", "payload", "image_url"}) for reply in value]
    for reply in replies:
        title, payload = reply.get("title"), reply.get("payload")
        if reply.get("content_type") != "text" or not isinstance(title, str) or not 0 < len(title) <= 20:
            raise Refused(100, None, "A quick reply has a title of at most 20 characters")
        if not isinstance(payload, str) or len(payload) > 1000:
            raise Refused(100, None, "A quick reply has a payload of at most 1000 characters")
    return tuple(replies)


def read_persona(payload: object) -> str:
    """The name of a persona that somebody wants made; raises `Refused`. Its picture is fetched by Meta."""
    wanted = _object(payload, "body", {"name", "profile_picture_url"})
    _words(wanted.get("name"), "name", MOST_TITLE)
    _address(wanted.get("profile_picture_url"))
    return str(wanted["name"])


def _metadata(value: object) -> str:
    if not isinstance(value, str) or len(value) > 1000:
        raise Refused(100, None, "Param message[metadata] must be a string of at most 1000 characters")
    return value


def check_window(
    call: Call, last_inbound_ms: int, now_ms: int, *, is_human_agent_approved: bool, is_by_a_person: bool = True
) -> None:
    """Raise `Refused` unless the page may write now. Meta's reviewers, not its API, see who wrote a HUMAN_AGENT."""
    if call.action:
        return
    since_ms = now_ms - last_inbound_ms
    if call.tag == "HUMAN_AGENT" and not is_human_agent_approved:
        raise Refused(10, None, "Application does not have the Human Agent feature", 403)
    if call.tag == "HUMAN_AGENT" and not is_by_a_person:
        raise Refused(368, None, "The tag is for answers of people")
    if since_ms > (7 if call.tag else 1) * DAY_MS:
        raise Refused(10, 2018278, "This message is sent outside of allowed window.", 403)
