"""Every kind of webhook, line by line: what the offline command shows of the recorded bodies, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from omnibox_messenger import Messenger

FIXTURES = Path(__file__).parents[3] / "fixtures" / "messenger"
PAGE, PAGE_2 = "104857293640118", "117300425598342"
PSID, PSID_2 = "6120934475508127", "5988120047731265"
AT = "2026-11-21T10:00:00.123Z"
AT_MS = 1795255200123


def person(address: str) -> dict[str, str | None]:
    return {"name": None, "address": address}


def line(
    kind: str, *, of: str | None = PSID, to: str | None = PAGE, at: str | None = AT, **more: Any
) -> dict[str, Any]:
    """A whole line, with what most of them say where nothing else is given."""
    text = more.pop("text", "")
    return {
        "v": 1,
        "channel": "messenger",
        "kind": kind,
        "external_id": more.pop("mid", None),
        "in_reply_to": None,
        "references": [],
        "sender": person(of) if of else None,
        "to": [person(to)] if to else [],
        "cc": [],
        "reply_to": [],
        "subject": None,
        "text": text,
        "html": None,
        "reply_text": text,
        "attachments": [],
        "timestamp": at,
        "auto_submitted": False,
        "bounce": None,
    } | more


def postback(text: str, payload: str | None, **more: Any) -> dict[str, Any]:
    return line("postback", text=text, payload=payload, ref=None, **more)


def attachment(kind: str, url: str | None = None, title: str | None = None) -> dict[str, Any]:
    return {"type": kind, "url": url, "title": title, "latitude": None, "longitude": None}


CDN = "https://scontent.example"
CASES: Mapping[str, list[dict[str, Any]]] = {
    "account_linking": [line("other"), line("other")],
    "postback_plain": [postback("Get Started", "WELCOME", mid="m_pb1"), postback("Old menu", "MENU_1")],
    "postback_in_standby": [postback("Track my order", None)],
    "referral_advertisement": [line("message", mid="m_ad1", text="Is it still for sale?")],
    "referral_product": [line("message", mid="m_pr1", text="Do you have it in 38?")],
    "referral_of_each_source": [line("referral", ref=ref) for ref in ("shelf-3", None, None, "footer")],
    "optin_of_each_kind": [
        line("optin", ref="basket-17"),
        line("optin", of=None, ref="checkbox-4"),
        line("optin", ref=None),
        line("optin", ref=None),
    ],
    "handover_of_each_kind": [line("handover"), line("handover"), line("handover"), line("handover", of=None)],
    "thread_released": [line("handover")],
    "members_that_are_null": [
        line("other"),
        postback("Opening hours", "HOURS", mid="m_nu1"),
        line("optin", ref="till-2"),
        line("message", mid="m_nu2", text="still here"),
    ],
    "echo_with_attachment": [
        line("echo", of=PAGE, to=PSID, mid="m_ea1", attachments=[attachment("image", f"{CDN}/v/reply.png?oh=1")])
    ],
    "echo_unsent": [line("deleted", of=PAGE, to=PSID, mid="m_eu1")],
    "reaction_of_the_page": [
        line("reaction", of=PAGE, to=PSID, mid="m_rp1", emoji="\N{HEAVY BLACK HEART}\ufe0f", action="react")
    ],
    "delivered_without_mids": [line("delivery", at=None, message_ids=[], watermark=1795255199000)],
    "read_with_sequence": [line("read", watermark=1795255199500)],
    "reel_and_post": [
        line(
            "message",
            mid="m_re1",
            attachments=[
                attachment("ig_reel", f"{CDN}/reel.mp4", "Autumn window"),
                attachment("ig_post", f"{CDN}/post.jpg", "A post"),
                attachment("reel", "https://www.facebook.example/reel/2", "Second"),
                attachment("appointment_booking", None, "Fitting"),
            ],
        )
    ],
    "product_template": [line("message", mid="m_pt1", attachments=[attachment("template")])],
    "fallback_of_both_shapes": [
        line(
            "message",
            mid="m_fb1",
            text="https://shop.example/boots",
            attachments=[attachment("fallback", "https://l.facebook.example/l.php?u=1", "Blue boots")],
        ),
        line(
            "message",
            mid="m_fb2",
            text="look",
            attachments=[attachment("fallback", "https://shop.example/b", "Boots")],
        ),
        line("message", mid="m_fb3", attachments=[attachment("fallback", "https://shop.example/c", "Old")]),
    ],
    "text_with_language": [
        line("message", mid="m_nl1", text="Hola, ¿abren mañana?"),
        line("message", mid="m_cm1", text="/menu"),
    ],
    "message_of_no_kind": [line("message", mid="m_un1"), line("message", mid="m_un2")],
    "feedback_and_lead_form": [line("other"), line("other")],
    "changes_of_the_page": [
        line("other", of=None, to=None, at=None),
        line("other", of=None, to=None, at=None),
        line("message", mid="m_ch1", text="after the changes"),
    ],
    "dashboard_test": [line("message", mid="test_message_id", text="test_message", at="2026-11-21T10:00:00.000Z")],
    "through_other_apps": [line("message", mid="m_ho1", text="hello")],
    "same_mid_twice": [
        line("message", mid="m_tw1", text="once"),
        line("other", mid="m_tw1", text="once"),
        line("other", mid="m_tw1", text="once"),
    ],
    "both_arrays_of_two_pages": [
        line("message", mid="m_b1", text="one"),
        line("read", watermark=AT_MS),
        line("message", mid="m_b2", text="two"),
        line("message", of=PSID_2, to=PAGE_2, mid="m_b3", text="three"),
        line("echo", of=PAGE_2, to=PSID_2, mid="m_b4", text="four"),
    ],
    "policy_enforcement_old_name": [line("other", of=None)],
    "text": [line("message", mid="m_tQx1a", text="Hola, ¿tenéis la talla 38? \N{ATHLETIC SHOE}")],
}


def normalize(name: str, account: str | None = None) -> list[Mapping[str, Any]]:
    return list(Messenger.normalize((FIXTURES / f"{name}.body").read_bytes(), account))


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_webhook_has_its_lines(name: str) -> None:
    assert normalize(name) == CASES[name]


def test_the_other_page_is_other_and_ours_is_not() -> None:
    kinds = ["message", "read", "message", "message", "echo"]
    assert [line["kind"] for line in normalize("both_arrays_of_two_pages", PAGE)] == [*kinds[:3], "other", "other"]
    assert [line["kind"] for line in normalize("both_arrays_of_two_pages", PAGE_2)] == ["other"] * 3 + kinds[3:]
    assert [line["kind"] for line in normalize("both_arrays_of_two_pages", "1")] == ["other"] * 5


def one(**message: object) -> Mapping[str, Any]:
    element = {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": AT_MS, **message}
    raw = json.dumps({"object": "page", "entry": [{"id": PAGE, "messaging": [element]}]}).encode()
    (found,) = Messenger.normalize(raw, None)
    return found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"message": [{"mid": "m", "text": "t"}]}, {"kind": "message", "external_id": "m", "text": "t"}),
        ({"message": {"mid": "m", "reply_to": "m_0"}}, {"in_reply_to": "m_0"}),
        ({"message": {"mid": "m", "reply_to": {"mid": 7, "is_self_reply": True}}}, {"in_reply_to": "7"}),
        ({"message": {"mid": "m", "reply_to": {"story": {"id": "s"}}}}, {"in_reply_to": None}),
        ({"message": {"mid": "m", "attachments": {}}}, {"kind": "message", "attachments": []}),
        ({"message": {"mid": "m", "attachments": ""}}, {"kind": "message", "attachments": []}),
        ({"message": {"mid": "m", "is_deleted": "true", "text": None}}, {"kind": "deleted", "external_id": "m"}),
        ({"message": {"mid": "m", "is_deleted": False, "is_echo": 0}}, {"kind": "message"}),
        ({"message": {"mid": "m"}, "referral": {"ref": "r"}}, {"kind": "message"}),
        ({"postback": {"payload": {"a": 1}, "title": 5}}, {"kind": "postback", "text": "5", "payload": None}),
        ({"postback": {"payload": 5}, "referral": {"ref": "r"}}, {"kind": "postback", "payload": "5", "ref": "r"}),
        ({"message": None, "postback": {"title": "T"}}, {"kind": "postback", "text": "T"}),
        ({"reaction": "\N{OK HAND SIGN}"}, {"kind": "reaction", "emoji": "\N{OK HAND SIGN}", "action": None}),
        ({"message_edit": "new words"}, {"kind": "edited", "text": "new words"}),
        ({"delivery": {"mids": "m_1", "watermark": 1.5e12}}, {"message_ids": ["m_1"], "watermark": 1500000000000}),
        ({"read": {"watermark": "soon"}}, {"kind": "read", "watermark": None}),
    ],
    ids=str,
)
def test_odd_shapes_are_understood_as_far_as_they_go(given: dict[str, object], expected: dict[str, object]) -> None:
    found = one(**given)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({"payload": "null", "url": "https://a/"}, "https://a/"),
        ({"payload": "{}"}, None),
        ({"payload": {"url": {}}, "url": "https://a/"}, "https://a/"),
        ({"payload": {"url": None}, "URL": "https://a/"}, "https://a/"),
        ({"payload": {"url": "https://p/"}, "url": "https://a/"}, "https://p/"),
        ({"payload": "https://p/"}, "https://p/"),
    ],
    ids=str,
)
def test_the_address_of_an_attachment_is_found_where_it_stands(given: dict[str, object], url: str | None) -> None:
    (found,) = one(message={"mid": "m", "attachments": [{"type": "fallback", **given}]})["attachments"]
    assert found["url"] == url


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("feed", {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "message": "a comment"}),
        ("messages", {"message": {"mid": "m"}}),
        ("messages", "x"),
        (None, {"sender": {"id": PSID}, "message": {"mid": "m"}}),
        ("mentions", None),
    ],
)
def test_a_change_that_is_no_event_of_a_thread_is_other(field: object, value: object) -> None:
    raw = json.dumps({"object": "page", "entry": [{"id": PAGE, "changes": [{"field": field, "value": value}]}]})
    assert [line["kind"] for line in Messenger.normalize(raw.encode(), None)] == ["other"]
