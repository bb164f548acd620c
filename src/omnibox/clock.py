"""The time, as something that can be passed in."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the present, aware, in UTC."""


def now() -> datetime:
    return datetime.now(UTC)
