"""A copy of everything but the key, made while the hub goes on; and the way back from it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from omnibox.clock import now
from omnibox.config import FILE_NAME, Config, prepare_home
from omnibox.durable import flush
from omnibox.inbox.restoring import mark_restored
from omnibox.store.migrations import HEAD

PAGES = 2_000  # between two reports of progress
Report = Callable[[str, int, int], None]
"""What is being copied, how much of it is done, how much there is."""


class BackupRefused(Exception):
    """It was not begun; the message says why and what to do."""


def back_up(config: Config, target: Path, report: Report) -> None:
    """Write `target`, a folder that holds nothing yet: omnibox.db, files/ (unless they are in a bucket), omnibox.toml.

    The database first: each file that it names was there before. What fails is removed again. The copy is safe to start
    as it is (`mark_restored`). Raises `BackupRefused` and OSError.
    """
    database = config.database_path
    if database is None:
        files = f"the bucket {config.s3_bucket}" if config.s3_place else f"the folder {config.files_folder}"
        raise BackupRefused(
            f"the data is on a PostgreSQL server: back it up there with pg_dump, and copy {files} after that"
        )
    if not database.is_file():
        raise BackupRefused(f"there is no database at {database}; is the home folder the right one?")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupRefused(f"{target} exists; name a folder that does not")
    if config.files_folder.resolve() in target.resolve().parents:
        raise BackupRefused(f"{target} lies inside what is to be copied; name a folder elsewhere")
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _copy_database(database, target / "omnibox.db", report)
        if config.s3_place is None:
            _copy_files(config.files_folder, target / "files", report)
        _copy_settings(config.home / FILE_NAME, target / FILE_NAME)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _copy_database(source: Path, target: Path, report: Report) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.isolation_level = None
        live.execute("BEGIN")  # without a snapshot of its own the copy would begin anew at each write
        live.execute("SELECT count(*) FROM sqlite_master").fetchone()
        live.backup(copy, pages=PAGES, progress=lambda _, left, total: report("database", total - left, total), sleep=0)
        copy.execute("PRAGMA journal_mode=DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise BackupRefused("the database is damaged; run `omnibox check`, and keep the earlier backups")
    _mark(target)
    flush(target)


def _mark(database: Path) -> int:
    engine = sa.create_engine(f"sqlite:///{database}", hide_parameters=True)
    try:
        with engine.begin() as tx:
            return mark_restored(tx, now())
    finally:
        engine.dispose()


def _copy_files(source: Path, target: Path, report: Report) -> None:
    target.mkdir(mode=0o700, exist_ok=True)
    paths = list(_regular_files(source))
    for done, path in enumerate(paths, 1):
        place = target / path.relative_to(source)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copy2(path, place)
        except FileNotFoundError:
            continue  # erased meanwhile
        flush(place)
        report("files", done, len(paths))


# ── The way back


def restore(config: Config, source: Path, report: Report) -> int:
    """Bring a backup into a home folder that has no database; returns how many replies waited in it.

    The database comes last and whole: a restore that was killed is begun anew. Raises `BackupRefused` and OSError.
    """
    target = config.database_path
    if target is None:
        raise BackupRefused("the data is on a PostgreSQL server: restore it there, then run `omnibox restore --here`")
    copy = source / "omnibox.db"
    if not copy.is_file():
        raise BackupRefused(f"there is no omnibox.db in {source}; name a folder that `omnibox backup` wrote")
    if target.exists():
        raise BackupRefused(f"{target} exists; restore into another home folder, or move that file away first")
    prepare_home(config)
    if (source / "files").is_dir() and config.s3_place is None:
        _copy_files(source / "files", config.files_folder, report)
    if not (config.home / FILE_NAME).exists():
        _copy_settings(source / FILE_NAME, config.home / FILE_NAME)
    half = target.with_name(f"{target.name}.half")
    half.unlink(missing_ok=True)
    report("database", 0, 1)
    os.close(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    shutil.copyfile(copy, half)
    _check(half)
    waiting = _mark(half)
    flush(half)
    half.rename(target)
    flush(target.parent)
    report("database", 1, 1)
    return waiting


def _check(database: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as link:
            (verdict,) = link.execute("PRAGMA quick_check(1)").fetchone()
            (revision,) = link.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        verdict, revision = "not a database", HEAD
    if verdict != "ok":
        raise BackupRefused("the backup's database is damaged; take an earlier one")
    if revision != HEAD:
        raise BackupRefused(
            f"the backup is of revision {revision}, this release knows {HEAD}: restore it with the release that wrote "
            "it, then upgrade"
        )


def _regular_files(folder: Path) -> Iterator[Path]:
    for top, _, names in os.walk(folder):
        for name in sorted(names):
            if (path := Path(top, name)).is_file():
                yield path


def _copy_settings(source: Path, target: Path) -> None:
    """`omnibox.toml`, unless it holds the key: that must not lie beside what it opens."""
    if not source.is_file() or "secret_key" in tomllib.loads(source.read_text("utf-8")):
        return
    shutil.copy2(source, target)
    target.chmod(0o600)
    flush(target)
