"""Doors by which a platform tells us that a person takes consent back or wants to be erased."""

from __future__ import annotations

import html
from typing import cast

from aiohttp import web

from omnibox import withdrawals
from omnibox.connections import Live
from omnibox.connector import Forged, Request, Withdraws
from omnibox.logs import get_logger
from omnibox.web import models, peer
from omnibox.web.api import ApiError, Ask, conflict, door, encode, not_found, route
from omnibox.web.hooks import read_body

MOST_BODY = 64 * 1024
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Your data</title>
<h1>Your request to be erased</h1>
<p>Code: {code}</p>
<p>Asked on {asked}.</p>
<p>{state}</p>
"""
DONE = "Done on {done}: nothing of you that came through the platform is kept here."
OPEN = (
    "What you had allowed was forgotten at once. The messages you wrote are waiting to be removed by the people who "
    "run this installation."
)
HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store"}
log = get_logger("omnibox.withdrawals")


@door("POST", "/hooks/{key}/withdrawn", may="public", is_quiet=True)
async def take_withdrawal(ask: Ask, key: str) -> web.Response:
    """A person has taken their consent back: what they granted is forgotten, and their channels pause."""
    live, connector = _live(ask, key)
    request = await _read(ask)
    try:
        who = connector.withdrawn(request)
    except Forged:
        raise _refused(live) from None
    await withdrawals.withdraw(ask.hub.connections, live, who)
    return web.Response(body=b"ok", content_type="text/plain")


@door("POST", "/hooks/{key}/erase", may="public", is_quiet=True)
async def take_erasure(ask: Ask, key: str) -> web.Response:
    """A person wants what we have of them erased; they hear where they can see how it stands."""
    live, connector = _live(ask, key)
    request = await _read(ask)
    try:
        who = connector.erasure(request)
    except Forged:
        raise _refused(live) from None
    code = await withdrawals.ask_erasure(ask.hub.connections, live, who)
    answer = connector.erasure_answer(f"{peer.base_url(ask.request)}/erasures/{code}", code)
    return web.Response(body=encode(dict(answer)), content_type="application/json")


@door("GET", "/erasures/{code}", may="public")
async def show_erasure(ask: Ask, code: str) -> web.Response:
    """How it stands with one request, for the person who made it."""
    row = await ask.hub.store.read(lambda tx: withdrawals.find_erasure(tx, code))
    if row is None:
        raise not_found("This request")
    state = OPEN if row.done_at is None else DONE.format(done=row.done_at.date())
    page = PAGE.format(code=html.escape(row.code), asked=row.asked_at.date(), state=state)
    return web.Response(text=page, content_type="text/html", charset="utf-8", headers=HEADERS)


@route("GET", "/api/erasures", may="settings")
async def list_erasures(ask: Ask) -> list[models.ErasureAsked]:
    """Who asked through a platform to be erased, newest first; at most 200."""
    return [
        models.ErasureAsked(
            id=row.id,
            connection=row.connection_id,
            code=row.code,
            subject=row.subject,
            contact=row.contact_id,
            asked_at=row.asked_at,
            done_at=row.done_at,
        )
        for row in await ask.hub.store.read(withdrawals.list_erasures)
    ]


@route("POST", "/api/erasures/{id}/done", may="settings")
async def settle_erasure(ask: Ask, id: int) -> list[models.ErasureAsked]:
    """The person's data was removed; the request is kept without their id."""
    try:
        await ask.hub.store.write(lambda tx: withdrawals.settle_erasure(tx, id))
    except LookupError:
        raise conflict("This request is not open.") from None
    return await list_erasures(ask)


def _live(ask: Ask, key: str) -> tuple[Live, Withdraws]:
    live = ask.hub.connections.by_hook(key)
    if live is None or not isinstance(live.connector, Withdraws):
        raise not_found("This hook")
    return live, cast("Withdraws", live.connector)


def _refused(live: Live) -> ApiError:
    log.warning("a hook was refused", connection_id=live.id)
    return ApiError(403, "forged", "The signature does not fit.")


async def _read(ask: Ask) -> Request:
    body = await read_body(ask.request, MOST_BODY)
    return Request({name.lower(): value for name, value in ask.request.headers.items()}, body)
