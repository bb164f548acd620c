"""The visitor door: what the chat widget on other people's websites talks to.

It serves every channel whose connector declares itself live. A visitor is known by a token of one site; nothing here
shows anything of another visitor, a note, or a field meant for agents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from omnibox.connections import Live
from omnibox.connector import Inbound
from omnibox.inbox import conversations
from omnibox.inbox.intake import clean
from omnibox.inbox.taking import Result
from omnibox.inbox.way import Way
from omnibox.masking import CARDS, Rules
from omnibox.secrets import random_token
from omnibox.store import StoreUnavailable
from omnibox.visitors import history, tokens
from omnibox.visitors.tokens import Visitor
from omnibox.web import peer, sockets
from omnibox.web.api import ApiError, Ask, door, moment
from omnibox.web.errors import translated
from omnibox.web.feed import Reset
from omnibox.web.hub import Hub
from omnibox.web.live import nack
from omnibox.web.sockets import Closed, Socket, framed
from omnibox.web.websocket import Framed

MOST_FRAME = 16 * 1024
MOST_TEXT = 5_000
LONGEST_CLIENT_ID = 64
CLIENT_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")

Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """One website: a live channel, and the origin that asks."""

    live: Live
    way: Way
    origin: str

    @property
    def channel_id(self) -> int:
        return self.way.channel_id

    @property
    def rules(self) -> Rules:
        """What is hidden on this site."""
        return self.way.origin.rules.get(self.channel_id, CARDS)


def site_of(ask: Ask) -> Site:
    """The site a request names, if its Origin may use it; raises 403 otherwise, whatever is wrong."""
    found = ask.hub.connections.by_site(ask.request.query.get("site", ""))
    origin = ask.request.headers.get("Origin", "")
    if found is None or not may_embed(found[1], origin, ask.hub, ask.request):
        raise ApiError(403, "unknown_site", "This website may not use this chat.", "Add its address to the channel.")
    return Site(*found, origin)


def may_embed(way: Way, origin: str, hub: Hub, request: web.Request) -> bool:
    """Whether a page of `origin` may hold the widget: it is in the channel's list, or it is our own."""
    wanted = origin.lower().rstrip("/")
    allowed = {str(each).lower().rstrip("/") for each in way.settings.get("origins") or ()}
    return bool(wanted) and (wanted in allowed or wanted == peer.base_url(request))


# ── The socket


@door("GET", "/w/ws", may="public")
async def follow(ask: Ask) -> web.StreamResponse:
    try:
        site: Site | None = site_of(ask)
    except ApiError:
        site = None
    block = peer.block_of(ask.request)
    socket, answer = ask.hub.sockets.take_over(ask.request, MOST_FRAME)
    if site is None:
        socket.close(sockets.FORBIDDEN)
    else:
        socket.talk = Talk(ask.hub, site, block, socket)
    return answer


