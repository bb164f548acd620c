"""The agents' feed: a socket, and the long poll for where sockets are blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError

from omnibox.inbox import conversations
from omnibox.inbox.replies import MOST_REPLY
from omnibox.store import StoreUnavailable
from omnibox.team import sessions
from omnibox.team.agents import Agent
from omnibox.team.policy import Forbidden, may
from omnibox.team.sessions import SLIDE_AFTER, Session
from omnibox.web import auth, peer, sockets
from omnibox.web.api import ApiError, Ask, Wire, door, moment, route
from omnibox.web.auth import SignedIn
from omnibox.web.conversations import NoteBody, ReadBody, ReplyBody, say
from omnibox.web.errors import translated
from omnibox.web.feed import Feed, Reset
from omnibox.web.hub import Hub
from omnibox.web.sockets import Closed, Socket

MOST_FRAME = 256 * 1024
MOST_POLL_S = 25
RECHECK_S = 5.0  # a session that ended ends its sockets this soon

Frame = dict[str, Any]


@door("GET", "/ws", may="public")
async def follow(ask: Ask) -> web.StreamResponse:
    """hello → welcome → what was missed → live. The cookie alone opens nothing: Origin and the snapshot's pass do."""
    if not peer.is_own_origin(ask.request, ask.hub):
        raise ApiError(403, "cross_site", "This socket is for the inbox's own pages.")
    signed_in = await auth.require(ask.request, ask.hub)
    socket, answer = ask.hub.sockets.take_over(ask.request, MOST_FRAME)
    socket.talk = Screen(ask.hub, signed_in, socket)
    return answer


class Screen:
    """One socket of an agent, until it ends."""

    __slots__ = ("_hub", "_is_known", "_socket", "agent", "session")

    def __init__(self, hub: Hub, signed_in: SignedIn, socket: Socket) -> None:
        self._hub = hub
        self._socket = socket
        self._is_known = False
        self.agent = signed_in.agent
        self.session = signed_in.session
        hub.screens.opened(self.agent.id)

    async def take(self, frame: Frame) -> None:
        if frame["t"] == "hello" or not self._is_known:
            self._hub.feed.agents.discard(self._socket)
            await _greet(self._hub, self.session, self._socket, frame)
            self._is_known = True
        elif answer := await take_frame(self._hub, self.agent, frame):
            self._socket.say(**answer)

    def leave(self) -> None:
        self._hub.feed.agents.discard(self._socket)
        self._hub.screens.closed(self.agent.id)


async def watch_sessions(hub: Hub) -> None:
    """Cut the sockets of sessions that have ended: signed out, password changed, shut out. An open one stays young."""
    while True:
        rung = hub.feed.bus.heard(sessions.ENDED)
        with suppress(StoreUnavailable):
            await _cut_ended(hub)
        await hub.feed.bus.wait(sessions.ENDED, rung, RECHECK_S)


async def _cut_ended(hub: Hub) -> None:
    screens = [(socket, socket.talk) for socket in hub.sockets if isinstance(socket.talk, Screen)]
    known = {screen.session.token_hash: screen.session for _, screen in screens}
    if not known:
        return
    at = hub.clock()
    living = await hub.store.read(partial(sessions.living, token_hashes=known, at=at))
    for socket, screen in screens:
        if screen.session.token_hash not in living:
            socket.abort()
    old = [known[each] for each in living if at - known[each].seen_at >= SLIDE_AFTER]
    for session in old:
        await hub.store.write(partial(sessions.slide, session=session))
        for _, screen in screens:
            if screen.session is session:
                screen.session = replace(session, seen_at=at, expires_at=at + session.life)


async def _greet(hub: Hub, session: Session, socket: Socket, hello: Frame) -> None:
    if hello["t"] != "hello" or hello.get("v") != 1:
        raise Closed(sockets.PROTOCOL_ERROR)
    try:
        auth.check_pass(hub, session, str(hello.get("token", "")))
    except ApiError:
        socket.say(t="reset", reason="pass")
        return
    await hub.feed.wake()
    try:
        cursor = hub.feed.check(hello.get("epoch"), hello.get("cursor"))
        await hub.feed.reach(cursor)
        socket.say(**welcome(hub))
        await hub.feed.join(socket, cursor)
    except Reset as reset:
        socket.say(t="reset", reason=reset.reason)


def welcome(hub: Hub) -> Frame:
    return hub.welcome(MOST_REPLY, trouble=hub.trouble.word or None)


async def take_frame(hub: Hub, agent: Agent, frame: Frame) -> Frame | None:
    """Do what an agent's frame asks; the answer, if it has one. Raises `Closed` for a frame that is none of ours."""
    match frame["t"]:
        case "op":
            return await _take_op(hub, agent, frame)
        case "hint":
            if frame.get("kind") == "typing" and isinstance(frame.get("conversation"), int):
                await _typing(hub, agent, frame["conversation"])
            return None
        case "pong":
            return None
        case _:
            raise Closed(sockets.PROTOCOL_ERROR)


