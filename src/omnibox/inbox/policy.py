"""Whether a reply may leave now, and how: one pure rule for the queue, the API and the composer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from omnibox.connector import Window


@dataclass(frozen=True, slots=True)
class Policy:
    """`until` is when this answer changes for the worse; `code` says why a reply is refused.

    `way` names a way of answering that is not the ordinary one; `afterwards` is what is allowed after `until`; `lacks`
    is the way that a setting which is off would open now.
    """

    allowed: bool
    mode: str = ""
    until: datetime | None = None
    code: str | None = None
    way: str = ""
    afterwards: Policy | None = None
    lacks: str = ""


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
    fitting = [(each, _until(each, last_inbound_at)) for each in windows if author in each.authors]
    open_ones = [(each, until) for each, until in fitting if now < until]
    usable = [found for found in open_ones if not found[0].needs or settings.get(found[0].needs)]
    if not usable:
        return Policy(allowed=False, code="window_closed", lacks=next((each.title for each, _ in open_ones), ""))
    first, until = usable[0]
    later = next((found for found in usable[1:] if found[1] > until), None)
    afterwards = None if later is None else _open(*later)
    return _open(first, until, afterwards)


def _until(window: Window, last_inbound_at: datetime) -> datetime:
    return last_inbound_at + timedelta(seconds=window.until_s)


def _open(window: Window, until: datetime, afterwards: Policy | None = None) -> Policy:
    return Policy(allowed=True, mode=window.mode, until=until, way=window.title, afterwards=afterwards)
