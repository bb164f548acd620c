"""`render`: the requests a user of the offline command sees."""

from __future__ import annotations

import io
import json
import random
from itertools import pairwise
from typing import Any

import pytest
import regex

from omnibox import offline
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
        ({"text": "x", "quick_replies": ["y" * 1001]}, "unsupported"),
        ({"text": "x", "quick_replies": [None]}, "unsupported"),
        ({"text": " \n\t"}, "empty"),
        ({"quick_replies": ["Yes"]}, "empty"),
        ({"text": "x", "mode": "HUMAN_AGENT"}, "unsupported"),
        ({"text": "x", "attachments": [None]}, "unsupported"),
        ({"text": True}, "unsupported"),
    ],
    ids=str,
)
def test_what_cannot_be_rendered_is_an_error(item: dict[str, object], code: str) -> None:
    with pytest.raises(ValueError, match=f"^{code}$"):
        render(**item)


def test_more_attachments_than_anybody_sends_are_refused() -> None:
    files = [{"content_type": "image/png", "url": "https://a/1"}] * 10_001
    assert len(render(attachments=files[1:])) == 10_000
    with pytest.raises(ValueError, match=r"^unsupported$"):
        render(attachments=files)


def test_half_a_character_leaves_as_a_replacement() -> None:
    (made,) = render(text="a" + HALF)
    assert made["message"]["text"] == "a\ufffd"


def test_a_blank_text_beside_a_file_makes_no_request() -> None:
    (made,) = render(
        text=" \n", attachments=[{"content_type": "image/png", "url": "https://a/1"}], quick_replies=["Yes"]
    )
    assert list(made["message"]) == ["attachment", "quick_replies"]


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("Yes", "Yes"),
        ("Yes ", "Yes "),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 20),
        ("Speak to a person now", "Speak to a person"),
        (" " * 20 + "Yes", "Yes"),
        ("\N{WOMAN}\u200d\N{PERSONAL COMPUTER}" * 7, "\N{WOMAN}\u200d\N{PERSONAL COMPUTER}" * 6),
    ],
)
def test_a_quick_reply_is_its_own_title_as_far_as_meta_takes_it(given: str, title: str) -> None:
    (made,) = render(text="x", quick_replies=[given])
    assert made["message"]["quick_replies"] == [{"content_type": "text", "title": title, "payload": given}]


def test_thirteen_quick_replies_stand_on_the_last_piece_only() -> None:
    titles = [str(number) for number in range(13)]
    made = [body["message"] for body in render(text="word " * 900, quick_replies=titles)]
    assert [list(message) for message in made] == [["text"], ["text"], ["text", "quick_replies"]]
    assert [reply["payload"] for reply in made[-1]["quick_replies"]] == titles


def test_every_request_has_the_type_and_the_receiver() -> None:
    file = {"content_type": "audio/ogg", "url": "https://a/1"}
    made = render(to=6120934475508127, text="x" * 4001, attachments=[file, file], mode="human_agent")
    assert [(body["recipient"], body["messaging_type"], body["tag"]) for body in made] == [
        ({"id": PSID}, "MESSAGE_TAG", "HUMAN_AGENT")
    ] * 5


CLUSTERS = [
    FAMILY,
    *("e\u0301", "x", "\N{THUMBS UP SIGN}\U0001f3fd", "\U0001f1ea\U0001f1f8", "1\ufe0f\u20e3", "\u0e01\u0e47\u0e48"),
    *("\u0915\u094d\u0937\u093f", "\u1112\u1161\u11ab", "\r\n", "\U0001f3f4\U000e0065\U000e006e\U000e007f", "\u4f60"),
]


@pytest.mark.parametrize("seed", range(40))
def test_no_emoji_or_combining_sequence_is_ever_cut(seed: int) -> None:
    chance = random.Random(seed)
    spaces = [" ", "\n"] * chance.choice([0, 0, 1, 9])
    text = "".join(chance.choices(CLUSTERS + spaces, k=chance.randrange(500, 4000))) + "."
    cut = [body["message"]["text"] for body in render(text=text)]
    assert "".join(cut) == text
    assert max(map(len, cut)) <= 2000
    assert [cluster for piece in cut for cluster in regex.findall(r"\X", piece)] == regex.findall(r"\X", text)
    for piece, following in pairwise(cut):
        assert piece[-1].isspace() or following[0].isspace() or not any(map(str.isspace, piece))
        word = regex.match(r"\X(?:\S*(?:\r\n|\s|\Z))" if any(map(str.isspace, piece)) else r"\X", following)
        assert word
        assert len(piece) + len(word[0]) > 2000  # no piece is shorter than it need be


def test_a_bad_item_costs_its_own_line_only() -> None:
    good = json.dumps({"to": PSID, "text": "x"}).encode()
    out = io.BytesIO()
    lines = [good, b"{", b"[]", b"null", b"", json.dumps({"text": "x"}).encode(), b"\xff", good]
    assert offline.render(Messenger, io.BytesIO(b"\n".join(lines) + b"\n"), out) is False
    made = [json.loads(line) for line in out.getvalue().splitlines()]
    codes = [line["error"]["code"] if "error" in line else "" for line in made]
    assert codes == ["", "invalid", "unsupported", "unsupported", "empty", "unsupported", "invalid", ""]
