"""Every place that holds text, read from the code; and why some of them need no mask.

Who adds a column, a member of an envelope or a member of a request meets the tests that read these lists: either the
campaign writes a canary there, or the place stands here with what it holds instead.
"""

from __future__ import annotations

import dataclasses
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path

import sqlalchemy as sa
from pydantic import BaseModel

from omnibox.connector import Envelope, File, Recipients, RemoteFile
from omnibox.store.columns import Json, MaskedText
from omnibox.store.tables import metadata
from omnibox.web import routes
from omnibox.web.api import ROUTES

_LISTS = tomllib.loads(Path(__file__).with_name("places.toml").read_text("utf-8"))


def spared(kind: str) -> set[str]:
    """The `columns`, `members` or `requests` that need no canary, for one of the reasons in places.toml."""
    listed: dict[str, list[str]] = _LISTS[kind]
    assert set(listed) <= set(_LISTS["reasons"])
    return {name for names in listed.values() for name in names}


# ── Columns


def text_columns() -> dict[str, sa.Column[object]]:
    """The columns of all tables that can hold a text."""
    return {
        f"{table.name}.{column.name}": column
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, sa.Text | sa.String | MaskedText | Json | sa.JSON | sa.LargeBinary)
    }


def written() -> set[str]:
    """The columns of what people write: the campaign has to put a masked number into each."""
    masked = {name for name, column in text_columns().items() if isinstance(column.type, MaskedText)}
    return masked - spared("columns")


# ── Members of envelopes


def members() -> Iterator[tuple[type, str]]:
    """The members of what arrives that can hold a text."""
    for kind in (*typing.get_args(Envelope), File, RemoteFile, Recipients):
        hints = typing.get_type_hints(kind)
        for each in dataclasses.fields(kind):
            if str in _inside(hints[each.name]) or bytes in _inside(hints[each.name]):
                yield kind, each.name


def _inside(hint: object) -> set[object]:
    """The plain types of an annotation. A literal is a word of the code, but still a text."""
    if typing.get_origin(hint) is typing.Literal:
        return {str}
    found = typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return {inner for each in hint.model_fields.values() for inner in _inside(each.annotation)}
    if not found:
        return {str} if hint is typing.Any else {hint}
    return {inner for each in found for inner in _inside(each)}


# ── Members of requests


def words_of_requests() -> set[str]:
    """Every member of a request of the agents' API, in body or query, that can be a text."""
    routes.load()
    found: set[str] = set()
    for route in ROUTES:
        for model in (route.plan.body, route.plan.in_query):
            fields: Mapping[str, typing.Any] = model.model_fields if model is not None else {}
            for name, each in fields.items():
                if str in _inside(each.annotation) and not _is_choice(each.annotation):
                    found.add(f"{route.place} {name}")
    return found


def _is_choice(hint: object) -> bool:
    """One of the words of the code; another one is refused."""
    return any(typing.get_origin(each) is typing.Literal for each in (hint, *typing.get_args(hint)))