class Talk:
    """One socket of one visitor, from hello to the end. Thousands of them wait: it holds little."""

    __slots__ = ("_block", "_hub", "_reporting", "_socket", "site", "visitor")

    def __init__(self, hub: Hub, site: Site, block: str, socket: Socket) -> None:
        self._hub = hub
        self.site = site
        self._block = block
        self._socket = socket
        self._reporting: asyncio.Task[None] | None = None
        self.visitor: Visitor | None = None

    async def greet(self, hello: Frame) -> None:
        """Say who they are and what they missed; from then on they are live."""
        self.leave()
        feed, socket = self._hub.feed, self._socket
        visitor, frame = await welcome(self._hub, self.site, self._block, hello)
        self.visitor = visitor
        self._hub.visitors_here.opened(visitor.identity_id)
        cursor = frame.get("cursor")
        if cursor is None:
            cursor = number(hello.get("cursor"))
            try:
                await feed.reach(feed.check(hello.get("epoch"), cursor))
            except Reset as reset:
                socket.say(t="reset", reason=reset.reason)
                return
        socket.hold()
        socket.cursor = goal = feed.position
        feed.visitors.setdefault(visitor.identity_id, set()).add(socket)
        frame["config"]["online"] = self._hub.anybody_online()  # as it is now; from here on `tell_visitors` reaches it
        missed = await self._hub.store.read(
            partial(history.missed_events, identity_id=visitor.identity_id, after=cursor, upto=goal)
        )
        if missed is None:
            feed.visitors[visitor.identity_id].discard(socket)
            socket.push_now(framed({"t": "reset", "reason": "too_far"}))
            await socket.release()
            return
        socket.push_now(framed(frame))
        events = {"t": "events", "after": cursor, "upto": goal, "live": True, "events": missed}
        socket.push_now(framed(events))
        await socket.release()

    def leave(self) -> None:
        if self.visitor is None:
            return
        own = self._hub.feed.visitors.get(self.visitor.identity_id, set())
        own.discard(self._socket)
        if not own:
            self._hub.feed.visitors.pop(self.visitor.identity_id, None)
        self._hub.visitors_here.closed(self.visitor.identity_id)
        if self._reporting is not None:
            self._reporting.cancel()
        self.visitor = None

    async def take(self, frame: Frame) -> None:
        if frame["t"] == "hello" or self.visitor is None:
            await self.greet(frame)
        elif frame["t"] == "at":
            cursor = min(number(frame.get("cursor")), self._hub.feed.position)
            if self._reporting is not None:
                self._reporting.cancel()
            self._reporting = asyncio.create_task(self._report(self.visitor, cursor))
        elif answer := await take_frame(self._hub, self.site, self.visitor, frame):
            self._socket.say(**answer)

    async def _report(self, visitor: Visitor, cursor: int) -> None:
        try:
            await report_shown(self._hub, visitor, cursor)
        finally:
            if self._reporting is asyncio.current_task():
                self._reporting = None  # a finished task is half a socket's memory


async def report_shown(hub: Hub, visitor: Visitor, cursor: int) -> None:
    """Record what a page has applied; a reply may be shown a moment before it is recorded as sent."""
    for _ in range(10):
        try:
            waiting = (await hub.store.write(lambda tx: tokens.mark_shown(tx, visitor, cursor))).result
        except StoreUnavailable:
            waiting = 1
        if not waiting:
            return
        await asyncio.sleep(0.3)


async def welcome(hub: Hub, site: Site, block: str, hello: Frame) -> tuple[Visitor, Frame]:
    """The visitor and their welcome; newcomers are counted by `block`. Raises `Closed` for a token that is none."""
    if hello["t"] != "hello" or hello.get("v") != 1:
        raise Closed(sockets.PROTOCOL_ERROR)
    await hub.feed.wake()
    token = str(hello.get("token") or "")
    frame = welcome_of(hub, site.way)
    visitor: Visitor | None
    if token:
        visitor = await hub.store.read(partial(tokens.find_visitor, token=token, channel_id=site.channel_id))
        if visitor is None:
            raise Closed(sockets.REFUSED)
    else:
        hub.limits.take("visitor", block)
        token = random_token()
        origin, channel_id = site.way.origin, site.channel_id
        welcomed = await hub.store.write(lambda tx: tokens.welcome_visitor(tx, origin, channel_id, token))
        visitor = welcomed.result
        frame["token"] = token
    frame["head"] = hub.feed.position
    cursor = hello.get("cursor")
    if cursor is None or "token" in frame:
        frame["cursor"] = hub.feed.position
        messages, more = await hub.store.read(partial(history.last_messages, identity_id=visitor.identity_id))
        frame |= {"messages": messages, "more": more}
    state = await hub.store.read(partial(tokens.conversation_state, identity_id=visitor.identity_id))
    frame["state"] = {"conversation": state}
    return visitor, frame


def welcome_of(hub: Hub, way: Way) -> Frame:
    """What every visitor of a site is told, also once more when it has changed."""
    return hub.welcome(MOST_TEXT, config=config_of(hub, way))


