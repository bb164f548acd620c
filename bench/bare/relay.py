"""A chat relay that keeps its messages in a dict: what a visitor says goes to every agent. `relay.py PORT`."""

import sys

import msgspec
import uvloop
from aiohttp import WSMsgType, web

agents: set[web.WebSocketResponse] = set()
kept: dict[int, dict[str, str]] = {}


async def agent(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    agents.add(ws)
    async for _ in ws:
        pass
    agents.discard(ws)
    return ws


async def visitor(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    async for received in ws:
        if received.type is not WSMsgType.TEXT:
            continue
        said = msgspec.json.decode(received.data)
        number = len(kept) + 1
        kept[number] = said
        frame = msgspec.json.encode({"t": "events", "events": [{"message": {"id": number, "text": said["text"]}}]})
        for each in agents:
            await each.send_str(frame.decode())
        await ws.send_str(msgspec.json.encode({"t": "ack", "client_id": said["client_id"], "id": number}).decode())
    return ws


app = web.Application()
app.router.add_get("/ws", agent)
app.router.add_get("/w/ws", visitor)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=uvloop.new_event_loop())
