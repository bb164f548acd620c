"""A copy of everything but the key, made while the hub goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from omnibox.config import FILE_NAME, Config
from omnibox.store.engine import new_epoch

PAGES = 2_000  # between two reports of progress
Report = Callable[[str, int, int], None]
"""What is being copied, how much of it is done, how much there is."""


class BackupRefused(Exception):
    """It was not begun; the message says why and what to do."""


def back_up(config: Config, target: Path, report: Report) -> None:
    """Write `target`, a folder that holds nothing yet: omnibox.db, files/ and omnibox.toml.

    The database first: each file that it names was there before. What fails is removed again.
    Raises `BackupRefused` and OSError.
    """
    database = config.database_path
    if database is None:
        raise BackupRefused(
            "the data is on a PostgreSQL server: back it up there with pg_dump, and copy the folder "
            f"{config.files_folder} after that"
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
        with copy:  # whoever followed the live log must not take the restored one for it
            copy.execute("UPDATE installation SET epoch = ?", (new_epoch(),))
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise BackupRefused("the database is damaged; run `omnibox check`, and keep the earlier backups")
    _flush(target)


def _copy_files(source: Path, target: Path, report: Report) -> None:
    target.mkdir(mode=0o700)
    paths = list(_regular_files(source))
    for done, path in enumerate(paths, 1):
        place = target / path.relative_to(source)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            shutil.copy2(path, place)
        except FileNotFoundError:
            continue  # erased meanwhile
        _flush(place)
        report("files", done, len(paths))


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
    _flush(target)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
