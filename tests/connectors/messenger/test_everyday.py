"""The short way through a webhook body says what the long way says, or nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omnibox.connector import Envelope
from omnibox_messenger import envelopes as reading
from omnibox_messenger.everyday import everyday

PAGE, PSID, MID = "104857293640118", "6120934475508127", "m_AbC-_.=$7"
ids = st.sampled_from([PAGE, PSID, MID, "", " 7", "7 ", "7 7", "é", "\0", "7" * 501]) | st.text(max_size=3)
texts = st.text(max_size=20) | st.sampled_from(["", "\0", "a\0b", "😀", "\ud800", "4111 1111 1111 1111"])
times = st.integers(-1, 10**15) | st.sampled_from([0, 10**11 - 1, 10**11, 10**14, 1_700_000_000, 1_700_000_000_000])
odd = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3) | st.just([]) | st.just({})


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Bodies of text messages, some of them with one member changed, added or gone."""

    def element() -> dict[str, Any]:
        return {
            "sender": {"id": draw(st.just(PSID) | ids)},
            "recipient": {"id": draw(st.just(PAGE) | ids)},
            "timestamp": draw(times),
            "message": {"mid": draw(st.just(MID) | ids), "text": draw(texts)},
        }

    entries = [
        {
            "id": draw(st.just(PAGE) | ids),
            "time": draw(times),
            "messaging": [element() for _ in range(draw(st.integers(0, 3)))],
        }
        for _ in range(draw(st.integers(0, 2)))
    ]
    body = {"object": draw(st.sampled_from(["page", "Page", "instagram"])), "entry": entries}
    if draw(st.booleans()):
        _spoil(draw, draw(st.sampled_from(list(_objects(body)))))
    return body


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inside)


def _spoil(draw: st.DrawFn, members: dict[str, Any]) -> None:
    name = draw(st.sampled_from([*members, "is_echo", "attachments", "reply_to", "referral", "is_deleted", "x"]))
    if draw(st.booleans()):
        members.pop(name, None)
    else:
        members[name] = draw(odd)


@settings(max_examples=400, deadline=None)
@given(bodies())
def test_both_ways_say_the_same(body: dict[str, Any]) -> None:
    raw = json.dumps(body).encode()
    short = everyday(raw)
    assert not short or list(short) == _the_long_way(raw)


def _the_long_way(raw: bytes) -> list[Envelope]:
    return list(reading._element_by_element(raw, ""))


def test_a_text_message_goes_the_short_way() -> None:
    element = {
        "sender": {"id": PSID},
        "recipient": {"id": PAGE},
        "timestamp": 1_700_000_000_123,
        "message": {"mid": MID, "text": "Hello 😀"},
    }
    body = {"object": "page", "entry": [{"id": PAGE, "time": 1_700_000_000_124, "messaging": [element, element]}]}
    raw = json.dumps(body).encode()
    assert list(everyday(raw) or ()) == _the_long_way(raw) != []


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b'{"object":"page","entry":' + b"[" * 100_000])
def test_what_is_no_body_goes_the_long_way(raw: bytes) -> None:
    assert everyday(raw) is None
