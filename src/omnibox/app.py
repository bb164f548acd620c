"""The composition root: the only file that knows all parts and whether there is one process or many."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import ipaddress
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from omnibox import upkeep
from omnibox.bus import Bus, LocalBus
from omnibox.catching import Catching
from omnibox.clock import Clock, now
from omnibox.config import Config, open_blobs, open_secrets, require_server
from omnibox.connections import Connections, Live
from omnibox.connector import Missed
from omnibox.events import read_head
from omnibox.inbox.delivery import Delivery
from omnibox.inbox.errands import Errands
from omnibox.inbox.intake import Intake
from omnibox.inbox.views import Sight
from omnibox.inbox.waits import watch_clock
from omnibox.jobs import Jobs, enqueue
from omnibox.logs import get_logger
from omnibox.outbound import Guard, GuardedHttp
from omnibox.registry import Connectors, Registered
from omnibox.secrets import Secrets
from omnibox.signalling import Signalling
from omnibox.store import Store, StoreUnavailable, Transaction
from omnibox.store.migrations import migrate
from omnibox.store.trouble import is_of_the_store, trouble_of
from omnibox.team import agents
from omnibox.team.agents import is_set_up
from omnibox.web import routes
from omnibox.web.account import agent_dict
from omnibox.web.api import ROUTES
from omnibox.web.channels import channel_dict
from omnibox.web.feed import Feed
from omnibox.web.health import only_health
from omnibox.web.hints import Hints
from omnibox.web.hub import Hub
from omnibox.web.readiness import Readiness
from omnibox.web.server import make_app
from omnibox.web.trouble import Trouble
from omnibox.web.visitors import tell_visitors

STOP_S = 10
INDEX_AFTER_S = 0.5
STOP_AT_MOST_S = 40  # in-flight requests, sends and the bus have their own, shorter times
log = get_logger("omnibox")


@dataclass(frozen=True, slots=True)
class Role:
    """What a process of the hub does: answer browsers, platforms and visitors; read, send and do jobs; or both."""

    answers: bool = True
    works: bool = True


SERVE, WEB, WORKER = Role(), Role(works=False), Role(answers=False)


@asynccontextmanager
async def running(
    config: Config,
    *,
    role: Role = SERVE,
    setup_code: str = "",
    clock: Clock = now,
    registry: Mapping[str, Registered] | None = None,
) -> AsyncIterator[Hub]:
    """One process of the hub without its listener: store, connections, workers. Stops in order at the end.

    On SQLite it is the only one, so what was held when it starts is nobody's. On a server there may be others, always.
    """
    alone = config.database_path is not None
    if role != SERVE:
        require_server(config)
    keys = open_secrets(config)
    await _migrate(config)
    bus = _make_bus(config, keys, alone=alone)
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
            metrics_token=config.metrics_token.get_secret_value(),
            trusted_proxies=tuple(ipaddress.ip_network(each, strict=False) for each in config.trusted_proxies),
            most_file_bytes=config.max_file_bytes,
        )
        if not setup_code and not await store.read(is_set_up):
            hub.setup_code = await _make_setup_code(store, keys)
        _compose(hub, config, bus, Connectors() if registry is None else registry, alone=alone)
        await hub.feed.start()
        hub.hints.start()
        stack.push_async_callback(hub.hints.stop)
        stack.push_async_callback(hub.signalling.stop)
        stack.push_async_callback(hub.connections.stop)
        await hub.connections.start(reads=role.works, alone=alone)
        await stack.enter_async_context(_working(hub, config, bus, role, alone=alone))
        yield hub


async def _migrate(config: Config) -> None:
    try:
        await migrate(config.store_url)
    except Exception as error:
        if isinstance(error, OSError) and config.database_path is not None:
            raise  # about a file, which the error names
        if is_of_the_store(error):
            raise StoreUnavailable(trouble_of(error)) from None
        raise


def _make_bus(config: Config, keys: Secrets, *, alone: bool) -> Bus:
    url = config.redis_url.get_secret_value()
    if alone or not url:
        return LocalBus()
    from omnibox.bus.redis import RedisBus

    return RedisBus(url, keys.sign("bus", "omnibox"))  # the same in all processes of this installation


async def _make_setup_code(store: Store, keys: Secrets) -> str:
    """The same in all processes of this installation; nobody can make it without the key."""
    head = await store.read(read_head)
    signature = keys.sign("set-up", head.installation).rpartition(".")[2]
    letters = signature.translate(str.maketrans("il", "89"))  # none that are mistaken for each other
    return "-".join((letters[:5], letters[5:10], letters[10:15]))


def _compose(hub: Hub, config: Config, bus: Bus, registry: Mapping[str, Registered], *, alone: bool) -> None:
    guard = Guard(config.outbound_allow)
    hub.blobs = open_blobs(config)
    hub.intake = Intake(hub.store, hub.blobs, hub.secrets)
    hub.connections = Connections(
        store=hub.store,
        secrets=hub.secrets,
        guard=guard,
        intake=hub.intake,
        registry=registry,
        base_url=config.base_url,
        clock=hub.clock,
        lease_s=config.lease_s,
    )
    hub.delivery = Delivery(
        hub.store, bus, hub.blobs, hub.connections.way, alone=alone, lease_s=config.lease_s, clock=hub.clock
    )
    hub.feed = Feed(
        store=hub.store,
        bus=bus,
        sight=lambda: Sight(hub.connections.way, hub.clock(), hub.visitors_here.word),
        agents_view=lambda tx, ids: {each.id: agent_dict(each, hub) for each in agents.everyone(tx) if each.id in ids},
        channels_view=lambda tx, ids: {each: view for each in ids if (view := channel_dict(tx, hub, each)) is not None},
        build=_build_of(hub.pages),
    )
    hub.is_online = hub.screens.is_here
    hub.signalling = Signalling(hub.store, hub.connections.way, hub.clock)
    tell = partial(tell_visitors, hub)
    hub.hints = Hints(hub.store, bus, hub.feed, screens=hub.screens, visitors=hub.visitors_here, tell_visitors=tell)
    hub.readiness = Readiness(hub.store, bus, hub.connections)
    hub.trouble = Trouble(hub.store, lambda word: hub.feed.hint(kind="trouble", code=word or None))


def _build_of(pages: Path) -> str:
    """Names the built web app, so that an old tab can tell that there is a newer one."""
    index = pages / "inbox" / "index.html"
    return hashlib.sha256(index.read_bytes()).hexdigest()[:12] if index.is_file() else "none"


@asynccontextmanager
async def _working(hub: Hub, config: Config, bus: Bus, role: Role, *, alone: bool) -> AsyncIterator[None]:
    """What this process has to do runs meanwhile; if a part of it ends by itself, that is a defect: we stop."""
    client = GuardedHttp(Guard(config.outbound_allow))
    parts: dict[str, Coroutine[Any, Any, None]] = {"store": hub.trouble.run()}
    if not alone:
        parts |= {"bus": bus.run(), "connections": hub.connections.watch(bus)}
    if role.answers:
        parts["feed"] = hub.feed.run()
    if role.answers and not alone:
        parts["presence"] = hub.hints.run()
    if role.works:
        looking = upkeep.Looking(hub.connections)
        catching = Catching(hub.store, hub.intake, hub.connections.find, hub.connections.running, hub.clock)
        errands = Errands(
            store=hub.store,
            blobs=hub.blobs,
            secrets=hub.secrets,
            ways=hub.connections.way,
            delivery=hub.delivery,
            fetch=client.fetch,
            probe=looking.probe,
            catch_up=catching.catch_up,
            can_catch_up=catching.connections,
            most_file_bytes=config.max_file_bytes,
            clock=hub.clock,
        )
        handlers = {**errands.handlers(), **looking.handlers()}
        jobs = Jobs(hub.store, bus, handlers, alone=alone, lease_s=config.lease_s, clock=hub.clock)
        parts |= {"delivery": hub.delivery.run(), "jobs": jobs.run()}
        parts["search index"] = _index(hub.store, bus)
        parts["clock"] = watch_clock(hub.store, hub.clock)
    async with asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(part, name=name) for name, part in parts.items()}
        hub.readiness.tasks = dict(tasks)
        scheduling = group.create_task(_schedule(hub), name="schedule")
        try:
            yield
        finally:
            for task in (scheduling, *tasks.values()):
                task.cancel()
            await client.close()


async def _index(store: Store, bus: Bus) -> None:
    """Keep the search index up, from a moment on at which the first page has been served."""
    await asyncio.sleep(INDEX_AFTER_S)
    from omnibox.inbox.indexing import make_indexer

    await make_indexer(store, bus).run()


async def _schedule(hub: Hub) -> None:
    """See to it that the hourly work is on the list; then there is nothing more to do."""
    while True:
        try:
            await hub.store.write(partial(_enqueue_all, missed=hub.connections.running()))
        except StoreUnavailable:
            await asyncio.sleep(10)
        else:
            return


def _enqueue_all(tx: Transaction, missed: Sequence[Live]) -> None:
    enqueue(tx, "sweep", "hourly")
    enqueue(tx, "catch_up", "hourly")
    upkeep.schedule(tx, missed)
    for live in missed:
        if isinstance(live.connector, Missed):
            enqueue(tx, "catch_up", str(live.id))  # it was said while we were not there


async def serve(config: Config, started: Callable[[str, str], None], role: Role = SERVE) -> None:
    """Run one process of the hub until SIGTERM or SIGINT, which also end a start that is still under way.

    `started` hears the address once the first page can be had, and the set-up code while there is no owner.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    starting = asyncio.current_task()

    def end() -> None:
        if not stop.is_set():
            stop.set()
            loop.call_later(STOP_AT_MOST_S, _give_up)
            if starting is not None:
                starting.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    try:
        async with (
            running(config, role=role) as hub,
            listening(hub, config.host, config.port, role) as port,
        ):
            starting = None
            gc.enable()
            gc.set_threshold(10_000, 20, 50)
            gc.freeze()  # what a start makes stays for good; walking it again and again costs pauses of 60 ms
            own = f"http://{config.host}:{port}"
            started(config.public_url or own if role.answers else own, hub.setup_code)
            await stop.wait()
            hub.readiness.is_stopping = True
            log.info("stopping")
    except asyncio.CancelledError:
        if starting is None or not stop.is_set():
            raise
        starting.uncancel()
        log.info("stopped while starting")


def _give_up() -> None:
    """Something foreign does not let go. Whatever this process held is settled as after a kill."""
    log.critical("did not stop in time")
    os._exit(1)


@asynccontextmanager
async def listening(hub: Hub, host: str, port: int, role: Role = SERVE) -> AsyncIterator[int]:
    """The web application on a port; 0 takes a spare one. Gives the port. In-flight requests may end.

    A worker has the doors of those who watch it and no others.
    """
    routes.load()
    app = make_app(hub, ROUTES if role.answers else only_health(ROUTES))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_S, handler_cancellation=True)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
