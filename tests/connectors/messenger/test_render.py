"""`render`: the requests a user of the offline command sees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omnibox_messenger import Messenger

PSID = "6120934475508127"
HALF = "\ud83d"


def render(**item: object) -> list[dict[str, Any]]:
    made = Messenger.render(
        {"to": PSID, "text": "", "attachments": [], "quick_replies": [], "mode": "response", **item}
    )
    requests = made["requests"]
    for request in requests:
        assert request["method"] == "POST"
        assert request["url"] == "https://graph.facebook.com/v26.0/me/messages"
        assert "token" not in json.dumps(request).lower()
    return [request["json"] for request in requests]


def test_a_text_is_one_request() -> None:
    assert render(text="hello") == [
        {"recipient": {"id": PSID}, "messaging_type": "RESPONSE", "message": {"text": "hello"}}
    ]


def test_attachments_go_first_and_quick_replies_last() -> None:
    files = [
        {"content_type": "image/png", "url": "https://a/1"},
        {"content_type": "application/pdf", "url": "https://a/2"},
    ]
    made = [body["message"] for body in render(text="both", attachments=files, quick_replies=["Yes", "No"])]
    assert made == [
        {"attachment": {"type": "image", "payload": {"url": "https://a/1"}}},
        {"attachment": {"type": "file", "payload": {"url": "https://a/2"}}},
        {
            "text": "both",
            "quick_replies": [
                {"content_type": "text", "title": "Yes", "payload": "Yes"},
                {"content_type": "text", "title": "No", "payload": "No"},
            ],
        },
    ]


def test_quick_replies_without_text_stand_on_the_last_file() -> None:
    (made,) = render(attachments=[{"content_type": "video/mp4", "url": "https://a/1"}], quick_replies=["Yes"])
    assert [reply["title"] for reply in made["message"]["quick_replies"]] == ["Yes"]


@pytest.mark.parametrize(
    ("mode", "members"),
    [
        ("response", {"messaging_type": "RESPONSE"}),
        ("update", {"messaging_type": "UPDATE"}),
        ("human_agent", {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}),
    ],
)
def test_each_mode_has_its_type_and_tag(mode: str, members: dict[str, str]) -> None:
    (made,) = render(text="x", mode=mode)
    assert {key: made[key] for key in made if key in ("messaging_type", "tag")} == members


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", "image"),
        ("AUDIO/mpeg", "audio"),
        ("video/mp4", "video"),
        ("text/csv", "file"),
        ("", "file"),
        (None, "file"),
    ],
)
def test_media_types(content_type: str | None, kind: str) -> None:
    (made,) = render(attachments=[{"content_type": content_type, "url": "https://a/1"}])
    assert made["message"]["attachment"]["type"] == kind


FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x" * 2000, 1),
        ("x" * 2001, 2),
        ("x" * 6000, 3),
        ("word " * 400, 1),
        ("word " * 401, 2),
        ("é" * 2000, 1),
        ("e\u0301" * 1000, 1),
        ("x" + "e\u0301" * 1000, 2),
        (FAMILY * 285, 1),
        (FAMILY * 286, 2),
        ("a" * 1995 + FAMILY, 2),
        ("\n".join(["a line of words"] * 250), 2),
    ],
    ids=range(12),
)
def test_long_texts_are_cut_between_characters_and_lose_nothing(text: str, count: int) -> None:
    cut = [body["message"]["text"] for body in render(text=text)]
    assert "".join(cut) == text
    assert len(cut) == count
    assert all(0 < len(piece) <= 2000 for piece in cut)
    assert not any(piece[0] in "\u0301\u200d👧👦" for piece in cut)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"text": ""}, "empty"),
        ({"text": None}, "empty"),
        ({"to": None, "text": "x"}, "unsupported"),
        ({"to": "", "text": "x"}, "unsupported"),
        ({"text": ["x"]}, "unsupported"),
        ({"text": "x", "mode": "marketing"}, "unsupported"),
        ({"text": "x", "mode": ["response"]}, "unsupported"),
        ({"text": "x", "attachments": [{"content_type": "image/png"}]}, "unsupported"),
        ({"text": "x", "attachments": ["https://a/1"]}, "unsupported"),
        ({"text": "x", "quick_replies": ["y"] * 14}, "unsupported"),
        ({"text": "x", "quick_replies": [{"title": "y"}]}, "unsupported"),
    ],
    ids=str,
)
def test_what_cannot_be_rendered_is_an_error(item: dict[str, object], code: str) -> None:
    with pytest.raises(ValueError, match=f"^{code}$"):
        render(**item)


def test_half_a_character_leaves_as_a_replacement() -> None:
    (made,) = render(text="a" + HALF)
    assert made["message"]["text"] == "a\ufffd"
