"""`omnibox migrate-to`: every row arrives, also after kills, and nothing that is not ours is touched."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from tests.store.filling import fill

from omnibox.config import hold_home, load
from omnibox.store import Store
from omnibox.store.migrations import HEAD, migrate
from omnibox.store.moving import move
from omnibox.store.moving.shapes import PIECE, all_shapes
from omnibox.store.tables import conversation, metadata

OMNIBOX = str(Path(sys.executable).parent / "omnibox")
MESSAGES = PIECE + 300


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with rows in every table, some in several pieces."""
    path = tmp_path_factory.mktemp("filled") / "omnibox.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    fill(path, messages=MESSAGES)
    return path


@pytest.fixture
def home(filled: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    with closing(sqlite3.connect(filled)) as source, closing(sqlite3.connect(folder / "omnibox.db")) as copy:
        source.backup(copy)
    return folder


def plain(url: str) -> str:
    return url.replace("+asyncpg", "")


def migrate_to(home: Path, url: str, **more: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "OMNIBOX_HOME": str(home), **more}
    command = [OMNIBOX, "migrate-to", plain(url)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environ)


async def ask(url: str, statement: str) -> list[Any]:
    link = await asyncpg.connect(plain(url))
    try:
        return [tuple(row) for row in await link.fetch(statement)]
    finally:
        await link.close()


def fingerprint(folder: Path) -> dict[str, str]:
    """The hash of each file; what SQLite keeps beside an open database is not its content."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith(("-shm", "-wal", ".lock"))]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


async def test_a_store_moves_whole_and_the_source_stays_as_it_was(home: Path, postgres_url: str) -> None:
    before = fingerprint(home)
    answer = migrate_to(home, postgres_url)
    assert answer.returncode == 0, answer.stderr
    assert fingerprint(home) == before
    lines = [line.split() for line in answer.stdout.splitlines() if " rows  " in line]
    assert {line[0] for line in lines} == set(metadata.tables)
    assert {line[-1] for line in lines} == {"equal"}
    counts = {line[0]: int(line[1].replace(",", "")) for line in lines}
    assert (counts["message"], counts["tally"]) == (MESSAGES, 40)
    assert "database_url" in answer.stdout
    assert "secret.key" in answer.stdout
    assert await ask(postgres_url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    assert await ask(postgres_url, "SELECT nspname FROM pg_namespace WHERE nspname = 'omnibox_moving'") == []


async def test_the_moved_store_is_as_a_new_one_is_made(home: Path, postgres_url: str) -> None:
    """Tables, columns, keys between tables and indexes: those of a hub that started on an empty database."""
    shape = """
        SELECT 'column', table_name, column_name, data_type || is_nullable || coalesce(column_default, '')
          FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL SELECT 'key', conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
          WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT 'extension', extname, extnamespace::regnamespace::text, '' FROM pg_extension
    """
    await migrate(postgres_url)
    new = set(await ask(postgres_url, shape))
    await ask(postgres_url, "DROP SCHEMA public CASCADE")
    await ask(postgres_url, "CREATE SCHEMA public")
    await move_whole(home, postgres_url)
    assert set(await ask(postgres_url, shape)) == new


async def test_a_moved_store_goes_on_with_the_next_number(home: Path, postgres_url: str) -> None:
    await move_whole(home, postgres_url)
    store = Store(postgres_url)
    await store.start()
    try:
        fresh = await store.read(lambda tx: tx.execute(sa.select(conversation).order_by(conversation.c.id)).first())
        assert fresh is not None
        row = {key: value for key, value in fresh._mapping.items() if key != "id"}
        added = sa.insert(conversation).returning(conversation.c.id)
        assert (await store.write(lambda tx: tx.execute(added, row).scalar_one())).result == 500_001
        added = sa.text("INSERT INTO contact (created_at) VALUES (1) RETURNING id")
        assert (await store.write(lambda tx: tx.execute(added).scalar_one())).result == 41
    finally:
        await store.stop()


def test_no_table_of_a_store_is_left_out(filled: Path) -> None:
    """What the file holds besides the tables of the metadata is the index, which is made anew, and alembic's mark."""
    with closing(sqlite3.connect(filled)) as link:
        rows = link.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        held = {name for (name,) in rows if not name.startswith("search_")}
        counts = {name: link.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in held}
    assert held == {shape.name for shape in all_shapes()} | {"alembic_version"}
    assert min(counts.values()) > 0


def test_every_column_of_a_table_is_carried() -> None:
    carried = {shape.name: shape.columns for shape in all_shapes()}
    assert carried == {table.name: tuple(table.columns.keys()) for table in metadata.sorted_tables}


def test_the_first_run_may_take_place_beside_the_hub_and_the_last_copies_what_changed(
    home: Path, postgres_url: str
) -> None:
    with hold_home(load({"home": str(home)}, {})):  # as a running hub does
        answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "run the same command again" in answer.stdout) == (0, True)
    assert asyncio.run(ask(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")) == []
    with closing(sqlite3.connect(home / "omnibox.db")) as link, link:
        link.execute("UPDATE message SET text = 'edited' WHERE id = 3")
        link.execute("DELETE FROM event WHERE seq <= ?", (PIECE,))  # a whole piece, as the hourly sweep does
        link.execute("INSERT INTO throttle VALUES ('p', 'new', 1, 1)")
    answer = migrate_to(home, postgres_url)
    assert answer.returncode == 0, answer.stderr
    counts = asyncio.run(
        ask(postgres_url, "SELECT (SELECT count(*) FROM event), (SELECT text FROM message WHERE id = 3)")
    )
    assert counts == [(MESSAGES - PIECE, "edited")]


async def test_a_move_that_is_killed_at_any_point_can_be_run_again(home: Path, postgres_url: str) -> None:
    before = fingerprint(home)
    statuses = []
    for step in (1, 9, 20):  # of the run each begins; what earlier ones copied is passed over
        statuses.append(migrate_to(home, postgres_url, OMNIBOX_CRASH_AT=str(step)).returncode)
        tables = await ask(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables == []
    assert set(statuses) == {137}
    answer = migrate_to(home, postgres_url)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.count("equal") == len(metadata.tables)
    assert fingerprint(home) == before


@pytest.mark.parametrize("last", ["move compared", "move finished"])
def test_a_move_that_is_killed_at_its_end_can_be_run_again(
    home: Path, postgres_url: str, last: str, tmp_path: Path
) -> None:
    if last == "move compared":
        move_quietly(home, postgres_url)
    log = tmp_path / "steps"
    first = migrate_to(
        home, postgres_url, OMNIBOX_TEST_CRASH_LOG=str(log), OMNIBOX_CRASH_AT=str(total_steps(home, last))
    )
    assert first.returncode == 137, first.stdout
    assert log.read_text().splitlines()[-1].endswith(last)
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, answer.stdout.count("equal")) == (0, len(metadata.tables))


def move_quietly(home: Path, url: str) -> None:
    asyncio.run(move(home / "omnibox.db", sa.make_url(url), lambda *_: None, is_last=False))


async def move_whole(home: Path, url: str) -> None:
    """As the command, in this process: a start of the command costs more than the move."""
    compared = await move(home / "omnibox.db", sa.make_url(url), lambda *_: None, is_last=True)
    assert len(compared) == len(metadata.tables)
    assert all(each.source == each.target for each in compared)


def total_steps(home: Path, last: str) -> int:
    """The number of the step `last`: one per piece, after the one of the beginning."""
    pieces = sum(MESSAGES // PIECE + 1 if shape.name in MANY and shape.by_number else 1 for shape in all_shapes())
    return pieces + 1 if last == "move compared" else pieces + 3


MANY = {"message", "event"}


@pytest.mark.parametrize("foreign", ["CREATE TABLE mine (n int)", "CREATE SCHEMA s; CREATE TABLE s.mine (n int)"])
async def test_a_database_that_holds_something_else_is_refused_and_not_touched(
    home: Path, postgres_url: str, foreign: str
) -> None:
    await ask_all(postgres_url, foreign)
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "holds data already" in answer.stderr, "mine" in answer.stderr) == (2, True, True)
    assert await ask(postgres_url, "SELECT nspname FROM pg_namespace WHERE nspname = 'omnibox_moving'") == []


async def ask_all(url: str, statements: str) -> None:
    link = await asyncpg.connect(plain(url))
    await link.execute(statements)
    await link.close()


async def test_a_store_that_went_on_there_is_refused(home: Path, postgres_url: str) -> None:
    await move_whole(home, postgres_url)
    await move_whole(home, postgres_url)  # nothing happened there yet: it says so once more
    await ask(postgres_url, "UPDATE installation SET seq = seq + 1")
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "holds data already" in answer.stderr) == (2, True)


async def test_a_move_of_another_installation_is_not_mixed_in(home: Path, postgres_url: str) -> None:
    await move(home / "omnibox.db", sa.make_url(postgres_url), lambda *_: None, is_last=False)
    with closing(sqlite3.connect(home / "omnibox.db")) as link, link:
        link.execute("UPDATE installation SET name = 'another'")
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "DROP SCHEMA omnibox_moving CASCADE" in answer.stderr) == (2, True)


