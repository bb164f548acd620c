"""The agents' feed: a socket, and the long poll for where sockets are blocked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError

from omnibox.inbox import conversations
from omnibox.inbox.replies import MOST_REPLY
from omnibox.store import StoreUnavailable
from omnibox.team.agents import Agent
from omnibox.team.policy import Forbidden, may
from omnibox.web import auth, peer, sockets
from omnibox.web.api import ApiError, Ask, Wire, door, moment, route
from omnibox.web.auth import SignedIn
from omnibox.web.conversations import NoteBody, ReadBody, ReplyBody, say
from omnibox.web.errors import translated
from omnibox.web.feed import Reset
from omnibox.web.hub import Hub
from omnibox.web.sockets import Closed, Socket

MOST_FRAME = 256 * 1024
MOST_POLL_S = 25
RECHECK_S = 5.0  # a session that ended ends its sockets this soon

Frame = dict[str, Any]


@door("GET", "/ws", may="public")
async def follow(ask: Ask) -> web.WebSocketResponse:
    """hello → welcome → what was missed → live. The cookie alone opens nothing: Origin and the snapshot's pass do."""
    if not peer.is_own_origin(ask.request, ask.hub):
        raise ApiError(403, "cross_site", "This socket is for the inbox's own pages.")
    signed_in = await auth.require(ask.request, ask.hub)
    ws, socket = await sockets.open_socket(ask.request, MOST_FRAME)
    code = 1000
    writing = asyncio.create_task(socket.write())
    pinging = asyncio.create_task(socket.ping())
    watching = asyncio.create_task(_watch(ask, socket))
    ask.hub.screens.opened(signed_in.agent.id)
    try:
        await _greet(ask.hub, signed_in, socket, await socket.hear(sockets.HELLO_S))
        while True:
            frame = await socket.hear(sockets.SILENT_S)
            if frame["t"] == "hello":
                ask.hub.feed.agents.discard(socket)
                await _greet(ask.hub, signed_in, socket, frame)
            elif answer := await take_frame(ask.hub, signed_in.agent, frame):
                socket.say(**answer)
    except Closed as closed:
        code = closed.code
    except (StoreUnavailable, ConnectionError):
        code = sockets.RESTART
    finally:
        ask.hub.feed.agents.discard(socket)
        ask.hub.screens.closed(signed_in.agent.id)
        for task in (pinging, watching, writing):
            task.cancel()
        await sockets.close(ws, code)
    return ws


async def _watch(ask: Ask, socket: Socket) -> None:
    """Cut the socket of a session that has ended: signed out, password changed, shut out."""
    while True:
        await asyncio.sleep(RECHECK_S)
        try:
            await auth.require(ask.request, ask.hub)
        except ApiError:
            socket.abort()
            return
        except StoreUnavailable:
            continue


async def _greet(hub: Hub, signed_in: SignedIn, socket: Socket, hello: Frame) -> None:
    if hello["t"] != "hello" or hello.get("v") != 1:
        raise Closed(sockets.PROTOCOL_ERROR)
    try:
        auth.check_pass(hub, signed_in.session, str(hello.get("token", "")))
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
    return {
        "t": "welcome",
        "v": 1,
        "epoch": hub.feed.head.epoch,
        "head": hub.feed.position,
        "build": hub.feed.build,
        "ping_s": int(sockets.PING_S),
        "limits": {"text": MOST_REPLY, "file_bytes": hub.most_file_bytes},
    }


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
    hub.feed.hint(kind="typing", conversation=conversation_id, by=agent.id)
    owner = await hub.store.read(partial(conversations.identity_of, conversation_id=conversation_id))
    if owner is not None:
        hub.feed.hint_visitor(owner, kind="typing", name=str(agent.name))


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
            message, seq, _ = await say(hub, agent, conversation_id, body)
            members: Any = message
            return {"id": members["id"], "seq": seq, "at": members["at"]}
        case "read":
            _body(ReadBody, frame)
            written = await hub.store.write(
                partial(conversations.mark_read, conversation_id=conversation_id, agent_id=agent.id)
            )
            return {"id": frame["message"], "seq": written.seq, "at": moment(hub.clock())}
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
    deadline = asyncio.get_running_loop().time() + min(max(wait, 0), MOST_POLL_S)
    while True:
        rung = feed.bus.heard("events")
        await feed.wake()
        left_s = deadline - asyncio.get_running_loop().time()
        if feed.position != cursor or left_s <= 0:
            break
        await feed.moved(rung, left_s)
    if feed.position == cursor:
        return _frame({"t": "events", "after": cursor, "upto": cursor, "live": True, "events": []})
    body, _ = await feed.missed(cursor, feed.position)
    return web.Response(body=body, content_type="application/json")


def _frame(frame: Frame) -> web.Response:
    return web.Response(body=msgspec.json.encode(frame), content_type="application/json")


@route("POST", "/api/frames", may="read")
async def frames(ask: Ask, body: Frames) -> Frames:
    """Takes what the socket would take, answers what it would answer, except events."""
    answers: list[Frame] = []
    for frame in body.frames[:100]:
        if frame.get("t") == "hello":
            await ask.hub.feed.wake()
            answers.append(welcome(ask.hub) | {"cursor": None})
            continue
        try:
            answer = await take_frame(ask.hub, ask.agent, {"t": ""} | frame)
        except Closed:
            raise ApiError(400, "protocol", "This is no frame.") from None
        if answer:
            answers.append(answer)
    return Frames(frames=answers)
