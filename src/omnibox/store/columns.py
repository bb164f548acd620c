"""The column types: time, JSON, masked text, keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from omnibox.masking import Masked

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")


class Json(sa.TypeDecorator[Any]):
    """Plain data; JSONB on PostgreSQL, whose dialect is imported only there."""

    impl = sa.JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(sa.JSON(none_as_null=True))
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB(none_as_null=True))


class Direct:
    """A column that can convert a value by itself, for statements that are run past SQLAlchemy."""

    @staticmethod
    def to_column(value: Any) -> Any:
        raise NotImplementedError

    @staticmethod
    def from_column(value: Any) -> Any:
        raise NotImplementedError


class Instant(Direct, sa.TypeDecorator[datetime]):
    """A moment: integer microseconds since 1970 UTC in the column, an aware datetime in Python."""

    impl = sa.BigInteger
    cache_ok = True

    @staticmethod
    def to_column(value: datetime | None) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return self.to_column(value)

    @staticmethod
    def from_column(value: int | None) -> datetime | None:
        return None if value is None else EPOCH + timedelta(0, 0, value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return self.from_column(value)


class MaskedText(Direct, sa.TypeDecorator[Masked]):
    """Text that people wrote. Takes only `Masked`: a plain string is a programming error, found before the disk."""

    impl = sa.Text
    cache_ok = True

    @staticmethod
    def to_column(value: str | None) -> str | None:
        if value is None:
            return None
        if not isinstance(value, Masked):
            raise TypeError("unmasked text may not be stored")
        return str(value)  # drivers look long for an adapter where a string is not exactly a string

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return self.to_column(value)

    @staticmethod
    def from_column(value: str | None) -> Masked | None:
        return None if value is None else Masked(value)

    def process_result_value(self, value: str | None, dialect: Any) -> Masked | None:
        return self.from_column(value)


def among(column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """`column` is one of the parameter `ids`: for a statement that is built once, since building costs more than it."""
    return column.in_(sa.bindparam("ids", expanding=True))
