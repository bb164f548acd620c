"""The live set: one connector instance per connection, its channels as ways out, its source as a running reader."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import sqlalchemy as sa

from omnibox.clock import Clock, now
from omnibox.connector import (
    BadSettings,
    ChannelDown,
    ChannelSettings,
    Check,
    Checks,
    Connector,
    Envelope,
    Request,
    SendError,
    Source,
    Webhook,
)
from omnibox.context import CountedHttp, LiveContext, logger
from omnibox.fields import typed_values
from omnibox.inbox.intake import Intake
from omnibox.inbox.origin import Origin
from omnibox.inbox.retries import backoff
from omnibox.inbox.taking import enqueue
from omnibox.inbox.way import Way
from omnibox.logs import get_logger
from omnibox.outbound import Guard
from omnibox.registry import Registered
from omnibox.secrets import Secrets
from omnibox.store import Store, StoreUnavailable, Transaction, insert
from omnibox.store.tables import channel, connection, installation, lease, quarantine, source

CHECK_S = 60.0
HEALTHY_S = 45.0  # a reader that ran this long has a working line: what was wrong is over
LEASE_S = 30.0
TOKEN = "conversation"  # noqa: S105  the purpose of the tokens in reply addresses
log = get_logger("omnibox.connections")


@dataclass(slots=True)
class Live:
    """One connection as it runs. `connector` is None where its settings do not make one; `problem` says why."""

    id: int
    registered: Registered
    state: str
    hook_key: str
    origin: Origin
    ways: Mapping[int, Way]
    sites: Mapping[str, int]
    context: LiveContext
    connector: Connector | None
    problem: BadSettings | None
    has_hook: bool
    reading: asyncio.Task[None] | None = None


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
    reads: bool = False
    _live: dict[int, Live] = field(default_factory=dict)
    _ways: dict[int, Way] = field(default_factory=dict)
    _hooks: dict[str, Live] = field(default_factory=dict)
    _sites: dict[str, tuple[Live, int]] = field(default_factory=dict)
    _installation: str = ""

    # ── Finding

    def way(self, channel_id: int) -> Way | None:
        return self._ways.get(channel_id)

    def by_hook(self, key: str) -> Live | None:
        return self._hooks.get(key)

    def by_site(self, key: str) -> tuple[Live, Way] | None:
        """The live (widget) channel of a public site key."""
        found = self._sites.get(key)
        return None if found is None else (found[0], found[0].ways[found[1]])

    def problem(self, connection_id: int) -> BadSettings | None:
        """Why a connection's settings make no connector, if so."""
        live = self._live.get(connection_id)
        return None if live is None else live.problem

    # ── Coming and going

    async def start(self, *, reads: bool, alone: bool) -> None:
        """Build every connection; with `reads`, run their sources too. `alone`: leases are a dead process's."""
        self.reads = reads
        if alone:
            await self.store.write(lambda tx: tx.execute(sa.delete(lease)))
        self._installation = await self.store.read(lambda tx: tx.execute(sa.select(installation.c.name)).scalar_one())
        for connection_id in await self.store.read(_ids):
            await self.reload(connection_id)

    async def stop(self) -> None:
        for live in list(self._live.values()):
            await self._drop(live)

    async def reload(self, connection_id: int) -> None:
        """Build a connection anew from what is stored; gone or disabled ones leave the set."""
        if old := self._live.get(connection_id):
            await self._drop(old)
        rows = await self.store.read(lambda tx: _rows(tx, connection_id))
        if rows is None:
            return
        live = self._build(*rows)
        self._live[live.id] = live
        self._hooks[live.hook_key] = live
        if live.state in ("active", "paused"):
            self._ways.update(live.ways)
            self._sites.update({key: (live, channel_id) for key, channel_id in live.sites.items()})
        if self.reads and live.state == "active" and isinstance(live.connector, Source):
            live.reading = asyncio.create_task(self._read(live), name=f"source {live.id}")

    async def _drop(self, live: Live) -> None:
        self._live.pop(live.id, None)
        self._hooks.pop(live.hook_key, None)
        for channel_id in live.ways:
            self._ways.pop(channel_id, None)
        for key in live.sites:
            self._sites.pop(key, None)
        if live.reading is not None:
            live.reading.cancel()
            await asyncio.wait([live.reading], timeout=2)
        await _close(live.connector)
        await live.context.close()

    def _build(self, row: sa.Row[Any], channels: Sequence[sa.Row[Any]]) -> Live:
        registered = self.registry.get(row.connector) or Registered(row.connector, error="not installed")
        fields_ = registered.channel_settings or ()
        own = [
            ChannelSettings(each.address, each.name, typed_values(fields_, self._document(each.settings)))
            for each in channels
        ]
        context = LiveContext(
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
            clock=self.clock,
            log=logger(row.connector, row.id),
        )
        connector, problem = _make(registered, context)
        folds = registered.capabilities.address.folds_case
        origin = Origin(
            connection_id=row.id,
            capabilities=registered.capabilities,
            channels={(each.address.casefold() if folds else each.address): each.id for each in channels},
            read_token=self._read_token,
        )
        ways: dict[int, Way] = {}
        if connector is not None:
            for each, settings in zip(channels, own, strict=True):
                ways[each.id] = Way(each.id, each.address, settings.settings, connector, origin, self._token)
        has_hook = isinstance(connector, Webhook)  # asked once: a protocol's check walks its members at each call
        is_live = registered.capabilities.live and connector is not None
        sites = {each.key: each.id for each in channels if each.state != "disabled"} if is_live else {}
        return Live(
            row.id, registered, row.state, row.hook_key, origin, ways, sites, context, connector, problem, has_hook
        )

    def _document(self, encrypted: str) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.secrets.decrypt(encrypted)))

    def _token(self, conversation_id: int) -> str:
        return self.secrets.sign(TOKEN, f"c{conversation_id}")

    def _read_token(self, token: str) -> int | None:
        value = self.secrets.verify(TOKEN, token)
        return int(value[1:]) if value and value[:1] == "c" and value[1:].isdecimal() else None

    async def _keep_secret(self, connection_id: int, name: str, value: str) -> None:
        def keep(tx: Transaction) -> None:
            mine = connection.c.id == connection_id
            stored = tx.execute(sa.select(connection.c.settings).where(mine).with_for_update()).scalar_one()
            document = self._document(stored) | {name: value}
            tx.execute(sa.update(connection).where(mine).values(settings=self.secrets.encrypt(json.dumps(document))))

        await self.store.write(keep)

    # ── Reading

    async def _read(self, live: Live) -> None:
        """Run a source for ever: one reader per connection in the whole installation, by a lease row."""
        tries = 0
        while True:
            try:
                if not await self._hold(live.id):
                    await asyncio.sleep(LEASE_S / 4)
                    continue
                tries = await self._run_source(live, tries)
            except ChannelDown as error:
                await self._note(live.id, error)
                return  # a probe or new settings start it again
            except BadSettings as error:
                await self._note(live.id, ChannelDown("bad_settings", resumes=False))
                log.warning("a source cannot start", connection_id=live.id, setting=error.field)
                return
            except SendError as error:
                tries += 1
                await self._note(live.id, error)
            except StoreUnavailable:
                tries += 1
            except Exception as error:
                tries += 1
                log.error("a source failed", connection_id=live.id, error=type(error).__name__)
            await asyncio.sleep(backoff(tries))

    async def _run_source(self, live: Live, tries: int) -> int:
        """Run until it ends by itself; returns the number of tries the next pause counts from."""
        cursor = await self.store.read(lambda tx: _cursor(tx, live.id))
        receiver = Receiver(self.intake, live.origin, cursor)
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep_lease(live.id))
            healthy = group.create_task(self._call_healthy(live.id))
            try:
                await cast("Source", live.connector).run(receiver)
            finally:
                keeping.cancel()
                healthy.cancel()
        return 0 if receiver.has_received else tries

    async def _hold(self, connection_id: int) -> bool:
        return (await self.store.write(lambda tx: _take_lease(tx, f"source {connection_id}", self.holder))).result

    async def _keep_lease(self, connection_id: int) -> None:
        while True:
            await asyncio.sleep(LEASE_S / 4)
            try:
                if not await self._hold(connection_id):
                    raise LeaseGone
            except StoreUnavailable:
                log.warning("a source's lease was not renewed", connection_id=connection_id)

    async def _call_healthy(self, connection_id: int) -> None:
        await asyncio.sleep(HEALTHY_S)
        await self._note(connection_id, None)

    async def _note(self, connection_id: int, error: SendError | None) -> None:
        """Show on the connection what is wrong, or that it is over."""
        try:
            await self.store.write(lambda tx: _note(tx, connection_id, error))
        except StoreUnavailable:
            log.warning("a connection's health was not stored", connection_id=connection_id)

    # ── Asking

    async def check(self, connection_id: int) -> list[Check]:
        """What the connector finds, step by step; ends after a minute at the latest."""
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
        await self.store.write(lambda tx: _resume(tx, connection_id))
        await self.reload(connection_id)
        return True

    async def retry(self, quarantine_id: int) -> str:
        """Read a quarantined webhook body again; returns the outcome. Raises `LookupError`."""
        row = await self.store.read(
            lambda tx: tx.execute(sa.select(quarantine).where(quarantine.c.id == quarantine_id)).first()
        )
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


