"""The composition root: the only file that knows all parts and whether there is one process or many."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import ipaddress
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from omnibox.blobs import Folder
from omnibox.bus import LocalBus
from omnibox.clock import Clock, now
from omnibox.config import Config, open_secrets
from omnibox.connections import Connections
from omnibox.inbox import conversations
from omnibox.inbox.delivery import Delivery
from omnibox.inbox.errands import Errands
from omnibox.inbox.intake import Intake
from omnibox.inbox.taking import enqueue
from omnibox.inbox.views import Sight
from omnibox.jobs import Jobs
from omnibox.logs import get_logger
from omnibox.outbound import Guard, GuardedHttp
from omnibox.registry import Connectors, Registered
from omnibox.store import Store, StoreUnavailable
from omnibox.store.migrations import migrate
from omnibox.team import agents
from omnibox.team.agents import is_set_up
from omnibox.web.account import agent_dict
from omnibox.web.channels import channel_dict
from omnibox.web.feed import Feed
from omnibox.web.hub import Hub
from omnibox.web.server import make_app

STOP_S = 10
log = get_logger("omnibox")


@asynccontextmanager
async def running(
    config: Config,
    *,
    setup_code: str = "",
    clock: Clock = now,
    registry: Mapping[str, Registered] | None = None,
) -> AsyncIterator[Hub]:
    """The whole hub without its listener: store, connections, workers. Stops in order at the end."""
    keys = open_secrets(config)
    await migrate(config.store_url)
    bus = LocalBus()
    store = Store(config.store_url, ring=bus.ring, clock=clock)
    await store.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.stop)
        hub = Hub(
            store=store,
            secrets=keys,
            clock=clock,
            public_url=config.public_url,
            setup_code=setup_code,
            trusted_proxies=tuple(ipaddress.ip_network(each, strict=False) for each in config.trusted_proxies),
            most_file_bytes=config.max_file_bytes,
        )
        if not setup_code and not await store.read(is_set_up):
            hub.setup_code = new_setup_code()
        _compose(hub, config, bus, Connectors() if registry is None else registry)
        await hub.feed.start()
        stack.push_async_callback(hub.connections.stop)
        await hub.connections.start(reads=True, alone=True)
        await stack.enter_async_context(_working(hub, config, bus))
        yield hub


def new_setup_code() -> str:
    letters = "abcdefghjkmnpqrstuvwxyz23456789"  # none that are mistaken for each other
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(3))


def _compose(hub: Hub, config: Config, bus: LocalBus, registry: Mapping[str, Registered]) -> None:
    guard = Guard(config.outbound_allow)
    hub.blobs = Folder(config.files_folder)
    hub.intake = Intake(hub.store, hub.blobs, hub.secrets)
    hub.connections = Connections(
        store=hub.store,
        secrets=hub.secrets,
        guard=guard,
        intake=hub.intake,
        registry=registry,
        base_url=config.base_url,
        clock=hub.clock,
    )
    hub.delivery = Delivery(hub.store, bus, hub.blobs, hub.connections.way, clock=hub.clock)
    hub.feed = Feed(
        store=hub.store,
        bus=bus,
        sight=lambda: Sight(hub.connections.way, hub.clock(), hub.visitors_here.word),
        agents_view=lambda tx, ids: {each.id: agent_dict(each, hub) for each in agents.everyone(tx) if each.id in ids},
        channels_view=lambda tx, ids: {each: view for each in ids if (view := channel_dict(tx, hub, each)) is not None},
        build=_build_of(hub.pages),
    )
    hub.is_online = hub.screens.is_here
    hub.screens.came = lambda agent_id: hub.feed.hint(kind="presence", agent=agent_id, is_online=True)
    hub.screens.left = lambda agent_id: hub.feed.hint(kind="presence", agent=agent_id, is_online=False)
    told: set[asyncio.Task[None]] = set()
    hub.visitors_here.came = partial(_soon, told, hub, "here")
    hub.visitors_here.left = partial(_soon, told, hub, "left")


def _build_of(pages: Path) -> str:
    """Names the built web app, so that an old tab can tell that there is a newer one."""
    index = pages / "inbox" / "index.html"
    return hashlib.sha256(index.read_bytes()).hexdigest()[:12] if index.is_file() else "none"


def _soon(told: set[asyncio.Task[None]], hub: Hub, word: str, identity_id: int) -> None:
    task = asyncio.get_running_loop().create_task(_tell_presence(hub, word, identity_id))
    told.add(task)
    task.add_done_callback(told.discard)


async def _tell_presence(hub: Hub, word: str, identity_id: int) -> None:
    """Tell the agents that a visitor who has a conversation came or left."""
    conversation_id = await hub.store.read(partial(conversations.latest_of, identity_id=identity_id))
    if conversation_id is not None:
        hub.feed.hint(kind="visitor", conversation=conversation_id, presence=word)


@asynccontextmanager
async def _working(hub: Hub, config: Config, bus: LocalBus) -> AsyncIterator[None]:
    """The feed, the delivery and the jobs run meanwhile; if one of them ends by itself, that is a defect: we stop."""
    client = GuardedHttp(Guard(config.outbound_allow))
    errands = Errands(
        store=hub.store,
        blobs=hub.blobs,
        secrets=hub.secrets,
        ways=hub.connections.way,
        delivery=hub.delivery,
        fetch=client.fetch,
        probe=hub.connections.probe,
        most_file_bytes=config.max_file_bytes,
        clock=hub.clock,
    )
    jobs = Jobs(hub.store, bus, errands.handlers(), clock=hub.clock)
    async with asyncio.TaskGroup() as group:
        workers = [
            group.create_task(_schedule(hub), name="schedule"),
            group.create_task(hub.feed.run(), name="feed"),
            group.create_task(hub.delivery.run(), name="delivery"),
            group.create_task(jobs.run(), name="jobs"),
        ]
        try:
            yield
        finally:
            for worker in workers:
                worker.cancel()
            await client.close()


async def _schedule(hub: Hub) -> None:
    """See to it that the hourly work is on the list; then there is nothing more to do."""
    while True:
        try:
            await hub.store.write(lambda tx: enqueue(tx, "sweep", "hourly"))
        except StoreUnavailable:
            await asyncio.sleep(10)
        else:
            return


async def serve(config: Config, started: Callable[[str, str], None]) -> None:
    """Run the hub until SIGTERM or SIGINT.

    `started` hears the address once the first page can be had, and the set-up code while there is no owner.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(config) as hub, listening(hub, config.host, config.port) as port:
        gc.enable()
        gc.set_threshold(10_000, 20, 50)
        gc.freeze()  # what a start makes stays for good; walking it again and again costs pauses of 60 ms
        started(config.public_url or f"http://{config.host}:{port}", hub.setup_code)
        await stop.wait()
        log.info("stopping")


@asynccontextmanager
async def listening(hub: Hub, host: str, port: int) -> AsyncIterator[int]:
    """The web application on a port; 0 takes a spare one. Gives the port. In-flight requests may end."""
    runner = web.AppRunner(make_app(hub), access_log=None, shutdown_timeout=STOP_S, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
