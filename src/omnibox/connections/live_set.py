"""The live set: all connections that this process runs, built anew whenever one of them changes."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa

from omnibox.bus import Bus
from omnibox.clock import Clock, now
from omnibox.connections.live import Live, close_connector, make_connector, origin_of
from omnibox.connections.rows import find_rows, get_rows, read_stamps, stamp_of
from omnibox.connector import (
    BadSettings,
    ChannelSettings,
    Check,
    Checks,
    Envelope,
    Request,
    SendError,
    Source,
    Webhook,
)
from omnibox.context import CountedHttp, LiveContext, logger
from omnibox.fields import typed_values
from omnibox.inbox import channels
from omnibox.inbox.intake import Intake
from omnibox.inbox.way import Way
from omnibox.logs import get_logger
from omnibox.outbound import Guard
from omnibox.registry import Registered
from omnibox.secrets import BadKey, Secrets
from omnibox.sources import Sources
from omnibox.store import Store, StoreUnavailable, Transaction
from omnibox.store.tables import connection, installation, quarantine

CHECK_S = 60.0
TOKEN = "conversation"  # noqa: S105  the purpose of the tokens in reply addresses
log = get_logger("omnibox.connections")


@dataclass(slots=True)
class Connections:
    """All connections of the installation that this process runs."""

    store: Store
    secrets: Secrets
    guard: Guard
    intake: Intake
    registry: Mapping[str, Registered]
    base_url: str
    clock: Clock = now
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    lease_s: float = 60.0
    reads: bool = False
    is_key_wrong: bool = False
    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per connection that is read here: what was to be read at its last comparison, and what of it was missing."""
    _live: dict[int, Live] = field(default_factory=dict)
    _ways: dict[int, Way] = field(default_factory=dict)
    _hooks: dict[str, Live] = field(default_factory=dict)
    _sites: dict[str, tuple[Live, int]] = field(default_factory=dict)
    _installation: str = ""
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _sources: Sources = field(init=False)

    # ── Finding

    def way(self, channel_id: int) -> Way | None:
        return self._ways.get(channel_id)

    def by_hook(self, key: str) -> Live | None:
        return self._hooks.get(key)

    def by_site(self, key: str) -> tuple[Live, Way] | None:
        """The live (widget) channel of a public site key."""
        found = self._sites.get(key)
        return None if found is None else (found[0], found[0].ways[found[1]])

    def find(self, connection_id: int) -> Live | None:
        return self._live.get(connection_id)

    def running(self) -> list[Live]:
        """The connections that are in use."""
        return [each for each in self._live.values() if each.state == "active"]

    def problem(self, connection_id: int) -> BadSettings | None:
        """Why a connection's settings make no connector, if so."""
        live = self._live.get(connection_id)
        return None if live is None else live.problem

    def read_by_sources(self) -> list[int]:
        """The active connections that somebody, in some process, must be reading."""
        return [
            each.id for each in self._live.values() if each.state == "active" and isinstance(each.connector, Source)
        ]

    # ── Coming and going

    async def start(self, *, reads: bool, alone: bool) -> None:
        """Build every connection; with `reads`, run their sources too. `alone`: leases are a dead process's."""
        self.reads = reads
        self._sources = Sources(self.store, self.intake, self.holder, self.lease_s, self.counts)
        if alone:
            await self._sources.clear()
        self._installation = await self.store.read(lambda tx: tx.execute(sa.select(installation.c.name)).scalar_one())
        for connection_id in await self.store.read(read_stamps):
            await self.reload(connection_id)

    async def stop(self) -> None:
        for live in list(self._live.values()):
            await self._drop(live)
        if self.reads:
            await self._sources.leave()

    async def watch(self, bus: Bus) -> None:
        """Take up what other processes change, for ever. The rows are the truth; the bus only says when to look."""
        while True:
            rung = bus.heard(channels.DOORBELL)
            try:
                await self._catch_up()
                self.is_key_wrong = False
            except StoreUnavailable:
                log.warning("connections wait for the store")
            except BadKey:
                if not self.is_key_wrong:
                    log.error("a connection was stored with another key than this process has")
                self.is_key_wrong = True
            await bus.wait(channels.DOORBELL, rung)

    async def _catch_up(self) -> None:
        stored = await self.store.read(read_stamps)
        for connection_id in stored.keys() | self._live.keys():
            live = self._live.get(connection_id)
            if stored.get(connection_id) != (live and live.stamp):
                await self.refresh(connection_id)
                log.info("a change made elsewhere was taken up", connection_id=connection_id)

    async def refresh(self, connection_id: int) -> None:
        """Build a connection anew if it has changed. Whoever changes one asks this too: `watch` may have been first."""
        await self._rebuild(connection_id, only_if_changed=True)

    async def reload(self, connection_id: int) -> None:
        """Build a connection anew from what is stored; gone or disabled ones leave the set."""
        await self._rebuild(connection_id, only_if_changed=False)

    async def _rebuild(self, connection_id: int, *, only_if_changed: bool) -> None:
        async with self._changing:  # two that build the same one would leave the first running
            rows = await self.store.read(lambda tx: find_rows(tx, connection_id))
            old = self._live.get(connection_id)
            if only_if_changed and (old and old.stamp) == (rows and stamp_of(*rows)):
                return
            if rows is not None:
                await asyncio.to_thread(self.registry.get, rows[0].connector)  # imports it, the first time
            if old is not None:
                await self._drop(old)
            if rows is not None:
                self._take_up(self._build(*rows))

    def _take_up(self, live: Live) -> None:
        self._live[live.id] = live
        self._hooks[live.hook_key] = live
        if live.state in ("active", "paused"):
            self._ways.update(live.ways)
            self._sites.update({key: (live, channel_id) for key, channel_id in live.sites.items()})
        if self.reads and live.state == "active" and isinstance(live.connector, Source):
            reading = self._sources.read(live.id, live.connector, live.origin)
            live.reading = asyncio.create_task(reading, name=f"source {live.id}")

    async def _drop(self, live: Live) -> None:
        self._live.pop(live.id, None)
        self.counts.pop(live.id, None)
        self._hooks.pop(live.hook_key, None)
        for channel_id in live.ways:
            self._ways.pop(channel_id, None)
        for key in live.sites:
            self._sites.pop(key, None)
        if live.reading is not None:
            live.reading.cancel()
            await asyncio.wait([live.reading], timeout=2)
        await close_connector(live.connector)
        await live.context.close()

    def _build(self, row: sa.Row[Any], rows: Sequence[sa.Row[Any]]) -> Live:
        registered = self.registry.get(row.connector) or Registered(row.connector, error="not installed")
        fields_ = registered.channel_settings or ()
        own = [
            ChannelSettings(each.address, each.name, typed_values(fields_, self._document(each.settings)))
            for each in rows
        ]
        context = self._context(registered, row, own)
        connector, problem = make_connector(registered, context)
        origin = origin_of(registered, row, rows, own, self._read_token)
        ways: dict[int, Way] = {}
        if connector is not None:
            for each, settings in zip(rows, own, strict=True):
                ways[each.id] = Way(each.id, each.address, settings.settings, connector, origin, self._token)
        is_live = registered.capabilities.live and connector is not None
        return Live(
            id=row.id,
            registered=registered,
            state=row.state,
            hook_key=row.hook_key,
            origin=origin,
            ways=ways,
            sites={each.key: each.id for each in rows if each.state != "disabled"} if is_live else {},
            context=context,
            connector=connector,
            problem=problem,
            has_hook=isinstance(connector, Webhook),  # asked once: a protocol's check walks its members at each call
            stamp=stamp_of(row, rows),
        )

    def _context(self, registered: Registered, row: sa.Row[Any], own: Sequence[ChannelSettings]) -> LiveContext:
        return LiveContext(
            connection_id=row.id,
            installation=self._installation,
            settings=typed_values(registered.settings, self._document(row.settings)),
            channels=own,
            hook_url=f"{self.base_url}/hooks/{row.hook_key}",
            http=CountedHttp(self.guard),
            guard=self.guard,
            secrets=self.secrets,
            store=self.store,
            keep_secret=self._keep_secret,
            read_setting=self._stored_setting,
            clock=self.clock,
            log=logger(row.connector, row.id),
        )

    def _document(self, encrypted: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.secrets.decrypt(encrypted)))

    def _token(self, conversation_id: int) -> str:
        return self.secrets.sign(TOKEN, f"c{conversation_id}")

    def _read_token(self, token: str) -> int | None:
        value = self.secrets.verify(TOKEN, token)
        return int(value[1:]) if value and value[:1] == "c" and value[1:].isdecimal() else None

    async def _stored_setting(self, connection_id: int, name: str) -> Any:
        sealed = await self.store.read(
            lambda tx: tx.execute(sa.select(connection.c.settings).where(connection.c.id == connection_id)).scalar()
        )
        return None if sealed is None else self._document(sealed).get(name)

    async def _keep_secret(self, connection_id: int, name: str, value: str) -> None:
        def keep(tx: Transaction) -> tuple[int, int]:
            tx.execute(sa.select(connection.c.id).where(connection.c.id == connection_id).with_for_update())
            row, own = get_rows(tx, connection_id)
            sealed = self.secrets.encrypt(json.dumps(self._document(row.settings) | {name: value}))
            before = stamp_of(row, own)
            tx.execute(sa.update(connection).where(connection.c.id == connection_id).values(settings=sealed))
            tx.ring(channels.DOORBELL)
            row, own = get_rows(tx, connection_id)
            return before, stamp_of(row, own)

        before, after = (await self.store.write(keep)).result
        live = self._live.get(connection_id)
        if live is not None and live.stamp == before:
            live.stamp = after  # the connector that renewed it knows it already and goes on

    # ── Asking

    async def check(self, connection_id: int) -> list[Check]:
        """What the connector finds, step by step; ends after a minute at the latest."""
        await self.refresh(connection_id)
        live = self._live.get(connection_id)
        if live is None:
            return [Check("Settings", ok=False, why="This connection is not there.", cure="Add it again.")]
        if live.registered.error is not None:
            return [Check("Connector", ok=False, why=live.registered.error, cure="Install or repair its package.")]
        if live.problem is not None:
            return [Check("Settings", ok=False, why=f"{live.problem}.", cure="Fill it in and save.")]
        found: list[Check] = []
        try:
            async with asyncio.timeout(CHECK_S):
                if isinstance(live.connector, Checks):
                    found += [finding async for finding in live.connector.check()]
        except TimeoutError:
            found.append(
                Check("Time", ok=False, why="No answer within a minute.", cure="Look whether the server is reachable.")
            )
        except (SendError, BadSettings) as error:
            found.append(Check("Connection", ok=False, why=str(error), cure="Look at the settings."))
        except Exception as error:
            log.error("a check failed", connection_id=connection_id, error=type(error).__name__)
            why = f"The connector's own check failed ({type(error).__name__})."
            found.append(Check("Connector", ok=False, why=why, cure="Look for an update of the connector."))
        return found or [Check("Settings", ok=True, why="Nothing more to check.")]

    async def probe(self, connection_id: int) -> bool:
        """Ask whether what paused a connection is over, and resume it; returns whether it runs."""
        findings = await self.check(connection_id)
        if any(finding.ok is False for finding in findings):
            return False
        await self.store.write(lambda tx: channels.resume(tx, connection_id))
        await self.refresh(connection_id)
        return True

    async def retry(self, quarantine_id: int) -> str:
        """Read a quarantined webhook body again; returns the outcome. Raises `LookupError`."""
        row = await self.store.read(
            lambda tx: tx.execute(sa.select(quarantine).where(quarantine.c.id == quarantine_id)).first()
        )
        if row is not None:
            await self.refresh(row.connection_id)
        live = self._live.get(row.connection_id) if row is not None else None
        if row is None or live is None or row.body is None or not isinstance(live.connector, Webhook):
            raise LookupError(quarantine_id)
        try:
            envelopes: list[Envelope] = list(live.connector.parse(Request({}, row.body.encode())))
        except Exception:
            return "quarantined"
        results = await self.intake.receive(live.origin, envelopes)
        outcome = "quarantined" if any(result.outcome == "quarantined" for result in results) else "stored"
        if outcome == "stored":
            settled = sa.update(quarantine).where(quarantine.c.id == quarantine_id).values(settled_at=self.clock())
            await self.store.write(lambda tx: tx.execute(settled))
        return outcome
