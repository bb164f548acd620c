"""Properties of reading: whatever arrives, nothing crashes, nothing good is lost, every line is whole."""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibox.connector import Inbound, Notice, Unreadable
from omnibox_messenger import Messenger
from omnibox_messenger.decoding import DEEPEST, decode
from omnibox_messenger.envelopes import envelopes

FIXTURES = sorted((Path(__file__).parents[3] / "fixtures" / "messenger").glob("*.body"))
PAGE, PSID = "104857293640118", "6120934475508127"
ROUNDS = 10_000 if os.environ.get("OMNIBOX_MESSENGER") == "long" else 1000
KINDS = {
    *("message", "echo", "postback", "delivery", "read", "referral", "optin", "reaction", "edited", "deleted"),
    *("handover", "other"),
}

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["\ud800", 10**400, -0.0, PAGE]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
members = st.sampled_from(
    [
        *("message", "message_edit", "postback", "delivery", "read", "reaction", "referral", "optin"),
        *("pass_thread_control", "policy_enforcement", "account_linking", "unknown"),
    ]
)
inside = st.dictionaries(
    st.sampled_from(
        [
            *("mid", "text", "attachments", "is_echo", "is_deleted", "reply_to", "quick_reply", "metadata", "app_id"),
            *("watermark", "mids", "title", "payload", "ref", "referral", "emoji", "action", "num_edit", "sticker_id"),
        ]
    ),
    anything,
    max_size=6,
)
elements = st.fixed_dictionaries(
    {},
    optional={
        "sender": anything | st.just({"id": PSID}),
        "recipient": anything | st.just({"id": PAGE}),
        "timestamp": anything,
    },
).flatmap(lambda base: st.tuples(st.just(base), members, inside | anything).map(lambda t: {**t[0], t[1]: t[2]}))
GOOD = {
    "sender": {"id": PSID},
    "recipient": {"id": PAGE},
    "timestamp": 1795255200123,
    "message": {"mid": "m_good", "text": "still here"},
}


def body(*found: object) -> bytes:
    return json.dumps({"object": "page", "entry": [{"id": PAGE, "time": 1, "messaging": list(found)}]}).encode()


def check_line(line: Mapping[str, Any]) -> None:
    json.dumps(line, allow_nan=False).encode()
    json.dumps(line, ensure_ascii=False).encode()  # fails on a lone surrogate
    assert line["v"] == 1
    assert line["channel"] == "messenger"
    assert line["kind"] in KINDS
    for key in ("external_id", "in_reply_to", "subject", "html", "timestamp"):
        assert line[key] is None or isinstance(line[key], str)
    for key in ("text", "reply_text"):
        assert isinstance(line[key], str)
    for key in ("references", "to", "cc", "reply_to", "attachments"):
        assert isinstance(line[key], list)
    assert line["sender"] is None or isinstance(line["sender"]["address"], str)
    assert line["auto_submitted"] is False
    assert line["bounce"] is None
    for item in line["attachments"]:
        assert set(item) == {"type", "url", "title", "latitude", "longitude"}
        assert all(item[key] is None or isinstance(item[key], str) for key in ("type", "url", "title"))
        assert all(item[key] is None or isinstance(item[key], float) for key in ("latitude", "longitude"))


@settings(max_examples=150, deadline=None)
@given(st.lists(elements | anything, max_size=4), st.integers(0, 4))
def test_no_element_costs_another_one(around: list[object], place: int) -> None:
    around.insert(place, GOOD)
    raw = body(*around)
    lines = list(Messenger.normalize(raw, None))
    for line in lines:
        check_line(line)
    assert len(lines) == len(around)
    assert "still here" in [line["text"] for line in lines]
    found = list(envelopes(raw))
    assert len(found) >= len(around)
    assert [item for item in found if isinstance(item, Inbound) and item.text == "still here"]


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_lines_or_one_error(raw: bytes) -> None:
    try:
        lines = list(Messenger.normalize(raw, PAGE))
    except ValueError as error:
        assert str(error) in ("empty", "invalid", "unsupported")  # noqa: PT017 - both outcomes are right
    else:
        for line in lines:
            check_line(line)


