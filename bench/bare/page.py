"""The least web server with a page, for start and memory: `page.py PORT`."""

import sys

from aiohttp import web


async def page(request: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>bare</title>", content_type="text/html")


app = web.Application()
app.router.add_get("/inbox/", page)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
