"""Brings a database to this release's tables. Safe to be killed and started again."""

from __future__ import annotations

import secrets
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.store.engine import new_epoch
from omnibox.store.tables import installation, metadata

HEAD = "0001"


class TooNew(Exception):
    """The database was written by a later release; the message names both."""


async def migrate(url: str | sa.URL) -> bool:
    """Create or upgrade the tables; returns whether anything was done. Raises `TooNew`.

    On SQLite foreign keys are off meanwhile (a rebuilt table would empty its children) and checked at the end.
    """
    url = sa.make_url(url)
    driver = "sqlite+aiosqlite" if url.get_backend_name() == "sqlite" else url.drivername
    engine = sa.create_engine(url.set(drivername=driver), hide_parameters=True)
    try:
        return await greenlet_spawn(_migrate_by, engine)
    finally:
        await greenlet_spawn(engine.dispose)


def _migrate_by(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        return _migrate(connection)


def _migrate(connection: sa.Connection) -> bool:
    found = _revision(connection)
    if found == HEAD:
        return False
    if found is not None and found > HEAD:
        raise TooNew(f"the database is at revision {found}, this release knows {HEAD}: start a newer release")
    if found is None:
        _create(connection)
    else:
        upgrade(connection)
    return True


def _create(connection: sa.Connection) -> None:
    """All tables at once, as the revisions would leave them (a test compares); without loading alembic."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.rollback()
    with connection.begin():
        metadata.create_all(connection)
        row = {"id": 1, "name": secrets.token_hex(8), "epoch": new_epoch(), "seq": 0}
        connection.execute(sa.insert(installation), row)
        connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
        connection.execute(sa.text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _revision(connection: sa.Connection) -> str | None:
    with connection.begin():
        if not connection.dialect.has_table(connection, "alembic_version"):
            return None
        found: str | None = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return found


def upgrade(connection: sa.Connection) -> None:
    """Run the revisions that are missing, each in a transaction of its own."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    embedded = connection.dialect.name == "sqlite"
    if embedded:
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.rollback()
    command.upgrade(config, "head")
    if embedded and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise RuntimeError("the migration left rows without their parents; restore the backup made before it")
    connection.rollback()
