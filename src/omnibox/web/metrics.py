"""`/metrics` for Prometheus: what this process has counted, how it is now, and what waits in the database."""

from __future__ import annotations

import asyncio
import hmac
import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from aiohttp import web

from omnibox.events import read_head
from omnibox.metrics import COUNTED, Counter, Labels, Metric
from omnibox.store import Reader, StoreUnavailable
from omnibox.store.engine import free_bytes
from omnibox.store.tables import channel, connection, delivery, job, lease, quarantine
from omnibox.web import peer
from omnibox.web.api import ApiError, Ask, door
from omnibox.web.hub import Hub
from omnibox.web.live import Screen
from omnibox.web.visitors import Talk

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

READ_TIMEOUT_S = 5
FORWARDED = "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"
WORDS = "events", "deliveries", "jobs", "sessions"  # what the bus rings for
WAITING = "queued", "sending", "uncertain"

# ── Of this process

BUILD = Metric("omnibox_build_info", "The version that runs; always 1.", ("version", "python", "database"))
SOCKETS = Metric("omnibox_sockets_open", "Open WebSockets.", ("side",))
SOCKETS_CUT = Metric("omnibox_sockets_cut", "Sockets ended because their peer took or said nothing.", (), "counter")
SOCKET_BYTES = Metric("omnibox_sockets_waiting_bytes", "Bytes that peers have not taken yet.")
FEED_LAG = Metric("omnibox_feed_lag_events", "Events in the log that this process has not shown to its sockets yet.")
QUEUED_WRITES = Metric("omnibox_store_queued_writes", "Writes that wait for a commit; at 10,000 more are refused.")
DISK_FREE = Metric("omnibox_disk_free_bytes", "Room left on the disk of the database; without a server for it only.")
BUS_RINGS = Metric("omnibox_bus_rings", "Rings heard on the bus.", ("word",), "counter")
BUS_WHOLE = Metric("omnibox_bus_whole", "1 while rings reach all processes, 0 while the bus is gone.")
SOURCE_THERE = Metric("omnibox_source_items", "What mailboxes held at their last comparison, of what was to be read.")
SOURCE_MISSING = Metric("omnibox_source_missing", "Of those, what is not stored here and could not be fetched again.")

# ── Of the installation, read from the database: the same in every process

STORE_UP = Metric("omnibox_store_up", "1 if the database answered this scrape. Without it the rows below are missing.")
EVENTS = Metric("omnibox_events", "Events written so far.", (), "counter")
DELIVERIES = Metric("omnibox_deliveries", "Parts of replies that are not settled.", ("state",))
DELIVERY_AGE = Metric(
    "omnibox_delivery_age_seconds", "How long the oldest part in this state has been due, or in doubt.", ("state",)
)
JOBS = Metric("omnibox_jobs", "Jobs that are not done.", ("kind",))
JOB_AGE = Metric("omnibox_job_age_seconds", "How long the oldest job has been due.", ("kind",))
QUARANTINE = Metric("omnibox_quarantine", "Arrivals that could not be read and wait for a person.")
QUARANTINE_AGE = Metric("omnibox_quarantine_age_seconds", "How long the oldest of them has waited.")
CONNECTIONS = Metric("omnibox_connections", "Connections by kind and state.", ("connector", "state"))
CHANNELS = Metric("omnibox_channels", "Channels by kind and state.", ("connector", "state"))
SEARCH_LAG = Metric("omnibox_search_lag_events", "Events that the search index has not looked at yet.")
SEARCH_LEFT = Metric("omnibox_search_left", "About how many older messages the search index still has to take in.")
UNREAD = Metric("omnibox_sources_unread", "Active connections that are read, and whose reader is nobody now.")

STATE = (
    BUILD, SOCKETS, SOCKETS_CUT, SOCKET_BYTES, FEED_LAG, QUEUED_WRITES, DISK_FREE, BUS_RINGS, BUS_WHOLE, SOURCE_THERE,
    SOURCE_MISSING, STORE_UP, EVENTS,
    DELIVERIES, DELIVERY_AGE, JOBS, JOB_AGE, QUARANTINE, QUARANTINE_AGE, CONNECTIONS, CHANNELS,
    SEARCH_LAG, SEARCH_LEFT, UNREAD,
)  # fmt: skip
ALL: tuple[Metric, ...] = (*COUNTED, *STATE)

Values = dict[Metric, dict[Labels, float]]


@door("GET", "/metrics", may="public", is_quiet=True)
async def metrics(ask: Ask) -> web.Response:
    """The text form that Prometheus reads."""
    check_scraper(ask.request, ask.hub)
    values = of_process(ask.hub)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            values |= await ask.hub.store.read(lambda tx: of_installation(tx, ask.hub))
    except (StoreUnavailable, TimeoutError):
        values[STORE_UP] = {(): 0}
    body = await asyncio.to_thread(rendered, values)  # the first scrape loads the library
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=1.0.0; charset=utf-8"})


def check_scraper(request: web.Request, hub: Hub) -> None:
    """Raise 403 unless the token is right; without a token set, unless a program of this machine asks directly.

    A proxy on this machine shows by its headers, and a page of another site that was made to point here by its Host.
    """
    if hub.metrics_token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        is_right = hmac.compare_digest(given.encode(), hub.metrics_token.encode())
    else:
        is_direct = not any(name in request.headers for name in FORWARDED)
        is_right = is_direct and peer.address_of(request).is_loopback and peer.is_local_name(request)
    if not is_right:
        raise ApiError(
            403, "forbidden", "Metrics are not for everybody.", "Set metrics_token, and send it as a bearer token."
        )