async def _typing(hub: Hub, agent: Agent, conversation_id: int) -> None:
    owner = await hub.store.read(partial(conversations.identity_of, conversation_id=conversation_id))
    hub.hints.agent_types(conversation_id, agent.id, owner)
    hub.signalling.tell(conversation_id, "typing")


async def _take_op(hub: Hub, agent: Agent, frame: Frame) -> Frame:
    client_id = frame.get("client_id")
    if not isinstance(client_id, str):
        raise Closed(sockets.PROTOCOL_ERROR)
    try:
        return {"t": "ack", "client_id": client_id} | await _do(hub, agent, frame)
    except ValidationError:
        return nack(client_id, "invalid", "This cannot be stored.", final=True)
    except Forbidden as error:
        return nack(client_id, error.code, error.why, final=True)
    except Exception as error:
        answer = translated(error)
        if answer is None:
            raise
        final = answer.status in (404, 422)
        detail = {field.path: field.message for field in answer.fields}
        return nack(client_id, answer.code, answer.message, final=final, detail=detail)


def nack(client_id: str, code: str, message: str, *, final: bool, detail: Mapping[str, Any] | None = None) -> Frame:
    return {
        "t": "nack",
        "client_id": client_id,
        "code": code,
        "final": final,
        "message": message,
        "detail": detail or {},
    }


async def _do(hub: Hub, agent: Agent, frame: Frame) -> Frame:
    kind, conversation_id = frame.get("kind"), frame.get("conversation")
    if not isinstance(conversation_id, int):
        raise Closed(sockets.PROTOCOL_ERROR)
    match kind:
        case "reply" | "note":
            may(agent, "reply" if kind == "reply" else "note")
            body = _body(ReplyBody if kind == "reply" else NoteBody, frame)
            written = await say(hub, agent, conversation_id, body)
            return {"id": written.result.message_id, "seq": written.seq, "at": moment(written.result.at)}
        case "read":
            _body(ReadBody, frame)
            read = await hub.store.write(
                partial(conversations.mark_read, conversation_id=conversation_id, agent_id=agent.id)
            )
            if read.result:
                hub.signalling.tell(conversation_id, "seen")
            return {"id": frame["message"], "seq": read.seq, "at": moment(hub.clock())}
        case _:
            raise Closed(sockets.PROTOCOL_ERROR)


def _body(kind: type[BaseModel], frame: Frame) -> Any:
    return kind.model_validate(frame)


# ── The same by requests


class Frames(Wire):
    frames: list[dict[str, Any]]


@route("GET", "/api/events", may="read")
async def poll(ask: Ask, after: int, epoch: str = "", wait: int = MOST_POLL_S) -> web.Response:
    """One `events` frame, after up to `wait` seconds, or a `reset`."""
    feed = ask.hub.feed
    await feed.wake()
    try:
        cursor = feed.check(epoch, after)
        await feed.reach(cursor)
    except Reset as reset:
        return _frame({"t": "reset", "reason": reset.reason})
    ask.hub.screens.opened(ask.agent.id)  # a screen without a socket is there all the same
    try:
        await _until_moved(feed, cursor, min(max(wait, 0), MOST_POLL_S))
    finally:
        ask.hub.screens.closed(ask.agent.id)
    if feed.position == cursor:
        return _frame({"t": "events", "after": cursor, "upto": cursor, "live": True, "events": []})
    body, _ = await feed.missed(cursor, feed.position)
    return web.Response(body=body, content_type="application/json")


async def _until_moved(feed: Feed, cursor: int, within_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        rung = feed.bus.heard("events")
        await feed.wake()
        left_s = deadline - asyncio.get_running_loop().time()
        if feed.position != cursor or left_s <= 0:
            return
        await feed.moved(rung, left_s)


def _frame(frame: Frame) -> web.Response:
    return web.Response(body=msgspec.json.encode(frame), content_type="application/json")


@route("POST", "/api/frames", may="read")
async def frames(ask: Ask, body: Frames) -> Frames:
    """Takes what the socket would take, answers what it would answer, except events."""
    answers: list[Frame] = []
    for frame in body.frames[:100]:
        if frame.get("t") == "hello":
            await ask.hub.feed.wake()
            answers.append(welcome(ask.hub) | {"cursor": None, "trouble": None})  # no hint would end it
            continue
        try:
            answer = await take_frame(ask.hub, ask.agent, {"t": ""} | frame)
        except Closed:
            raise ApiError(400, "protocol", "This is no frame.") from None
        if answer:
            answers.append(answer)
    return Frames(frames=answers)
