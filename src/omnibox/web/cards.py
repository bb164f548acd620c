"""Routes for what is hidden: «this was no card number», and the patterns that a channel hides besides."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from aiohttp import web
from pydantic import Field

from omnibox.inbox import channels, hidden
from omnibox.inbox.hidden import NotHidden
from omnibox.masking import mask
from omnibox.masking.extra import MOST_PATTERNS
from omnibox.masking.linear import LONGEST, NotLinear, check
from omnibox.web import models
from omnibox.web.api import ApiError, Ask, Wire, invalid, not_found, route

COLUMNS = ("id", "at", "rule", "scheme", "shape", "separators", "last", "around")


class MaskReportBody(Wire):
    spot: int = Field(0, ge=0, lt=hidden.MOST_SPOTS)


class PatternsBody(Wire):
    patterns: list[str] = Field(max_length=MOST_PATTERNS)


@route("POST", "/api/messages/{id}/mask-reports", may="note", status=201)
async def report_mask(ask: Ask, id: int, body: MaskReportBody) -> models.MaskReport:
    """Say that a hidden spot of a message's text was no card number; `spot` counts them from 0."""
    store = ask.hub.store
    try:
        write = partial(hidden.report, message_id=id, spot=body.spot, agent_id=ask.agent.id)
        report_id = (await store.write(write)).result
    except NotHidden:
        raise invalid("spot", "Nothing is hidden there.") from None
    except LookupError:
        raise not_found("This message") from None
    (row,) = await store.read(partial(hidden.reports, report_id=report_id))
    return _shown(row)


@route("GET", "/api/mask-reports", may="settings")
async def list_mask_reports(ask: Ask) -> list[models.MaskReport]:
    """What agents said was no card number, newest first; at most 500."""
    return [_shown(row) for row in await ask.hub.store.read(hidden.reports)]


@route("GET", "/api/mask-reports/export", may="settings")
async def export_mask_reports(ask: Ask) -> web.Response:
    """The same as a table to pass on (CSV): without conversations, people and channels."""
    rows = await ask.hub.store.read(hidden.reports)
    return web.Response(
        text=_table(rows),
        content_type="text/csv",
        charset="utf-8",
        headers={"Content-Disposition": 'attachment; filename="no-card-numbers.csv"', "Cache-Control": "no-store"},
    )


@route("GET", "/api/channels/{id}/patterns", may="settings")
async def get_patterns(ask: Ask, id: int) -> models.Patterns:
    """What the channel hides besides card numbers: regular expressions."""
    row = await ask.hub.store.read(partial(channels.find_channel, channel_id=id))
    if row is None:
        raise not_found("This channel")
    return models.Patterns(patterns=str(row.patterns or "").split("\n") if row.patterns else [])


@route("PUT", "/api/channels/{id}/patterns", may="settings")
async def set_patterns(ask: Ask, id: int, body: PatternsBody) -> models.Patterns:
    """Hide these too, from now on; `omnibox remask` applies them to what is there already."""
    connections = ask.hub.connections
    patterns = [pattern.strip() for pattern in body.patterns if pattern.strip()]
    _check(patterns)
    write = partial(channels.set_patterns, channel_id=id, patterns=mask("\n".join(patterns)) if patterns else None)
    connection_id = (await ask.hub.store.write(write)).result
    if connection_id is None:
        raise not_found("This channel")
    await connections.refresh(connection_id)
    return await get_patterns(ask, id)


def _check(patterns: Sequence[str]) -> None:
    """Raises 422 at the pattern that takes too long, or that holds a card number itself."""
    for number, pattern in enumerate(patterns):
        try:
            check(pattern)
        except NotLinear as error:
            fault = (f"patterns.{number}", str(error))
            raise ApiError(422, "invalid", f"Pattern {number + 1}: {error}", "Correct it.", [fault]) from None
        if "\n" in pattern or mask(pattern) != pattern:
            raise invalid(f"patterns.{number}", f"Write one line of at most {LONGEST} characters, without a number.")
    if mask("\n".join(patterns)) != "\n".join(patterns):
        raise invalid("patterns", "Together they look like a card number.")


def _shown(row: sa.Row[Any]) -> models.MaskReport:
    return models.MaskReport(
        id=row.id,
        message=row.message_id,
        conversation=row.conversation_id,
        channel=str(row.channel_name),
        at=row.at,
        rule=row.rule,
        scheme=row.scheme,
        shape=row.shape,
        separators=row.separators,
        last=row.last,
        around=row.around,
    )


def _table(rows: Sequence[sa.Row[Any]]) -> str:
    import csv  # for whoever passes them on, not for every start

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([row._mapping[name] for name in COLUMNS] for row in rows)
    return text.getvalue()