@settings(max_examples=100, deadline=None)
@given(elements)
def test_the_same_element_has_the_same_envelopes(element: dict[str, object]) -> None:
    assert list(envelopes(body(element))) == list(envelopes(body(element)))


def mutated(raw: bytes, chance: random.Random) -> bytes:
    """`raw` cut, flipped, repeated or relabelled at some place."""
    start, end = sorted(chance.randrange(len(raw) + 1) for _ in range(2))
    match chance.randrange(5):
        case 0:
            return raw[:start]
        case 1:
            return raw[:start] + raw[end:]
        case 2:
            return raw[:start] + bytes([chance.randrange(256)]) + raw[start + 1 :]
        case 3:
            return raw[:end] + raw[start:end] + raw[end:]
        case _:
            old, new = chance.choice([(b'"', b""), (b":", b","), (b"{", b"["), (b"1", b"null"), (b'"mid"', b'"id"')])
            return raw.replace(old, new, chance.randrange(1, 4))


def test_damaged_bodies_are_lines_or_one_error() -> None:
    chance, outcomes = random.Random(20261121), set()
    for _ in range(ROUNDS):
        raw = chance.choice(FIXTURES).read_bytes()
        for _ in range(chance.randrange(1, 4)):
            raw = mutated(raw, chance)
        try:
            for line in Messenger.normalize(raw, None):
                check_line(line)
                outcomes.add(line["kind"])
        except ValueError as error:
            outcomes.add(str(error))
    assert outcomes >= {"message", "echo", "invalid", "unsupported"}
    assert outcomes <= KINDS | {"empty", "invalid", "unsupported"}


def recorded_elements() -> list[dict[str, Any]]:
    bodies = [json.loads(path.read_bytes()) for path in FIXTURES]
    return [
        element
        for recorded in bodies
        for entry in recorded["entry"]
        for array in ("messaging", "standby")
        for element in entry.get(array, [])
        if isinstance(element, dict)
    ]


ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    7,
    -1.5,
    10**30,
    "",
    "x",
    "7",
    "\ud800",
    "\0",
    [],
    [None],
    {},
    {"id": {}},
    [[{}]],
    PAGE,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member and every item below `value`, as its container and its key."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(value, key) for key, _ in pairs] + [found for _, inner in pairs for found in places(inner)]


def damaged(element: dict[str, Any], chance: random.Random) -> object:
    """The element with one to four of its values gone, doubled, wrapped, renamed or of another type."""
    element = copy.deepcopy(element)
    for _ in range(chance.randrange(1, 5)):
        found = places(element)
        if not found:
            return chance.choice(ODD)
        holder, key = chance.choice(found)
        match chance.randrange(6):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[f"{key}s"] = holder.pop(key)
            case 2:
                holder[key] = [holder[key], holder[key]]
            case 3:
                holder[key] = json.dumps(holder[key])
            case _:
                holder[key] = copy.deepcopy(chance.choice(ODD))
    return element


def good(number: int) -> dict[str, Any]:
    return {
        **GOOD,
        "timestamp": 1795255200123 + number,
        "message": {"mid": f"m_good{number}", "text": f"here {number}"},
    }


def test_a_damaged_element_costs_none_of_its_siblings() -> None:
    chance, elements_, kinds = random.Random(20261122), recorded_elements(), set()
    for _ in range(ROUNDS):
        bad = [damaged(chance.choice(elements_), chance) for _ in range(3)]
        raw = body(good(0), bad[0], good(1), bad[1], bad[2], good(2))
        lines = list(Messenger.normalize(raw, None))
        for line in lines:
            check_line(line)
            kinds.add(line["kind"])
        assert [(lines[at]["kind"], lines[at]["external_id"], lines[at]["text"]) for at in (0, 2, 5)] == [
            ("message", f"m_good{number}", f"here {number}") for number in range(3)
        ]
        assert len(lines) == 6
        shown = [item.text for item in envelopes(raw) if isinstance(item, Inbound)]
        assert [text for text in shown if text.startswith("here ")] == ["here 0", "here 1", "here 2"]
    assert kinds == KINDS


