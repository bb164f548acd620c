"""A webhook that checks, parses and answers, and keeps nothing: `webhook.py PORT SECRET`."""

import hashlib
import hmac
import sys

import msgspec
import uvloop
from aiohttp import web

SECRET = sys.argv[2].encode()


async def receive(request: web.Request) -> web.Response:
    body = await request.read()
    given = request.headers.get("X-Hub-Signature-256", "").removeprefix("sha256=")
    if not hmac.compare_digest(hmac.new(SECRET, body, hashlib.sha256).hexdigest(), given):
        return web.Response(status=403)
    for entry in msgspec.json.decode(body)["entry"]:
        for item in entry.get("messaging") or entry["standby"]:
            assert item["sender"]["id"]
    return web.Response(text="ok")


app = web.Application()
app.router.add_post("/hooks/bare", receive)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, loop=uvloop.new_event_loop())
