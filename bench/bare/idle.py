"""Sockets of plain aiohttp that wait: `idle.py PORT`."""

import sys

import uvloop
from aiohttp import web


async def follow(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse(compress=False)
    await ws.prepare(request)
    async for _ in ws:
        pass
    return ws


app = web.Application()
app.router.add_get("/w/ws", follow)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=uvloop.new_event_loop())