def tell_visitors(hub: Hub) -> None:
    """Welcome all visitors of this process once more: the first agent has come, or the last one left."""
    frames: dict[int, Framed] = {}  # per channel
    for each in tuple(socket for own in hub.feed.visitors.values() for socket in own):
        if isinstance(each.talk, Talk):
            way = each.talk.site.way
            if way.channel_id not in frames:
                frames[way.channel_id] = framed(welcome_of(hub, way))
            each.push(frames[way.channel_id])


def config_of(hub: Hub, way: Way) -> Frame:
    """What the widget shows of the site's settings."""
    settings = way.settings
    return {
        "title": settings.get("title") or "Chat",
        "greeting": settings.get("greeting") or "",
        "color": settings.get("color") or "#2f5bea",
        "side": settings.get("side") or "right",
        "lang": settings.get("lang") or "auto",
        "online": hub.anybody_online(),
        "offline_text": settings.get("offline_text") or "",
        "ask_email": bool(settings.get("ask_email")),
        "team": [],
    }


def number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


async def take_frame(hub: Hub, site: Site, visitor: Visitor, frame: Frame) -> Frame | None:
    """Do what a visitor's frame asks; the answer, if it has one."""
    match frame["t"]:
        case "op":
            return await _take_op(hub, site, visitor, frame)
        case "hint":
            if frame.get("kind") == "typing":
                await _typing(hub, visitor)
            return None
        case "pong":
            return None
        case _:
            raise Closed(sockets.PROTOCOL_ERROR)


async def _typing(hub: Hub, visitor: Visitor) -> None:
    conversation_id = await hub.store.read(partial(conversations.latest_of, identity_id=visitor.identity_id))
    if conversation_id is not None:
        hub.hints.contact_types(conversation_id)


async def _take_op(hub: Hub, site: Site, visitor: Visitor, frame: Frame) -> Frame:
    client_id = frame.get("client_id")
    if not isinstance(client_id, str) or not 8 <= len(client_id) <= LONGEST_CLIENT_ID or set(client_id) - CLIENT_ID:
        raise Closed(sockets.PROTOCOL_ERROR)
    ops: dict[object, Callable[[Hub, Site, Visitor, Frame], Awaitable[Frame]]] = {"message": _say, "read": _read}
    if frame.get("kind") not in ops:
        return nack(client_id, "unknown_op", "This is not possible here.", final=True)
    try:
        hub.limits.take("op", str(visitor.identity_id))
        return {"t": "ack", "client_id": client_id} | await ops[frame["kind"]](hub, site, visitor, frame)
    except Exception as error:
        answer = translated(error)
        if answer is None:
            raise
        return nack(client_id, answer.code, answer.message, final=answer.status in (404, 422))


async def _say(hub: Hub, site: Site, visitor: Visitor, frame: Frame) -> Frame:
    text, uploads = frame.get("text"), frame.get("files") or []
    if not isinstance(text, str) or not isinstance(uploads, list) or not all(isinstance(f, str) for f in uploads):
        raise ApiError(422, "invalid", "This is no message.")
    if len(text) > MOST_TEXT or len(uploads) > 10:
        raise ApiError(422, "too_long", f"A message has at most {MOST_TEXT} characters and 10 files.")
    if not text.strip() and not uploads:
        raise ApiError(422, "empty", "The message is empty.")
    said = Inbound(
        event_key=f"{visitor.identity_id}:{frame['client_id']}",
        address=visitor.address,
        to=site.way.address,
        sent_at=hub.clock(),
        text=clean(text),
    )
    result, seq = await hub.intake.receive_from_visitor(
        site.way.origin, said, tuple(uploads), f"visitor:{visitor.identity_id}"
    )
    return _stored(result, seq, hub)


def _stored(result: Result, seq: int, hub: Hub) -> Frame:
    return {"id": result.message_id, "seq": seq, "at": moment(hub.clock())}


async def _read(hub: Hub, site: Site, visitor: Visitor, frame: Frame) -> Frame:
    upto = number(frame.get("message"))
    written = await hub.store.write(lambda tx: tokens.mark_seen(tx, visitor, upto))
    return {"id": upto, "seq": written.seq, "at": moment(hub.clock())}
