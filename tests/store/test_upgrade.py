"""A later revision on a store that is in use: killed at each of its steps, beside the old release, backed up first."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from tests.store.filling import fill

from omnibox.store import Store, migrations
from omnibox.store.engine import WRITE_AHEAD, tell
from omnibox.store.migrations import HEAD, engine_of, keep_copy, migrate
from omnibox.store.tables import contact, metadata

# A throw-away revision with what real ones are made of: a column, a table, rows that move, a table built anew.
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9000", "{HEAD}"

def upgrade():
    op.add_column("contact", sa.Column("language", sa.Text()))
    op.create_table("nickname", sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
                    sa.Column("contact_id", sa.BigInteger(), sa.ForeignKey("contact.id"), nullable=False))
    op.execute("INSERT INTO nickname (contact_id) SELECT id FROM contact")
    with op.batch_alter_table("conversation") as table:
        table.add_column(sa.Column("mood", sa.Text(), server_default="calm", nullable=False))
        table.alter_column("state", existing_type=sa.Text(), server_default="open")  # SQLite builds the table anew
    op.create_index("ix_conversation_mood", "conversation", ["mood"])
"""
LAST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9001", "9000"

def upgrade():
    op.execute("UPDATE contact SET language = 'en'")
"""

# Runs the revisions again and again, each time in a child that ends like a power cut at its n-th statement, and keeps a
# copy of what each left. The last child passes. With «once» it runs them once, to the end.
RUN = """
import asyncio, os, sqlite3, sys
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from alembic import command  # here, and not in every child
from sqlalchemy.util import greenlet_spawn

from omnibox.store.migrations import engine_of, upgrade

url, folder, times = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


async def run(last):
    engine, passed = engine_of(sa.make_url(url)), 0

    @sa.event.listens_for(engine, "before_cursor_execute")
    def count(connection, cursor, statement, *_):
        nonlocal passed
        passed += statement.split()[0] not in ("SELECT", "PRAGMA")
        if passed == last:
            os._exit(137)

    def begin():
        with engine.connect() as connection:
            upgrade(connection, folder)

    await greenlet_spawn(begin)
    await greenlet_spawn(engine.dispose)


if times == "once":
    asyncio.run(run(-1))
    sys.exit()
path = sa.make_url(url).database
for number in range(1, 1000):
    if (child := os.fork()) == 0:
        asyncio.run(run(number))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with closing(sqlite3.connect(path)) as link, closing(sqlite3.connect(f"{path}.{number}")) as copy:
        link.backup(copy)
    print(status, flush=True)
    if status != 137:
        break
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The revisions of this release, and two more."""
    copy = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "versions/9000_next.py").write_text(NEXT)
    (copy / "versions/9001_last.py").write_text(LAST)
    return copy


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "omnibox.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    fill(path, 20)
    return path


@pytest.fixture
def database(filled: Path, tmp_path: Path) -> Path:
    path = tmp_path / "omnibox.db"
    with closing(sqlite3.connect(filled)) as source, closing(sqlite3.connect(path)) as copy:
        source.backup(copy)
    return path


def upgrade_to_last(url: str, folder: Path, times: str = "once") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, url, str(folder), times]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of the tables of this release, in the columns of this release."""
    with closing(sqlite3.connect(path)) as link:
        return {
            table.name: link.execute(
                f"SELECT {', '.join(column.name for column in table.columns)} FROM {table.name} ORDER BY rowid"
            ).fetchall()
            for table in metadata.sorted_tables
        }


