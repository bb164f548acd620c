"""The schema that the tables belong to: how constraints are named, and the kinds of columns that many of them have."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from omnibox.store.columns import Key

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def new_table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(
        name, metadata, *parts, sqlite_autoincrement=any(p.name == "id" for p in parts if isinstance(p, sa.Column))
    )


def own_id() -> sa.Column[int]:
    return sa.Column("id", Key, primary_key=True)


def to(name: str, target: str, *, null: bool = False, index: bool = False) -> sa.Column[int]:
    return sa.Column(name, Key, sa.ForeignKey(f"{target}.id"), nullable=null, index=index)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false"))


def partial_index(name: str, *columns: str, where: str, is_unique: bool = False) -> sa.Index:
    """An index of some rows only: the others cost it nothing."""
    return sa.Index(name, *columns, unique=is_unique, sqlite_where=sa.text(where), info={"where": where})


@sa.event.listens_for(metadata, "before_create")
def _are_partial_on_postgresql(_: sa.MetaData, connection: sa.Connection, **__: Any) -> None:
    """Told only where that database is: naming its options loads its dialect, which other starts do without."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            if rows := index.info.get("where"):
                index.dialect_options["postgresql"]["where"] = sa.text(rows)
