"""P05: resident memory of one idle visitor, all of the application's state included, against a bare aiohttp socket."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable

import uvloop

from bench.crowd import Crowd, upgrade
from bench.report import Figure, Goal, wrong
from bench.servers import Server, bare, hub
from omnibox.testing.world.demo import site_key

VISITORS, MANY = 2_000, 9_000
WARM = 200
REST_S = 3.0
SITE = "https://shop.bench.example"
MOST_KIB = 14.0
NEWCOMER = b'{"t":"hello","v":1,"token":"","epoch":"","cursor":null}'


def run(*, long: bool = False) -> list[Figure]:
    return uvloop.run(_run(MANY if long else VISITORS))


async def _run(count: int) -> list[Figure]:
    name = f"memory per idle visitor, {count:,} of them"
    with bare("idle") as server:
        limit = await _grown(server, count, lambda port, _: upgrade(port, "/w/ws"), is_greeted=False)
    with hub(settings=['trusted_proxies = ["127.0.0.1"]']) as found:
        admin = await found.own()
        channel = {"name": "Shop", "address": "shop", "settings": {"origins": [SITE]}}
        site = site_key(await admin.connect("webchat", "Website", {}, channel))

        def request(port: int, number: int) -> bytes:
            # New visitors are counted by their address; each of these has one of its own, told by the proxy we play.
            address = ipaddress.ip_address("10.0.0.1") + number
            return upgrade(port, f"/w/ws?site={site}", [f"Origin: {SITE}", f"X-Forwarded-For: {address}"])

        ours = await _grown(found.server, count, request, is_greeted=True)
        await admin.close()
    if not limit or not ours:
        return [wrong("P05", name, "sockets were closed while they waited")]
    return [Figure("P05", name, "KiB", ((limit, ours),), Goal(MOST_KIB, of="ours", aim=6))]


async def _grown(server: Server, count: int, request: Callable[[int, int], bytes], *, is_greeted: bool) -> float:
    """KiB that each of `count` sockets adds; 0 if some of them ended."""
    crowd = Crowd(server.port, is_greeted=is_greeted)
    await crowd.open(WARM, lambda number: request(server.port, number), lambda _: NEWCOMER)
    await asyncio.sleep(REST_S)
    before = server.rss_mb()
    await crowd.open(count, lambda number: request(server.port, number), lambda _: NEWCOMER)
    await asyncio.sleep(REST_S)
    grown = server.rss_mb() - before
    gone = crowd.gone
    await crowd.close()
    return 0.0 if gone else grown * 1024 / count
