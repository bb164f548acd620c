"""Makes the web application: every door, and what goes around all of them (headers, errors, the access log)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web
from multidict import CIMultiDict

from omnibox.web import routes
from omnibox.web.api import ROUTES, ApiError, Ask, Route, Table, door, encode, not_found
from omnibox.web.api.arguments import MOST_BODY
from omnibox.web.hub import HUB, Hub
from omnibox.web.live import watch_sessions
from omnibox.web.static import FILES, list_built

_openapi = b""

HEADERS: CIMultiDict[str] = CIMultiDict(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cache-Control": "no-store",
    }
)
"""Where a door says nothing else: an answer is not to be shown in a frame, guessed at, kept, or read by other sites."""


class Unguarded(Exception):
    """A route was added past the policy; the message names it."""


def make_app(hub: Hub, table: Table = ROUTES) -> web.Application:
    """The application with every route of `table`. Its start raises `Unguarded` for a route that is not from there."""
    routes.load()
    app = web.Application(client_max_size=MOST_BODY)
    app[HUB] = hub
    app[FILES] = list_built(hub.pages)
    nowhere = Route("*", r"/{path:[\s\S]*}", _lead_nowhere, "public", 200, None, is_typed=False)
    nowhere.place = "unknown"
    for entry in (*table, nowhere):
        app.router.add_route(entry.method, entry.path, entry.answer)
    app.on_response_prepare.append(_add_headers)
    app.on_startup.append(_refuse_unguarded)
    app.cleanup_ctx.append(_look_after_sockets)
    app.on_shutdown.append(_close_sockets)
    return app


async def _look_after_sockets(app: web.Application) -> AsyncIterator[None]:
    hub = app[HUB]
    async with asyncio.TaskGroup() as group:
        caring = [group.create_task(hub.sockets.run()), group.create_task(watch_sessions(hub))]
        yield
        for task in caring:
            task.cancel()


async def _close_sockets(app: web.Application) -> None:
    await app[HUB].sockets.stop()


async def _refuse_unguarded(app: web.Application) -> None:
    for entry in app.router.routes():
        if not isinstance(getattr(entry.handler, "__self__", None), Route):
            raise Unguarded(f"{entry.method} {entry.resource and entry.resource.canonical} names no action")


async def _lead_nowhere(ask: Ask) -> web.Response:
    """Every path that no door has, and every method that a door does not know."""
    tried = [await resource.resolve(ask.request) for resource in ask.request.app.router.resources()]
    known = set[str]().union(*(methods for match, methods in tried if match is None))
    if not known:
        raise not_found("This address")
    raise ApiError(405, "method_not_allowed", "Method Not Allowed.", f"Use {' or '.join(sorted(known))}.")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    if len(response.headers) == 1:  # most answers have none but their type
        response.headers.extend(HEADERS)
        return
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@door("GET", "/api/openapi.json", may="public")
async def read_openapi(ask: Ask) -> web.Response:
    """The OpenAPI document of this very server."""
    global _openapi
    if not _openapi:
        from omnibox.web.openapi import openapi  # few ask

        _openapi = encode(await asyncio.to_thread(openapi))
    return web.Response(body=_openapi, content_type="application/json", headers={"Cache-Control": "max-age=300"})