def test_a_revision_killed_at_any_statement_is_begun_again_and_loses_no_row(
    database: Path, folder: Path, filled: Path
) -> None:
    before = contents(filled)
    answer = upgrade_to_last(f"sqlite:///{database}", folder, "killed at each statement")
    statuses = answer.stdout.split()
    assert statuses == ["137"] * (len(statuses) - 1) + ["0"], answer.stderr
    assert len(statuses) > 10
    for number in range(1, len(statuses) + 1):
        copy = database.with_name(f"{database.name}.{number}")
        with closing(sqlite3.connect(copy)) as link:
            (revision,) = link.execute("SELECT version_num FROM alembic_version").fetchone()
            left = link.execute("SELECT name FROM sqlite_master WHERE name LIKE '_alembic_tmp_%'").fetchall()
        assert (revision in (HEAD, "9000", "9001"), left) == (True, [])  # never between two
        assert contents(copy) == before
    with closing(sqlite3.connect(database)) as link:
        assert link.execute("SELECT version_num FROM alembic_version").fetchone() == ("9001",)
        assert link.execute("SELECT count(*) FROM nickname").fetchone() == (20,)
        assert link.execute("SELECT DISTINCT language FROM contact").fetchall() == [("en",)]
        assert link.execute("SELECT DISTINCT mood FROM conversation").fetchall() == [("calm",)]
        assert link.execute("PRAGMA foreign_key_check").fetchall() == []
        assert link.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_revision_that_would_leave_orphans_is_undone(database: Path, folder: Path, filled: Path) -> None:
    (folder / "versions/9001_last.py").write_text(LAST + '    op.execute("DELETE FROM contact WHERE id = 3")\n')
    answer = upgrade_to_last(f"sqlite:///{database}", folder)
    assert answer.returncode == 1
    assert "without their parents" in answer.stderr
    with closing(sqlite3.connect(database)) as link:
        assert link.execute("SELECT version_num FROM alembic_version").fetchone() == ("9000",)
    assert contents(database) == contents(filled)


async def test_the_old_release_goes_on_beside_the_new_tables(url: str, folder: Path) -> None:
    """Expand, then contract: a revision only adds, so what runs already reads and writes as before."""
    await migrate(url)
    store = Store(url)
    await store.start()
    try:
        add = sa.insert(contact).returning(contact.c.id)
        rows = [(await store.write(lambda tx: tx.execute(add, {"created_at": tx.clock()}).scalar_one())).result]
        answer = await asyncio.to_thread(upgrade_to_last, url, folder)
        assert answer.returncode == 0, answer.stderr
        rows.append((await store.write(lambda tx: tx.execute(add, {"created_at": tx.clock()}).scalar_one())).result)
        found = await store.read(lambda tx: tx.execute(sa.select(contact.c.id).order_by(contact.c.id)).scalars().all())
        assert list(found) == rows
    finally:
        await store.stop()


# ── The copy before


