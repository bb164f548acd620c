"""Which columns hold text that is masked, how, and by the rules of which channel; new tables are among them at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from omnibox.cards.looking import Kind
from omnibox.masking import Rules, rules_of
from omnibox.store import Reader
from omnibox.store.columns import MaskedText
from omnibox.store.tables import channel, conversation, message, metadata

PLAIN = {"attachment": ("content_id",), "early": ("word",), "message": ("reactions",)}
"""Columns of another type that intake masks too: HTML names the first, a reaction is in the others."""


def kind_of(column: sa.ColumnElement[object]) -> Kind:
    if getattr(column, "table", None) is not None and column.table.name == "quarantine":
        return "raw"
    return "html" if getattr(column, "name", "") == "html" else "text"


def masked_columns(table: sa.Table) -> Sequence[sa.Column[object]]:
    """The columns of a table that hold masked text. The patterns of a channel are no text: they find it."""
    plain = PLAIN.get(table.name, ())
    masked = [each for each in table.columns if isinstance(each.type, MaskedText) or each.name in plain]
    return [each for each in masked if each.name != "patterns"]


def is_masked(table: sa.Table, name: str) -> bool:
    """Whether a column holds text, as far as we know; what nobody told us about does."""
    return name not in table.columns or name in {column.name for column in masked_columns(table)}


def channel_of(table: sa.Table) -> sa.Label[Any]:
    """The channel of a row, as a column to select; NULL where it has none."""
    if "channel_id" in table.columns:
        return sa.type_coerce(table.c.channel_id, sa.BigInteger).label("the_channel")
    for name, through in (("message_id", message), ("conversation_id", conversation)):
        if name in table.columns:
            wanted = sa.select(through.c.channel_id).where(through.c.id == table.c[name])
            return wanted.scalar_subquery().label("the_channel")
    return sa.null().label("the_channel")


def known(name: str) -> sa.Table | None:
    return metadata.tables.get(name)


def read_rules(tx: Reader) -> dict[int | None, Rules]:
    """The rules of the channels that hide more than card numbers."""
    rows = tx.execute(sa.select(channel.c.id, channel.c.patterns).where(channel.c.patterns.is_not(None)))
    return {row.id: rules_of(row.patterns) for row in rows}


def after(table: sa.Table, key: Sequence[object]) -> sa.ColumnElement[bool]:
    """Rows behind a key, in the order of keys. Empty: all."""
    columns = list(table.primary_key.columns)
    if not key:
        return sa.true()
    if len(columns) == 1:
        return columns[0] > key[0]
    values = [sa.literal(value, column.type) for value, column in zip(key, columns, strict=True)]
    return sa.tuple_(*columns) > sa.tuple_(*values)


def key_of(table: sa.Table, row: sa.Row[tuple[object, ...]]) -> list[object]:
    return [row._mapping[column.name] for column in table.primary_key.columns]
