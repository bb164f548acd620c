"""What the core is told, where the recorded bodies do not show it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from omnibox.connector import Echo, Envelope, Inbound, Notice, Reaction, Receipt, RemoteFile, Unreadable
from omnibox_messenger.envelopes import envelopes

PAGE, PSID = "104857293640118", "6120934475508127"


def read(*elements: object, app_id: str = "") -> list[Envelope]:
    raw = json.dumps({"object": "page", "entry": [{"id": PAGE, "time": 1795255200999, "messaging": elements}]}).encode()
    return list(envelopes(raw, app_id))


def event(**what: object) -> dict[str, Any]:
    return {"sender": {"id": PSID}, "recipient": {"id": PAGE}, "timestamp": 1795255200123, **what}


def echo(**more: object) -> dict[str, Any]:
    message = {"mid": "m_1", "is_echo": True, "text": "ours", "metadata": "part-1", **more}
    return {**event(message=message), "sender": {"id": PAGE}, "recipient": {"id": PSID}}


@pytest.mark.parametrize(
    ("own_app", "app_id", "part_id"),
    [
        ("990", 990, "part-1"),
        ("990", "990", "part-1"),
        ("990", 263, None),
        ("990", None, "part-1"),
        ("", 263, "part-1"),
    ],
)
def test_metadata_of_another_app_is_not_ours(own_app: str, app_id: object, part_id: str | None) -> None:
    (found,) = read(echo(app_id=app_id), app_id=own_app)
    assert isinstance(found, Echo)
    assert found.part_id == part_id


@pytest.mark.parametrize("metadata", [None, "", {}, "x" * 501])
def test_metadata_that_is_no_id_is_none_of_ours(metadata: object) -> None:
    (found,) = read(echo(metadata=metadata))
    assert isinstance(found, Echo)
    assert found.part_id is None


def test_a_message_from_the_page_itself_is_an_echo_without_the_flag() -> None:
    (found,) = read(echo(is_echo=None))
    assert isinstance(found, Echo)
    assert (found.address, found.to) == (PSID, PAGE)


def test_a_reaction_taken_back_is_empty_though_it_names_its_emoji() -> None:
    (found,) = read(event(reaction={"mid": "m_1", "action": "unreact", "emoji": "❤"}))
    assert isinstance(found, Reaction)
    assert found.emoji == ""


def test_a_reaction_without_an_emoji_shows_its_name() -> None:
    (found,) = read(event(reaction={"mid": "m_1", "action": "react", "reaction": "wow"}))
    assert isinstance(found, Reaction)
    assert found.emoji == "wow"


def test_what_the_reader_cannot_read_costs_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(found: Any) -> Any:
        if found:
            raise RuntimeError("a defect of ours")
        return ()

    monkeypatch.setattr("omnibox_messenger.envelopes.files", broken)
    bad = event(message={"mid": "m_2", "attachments": [{"type": "image"}]})
    first, second, third = read(event(message={"mid": "m_1"}), bad, event(message={"mid": "m_3"}))
    assert isinstance(first, Inbound)
    assert isinstance(second, Unreadable)
    assert (second.kind, second.at) == ("RuntimeError", "entry[0].messaging[1]")
    assert isinstance(third, Inbound)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://a/b.png",
        "//a/b.png",
        "https://",
        "http:/a",
        " https://a",
        "data:,x",
    ],
)
def test_only_web_addresses_are_fetched(url: str) -> None:
    (found,) = read(event(message={"mid": "m_1", "attachments": [{"type": "image", "payload": {"url": url}}]}))
    assert isinstance(found, Inbound)
    assert found.files == ()
    assert found.text == "[image, not available]"


@pytest.mark.parametrize(
    ("kind", "url", "name", "content_type"),
    [
        ("image", "https://a/b.png?x=y.pdf", "b.png", "image/png"),
        ("image", "https://a/b.pdf", "b.pdf", "image/jpeg"),
        ("image", "https://a/b", None, "image/jpeg"),
        ("file", "https://a/b.PDF", "b.PDF", "application/pdf"),
        ("file", "https://a/%2e%2e%2fetc%2fpasswd.txt", "passwd.txt", "text/plain"),
        ("file", "https://a/x.unheard", "x.unheard", "application/octet-stream"),
        ("audio", "https://a/v.ogg", "v.ogg", "audio/ogg"),
        ("video", "https://[bad/v.mov", None, "video/mp4"),
    ],
)
def test_a_files_name_and_type_are_guessed_from_its_address(
    kind: str, url: str, name: str | None, content_type: str
) -> None:
    (found,) = read(event(message={"mid": "m_1", "attachments": [{"type": kind, "payload": {"url": url}}]}))
    assert isinstance(found, Inbound)
    (file,) = found.files
    assert file.content == RemoteFile(url)
    assert (file.name, file.content_type) == (name, content_type)


def test_a_message_without_any_time_has_its_entrys() -> None:
    (found,) = read({**event(message={"mid": "m_1", "text": "x"}), "timestamp": None})
    assert isinstance(found, Inbound)
    assert found.sent_at.isoformat() == "2026-11-21T10:00:00.999000+00:00"


def test_a_message_out_of_an_advertisement_says_so() -> None:
    message, notice = read(
        event(message={"mid": "m_1", "text": "x", "referral": {"source": "ADS", "ad_id": 7}, "ref": "r"})
    )
    assert isinstance(message, Inbound)
    assert isinstance(notice, Notice)
    assert (notice.kind, notice.text) == ("referral", "Came through ADS, reference r, ad 7")


def test_the_same_event_again_has_the_same_key_and_another_one_has_not() -> None:
    keys = [
        item.event_key
        for item in read(*[event(optin={"ref": "a"})] * 2, event(optin={"ref": "b"}))
        if isinstance(item, Notice)
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("receipt", [{"delivery": {}}, {"read": {"watermark": None}}, {"delivery": {"mids": [None]}}])
def test_a_receipt_for_nothing_is_set_aside(receipt: dict[str, object]) -> None:
    (found,) = read(event(**receipt))
    assert isinstance(found, Unreadable)


def test_a_receipt_may_count_in_seconds() -> None:
    (found,) = read(event(read={"watermark": 1795255200}))
    assert isinstance(found, Receipt)
    assert found.watermark is not None
    assert found.watermark.isoformat() == "2026-11-21T10:00:00+00:00"


@pytest.mark.parametrize(
    "change", [{"message_edit": {"text": "x"}}, {"message": {"is_deleted": True}}, {"reaction": {"emoji": "x"}}]
)
def test_a_change_of_nothing_is_set_aside(change: dict[str, object]) -> None:
    (found,) = read(event(**change))
    assert isinstance(found, Unreadable)
