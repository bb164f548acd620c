"""Brings a database to this release's tables. Safe to be killed and started again."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.durable import flush
from omnibox.store.engine import WRITE_AHEAD, tell
from omnibox.store.store import new_epoch
from omnibox.store.tables import installation, metadata

HEAD = "0010_keys"
LOCK = 0x6F6D6E69626F78  # of nobody else in this database


class TooNew(Exception):
    """The database was written by a later release; the message names both."""


async def migrate(url: str | sa.URL) -> bool:
    """Create or upgrade the tables; returns whether anything was done. Raises `TooNew`, and OSError where a SQLite file
    cannot be copied first: the copy `omnibox.db.before-0003_email` is what the upgrade to 0003_email began with."""
    engine = engine_of(sa.make_url(url))
    try:
        return await greenlet_spawn(_migrate_by, engine)
    finally:
        await greenlet_spawn(engine.dispose)


def engine_of(url: sa.URL) -> sa.Engine:
    """An engine for changing tables.

    SQLite's driver opens no transaction for CREATE and ALTER, so that half a revision would stay: we open it. Foreign
    keys are off (a rebuilt table would empty its children); each revision checks them before it ends.
    """
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, hide_parameters=True)
    engine = sa.create_engine(url.set(drivername="sqlite+aiosqlite"), hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def connect(database: Any, _: Any) -> None:
        tell(database, ("busy_timeout=5000", WRITE_AHEAD, "foreign_keys=OFF", "secure_delete=ON"))

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _migrate_by(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Several processes may start at once: who comes second waits and finds it done. Ends with the session.
            connection.execute(sa.select(sa.func.pg_advisory_lock(sa.literal(LOCK, sa.BigInteger))))
            connection.commit()
        return _migrate(connection)


def _migrate(connection: sa.Connection) -> bool:
    found = _revision(connection)
    if found == HEAD:
        return False
    if found is not None and found > HEAD:
        raise TooNew(f"the database is at revision {found}, this release knows {HEAD}: start a newer release")
    if found is None:
        return create(connection)
    if connection.dialect.name == "sqlite" and (path := connection.engine.url.database):
        keep_copy(Path(path), f"before-{HEAD}")
    upgrade(connection)
    return True


def create(connection: sa.Connection) -> bool:
    """All tables at once, as the revisions would leave them (a test compares); without loading alembic.

    Returns False where another process has made them meanwhile.
    """
    from omnibox.store.search import schema as search_schema  # few starts make tables

    with connection.begin():
        if revision_of(connection) is not None:
            return False
        metadata.create_all(connection)
        search_schema.create(connection)
        row = {"id": 1, "name": secrets.token_hex(8), "epoch": new_epoch(), "seq": 0}
        connection.execute(sa.insert(installation), row)
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})
    return True


def keep_copy(path: Path, ending: str) -> Path:
    """A copy beside a database file, whole or not there. Those of earlier upgrades go: they hold what was erased."""
    target = path.with_name(f"{path.name}.{ending}")
    half = path.with_name(f"{path.name}.half")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as live,
            closing(sqlite3.connect(half)) as copy,
        ):
            live.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        half.unlink(missing_ok=True)
        raise OSError(0, f"no copy could be made before the upgrade ({error}); make room", str(target)) from None
    flush(half)
    half.rename(target)
    flush(target.parent)
    for old in path.parent.glob(f"{path.name}.before-*"):
        if old != target:
            old.unlink()
    return target


def _revision(connection: sa.Connection) -> str | None:
    with connection.begin():
        return revision_of(connection)


def revision_of(tx: sa.Connection) -> str | None:
    """The release of the tables, None where there are none."""
    if not tx.dialect.has_table(tx, "alembic_version"):
        return None
    found: str | None = tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(connection: sa.Connection, folder: Path = Path(__file__).parent) -> None:
    """Run the revisions of `folder` that are missing, each in a transaction of its own."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.rollback()
