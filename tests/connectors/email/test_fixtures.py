"""Mails as programs send them, read by the offline door; what is expected was written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from omnibox_email import Email

FOLDER = Path(__file__).parents[3] / "fixtures" / "email"
KEYS = {
    "v": int,
    "channel": str,
    "kind": str,
    "external_id": (str, type(None)),
    "in_reply_to": (str, type(None)),
    "references": list,
    "sender": (dict, type(None)),
    "to": list,
    "cc": list,
    "reply_to": list,
    "subject": (str, type(None)),
    "text": str,
    "html": (str, type(None)),
    "reply_text": str,
    "attachments": list,
    "timestamp": (str, type(None)),
    "auto_submitted": bool,
    "bounce": (dict, type(None)),
    "truncated": bool,
}


def record_of(raw: bytes) -> dict[str, Any]:
    (record,) = Email.normalize(raw, None)
    return json.loads(json.dumps(record))  # type: ignore[no-any-return]


def all_fixtures() -> list[Path]:
    """Every mail below the folder with its record beside it; `arriving` holds what the hub makes of a mail."""
    return sorted(path for path in FOLDER.rglob("*.eml") if "arriving" not in path.parts)


def name_of(path: Path) -> str:
    return path.relative_to(FOLDER).with_suffix("").as_posix()


@pytest.mark.parametrize("path", all_fixtures(), ids=name_of)
def test_a_mail_is_read_as_a_reader_sees_it(path: Path) -> None:
    record = record_of(path.read_bytes())
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    assert {key: record[key] for key in expected} == expected


@pytest.mark.parametrize("path", all_fixtures(), ids=name_of)
def test_every_key_is_there_and_of_its_type(path: Path) -> None:
    record = record_of(path.read_bytes())
    assert set(record) == set(KEYS)
    assert [key for key, kind in KEYS.items() if not isinstance(record[key], kind)] == []


def test_there_are_enough_of_them() -> None:
    assert len(all_fixtures()) >= 150
