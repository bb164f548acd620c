"""No place for text is forgotten: the lists are read from the code, and what is new has to be said to be masked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.canary.cards import CARDS, spelled
from tests.canary.places import members, spared, text_columns, words_of_requests
from tests.canary.search import found

from omnibox.blobs import Folder
from omnibox.connector import Envelope, File, Inbound, Recipients, RemoteFile
from omnibox.inbox.intake import Intake
from omnibox.secrets import Secrets
from omnibox.store.columns import MaskedText

CARD = spelled(0)
REQUIRED: dict[str, Any] = {"at": datetime.now(UTC), "sent_at": datetime.now(UTC), "status": "read"}


def test_every_column_of_text_takes_masked_text_or_says_what_it_holds() -> None:
    plain = {name for name, column in text_columns().items() if not isinstance(column.type, MaskedText)}
    assert plain - spared("columns") == set(), "make it MaskedText, or say in places.toml what it holds"
    assert spared("columns") - set(text_columns()) == set(), "these are gone: take them out of places.toml"


def made(kind: type, name: str) -> Envelope:
    """An envelope with a canary in one member; files and recipients in a message."""
    value: Any = CARD
    hint = str(kind.__dataclass_fields__[name].type)  # type: ignore[attr-defined]
    if "bytes" in hint:
        value = CARD.encode()
    elif "tuple" in hint:
        value = (CARD,)
    elif "Mapping" in hint:
        value = {"a@b.example": CARD}
    fields = kind.__dataclass_fields__  # type: ignore[attr-defined]
    needed = {"event_key", "external_id", "address", "to", "text", "kind", "emoji", "content", "url"}
    given = {
        each: REQUIRED.get(each, b"" if each == "content" else "x") for each in fields if each in needed | set(REQUIRED)
    }
    given = {each: what for each, what in given.items() if each != "at" or "datetime" in str(fields["at"].type)}
    if "at" in fields and "at" not in given:
        given["at"] = "x"
    whole = kind(**given | {name: value})
    base = {"event_key": "k", "address": "a", "to": "t", "sent_at": datetime.now(UTC)}
    if isinstance(whole, RemoteFile):
        return Inbound(**base, files=(File(whole),))
    if isinstance(whole, File):
        return Inbound(**base, files=(whole,))
    return Inbound(**base, recipients=whole) if isinstance(whole, Recipients) else whole


@pytest.mark.parametrize(("kind", "name"), list(members()), ids=lambda each: getattr(each, "__name__", each))
async def test_every_member_of_an_envelope_is_masked_or_says_what_it_holds(
    kind: type, name: str, tmp_path: Path
) -> None:
    place = f"{kind.__name__}.{name}"
    if place in spared("members"):
        return
    if place == "Recipients.names":  # masked where they are written down: the campaign's column participant.name
        return
    intake = Intake(None, Folder(tmp_path / "files"), Secrets.load(tmp_path, {}))  # type: ignore[arg-type]
    taken = await intake.prepare(made(kind, name))
    content = repr([getattr(taken.envelope, each) for each in taken.envelope.__dataclass_fields__ if each != "files"])
    content += repr(taken.files) + "".join(
        path.read_text() for path in (tmp_path / "files").rglob("*") if path.is_file()
    )
    assert "•" in content or "application/octet-stream" in content, place
    assert found(content.encode()) == set(), (
        f"mask {place} in omnibox.inbox.intake, or say in places.toml what it holds"
    )


def test_what_is_said_of_requests_is_said_of_some_that_are_there() -> None:
    assert spared("requests") - words_of_requests() == set()


def test_what_is_said_of_members_is_said_of_some_that_are_there() -> None:
    assert spared("members") - {f"{kind.__name__}.{name}" for kind, name in members()} == set()


def test_there_are_forty() -> None:
    assert len(set(CARDS)) == 40
