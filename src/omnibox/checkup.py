"""`omnibox check`: looks at everything a start needs, changes nothing, and says what to do where it fails."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from omnibox.config import Config, NotOurs, is_served, open_blobs, require_writable
from omnibox.registry import load_connectors
from omnibox.secrets import BadKey, Secrets
from omnibox.store import StoreUnavailable
from omnibox.store.engine import ROOM_BYTES
from omnibox.store.migrations import HEAD
from omnibox.store.tables import channel, connection

WEB = Path(__file__).parent / "_web"
TIMEOUT_S = 10
DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `cure` is empty where it is well."""

    name: str
    text: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """What the database says of itself."""

    revision: str | None
    sealed: tuple[str, ...] = ()
    """One encrypted document of every connection and channel."""


class NoDatabase(Exception):
    """There is none yet."""


def check_all(config: Config) -> Iterator[Finding]:
    """One finding after the other, in the order in which a start needs the things."""
    yield _check_home(config)
    sealed: tuple[str, ...] = ()
    try:
        database = asyncio.run(_read_database(config))
    except NoDatabase:
        yield Finding("database", "none yet; the first start makes it")
    except TimeoutError:
        yield Finding("database", f"no answer within {TIMEOUT_S} seconds", "check database_url and the server")
    except (sa.exc.SQLAlchemyError, OSError) as error:
        yield _judge_failure(error, config.database_path)
    else:
        sealed = database.sealed
        yield _judge_revision(database.revision)
    yield _check_key(config, sealed)
    if config.s3_place is not None:
        yield _check_bucket(config)
    if config.redis_url.get_secret_value():
        yield asyncio.run(_check_bus(config))
    yield _check_listener(config)
    yield from _check_connectors()
    yield _check_web()


def _check_home(config: Config) -> Finding:
    home = config.home
    if not home.exists():
        parent = next(folder for folder in home.parents if folder.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding("home folder", f"{home}: none yet; the first start makes it")
        return Finding("home folder", f"{home} cannot be made", f"make it, owned by the user that runs omnibox: {home}")
    disk = os.statvfs(home)
    free = disk.f_bavail * disk.f_frsize
    if disk.f_flag & os.ST_RDONLY:
        return Finding("home folder", f"{home} is on a disk that cannot be written", "make that disk writable")
    if free < ROOM_BYTES:
        return Finding("home folder", f"{home} is on a disk that is full", "free space on it")
    try:
        require_writable(config)
    except NotOurs as error:
        return Finding("home folder", f"{error.path} cannot be written", error.cure)
    return Finding("home folder", f"{home}, {free / 1e9:,.1f} GB free")


async def _read_database(config: Config) -> Database:
    path = config.database_path
    if path is not None and not path.exists():
        raise NoDatabase
    # Read-only, so that looking makes neither a file nor a log beside it.
    url = config.store_url if path is None else f"sqlite+aiosqlite:///file:{path}?mode=ro&uri=true"
    engine = create_async_engine(url, hide_parameters=True)
    try:
        async with asyncio.timeout(TIMEOUT_S), engine.connect() as link:
            return await link.run_sync(_read)
    finally:
        await engine.dispose()


def _read(link: sa.Connection) -> Database:
    if not sa.inspect(link).has_table("alembic_version"):
        return Database(None)
    revision = link.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    if revision is None or revision > HEAD:
        return Database(revision)
    sealed = [*link.execute(sa.select(connection.c.settings)).scalars()]
    sealed += link.execute(sa.select(channel.c.settings)).scalars()
    return Database(revision, tuple(sealed))


def is_damaged(error: BaseException) -> bool:
    """Whether SQLite says that its file is none of its own."""
    complaint = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return getattr(complaint, "sqlite_errorname", "") in DAMAGED


def _judge_failure(error: Exception, path: Path | None) -> Finding:
    if path is not None and is_damaged(error):
        return Finding("database", f"{path} is damaged or no database", "keep it aside and restore a backup")
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) and error.orig else error
    cure = "check database_url, rights and server" if path is None else f"let the user that runs omnibox read {path}"
    return Finding("database", f"cannot be read ({type(cause).__name__})", cure)