def of_process(hub: Hub) -> Values:
    """How this process is now."""
    sides = {"agent": 0, "visitor": 0, "unknown": 0}
    waiting = 0
    for socket in hub.sockets:
        sides[_side_of(socket.talk)] += 1
        waiting += socket.waiting_bytes
    bus = hub.feed.bus
    database = "sqlite" if hub.store.is_embedded else "postgresql"
    return {
        BUILD: {(hub.version, platform.python_version(), database): 1},
        SOCKETS: {(side,): count for side, count in sides.items()},
        SOCKETS_CUT: {(): hub.sockets.aborted},
        SOCKET_BYTES: {(): waiting},
        QUEUED_WRITES: {(): hub.store.queued},
        DISK_FREE: {(): free_bytes(hub.store.url)} if hub.store.is_embedded else {},
        BUS_RINGS: {(word,): bus.heard(word) for word in WORDS},
        BUS_WHOLE: {(): float(bus.is_whole())},
        SOURCE_THERE: {(): sum(there for there, _ in hub.connections.counts.values())},
        SOURCE_MISSING: {(): sum(missing for _, missing in hub.connections.counts.values())},
    }


def _side_of(talk: object) -> str:
    if isinstance(talk, Talk):
        return "visitor"
    return "agent" if isinstance(talk, Screen) else "unknown"


def of_installation(tx: Reader, hub: Hub) -> Values:
    """What the database says; one snapshot."""
    from omnibox.store.search import state as search  # not at every start

    now = hub.clock()
    head = read_head(tx)
    listens = bool(hub.feed.agents or hub.feed.visitors)
    values: Values = {
        STORE_UP: {(): 1},
        EVENTS: {(): head.seq},
        FEED_LAG: {(): max(0, head.seq - hub.feed.position) if listens else 0},
    }

    def age(at: Any) -> float:
        return 0.0 if at is None else max(0.0, (now - at).total_seconds())

    waiting = {row.state: row for row in tx.execute(_DELIVERIES)}
    values[DELIVERIES] = {(state,): waiting[state].how_many if state in waiting else 0 for state in WAITING}
    values[DELIVERY_AGE] = {(state,): age(waiting[state].oldest) if state in waiting else 0 for state in WAITING}
    jobs = list(tx.execute(_JOBS))
    values[JOBS] = {(row.kind,): row.how_many for row in jobs}
    values[JOB_AGE] = {(row.kind,): age(row.oldest) for row in jobs}
    aside = tx.execute(_QUARANTINE).one()
    values[QUARANTINE], values[QUARANTINE_AGE] = {(): aside.how_many}, {(): age(aside.oldest)}
    values[CONNECTIONS] = {(row.connector, row.state): row.how_many for row in tx.execute(_CONNECTIONS)}
    values[CHANNELS] = {(row.connector, row.state): row.how_many for row in tx.execute(_CHANNELS)}
    index = tx.execute(sa.select(search.c.seq, search.c.below)).first()
    values[SEARCH_LAG] = {(): max(0, head.seq - index.seq) if index else head.seq}
    values[SEARCH_LEFT] = {(): index.below if index else 0}
    held = set(tx.execute(sa.select(lease.c.name).where(lease.c.until > now)).scalars())
    values[UNREAD] = {(): sum(f"source {each}" not in held for each in hub.connections.read_by_sources())}
    return values


_COUNT = sa.func.count().label("how_many")
_DELIVERIES = (
    sa.select(delivery.c.state, _COUNT, sa.func.min(sa.func.coalesce(
        delivery.c.uncertain_at, delivery.c.not_before)).label("oldest"))
    .where(delivery.c.state.in_(WAITING)).group_by(delivery.c.state)
)  # fmt: skip
_JOBS = sa.select(job.c.kind, _COUNT, sa.func.min(job.c.due_at).label("oldest")).group_by(job.c.kind)
_QUARANTINE = sa.select(_COUNT, sa.func.min(quarantine.c.at).label("oldest")).where(quarantine.c.settled_at.is_(None))
_CONNECTIONS = sa.select(connection.c.connector, connection.c.state, _COUNT).group_by(
    connection.c.connector, connection.c.state
)
_CHANNELS = (
    sa.select(connection.c.connector, channel.c.state, _COUNT)
    .join(connection, connection.c.id == channel.c.connection_id)
    .group_by(connection.c.connector, channel.c.state)
)


# ── Rendering, with the library loaded at the first scrape


def rendered(values: Mapping[Metric, Mapping[Labels, float]]) -> bytes:
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Collected(lambda: [*_counted(), *_state(values)]))
    return generate_latest(registry)


@dataclass(frozen=True, slots=True)
class _Collected:
    families: Callable[[], Iterable[Family]]

    def collect(self) -> Iterable[Family]:
        return self.families()


def _counted() -> Iterable[Family]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    for metric in COUNTED:
        if isinstance(metric, Counter):
            counter = CounterMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, value in list(metric.values.items()) or ([] if metric.labels else [((), 0.0)]):
                counter.add_metric(labels, value)
            yield counter
        else:
            histogram = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
            for labels, counts, total in list(metric.rows()):
                histogram.add_metric(labels, counts, total)
            yield histogram


def _state(values: Mapping[Metric, Mapping[Labels, float]]) -> Iterable[Family]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for metric, found in values.items():
        made = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = made(metric.name, metric.help, labels=metric.labels)
        for labels, value in found.items():
            family.add_metric(labels, value)
        yield family
