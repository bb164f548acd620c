"""The visitor door beside its socket: history, files, and the long poll, readable by the site's own pages only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec
from aiohttp import web

from omnibox.visitors import history, tokens
from omnibox.visitors.tokens import Visitor
from omnibox.web import files, peer, sockets
from omnibox.web.api import ApiError, Ask, door, not_found
from omnibox.web.errors import respond, translated
from omnibox.web.feed import Reset
from omnibox.web.sockets import Closed
from omnibox.web.visitors import (
    MOST_FRAME,
    Frame,
    Site,
    number,
    report_shown,
    site_of,
    take_frame,
    welcome,
    welcome_of,
)

MOST_POLL_S = 25
CORS_FOR_S = "600"


async def _visitor(ask: Ask, site: Site) -> Visitor:
    scheme, _, token = ask.request.headers.get("Authorization", "").partition(" ")
    visitor = None
    if scheme.lower() == "bearer" and token:
        visitor = await ask.hub.store.read(
            partial(tokens.find_visitor, token=token.strip(), channel_id=site.channel_id)
        )
    if visitor is None:
        raise ApiError(401, "signed_out", "This visitor is not known.")
    return visitor


def _json(site: Site, body: object, status: int = 200) -> web.Response:
    encoded = msgspec.json.encode(body, enc_hook=str)
    return _open_to(site, web.Response(body=encoded, content_type="application/json", status=status))


def _open_to(site: Site, response: web.Response) -> web.Response:
    response.headers["Access-Control-Allow-Origin"] = site.origin
    response.headers["Vary"] = "Origin"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _for_visitors(handler: Callable[[Ask, Site], Awaitable[web.Response]]) -> Callable[[Ask], Awaitable[web.Response]]:
    """Answers errors with the headers that let the site's page read them."""

    async def answer(ask: Ask) -> web.Response:
        site = site_of(ask)
        try:
            return await handler(ask, site)
        except Exception as error:
            known = translated(error)
            if known is None:
                raise
            return _open_to(site, respond(known))

    return answer


@door("OPTIONS", "/w/{rest:history|files|events|frames|files/.+}", may="public")
async def preflight(ask: Ask) -> web.Response:
    response = _open_to(site_of(ask), web.Response(status=204))
    response.headers["Access-Control-Allow-Methods"] = "GET, POST"
    response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
    response.headers["Access-Control-Max-Age"] = CORS_FOR_S
    return response


@door("GET", "/w/history", may="public")
@_for_visitors
async def earlier(ask: Ask, site: Site) -> web.Response:
    """A page of the visitor's older messages."""
    visitor = await _visitor(ask, site)
    before = ask.request.query.get("before", "")
    if not before.isdecimal() or len(before) > 15:
        raise ApiError(422, "invalid", "`before` is the id of a message.")
    messages, more = await ask.hub.store.read(
        partial(history.last_messages, identity_id=visitor.identity_id, before=int(before))
    )
    return _json(site, {"messages": messages, "more": more})


@door("POST", "/w/files", may="public")
@_for_visitors
async def upload(ask: Ask, site: Site) -> web.Response:
    visitor = await _visitor(ask, site)
    ask.hub.limits.take("upload", str(visitor.identity_id))
    kept = await files.keep_upload(ask.request, ask.hub, f"visitor:{visitor.identity_id}", site.rules)
    return _json(site, kept, 201)


@door("GET", "/w/files/{key}", may="public")
@_for_visitors
async def get_file(ask: Ask, site: Site) -> web.Response:
    visitor = await _visitor(ask, site)
    key = ask.request.match_info["key"]
    row = await ask.hub.store.read(partial(tokens.owns_file, visitor=visitor, key=key))
    if row is None:
        raise not_found("This file")
    return _open_to(site, await files.file_response(ask.hub.blobs, row.blob, row.name))


@door("GET", "/w/events", may="public")
@_for_visitors
async def poll(ask: Ask, site: Site) -> web.Response:
    """One `events` frame, after up to `wait` seconds, or a `reset`; a `welcome` where the agents came or went."""
    visitor = await _visitor(ask, site)
    feed, query = ask.hub.feed, ask.request.query
    await feed.wake()
    after = query.get("after", "")
    try:
        cursor = feed.check(query.get("epoch"), int(after) if after.isdecimal() and len(after) < 16 else None)
        await feed.reach(cursor)
    except Reset as reset:
        return _json(site, {"t": "reset", "reason": reset.reason})
    wait_s = min(number(int(query["wait"])) if query.get("wait", "").isdecimal() else MOST_POLL_S, MOST_POLL_S)
    deadline = asyncio.get_running_loop().time() + wait_s
    ask.hub.visitors_here.opened(visitor.identity_id)
    was_online = ask.hub.anybody_online()
    try:
        while True:
            rung = feed.bus.heard("events")
            await feed.wake()
            goal = feed.position
            if ask.hub.anybody_online() != was_online:  # what was missed comes with the next poll
                return _json(site, welcome_of(ask.hub, site.way))
            missed = await ask.hub.store.read(
                partial(history.missed_events, identity_id=visitor.identity_id, after=cursor, upto=goal)
            )
            left_s = deadline - asyncio.get_running_loop().time()
            if missed is None:
                return _json(site, {"t": "reset", "reason": "too_far"})
            if missed or left_s <= 0:
                return _json(site, {"t": "events", "after": cursor, "upto": goal, "live": True, "events": missed})
            await feed.moved(rung, left_s)
    finally:
        ask.hub.visitors_here.closed(visitor.identity_id)


@door("POST", "/w/frames", may="public")
@_for_visitors
async def frames(ask: Ask, site: Site) -> web.Response:
    """Takes what the socket would take, answers what it would answer, except events."""
    if (ask.request.content_length or 0) > 100 * MOST_FRAME:
        raise ApiError(413, "too_large", "Too many frames at once.")
    try:
        given = msgspec.json.decode(await ask.request.read())["frames"]
        wanted = [frame for frame in given if isinstance(frame, dict) and isinstance(frame.get("t"), str)][:100]
    except (msgspec.DecodeError, KeyError, TypeError, UnicodeError):
        raise ApiError(400, "protocol", "These are no frames.") from None
    answers: list[Frame] = []
    visitor: Visitor | None = None
    try:
        for frame in wanted:
            if frame["t"] == "hello":
                visitor, said = await welcome(ask.hub, site, peer.block_of(ask.request), frame)
                answers.append(said)
                continue
            visitor = visitor or await _visitor(ask, site)
            if frame["t"] == "at":
                await report_shown(ask.hub, visitor, min(number(frame.get("cursor")), ask.hub.feed.position))
            elif answer := await take_frame(ask.hub, site, visitor, frame):
                answers.append(answer)
    except Closed as closed:
        status = 401 if closed.code == sockets.REFUSED else 400
        raise ApiError(status, "protocol", "This is no frame, or no token.") from None
    return _json(site, {"frames": answers})