def _judge_revision(revision: str | None) -> Finding:
    if revision is None:
        return Finding("database", "empty; the first start fills it")
    if revision > HEAD:
        return Finding("database", f"revision {revision}, this release knows {HEAD}", "start a newer release")
    if revision < HEAD:
        return Finding("database", f"revision {revision}; the next start brings it to {HEAD}")
    return Finding("database", f"revision {revision}")


def _check_key(config: Config, sealed: tuple[str, ...]) -> Finding:
    given = config.secret_key.get_secret_value()
    path = config.key_file
    try:
        text = given or path.read_text("ascii")
    except FileNotFoundError:
        if sealed:
            return Finding("secret key", f"{path} is missing", "restore it: without it all channel settings are lost")
        return Finding("secret key", "none yet; the first start makes it")
    except (OSError, UnicodeDecodeError):
        return Finding("secret key", f"{path} cannot be read", "let the user that runs omnibox read it")
    if not given and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("secret key", f"others may read {path}", f"chmod 600 {path}")
    try:
        secrets = Secrets([key for part in text.split(",") if (key := part.strip())])
        for document in sealed:
            secrets.decrypt(document)
    except BadKey as error:
        return Finding("secret key", "does not fit", str(error))
    return Finding("secret key", f"fits {len(sealed)} stored documents" if sealed else "is there")


def _check_bucket(config: Config) -> Finding:
    name, cure = f"bucket {config.s3_bucket}", "check the s3_ settings, the rights of the key and the server"
    try:
        asyncio.run(_look_into_bucket(config))
    except (StoreUnavailable, TimeoutError) as error:
        return Finding(name, f"does not answer as it should ({error})", cure)
    return Finding(name, "answers")


async def _look_into_bucket(config: Config) -> None:
    """Ask for a file that nobody has: that needs address, bucket, signature and the right to read."""
    with suppress(FileNotFoundError):
        async with asyncio.timeout(TIMEOUT_S):
            await open_blobs(config).get("0" * 32)


async def _check_bus(config: Config) -> Finding:
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    try:
        async with asyncio.timeout(TIMEOUT_S), Redis.from_url(config.redis_url.get_secret_value()) as redis:
            await redis.ping()
    except (RedisError, OSError, TimeoutError) as error:
        cure = "check redis_url and the server; until then live updates come by polling"
        return Finding("bus", f"Redis does not answer ({type(error).__name__})", cure)
    return Finding("bus", "Redis answers")


def _check_listener(config: Config) -> Finding:
    """Whether a start could listen: tried by taking the address for an instant, without listening."""
    name, place = "port", f"{config.host}:{config.port}"
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
                if family == socket.AF_INET6:
                    taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                taken.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and is_served(config):
            return Finding(name, f"{place}: in use, and this hub runs")
        why, cure = why_not_listening(error) or (error.strerror or type(error).__name__, "see --host and --port")
        return Finding(name, f"{place}: {why}", cure)
    return Finding(name, f"{place} is free" if config.port else "the system chooses one")


def why_not_listening(error: OSError) -> tuple[str, str] | None:
    """Why an address cannot be listened on, and what to do; None where the error is about something else."""
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address", "name one that it has by --host, such as 127.0.0.1"
    if error.errno == errno.EADDRINUSE:
        return "another program listens there", "end it, or name another port by --port"
    if error.errno == errno.EACCES and error.filename is None:
        return "this user may not listen there", "name a port from 1024 on by --port"
    return None


def _check_connectors() -> Iterator[Finding]:
    for name, found in load_connectors().items():
        if found.error is None:
            yield Finding(f"connector {name}", found.look.title)
        else:
            yield Finding(f"connector {name}", found.error, "install the package again, or remove it")


def _check_web() -> Finding:
    missing = [name for name in ("inbox/index.html", "widget/loader.js") if not (WEB / name).is_file()]
    if missing:
        cure = "install without OMNIBOX_SKIP_WEB, or run `make`"
        return Finding("web pages", f"not built: {', '.join(missing)}", cure)
    return Finding("web pages", "built")
