"""The pieces of the wire's shapes: the base of every model, ids, moments."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

MOST = 2**53 - 1  # the largest whole number a browser keeps exactly


class Wire(BaseModel):
    """What crosses the wire. Built at first use, so that a hundred models do not delay the start."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


Id = Annotated[int, Field(ge=1, le=MOST)]
Limit = Annotated[int, Field(ge=1, le=200)]
"""How many of a page; a query parameter."""


def moment(at: datetime) -> str:
    """RFC 3339, UTC, milliseconds: the only form of a time on the wire. `at` is aware, in UTC."""
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


Time = Annotated[
    datetime,
    PlainSerializer(moment, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
