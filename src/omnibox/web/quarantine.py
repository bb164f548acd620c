"""Routes for what arrived and could not be read: it was put aside, to be read again after an update."""

from __future__ import annotations

from omnibox.inbox import channels
from omnibox.web import models
from omnibox.web.api import Ask, conflict, not_found, route


@route("GET", "/api/quarantine", may="settings")
async def list_quarantine(ask: Ask) -> list[models.Quarantined]:
    """What arrived and could not be read, newest first; at most 200."""
    rows = await ask.hub.store.read(channels.quarantined)
    return [
        models.Quarantined(
            id=row.id,
            connection=row.connection_id,
            kind=row.kind,
            at=row.at,
            size=row.size,
            reason=row.reason,
            excerpt=str(row.excerpt),
        )
        for row in rows
    ]


@route("POST", "/api/quarantine/{id}/retry", may="settings")
async def retry_quarantined(ask: Ask, id: int) -> list[models.Quarantined]:
    """Read it again, after an update say; answers what is still put aside."""
    if not any(row.id == id for row in await ask.hub.store.read(channels.quarantined)):
        raise not_found("This entry")
    try:
        await ask.hub.connections.retry(id)
    except LookupError:
        raise conflict("This cannot be read again from here.", "Enable its connection, then try again.") from None
    return await list_quarantine(ask)
