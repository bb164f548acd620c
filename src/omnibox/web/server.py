"""Makes the web application: every door, and what goes around all of them (headers, errors, the access log)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import sqlalchemy as sa
from aiohttp import web

from omnibox.store import StoreUnavailable
from omnibox.store import tables as t
from omnibox.web import routes
from omnibox.web.api import ROUTES, ApiError, Ask, Route, Table, door, encode, respond
from omnibox.web.api.arguments import MOST_BODY
from omnibox.web.errors import respond_to_defect
from omnibox.web.hub import HUB, Hub
from omnibox.web.static import FILES, list_built

log = logging.getLogger("omnibox.access")
READY_TIMEOUT_S = 2
MACHINES = frozenset({"POST /hooks/{key}", "GET /healthz", "GET /readyz"})
_openapi = b""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Where a door says nothing else: an answer is not to be shown in a frame, guessed at, kept, or read by other sites."""


class Unguarded(Exception):
    """A route was added past the policy; the message names it."""


def make_app(hub: Hub, table: Table = ROUTES) -> web.Application:
    """The application with every route of `table`. Its start raises `Unguarded` for a route that is not from there."""
    routes.load()
    app = web.Application(middlewares=[_surround], client_max_size=MOST_BODY)
    app[HUB] = hub
    app[FILES] = list_built(hub.pages)
    for entry in table:
        app.router.add_route(entry.method, entry.path, entry.answer)
    app.on_response_prepare.append(_add_headers)
    app.on_startup.append(_refuse_unguarded)
    return app


async def _refuse_unguarded(app: web.Application) -> None:
    for entry in app.router.routes():
        if not isinstance(getattr(entry.handler, "__self__", None), Route):
            raise Unguarded(f"{entry.method} {entry.resource and entry.resource.canonical} names no action")


@web.middleware
async def _surround(request: web.Request, handler: Handler) -> web.StreamResponse:
    began = time.perf_counter()
    # The pattern, not the path: links, hooks and files have secrets in theirs.
    resource = request.match_info.route.resource
    place = f"{request.method} {resource.canonical if resource else 'unknown'}"
    status = 499  # the client left
    try:
        response = await handler(request)
    except web.HTTPException as error:
        status = error.status
        if status < 400:
            raise
        return respond(_of_http(error))
    except Exception as error:
        status = 500
        return respond_to_defect(error, place)
    else:
        status = response.status
        return response
    finally:
        # Machines ask thousands of times a minute: their successes are no news.
        level = logging.DEBUG if status < 400 and place in MACHINES else logging.INFO
        if log.isEnabledFor(level):
            took_ms = round((time.perf_counter() - began) * 1000, 1)
            log.log(level, "request", extra={"route": place, "status": status, "ms": took_ms})


def _of_http(error: web.HTTPException) -> ApiError:
    code = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(error.status, "refused")
    return ApiError(error.status, code, f"{error.reason}.")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


# ── For whoever watches the process


@door("GET", "/healthz", may="public")
async def healthz(ask: Ask) -> web.Response:
    """The process answers."""
    return web.Response(text="ok\n")


@door("GET", "/api/openapi.json", may="public")
async def read_openapi(ask: Ask) -> web.Response:
    """The OpenAPI document of this very server."""
    global _openapi
    if not _openapi:
        from omnibox.web.openapi import openapi  # few ask

        _openapi = encode(await asyncio.to_thread(openapi))
    return web.Response(body=_openapi, content_type="application/json", headers={"Cache-Control": "max-age=300"})


@door("GET", "/readyz", may="public")
async def readyz(ask: Ask) -> web.Response:
    """The store answers too."""
    try:
        async with asyncio.timeout(READY_TIMEOUT_S):
            await ask.hub.store.read(lambda tx: tx.execute(sa.select(t.installation.c.epoch)).one())
    except (StoreUnavailable, TimeoutError):
        return web.Response(status=503, text="the database does not answer\n", headers={"Retry-After": "2"})
    return web.Response(text="ready\n")
