"""One connection as it runs, and the steps that make it from what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from omnibox.connector import BadSettings, ChannelSettings, Connector, SendError
from omnibox.context import LiveContext
from omnibox.inbox.origin import Origin
from omnibox.inbox.way import Way
from omnibox.logs import get_logger
from omnibox.masking import rules_of
from omnibox.registry import Registered

log = get_logger("omnibox.connections")


@dataclass(slots=True)
class Live:
    """One connection as it runs. `connector` is None where its settings do not make one; `problem` says why."""

    id: int
    registered: Registered
    state: str
    hook_key: str
    origin: Origin
    ways: Mapping[int, Way]
    sites: Mapping[str, int]
    context: LiveContext
    connector: Connector | None
    problem: BadSettings | None
    has_hook: bool
    stamp: int
    reading: asyncio.Task[None] | None = None


def make_connector(registered: Registered, context: LiveContext) -> tuple[Connector | None, BadSettings | None]:
    if registered.connector is None:
        return None, BadSettings(registered.error or "the connector is not installed")
    try:
        return registered.connector(context), None
    except BadSettings as error:
        return None, error
    except Exception as error:
        log.error("a connector cannot be made", connector=registered.name, error=type(error).__name__)
        why = f"the connector {registered.name} failed with {type(error).__name__}: look for an update"
        return None, BadSettings(why)


def origin_of(
    registered: Registered,
    row: sa.Row[Any],
    rows: Sequence[sa.Row[Any]],
    own: Sequence[ChannelSettings],
    read_token: Callable[[str], int | None],
) -> Origin:
    """What intake must know of a connection: its channels by their addresses, and how each is treated."""
    folds = registered.capabilities.address.folds_case
    return Origin(
        connection_id=row.id,
        capabilities=registered.capabilities,
        channels={(each.address.casefold() if folds else each.address): each.id for each in rows},
        read_token=read_token,
        acknowledging=_acknowledging(registered, rows, own),
        rules={each.id: rules_of(each.patterns) for each in rows if each.patterns},
    )


def _acknowledging(
    registered: Registered, rows: Sequence[sa.Row[Any]], own: Sequence[ChannelSettings]
) -> frozenset[int]:
    """The channels that are set to confirm a person's first message."""
    name = registered.capabilities.acknowledges
    filled = [bool(name and str(each.settings.get(name) or "").strip()) for each in own]
    return frozenset(row.id for row, is_filled in zip(rows, filled, strict=True) if is_filled)


async def close_connector(connector: Connector | None) -> None:
    """Let a connector that keeps a line open close it; it is given two seconds."""
    close = getattr(connector, "close", None)
    if close is None:
        return
    try:
        async with asyncio.timeout(2):
            await close()
    except (TimeoutError, SendError, OSError):
        log.warning("a connector did not close in time")