class LeaseGone(Exception):
    """Another process reads this connection now."""


class Receiver:
    """`Receive` for one run of a source."""

    def __init__(self, intake: Intake, origin: Origin, cursor: Mapping[str, Any]) -> None:
        self._intake = intake
        self._origin = origin
        self.cursor = cursor
        self.has_received = False

    async def __call__(self, items: Sequence[Envelope], cursor: Mapping[str, Any]) -> list[str]:
        results = await self._intake.receive(self._origin, items, cursor)
        self.cursor = cursor
        self.has_received = True
        return [result.outcome for result in results]


async def _close(connector: Connector | None) -> None:
    """Let a connector that keeps a line open close it; it is given two seconds."""
    close = getattr(connector, "close", None)
    if close is None:
        return
    try:
        async with asyncio.timeout(2):
            await close()
    except (TimeoutError, SendError, OSError):
        log.warning("a connector did not close in time")


def _make(registered: Registered, context: LiveContext) -> tuple[Connector | None, BadSettings | None]:
    if registered.connector is None:
        return None, BadSettings(registered.error or "the connector is not installed")
    try:
        return registered.connector(context), None
    except BadSettings as error:
        return None, error
    except Exception as error:
        log.error("a connector cannot be made", connector=registered.name, error=type(error).__name__)
        why = f"the connector {registered.name} failed with {type(error).__name__}: look for an update"
        return None, BadSettings(why)