HOSTILE = {
    "brackets": b'{"object":"page","entry":' + b"[" * 5_000_000,
    "objects": b'{"object":"page","entry":[{"a":' + b'{"a":' * 1_000_000,
    "closed brackets": b'{"object":"page","entry":[{"messaging":[{"message":'
    + b"[" * 2_000_000
    + b"]" * 2_000_000
    + b"}]}]}",
    "quotes": b'{"object":"page","entry":["' + b'\\"' * 2_000_000,
    "open quotes": b"[" * 2000 + b'"' * 1_999_999,
    "events": body(*[GOOD] * 20_000),
    "unknown events": body(*[{"a": 0}] * 1_000_000),
    "entries": b'{"object":"page","entry":[' + b"{}," * 500_000 + b"{}]}",
    "attachments": body({**GOOD, "message": {"mid": "m", "attachments": [{}] * 200_000}}),
    "digits": b'{"object":"page","entry":[' + b"1" * 5_000_000 + b"]}",
    "text": body({**GOOD, "message": {"mid": "m", "text": "a" * 5_000_000}}),
    "strange text": body({**GOOD, "message": {"mid": "m", "text": "\ud800" * 500_000}}),
}


@pytest.mark.parametrize("raw", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_answered_in_bounded_time(raw: bytes) -> None:
    started = time.process_time()
    try:
        count = sum(1 for _ in Messenger.normalize(raw, None))
    except ValueError:
        count = 1
    assert count or raw.endswith(b"{}]}")
    assert time.process_time() - started < 20  # seconds of CPU: what the offline commands promise


def test_millions_of_elements_that_say_nothing_share_a_line() -> None:
    nothing = [*[0] * 10_000, *[{}] * 300, *[{"a": 0}] * 200]
    lines = list(Messenger.normalize(body(GOOD, *nothing, {**GOOD, "message": "after"}), None))
    assert len(lines) == 10_000 + 3
    assert [line["text"] for line in lines[-2:]] == ["after", "[500 more elements of no known kind]"]


def test_an_endless_list_of_attachments_is_cut() -> None:
    (line,) = Messenger.normalize(body({**GOOD, "message": {"mid": "m", "attachments": [0] * 10_001}}), None)
    assert len(line["attachments"]) == 10_000


@pytest.mark.parametrize("levels", [DEEPEST - 2, DEEPEST, DEEPEST + 1, 900, 5000])
def test_depth_is_cut_where_no_decoder_follows(levels: int) -> None:
    found = decode(b'{"keep":[1,2],"deep":' + b"[" * levels + b"]" * levels + b',"after":"]"}')
    assert isinstance(found, dict)
    assert (found["keep"], found["after"]) == ([1, 2], "]")


def test_an_id_of_any_length_fits_an_index() -> None:
    (found,) = envelopes(body({**GOOD, "message": {"mid": "m" * 100_000, "text": "x"}}))
    assert isinstance(found, Inbound)
    assert len(found.event_key) == 64
    assert found.external_id == found.event_key


def test_what_cannot_be_read_is_quarantined_short() -> None:
    (found,) = envelopes(body({"sender": None, "message": {"text": "x" * 10_000}}))
    assert isinstance(found, Unreadable)
    assert (found.kind, len(found.excerpt)) == ("no_contact", 500)
    assert found.size > 10_000


def test_a_made_up_reference_of_a_web_page_is_nobodys_id_and_roles_of_apps_concern_no_thread() -> None:
    (found,) = envelopes(body({"recipient": GOOD["recipient"], "optin": {"ref": "box", "user_ref": "7001"}}))
    assert isinstance(found, Notice)
    assert (found.address, found.text) == ("user_ref:7001", "Opted in: box")
    assert list(envelopes(body({"recipient": GOOD["recipient"], "app_roles": {"1": ["primary_receiver"]}}))) == []
