"""`normalize`: the lines a user of the offline command sees."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from omnibox_messenger import Messenger

FIXTURES = sorted((Path(__file__).parents[3] / "fixtures" / "messenger").glob("*.body"))
PAGE, OTHER, PSID = "104857293640118", "117300425598342", "6120934475508127"
KEYS = [
    *("v", "channel", "kind", "external_id", "in_reply_to", "references", "sender", "to", "cc", "reply_to", "subject"),
    *("text", "html", "reply_text", "attachments", "timestamp", "auto_submitted", "bounce"),
]
HALF = "\ud83d"


def body(*elements: object, page: object = PAGE, array: str = "messaging") -> bytes:
    return json.dumps(
        {"object": "page", "entry": [{"id": page, "time": 1795255200999, array: list(elements)}]}
    ).encode()


def event(**what: object) -> dict[str, object]:
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": 1795255200123, **what}


def message(mid: object = "m_1", text: object = "hello", **more: object) -> dict[str, object]:
    return event(message={"mid": mid, "text": text, **more})


def normalize(raw: bytes, account: str | None = None) -> list[Mapping[str, Any]]:
    return list(Messenger.normalize(raw, account))


def one(element: object, account: str | None = None) -> Mapping[str, Any]:
    (line,) = normalize(body(element), account)
    return line


def test_a_message_line_says_all() -> None:
    assert one(message(reply_to={"mid": "m_0"})) == {
        "v": 1,
        "channel": "messenger",
        "kind": "message",
        "external_id": "m_1",
        "in_reply_to": "m_0",
        "references": [],
        "sender": {"name": None, "address": PSID},
        "to": [{"name": None, "address": PAGE}],
        "cc": [],
        "reply_to": [],
        "subject": None,
        "text": "hello",
        "html": None,
        "reply_text": "hello",
        "attachments": [],
        "timestamp": "2026-11-21T10:00:00.123Z",
        "auto_submitted": False,
        "bounce": None,
    }


EXTRAS: list[tuple[dict[str, object], dict[str, object]]] = [
    (
        event(message={"mid": "m_2", "is_echo": True, "text": "ours"}),
        {"kind": "echo", "external_id": "m_2", "text": "ours"},
    ),
    (
        event(postback={"mid": "m_3", "title": "Start", "payload": "GO", "referral": {"ref": "ad"}}),
        {"kind": "postback", "external_id": "m_3", "text": "Start", "payload": "GO", "ref": "ad"},
    ),
    (
        event(delivery={"mids": ["m_4", 5, None], "watermark": "1795255200000"}),
        {"kind": "delivery", "message_ids": ["m_4", "5"], "watermark": 1795255200000},
    ),
    (event(delivery={"mids": None, "watermark": None}), {"kind": "delivery", "message_ids": [], "watermark": None}),
    (event(read={"watermark": 1795255200001}), {"kind": "read", "watermark": 1795255200001}),
    (event(referral={"ref": "autumn", "source": "SHORTLINK"}), {"kind": "referral", "ref": "autumn"}),
    (event(referral={"source": "SHORTLINK"}), {"kind": "referral", "ref": None}),
    (event(optin={"ref": "box"}), {"kind": "optin", "ref": "box"}),
    (
        event(reaction={"mid": "m_5", "action": "react", "emoji": "❤"}),
        {"kind": "reaction", "external_id": "m_5", "emoji": "❤", "action": "react"},
    ),
    (event(reaction={"mid": "m_5", "action": "unreact"}), {"kind": "reaction", "emoji": None, "action": "unreact"}),
    (
        event(message_edit={"mid": "m_6", "text": "new", "num_edit": 1}),
        {"kind": "edited", "external_id": "m_6", "text": "new"},
    ),
    (event(message={"mid": "m_7", "is_deleted": True}), {"kind": "deleted", "external_id": "m_7", "text": ""}),
    (event(pass_thread_control={"new_owner_app_id": "1"}), {"kind": "handover"}),
    (event(take_thread_control={}), {"kind": "handover"}),
    (event(request_thread_control={}), {"kind": "handover"}),
    (event(app_roles={"1": ["primary_receiver"]}), {"kind": "handover"}),
    (event(policy_enforcement={"action": "block"}), {"kind": "other"}),
    (event(account_linking={"status": "linked"}), {"kind": "other"}),
    (event(something_new={}), {"kind": "other"}),
    (event(), {"kind": "other", "text": ""}),
]


@pytest.mark.parametrize(
    ("element", "expected"), EXTRAS, ids=[f"{list(given)[-1]}-{shown['kind']}" for given, shown in EXTRAS]
)
def test_each_kind_has_its_keys(element: dict[str, object], expected: dict[str, object]) -> None:
    line = one(element)
    assert {key: line[key] for key in expected} == expected
    assert [key for key in line if key in KEYS] == KEYS


ATTACHMENTS = [
    ({"type": "image", "payload": {"url": "https://a/b.jpg"}}, ("image", "https://a/b.jpg", None, None, None)),
    ({"type": "sticker", "payload": {"url": "https://a/s.png"}}, ("sticker", "https://a/s.png", None, None, None)),
    (
        {"type": "image", "payload": {"url": "https://a/s", "sticker_id": 3}},
        ("sticker", "https://a/s", None, None, None),
    ),
    (
        {"type": "location", "title": "Home", "payload": {"coordinates": {"lat": "41.38", "long": 2.17}}},
        ("location", None, "Home", 41.38, 2.17),
    ),
    (
        {"type": "location", "payload": {"coordinates": {"lat": "north", "long": True}}},
        ("location", None, None, None, None),
    ),
    ({"type": "location", "payload": {"coordinates": [41, 2]}}, ("location", None, None, None, None)),
    (
        {"type": "template", "title": "Offer", "payload": {"template_type": "button"}},
        ("template", None, "Offer", None, None),
    ),
    ({"type": "fallback", "title": "Page", "url": "https://x/"}, ("fallback", "https://x/", "Page", None, None)),
    ({"type": "hologram"}, ("hologram", None, None, None, None)),
    ({"type": "file", "payload": None}, ("file", None, None, None, None)),
    ({"type": "file", "payload": "https://a/f.pdf"}, ("file", "https://a/f.pdf", None, None, None)),
    ({"type": 7, "payload": {"url": 8, "title": 9}}, ("7", "8", "9", None, None)),
    ({"payload": {"url": {}}}, (None, None, None, None, None)),
    (None, (None, None, None, None, None)),
]


@pytest.mark.parametrize(("given", "expected"), ATTACHMENTS)
def test_no_attachment_is_lost(given: object, expected: tuple[object, ...]) -> None:
    (shown,) = one(message(attachments=[given]))["attachments"]
    assert (shown["type"], shown["url"], shown["title"], shown["latitude"], shown["longitude"]) == expected


def test_nan_in_a_place_is_no_number() -> None:
    raw = body(message(attachments=[{"type": "location", "payload": {"coordinates": {"lat": 1, "long": 2}}}]))
    (line,) = normalize(raw.replace(b'"lat": 1', b'"lat": NaN').replace(b'"long": 2', b'"long": 1e999'))
    assert (line["attachments"][0]["latitude"], line["attachments"][0]["longitude"]) == (None, None)


TIMES = [
    (1795255200123, "2026-11-21T10:00:00.123Z"),
    ("1795255200123", "2026-11-21T10:00:00.123Z"),
    (1795255200, "2026-11-21T10:00:00.000Z"),
    ("1795255200", "2026-11-21T10:00:00.000Z"),
    (1795255200.5, "2026-11-21T10:00:00.500Z"),
    (1795255200123000, "2026-11-21T10:00:00.123Z"),
    ("2026-11-21T11:00:00+0100", "2026-11-21T10:00:00.000Z"),
    ("yesterday", None),
    (0, None),
    (-5, None),
    (10**30, None),
    (True, None),
    (None, None),
    ({}, None),
    ([1795255200123], None),
]


@pytest.mark.parametrize(("given", "expected"), TIMES)
def test_times_come_in_seconds_milliseconds_or_not_at_all(given: object, expected: str | None) -> None:
    assert one(message() | {"timestamp": given})["timestamp"] == expected


def test_a_message_without_a_time_is_kept() -> None:
    line = one({"sender": {"id": PSID}, "message": {"mid": "m", "text": "t"}})
    assert (line["kind"], line["text"], line["timestamp"], line["to"]) == ("message", "t", None, [])


def test_events_of_other_pages_are_other() -> None:
    raw = json.dumps(
        {
            "object": "page",
            "entry": [
                {"id": OTHER, "messaging": [{**message("m_a"), "recipient": {"id": OTHER}}]},
                {"id": PAGE, "messaging": [message("m_b"), {**message("m_c"), "recipient": {"id": OTHER}}]},
                {"id": int(PAGE), "standby": [{**message("m_d"), "recipient": {"id": int(PAGE)}}]},
            ],
        }
    ).encode()
    kinds = [(line["external_id"], line["kind"]) for line in normalize(raw, PAGE)]
    assert kinds == [("m_a", "other"), ("m_b", "message"), ("m_c", "other"), ("m_d", "message")]
    assert [line["kind"] for line in normalize(raw)] == ["message"] * 4
    assert [line["text"] for line in normalize(raw, PAGE)] == ["hello"] * 4


def test_one_mid_is_one_message() -> None:
    raw = body(message("m_1"), message("m_2"), message("m_1"), event(message={"mid": "m_1", "is_deleted": True}))
    assert [line["kind"] for line in normalize(raw)] == ["message", "message", "other", "deleted"]


def test_messages_without_mid_are_not_each_other() -> None:
    assert [line["kind"] for line in normalize(body(message(None), message(None)))] == ["message", "message"]


@pytest.mark.parametrize(
    ("given", "mid", "text"),
    [
        ({"mid": 7, "text": 8}, "7", "8"),
        ({"mid": None, "text": None}, None, ""),
        ({"mid": {}, "text": ["a"]}, None, ""),
        ({"mid": True, "text": False}, None, ""),
        ({"mid": " m ", "text": 1.5}, "m", "1.5"),
        ({}, None, ""),
        ("just words", None, "just words"),
        ({"mid": "m", "text": "b\0c"}, "m", "b\ufffdc"),
        ({"mid": "m", "text": "a" + HALF + "b\0c"}, "m", "a\ufffdb\ufffdc"),
    ],
)
def test_what_can_be_converted_is(given: object, mid: str | None, text: str) -> None:
    line = one(event(message=given))
    assert (line["kind"], line["external_id"], line["text"]) == ("message", mid, text)


@pytest.mark.parametrize("person", [PSID, int(PSID), float(PSID), {"id": PSID}, {"id": int(PSID)}, f" {PSID} "])
def test_an_id_may_come_as_string_number_or_object(person: object) -> None:
    assert one({**message(), "sender": person})["sender"] == {"name": None, "address": PSID}


@pytest.mark.parametrize("person", [None, {}, [], {"id": None}, True, "", {"id": {"id": 1}}])
def test_a_message_without_a_sender_is_kept(person: object) -> None:
    line = one({**message(), "sender": person})
    assert (line["kind"], line["sender"], line["text"]) == ("message", None, "hello")


@pytest.mark.parametrize("odd", [None, 7, "x", [], [[]], True, {}, {"foo": None}])
def test_an_odd_element_is_a_line_of_its_own(odd: object) -> None:
    lines = normalize(body(message("m_1"), odd, message("m_2")))
    assert [(line["kind"], line["external_id"]) for line in lines] == [
        ("message", "m_1"),
        ("other", None),
        ("message", "m_2"),
    ]


@pytest.mark.parametrize("odd", [None, [], [1], True])
def test_a_message_that_is_no_object_is_still_a_message(odd: object) -> None:
    line = one({"unheard_of": 1, **event(message=odd)})
    assert (line["kind"], line["external_id"], line["text"]) == ("message", None, "")


def test_odd_entries_cost_nobody_else() -> None:
    good = {"id": PAGE, "messaging": [message()]}
    raw = json.dumps(
        {
            "object": "page",
            "entry": [None, good, "x", {"id": PAGE, "time": 1}, {"id": PAGE, "changes": [{"field": "feed"}]}],
        }
    ).encode()
    assert [line["kind"] for line in normalize(raw)] == ["other", "message", "other", "other"]


def test_single_objects_stand_for_lists() -> None:
    raw = json.dumps({"object": "page", "entry": {"id": PAGE, "messaging": message()}}).encode()
    assert [line["kind"] for line in normalize(raw)] == ["message"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b" ", "invalid"),
        (b"{", "invalid"),
        (b"hello", "invalid"),
        (b'{"object":"page","entry":[', "invalid"),
        (b"\xff\xfe\x00", "invalid"),
        (b"\x00" * 9, "invalid"),
        (b"[" * 100_000, "invalid"),
        (b'{"a":' * 50_000, "invalid"),
        (b"null", "unsupported"),
        (b"[]", "unsupported"),
        (b'"page"', "unsupported"),
        (b"7", "unsupported"),
        (b"{}", "unsupported"),
        (b'{"object":"page"}', "unsupported"),
        (b'{"object":"page","entry":7}', "unsupported"),
        (b'{"object":"page","entry":null}', "unsupported"),
        (b'{"object":"instagram","entry":[{"id":"1","messaging":[{}]}]}', "unsupported"),
        (b'{"object":"whatsapp_business_account","entry":[]}', "unsupported"),
        (b'{"entry":[{"id":"1","changes":[]}]}', "unsupported"),
        (b"[" * 5000 + b"]" * 5000, "unsupported"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_that_is_no_webhook_of_a_page_is_an_error(raw: bytes, code: str) -> None:
    with pytest.raises(ValueError, match=f"^{code}$"):
        normalize(raw)


def test_an_empty_webhook_has_no_lines() -> None:
    assert normalize(b'{"object":"page","entry":[]}') == []


def test_a_byte_order_mark_and_utf16_are_read() -> None:
    raw = body(message())
    assert [line["text"] for line in normalize(b"\xef\xbb\xbf" + raw)] == ["hello"]
    assert [line["text"] for line in normalize(raw.decode().encode("utf-16"))] == ["hello"]


def test_wrong_utf8_costs_one_character_only() -> None:
    assert [line["text"] for line in normalize(body(message(text="cafX!")).replace(b"X", b"\xe9"))] == ["caf\ufffd!"]


@pytest.mark.parametrize(
    "deep", ["[" * 3000 + "]" * 3000, '{"a":' * 3000 + "1" + "}" * 3000, '[{"a":' * 3000 + "1" + "}]" * 3000]
)
@pytest.mark.parametrize("place", ["attachments", "text", "reply_to", "nothing_known"])
def test_three_thousand_levels_lose_no_message(deep: str, place: str) -> None:
    raw = body(message(**{place: "DEEP", "mid": "m_d"}), message("m_after")).replace(b'"DEEP"', deep.encode())
    assert [line["external_id"] for line in normalize(raw)] == ["m_d", "m_after"]


def test_endless_numbers_are_read() -> None:
    raw = body(message(mid="N", text="t")).replace(b'"N"', b"9" * 5000)
    assert [(line["kind"], line["text"]) for line in normalize(raw)] == [("message", "t")]


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_the_recorded_bodies_have_whole_lines(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    lines = normalize(path.read_bytes())
    assert lines
    for line in lines:
        assert list(line)[: len(KEYS)] == KEYS
        json.dumps(line, allow_nan=False).encode()
    ids = {
        item["external_id"] for item in expected if item["envelope"] in ("Inbound", "Echo") and "external_id" in item
    }
    assert ids <= {line["external_id"] for line in lines if line["kind"] in ("message", "echo", "postback")}