# ── Rows


def _ids(tx: sa.Connection) -> list[int]:
    return list(tx.execute(sa.select(connection.c.id).order_by(connection.c.id)).scalars())


def _rows(tx: sa.Connection, connection_id: int) -> tuple[sa.Row[Any], Sequence[sa.Row[Any]]] | None:
    row = tx.execute(
        sa.select(connection).where(connection.c.id == connection_id, connection.c.state != "disabled")
    ).first()
    if row is None:
        return None
    own = sa.select(channel).where(channel.c.connection_id == connection_id).order_by(channel.c.id)
    return row, tx.execute(own).all()


def _cursor(tx: sa.Connection, connection_id: int) -> Mapping[str, Any]:
    found = tx.execute(sa.select(source.c.cursor).where(source.c.connection_id == connection_id)).scalar()
    return cast("Mapping[str, Any]", found or {})


def _take_lease(tx: Transaction, name: str, holder: str) -> bool:
    statement = insert(lease)
    newer = {"holder": statement.excluded.holder, "until": statement.excluded.until}
    free = sa.or_(lease.c.holder == holder, lease.c.until < tx.clock())
    taken = tx.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_=newer, where=free).returning(lease.c.name),
        {"name": name, "holder": holder, "until": tx.clock() + timedelta(seconds=LEASE_S)},
    )
    return taken.first() is not None


def _note(tx: Transaction, connection_id: int, error: SendError | None) -> None:
    mine = connection.c.id == connection_id
    if error is None:
        changed = tx.execute(
            sa.update(connection)
            .where(mine, connection.c.state == "active", connection.c.code.is_not(None))
            .values(code=None, since=None)
        )
    else:
        values: dict[str, Any] = {"code": error.code, "since": tx.clock()}
        if isinstance(error, ChannelDown):
            values |= {"state": "paused", "needs_person": not error.resumes}
            if error.resumes:
                enqueue(tx, "probe", str(connection_id))
        differs = sa.or_(connection.c.code.is_(None), connection.c.code != error.code)
        changed = tx.execute(sa.update(connection).where(mine, connection.c.state == "active", differs).values(values))
    if changed.rowcount:
        for channel_id in tx.execute(sa.select(channel.c.id).where(channel.c.connection_id == connection_id)).scalars():
            tx.announce("channel.changed", channel=channel_id)


def _resume(tx: Transaction, connection_id: int) -> None:
    """Paused becomes active where no person has to act; the queues go on."""
    active = {"state": "active", "code": None, "since": None}
    tx.execute(
        sa.update(connection)
        .where(connection.c.id == connection_id, connection.c.state == "paused", ~connection.c.needs_person)
        .values(active)
    )
    resumed = tx.execute(
        sa.update(channel)
        .where(channel.c.connection_id == connection_id, channel.c.state == "paused", ~channel.c.needs_person)
        .values(active)
        .returning(channel.c.id)
    )
    for channel_id in list(resumed.scalars()):
        tx.announce("channel.changed", channel=channel_id)
    tx.ring("deliveries")
