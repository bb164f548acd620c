"""Whether a reply may leave now, and how: one pure rule for the queue, the API and the composer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnibox.connector import Window


@dataclass(frozen=True, slots=True)
class Policy:
    """`until` is when this answer changes for the worse; `code` says why a reply is refused."""

    allowed: bool
    mode: str = ""
    until: datetime | None = None
    code: str | None = None


def allowed(
    windows: Sequence[Window],
    last_inbound_at: datetime | None,
    author: str,
    now: datetime,
    settings: Mapping[str, Any],
) -> Policy:
    """The first window that fits decides; without any window a reply may always leave."""
    if not windows:
        return Policy(allowed=True)
    if last_inbound_at is None:
        return Policy(allowed=False, code="nothing_to_answer")
    for window in windows:
        until = last_inbound_at + timedelta(seconds=window.until_s)
        if now < until and author in window.authors and (not window.needs or settings.get(window.needs)):
            return Policy(allowed=True, mode=window.mode, until=until)
    return Policy(allowed=False, code="window_closed")
