"""The PostgreSQL database that is moved to. All is made in a schema of its own and takes its place in one commit.

So a database that is not ours is never touched, and a move that was killed has left nothing that a hub would start on.
In that schema keys between tables and indexes are missing until the end: rows may come in any order, and fast.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from omnibox.store.migrations import create
from omnibox.store.moving.shapes import PIECE, Digest, Row, Shape, all_shapes

if TYPE_CHECKING:
    from asyncpg import Connection

SCHEMA = "omnibox_moving"
LOCK = 0x6F6D6E69626F79
CONNECT_S = 10
STATEMENT_S = 3600  # an index over a large table takes its time

# Tables and views that are neither the system's, an extension's, nor a move's.
HELD = f"""
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname <> '{SCHEMA}' AND n.nspname <> 'information_schema'
      AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1
"""  # noqa: S608
# Keys between tables and plain indexes: how each is made again, how it is dropped, and its turn when they are made.
LATER = f"""
    SELECT format('ALTER TABLE {SCHEMA}.%I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)),
           format('ALTER TABLE {SCHEMA}.%I DROP CONSTRAINT %I', c.relname, k.conname), 2
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = '{SCHEMA}'::regnamespace AND k.contype = 'f' AND c.relname = ANY($1::text[])
    UNION ALL
    SELECT pg_get_indexdef(i.indexrelid), format('DROP INDEX {SCHEMA}.%I', x.relname), 1
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
    WHERE c.relnamespace = '{SCHEMA}'::regnamespace AND c.relname = ANY($1::text[])
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)
"""  # noqa: S608


class NotReached(Exception):
    """Nobody let us in: nothing was begun. The message says why and what to do."""


@asynccontextmanager
async def connected(url: sa.URL) -> AsyncIterator[Connection]:
    """A connection of the driver itself, which can COPY. Raises `NotReached`."""
    link = await _connect(url)
    try:
        yield link
    finally:
        await link.close(timeout=CONNECT_S)


async def _connect(url: sa.URL) -> Connection:
    import asyncpg

    dialect: Any = url.get_dialect()  # untyped in the library
    _, options = dialect().create_connect_args(url)
    place = f"{url.host or 'the server'}:{url.port or 5432}"
    try:
        return await asyncpg.connect(
            **options,
            timeout=CONNECT_S,
            command_timeout=STATEMENT_S,
            statement_cache_size=0,  # the tables change under it
            server_settings={"application_name": "omnibox migrate-to"},
        )
    except asyncpg.InvalidCatalogNameError:
        raise NotReached(f"{place} has no database {url.database}; its owner makes it: CREATE DATABASE …") from None
    except asyncpg.InvalidAuthorizationSpecificationError:  # a wrong password too
        raise NotReached(f"{place} does not let {url.username} in; check name, password and pg_hba.conf") from None
    except (OSError, TimeoutError) as error:
        raise NotReached(
            f"{place} does not answer ({type(error).__name__}); check the address, and that the server runs"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotReached(f"{place} takes no connection ({type(error).__name__}); look at its log") from None


class Target:
    """What a move knows of the other side. `home` is the schema where a hub will look for its tables."""

    def __init__(self, link: Connection, home: str) -> None:
        self._link = link
        self.home = home

    async def held(self) -> list[str]:
        """The tables that stand there already, with their schemas."""
        return [str(row[0]) for row in await self._link.fetch(HELD)]

    async def lock(self) -> bool:
        """Whether no other move is at work there. Held until the connection ends."""
        return bool(await self._link.fetchval("SELECT pg_try_advisory_lock($1)", LOCK))

    async def begun_by(self) -> str | None:
        """Name and revision of the installation whose move was begun there."""
        if not await self._link.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{SCHEMA}.moving"):
            return None
        return str(await self._link.fetchval(f"SELECT source FROM {SCHEMA}.moving"))  # noqa: S608

    async def begin(self, url: sa.URL, source: str) -> None:
        """Empty tables in the schema of the move; what another attempt left before it was ready is dropped."""
        await self._link.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        await self._link.execute(f"CREATE SCHEMA {SCHEMA}")
        engine = sa.create_engine(
            url, hide_parameters=True, connect_args={"server_settings": {"search_path": f"{SCHEMA}, public"}}
        )
        try:
            await greenlet_spawn(_create_by, engine)
        finally:
            await greenlet_spawn(engine.dispose)
        async with self._link.transaction():
            await self._put_off()
            await self._link.execute(f"DELETE FROM {SCHEMA}.installation")  # noqa: S608
            await self._link.execute(
                f"CREATE TABLE {SCHEMA}.moved (name text, piece bigint, digest text, PRIMARY KEY (name, piece))"
            )
            await self._link.execute(f"CREATE TABLE {SCHEMA}.moving (source text)")
            await self._link.execute(f"INSERT INTO {SCHEMA}.moving VALUES ($1)", source)  # noqa: S608

    async def _put_off(self) -> None:
        """Take keys between tables and indexes away, and write down how to make them again."""
        found = await self._link.fetch(LATER, [shape.name for shape in all_shapes()])
        await self._link.execute(f"CREATE TABLE {SCHEMA}.later (turn int, statement text)")
        await self._link.executemany(
            f"INSERT INTO {SCHEMA}.later VALUES ($1, $2)",  # noqa: S608
            [(turn, make) for make, _, turn in found],
        )
        for _, drop, _ in found:
            await self._link.execute(drop)

    async def moved(self, shape: Shape) -> dict[int, str]:
        """The pieces that are there, by their hashes."""
        rows = await self._link.fetch(f"SELECT piece, digest FROM {SCHEMA}.moved WHERE name = $1", shape.name)  # noqa: S608
        return {row[0]: row[1] for row in rows}

    async def put(self, shape: Shape, piece: int, digest: str, batches: Iterable[Sequence[Row]]) -> None:
        """Replace a piece, in one transaction with the note of it."""
        async with self._link.transaction():
            await self.clear(shape, piece)
            await self._link.copy_records_to_table(
                shape.name, schema_name=SCHEMA, columns=shape.columns, records=chain.from_iterable(batches)
            )
            await self._link.execute(f"INSERT INTO {SCHEMA}.moved VALUES ($1, $2, $3)", shape.name, piece, digest)  # noqa: S608

    async def clear(self, shape: Shape, piece: int) -> None:
        where, bounds = _where(shape, piece)
        await self._link.execute(f"DELETE FROM {SCHEMA}.{shape.name}{where}", *bounds)  # noqa: S608
        await self._link.execute(f"DELETE FROM {SCHEMA}.moved WHERE name = $1 AND piece = $2", shape.name, piece)  # noqa: S608

    async def digest(self, shape: Shape, schema: str) -> Digest:
        """The hash of all rows as they stand there, read back."""
        order = ", ".join(f'"{name}"' + (' COLLATE "C"' if name in shape.text_keys else "") for name in shape.key)
        columns = ", ".join(f'"{name}"' for name in shape.columns)
        digest = Digest()
        async with self._link.transaction(isolation="repeatable_read", readonly=True):
            await self._link.execute("SET LOCAL cursor_tuple_fraction = 1")  # all rows are wanted, not the first few
            statement = f'SELECT {columns} FROM "{schema}".{shape.name} ORDER BY {order}'  # noqa: S608
            cursor = await self._link.cursor(statement)
            while rows := await cursor.fetch(PIECE):
                digest.add(shape.clean(rows))
        return digest

    async def finish(self, numbers: dict[str, tuple[str, int]]) -> None:
        """Make keys and indexes, set the sequences, and put everything in its place: one commit.

        `numbers` holds for each table with a sequence its column and the number of its next row.
        """
        async with self._link.transaction():
            await self._link.execute("SET LOCAL maintenance_work_mem = '256MB'")
            for row in await self._link.fetch(f"SELECT statement FROM {SCHEMA}.later ORDER BY turn"):  # noqa: S608
                await self._link.execute(row[0])
            for table, (column, number) in numbers.items():
                await self._link.execute(
                    "SELECT setval(pg_get_serial_sequence($1, $2), $3, false)", f"{SCHEMA}.{table}", column, number
                )
            for name in ("later", "moved", "moving"):
                await self._link.execute(f"DROP TABLE {SCHEMA}.{name}")
            await self._take_place()
            await self._link.execute(f"DROP SCHEMA {SCHEMA}")
        await self._link.execute("ANALYZE")

    async def _take_place(self) -> None:
        tables = await self._link.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", SCHEMA)
        for (table,) in tables:
            await self._link.execute(f'ALTER TABLE {SCHEMA}."{table}" SET SCHEMA "{self.home}"')
        extensions = "SELECT extname FROM pg_extension WHERE extnamespace = to_regnamespace($1)"
        for (extension,) in await self._link.fetch(extensions, SCHEMA):
            await self._link.execute(f'ALTER EXTENSION "{extension}" SET SCHEMA "{self.home}"')

    async def found_revision(self) -> str | None:
        """The revision of the tables that a hub would find there."""
        if not await self._link.fetchval("SELECT to_regclass($1) IS NOT NULL", f'"{self.home}".alembic_version'):
            return None
        found: str | None = await self._link.fetchval(f'SELECT version_num FROM "{self.home}".alembic_version')  # noqa: S608
        return found


def _create_by(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        create(connection)


def _where(shape: Shape, piece: int) -> tuple[str, tuple[int, ...]]:
    if not shape.by_number:
        return "", ()
    return f" WHERE {shape.key[0]} >= $1 AND {shape.key[0]} < $2", (piece * PIECE, (piece + 1) * PIECE)
