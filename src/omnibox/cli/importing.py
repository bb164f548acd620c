"""Bringing the past in: messages from files into a channel, beside a running hub or without one."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from omnibox.cli.common import Home, Refused, app, configuration, fail, opened, progress

if TYPE_CHECKING:
    from datetime import datetime

    from omnibox.config import Config
    from omnibox.connections import Connections, Live
    from omnibox.connector import Archive, Archives, Past
    from omnibox.inbox.intake import Intake
    from omnibox.store import Store

Report = Callable[[str, int, int], None]

MOST_AT_ONCE = 25  # a hub that runs waits for the writer meanwhile
MOST_WEIGHT = 8_000_000  # bytes of files and letters of text in one transaction
TRIES, WAIT_S = 10, 1.0
MOST_LISTED = 1000
LOCK_NAME = "import.lock"


@dataclass(slots=True)
class Account:
    """What became of the messages."""

    total: int = 0
    resumed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    left_out: dict[str, int] = field(default_factory=dict)
    put_aside: list[tuple[str, str]] = field(default_factory=list)


@app.command("import")
def import_(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files or folders that hold the messages.")],
    channel: Annotated[str, typer.Option("--channel", metavar="ADDRESS", help="The address of the channel.")],
    resolve_older_than: Annotated[
        int,
        typer.Option(
            "--resolve-older-than",
            metavar="DAYS",
            min=0,
            max=36500,
            help="Conversations without a message in so many days come in resolved.",
        ),
    ] = 14,
    home: Home = None,
) -> None:
    """Bring old messages into a channel; may be run while the hub goes on, and again after a break."""
    config = configuration(home=home)
    if config.database_path is not None and not config.database_path.is_file():
        raise Refused(f"there is no database in {config.home} yet; start `omnibox serve` first")

    import asyncio

    from omnibox import logs
    from omnibox.connector import NoArchive
    from omnibox.secrets import BadKey
    from omnibox.store import StoreUnavailable

    logs.set_up("error", "console")
    try:
        with _alone(config), progress() as report:
            account = asyncio.run(_import(config, paths, channel, resolve_older_than, report))
    except (NoArchive, BadKey) as error:
        raise Refused(str(error)) from None
    except StoreUnavailable:
        fail("the database does not answer; nothing is lost: run `omnibox check`, then the same command again", 1)
    except KeyboardInterrupt:
        print("omnibox: interrupted; the same command goes on where it was", file=sys.stderr)
        raise
    except OSError as error:
        fail(f"{error.filename or paths[0]}: {error.strerror or error}; run the same command again", 1)
    _tell(account)
    raise typer.Exit(1 if account.put_aside else 0)


@contextlib.contextmanager
def _alone(config: Config) -> Iterator[None]:
    """One import at a time on a home folder; the system lets go when it ends, however. The hub may run."""
    import fcntl

    from omnibox.config import prepare_home

    prepare_home(config)
    with (config.home / LOCK_NAME).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(f"another import runs on {config.home}; wait until it is done") from None
        yield


async def _import(config: Config, paths: Sequence[str], address: str, days: int, report: Report) -> Account:
    from datetime import timedelta

    from omnibox.clock import now
    from omnibox.config import open_blobs, open_secrets
    from omnibox.inbox.intake import Intake

    async with opened(config) as store:
        await _look_at_tables(store)
        secrets = open_secrets(config)
        intake = Intake(store, open_blobs(config), secrets)
        connections = _connections(config, intake)
        try:
            await connections.start(reads=False, alone=False)
            live = await _find(store, connections, address)
            return await _take_all(intake, live, paths, address, now() - timedelta(days=days), report)
        finally:
            await connections.stop()


async def _look_at_tables(store: Store) -> None:
    from omnibox.store.migrations import HEAD, revision_of

    found = await store.read(revision_of)
    if found != HEAD:
        raise Refused(
            f"the database is at revision {found or 'none'}, this release writes {HEAD}: start the hub of this release "
            "once, it brings the database up"
        )


def _connections(config: Config, intake: Intake) -> Connections:
    from omnibox.connections import Connections
    from omnibox.outbound import Guard
    from omnibox.registry import Connectors

    return Connections(
        store=intake.store,
        secrets=intake.secrets,
        guard=Guard(config.outbound_allow),
        intake=intake,
        registry=Connectors(),
        base_url=config.base_url,
        lease_s=config.lease_s,
    )


async def _find(store: Store, connections: Connections, address: str) -> Live:
    """The connection that has a channel of that address and can read archives."""
    from omnibox.connector import Archives
    from omnibox.inbox.channels import all_channels

    rows = await store.read(all_channels)
    wanted = [row for row in rows if row.address.casefold() == address.casefold()]
    if not wanted:
        known = ", ".join(sorted({row.address for row in rows})) or "none yet: add one in Settings › Channels"
        raise Refused(f"--channel: there is no channel {address}; there are: {known}")
    found = [live for row in wanted if (live := connections.find(row.connection_id)) is not None]
    able = [live for live in found if isinstance(live.connector, Archives)]
    if able:
        return next((live for live in able if live.state == "active"), able[0])
    if problem := next((live.problem for live in found if live.problem is not None), None):
        raise Refused(f"--channel: the settings of {address} are not complete ({problem}); finish them first")
    raise Refused(f"--channel: nothing can be imported into {address}: its kind of channel has no archives")


async def _take_all(
    intake: Intake, live: Live, paths: Sequence[str], address: str, resolve_before: datetime, report: Report
) -> Account:
    import asyncio

    from omnibox.inbox import past

    connector = cast("Archives", live.connector)
    looked = lambda done, total: report("Looking through", done, max(total, 1))  # noqa: E731
    archive = await asyncio.to_thread(connector.open_archive, paths, address, looked)
    try:
        digest = f"{address.casefold()} {archive.digest}"
        total = len(archive)
        start = min(await intake.store.read(lambda tx: past.read_mark(tx, live.id, digest)), total)
        account = Account(total, start, left_out=dict(archive.left_out))
        at = start
        while at < total:
            report("Importing", at, total)
            found = await asyncio.to_thread(_next, archive, at, total)
            at += len(found)
            mark = past.Mark(live.id, digest, at)
            outcomes = await _insist(lambda found=found, mark=mark: past.receive(  # type: ignore[misc]
                intake, live.origin, found, resolve_before=resolve_before, mark=mark
            ))  # fmt: skip
            _note(account, found, outcomes)
        report("Importing", total, max(total, 1))
        return account
    finally:
        archive.close()


def _next(archive: Archive, at: int, total: int) -> list[Past]:
    """The next messages, as many as fit into one transaction."""
    found: list[Past] = []
    weight = 0
    while at + len(found) < total and len(found) < MOST_AT_ONCE and weight < MOST_WEIGHT:
        found.append(archive.read(at + len(found)))
        weight += _weight(found[-1])
    return found


def _weight(past: Past) -> int:
    weight = 0
    for item in past.envelopes:
        weight += sum(len(file.content) for file in getattr(item, "files", ()) if isinstance(file.content, bytes))
        weight += len(getattr(item, "text", "") or "") + len(getattr(item, "html", "") or "")
    return weight


async def _insist(take: Callable[[], Any]) -> list[str]:
    """Ask again while the database is busy; a hub that runs has a right of way."""
    import asyncio

    from omnibox.store import StoreUnavailable

    for attempt in range(1, TRIES + 1):
        try:
            return cast("list[str]", await take())
        except StoreUnavailable:
            if attempt == TRIES:
                raise
            await asyncio.sleep(WAIT_S * attempt)
    raise AssertionError("unreachable")


def _note(account: Account, found: Sequence[Past], outcomes: Sequence[str]) -> None:
    for past, outcome in zip(found, outcomes, strict=True):
        account.outcomes[outcome] += 1
        if outcome == "quarantined":
            kinds = (str(kind) for item in past.envelopes if (kind := getattr(item, "kind", "")))
            account.put_aside.append((past.place, next(kinds, "not_stored")))


def _tell(account: Account) -> None:
    new, known = account.outcomes["stored"], account.outcomes["duplicate"]
    before = f" ({account.resumed:,} of them in an earlier run)" if account.resumed else ""
    print(
        f"{account.total:,} messages{before}: {new:,} new, {known:,} there already, "
        f"{len(account.put_aside):,} could not be read."
    )
    if account.left_out:
        print("Left out: " + ", ".join(f"{count:,} × {reason}" for reason, count in sorted(account.left_out.items())))
    if account.put_aside:
        print("Could not be read, and are noted under Settings › Channels; the files still have them:")
    for place, reason in account.put_aside[:MOST_LISTED]:
        print(f"  {place}  {reason}")
    if len(account.put_aside) > MOST_LISTED:
        print(f"  and {len(account.put_aside) - MOST_LISTED:,} more")
