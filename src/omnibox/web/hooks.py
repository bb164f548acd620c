"""The webhook door: every platform that calls us comes in here, and hears 200 only when what it said is durable."""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp import web

from omnibox.connections import Live
from omnibox.connector import BadSettings, Forged, Handshake, Request, Webhook
from omnibox.logs import get_logger
from omnibox.web.api import ApiError, Ask, door, not_found
from omnibox.web.ready import Ready

BODY_TIMEOUT_S = 20
OK = Ready(b"ok")
log = get_logger("omnibox.hooks")


@door("GET", "/hooks/{key}", may="public")
async def challenge(ask: Ask, key: str) -> web.Response:
    """The platform's handshake, also while the connection is a draft."""
    live = _live(ask, key)
    if not isinstance(live.connector, Handshake):
        raise not_found("This hook")
    try:
        answer = live.connector.challenge(_request(ask.request, b""))
    except Forged:
        raise _refused(live) from None
    return web.Response(text=answer)


@door("POST", "/hooks/{key}", may="public", is_quiet=True)
async def receive(ask: Ask, key: str) -> web.Response:
    """Verify, parse, store, and only then say 200."""
    live = _live(ask, key)
    if live.state == "draft" or not live.has_hook:
        raise not_found("This hook")
    connector = cast("Webhook", live.connector)  # `has_hook` says so
    body = await read_body(ask.request, live.registered.capabilities.max_body)
    request = _request(ask.request, body)
    try:
        connector.verify(request)
    except Forged:
        raise _refused(live) from None
    except BadSettings:
        raise ApiError(503, "bad_settings", "This connection is not set up.", retry_after_s=60) from None
    try:
        envelopes = list(connector.parse(request))
    except Exception as error:
        log.warning("a hook could not be read", connection_id=live.id, error=type(error).__name__)
        await ask.hub.intake.set_aside(live.origin, body, type(error).__name__)
    else:
        if envelopes:
            await ask.hub.intake.receive(live.origin, envelopes)
    return OK if OK.suits(ask.request) else web.Response(body=b"ok", content_type="text/plain")


def _live(ask: Ask, key: str) -> Live:
    live = ask.hub.connections.by_hook(key)
    if live is None:
        raise not_found("This hook")
    return live


def _refused(live: Live) -> ApiError:
    log.warning("a hook was refused", connection_id=live.id)
    return ApiError(403, "forged", "The signature does not fit.")


def _request(request: web.Request, body: bytes) -> Request:
    return Request(request.headers, body, dict(request.query) if request.query_string else {})


async def read_body(request: web.Request, most: int) -> bytes:
    """The body up to the connector's cap: refused before it is buffered where its length is announced."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ApiError(415, "compressed", "Compressed bodies are not taken.")
    if request.content.is_eof():  # the usual case: it came with the headers
        body = request.content.read_nowait(-1)
        if len(body) > most:
            raise _too_large(most)
        return body
    if (request.content_length or 0) > most:
        raise _too_large(most)
    return await _read_on(request, most)


def _too_large(most: int) -> ApiError:
    return ApiError(413, "too_large", f"The body is larger than {most} bytes.")


async def _read_on(request: web.Request, most: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > most:
                    raise _too_large(most)
    except TimeoutError:
        raise ApiError(408, "too_slow", "The body did not arrive.") from None
    return bytes(body)