@pytest.fixture
def older(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that this release would upgrade: a release later than the one it knows."""
    monkeypatch.setattr(migrations, "HEAD", "9001")
    return database


async def test_an_upgrade_keeps_a_copy_of_what_it_began_with(
    older: Path, folder: Path, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", lambda connection: run(connection, folder))
    (older.parent / "omnibox.db.before-0001").write_bytes(b"of an earlier upgrade")
    assert await migrate(f"sqlite:///{older}")
    (copy,) = older.parent.glob("omnibox.db.before-*")
    assert copy.name == "omnibox.db.before-9001"
    assert copy.stat().st_mode & 0o077 == 0
    assert contents(copy) == contents(filled)
    with closing(sqlite3.connect(copy)) as link:
        assert link.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)
    assert not list(older.parent.glob("*.half"))


async def test_without_room_for_the_copy_nothing_is_upgraded(older: Path, filled: Path) -> None:
    (older.parent / "omnibox.db.before-9001").mkdir()  # cannot be replaced
    with pytest.raises(OSError):
        await migrate(f"sqlite:///{older}")
    assert contents(older) == contents(filled)


def test_a_copy_is_whole_or_not_there(database: Path) -> None:
    half = database.with_name("omnibox.db.half")
    half.write_bytes(b"of one that was killed")
    assert contents(keep_copy(database, "before-x")) == contents(database)
    assert not half.exists()


def test_a_new_store_needs_no_copy(tmp_path: Path) -> None:
    asyncio.run(migrate(f"sqlite:///{tmp_path}/omnibox.db"))
    assert not list(tmp_path.glob("*.before-*"))


async def test_two_processes_that_start_at_once_make_the_tables_once(url: str) -> None:
    done = await asyncio.gather(*(migrate(url) for _ in range(3)), return_exceptions=True)
    assert sorted(map(str, done)) == ["False", "False", "True"]


def test_who_is_refused_the_log_by_another_that_opens_it_asks_again(tmp_path: Path) -> None:
    """SQLite does not wait there, whatever `busy_timeout` says."""
    with closing(sqlite3.connect(tmp_path / "x.db")) as other, closing(sqlite3.connect(tmp_path / "x.db")) as link:
        other.execute("CREATE TABLE one (n int)")
        other.execute("BEGIN IMMEDIATE")
        asked: list[str] = []

        def end_at_the_second(statement: str) -> None:
            asked.append(statement)
            if len(asked) == 3:
                other.rollback()

        link.set_trace_callback(end_at_the_second)
        tell(link, ("busy_timeout=0", WRITE_AHEAD))
        assert asked == ["PRAGMA busy_timeout=0", f"PRAGMA {WRITE_AHEAD}", f"PRAGMA {WRITE_AHEAD}"]
        assert link.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def only_until(revision: str, folder: Path) -> None:
    for later in folder.glob("versions/*.py"):
        if later.name[:4] > revision:
            later.unlink()


async def test_who_writes_while_the_indexes_change_is_not_waited_for_in_a_circle(
    postgres_url: str, folder: Path
) -> None:
    """A process of the release before holds the messages and wants the events."""
    await asyncio.to_thread(only_until, "0008", folder)
    assert (await asyncio.to_thread(upgrade_to_last, postgres_url, folder)).returncode == 0
    plain = postgres_url.replace("+asyncpg", "")
    writer, onlooker = await asyncpg.connect(plain), await asyncpg.connect(plain)
    try:
        await writer.execute("SET session_replication_role = replica")  # no parents are needed
        message = "INSERT INTO message (conversation_id, channel_id, kind, author_kind, text, at, created_at)"
        async with asyncio.timeout(30), writer.transaction():
            await writer.execute(f"{message} VALUES (1, 1, 'note', 'agent', '', 0, 0)")
            migrating = asyncio.create_task(migrate(postgres_url))
            waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'message'::regclass"
            while not await onlooker.fetchval(waits):
                await asyncio.sleep(0.01)
            await writer.execute("INSERT INTO event (seq, type, at) VALUES (1, 'x', 0)")
        assert await migrating
    finally:
        await writer.close()
        await onlooker.close()


def test_the_id_of_an_erased_message_is_not_given_again(tmp_path: Path, folder: Path) -> None:
    """0010 has SQLite make the table anew, which would begin behind the last message that is left."""
    only_until("0008", folder)
    path = tmp_path / "omnibox.db"
    assert upgrade_to_last(f"sqlite:///{path}", folder).returncode == 0
    fill(path, 20)
    one_more = "INSERT INTO message (conversation_id, channel_id, kind, author_kind, text, at, created_at)"
    one_more += " VALUES (1, 1, 'note', 'agent', '', 0, 0) RETURNING id"
    with closing(sqlite3.connect(path)) as link, link:
        messages = link.execute("SELECT * FROM message").fetchall()
        assert link.execute(one_more).fetchone() == (21,)
        link.execute("DELETE FROM message WHERE id = 21")
    assert upgrade_to_last(f"sqlite:///{path}", Path(migrations.__file__).parent).returncode == 0
    with closing(sqlite3.connect(path)) as link, link:
        assert link.execute("SELECT * FROM message").fetchall() == messages
        assert link.execute(one_more).fetchone() == (22,)


def test_the_engine_of_migrations_is_one_transaction(tmp_path: Path) -> None:
    """SQLite's driver opens none for CREATE; half a revision would stay."""
    engine = engine_of(sa.make_url(f"sqlite:///{tmp_path}/x.db"))

    async def main() -> None:
        from sqlalchemy.util import greenlet_spawn

        def begin_and_leave() -> None:
            with engine.connect() as connection:
                connection.exec_driver_sql("CREATE TABLE one (n int)")
                connection.rollback()

        await greenlet_spawn(begin_and_leave)
        await greenlet_spawn(engine.dispose)

    asyncio.run(main())
    with closing(sqlite3.connect(tmp_path / "x.db")) as link:
        assert link.execute("SELECT name FROM sqlite_master").fetchall() == []