async def test_a_change_on_the_way_is_found_and_nothing_takes_its_place(home: Path, postgres_url: str) -> None:
    await move(home / "omnibox.db", sa.make_url(postgres_url), lambda *_: None, is_last=False)
    await ask(postgres_url, "UPDATE omnibox_moving.message SET text = 'not what was sent' WHERE id = 7")
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "differ" in answer.stderr) == (1, True)
    differing = [line.split()[0] for line in answer.stdout.splitlines() if " rows  " in line and "equal" not in line]
    assert differing == ["message"]
    assert await ask(postgres_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:hunter2@h/d", "postgresql://name:password@server/database"),
        ("sqlite:////tmp/x.db", "postgresql://name:password@server/database"),
        (
            "postgresql://u:hunter2@127.0.0.1:1/d",
            "127.0.0.1:1 does not answer (ConnectionRefusedError); check",
        ),
        ("postgresql://u:hunter2@nowhere.invalid/d", "nowhere.invalid:5432 does not answer (gaierror); check"),
    ],
)
def test_a_wrong_address_is_named_without_its_password(home: Path, url: str, says: str) -> None:
    answer = migrate_to(home, url)
    assert answer.returncode == 2
    assert says in answer.stderr
    assert "broke off" not in answer.stderr
    assert "hunter2" not in answer.stdout + answer.stderr


def test_a_server_that_does_not_let_us_in_is_named_and_nothing_was_changed(home: Path, postgres_url: str) -> None:
    url = sa.make_url(postgres_url)
    for wrong, says in (
        (url.set(database="gone"), "has no database gone; "),
        (url.set(username="nobody"), "does not let nobody in; "),
    ):
        answer = migrate_to(home, wrong.render_as_string(hide_password=False))
        assert (answer.returncode, answer.stdout) == (2, "")
        assert says in answer.stderr
        assert "nothing was changed" in answer.stderr


def test_an_older_store_is_brought_up_first(home: Path, postgres_url: str) -> None:
    with closing(sqlite3.connect(home / "omnibox.db")) as link, link:
        link.execute("UPDATE alembic_version SET version_num = '0001'")
    answer = migrate_to(home, postgres_url)
    assert (answer.returncode, "start `omnibox serve`" in answer.stderr) == (2, True)
