"""Searches the bytes of files: the database with its log, and whatever else lies in the home folder or is named."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, cast

from omnibox.cards import pages
from omnibox.cards.ledger import Ledger
from omnibox.cards.looking import Seen, look

Report = Callable[[str, int, int], None]
CHUNK = 1 << 20
OVERLAP = 4096  # of two chunks: longer than any number with what stands around it
NOT_READ = frozenset({"secret.key", "serve.lock"})
EMPTY_TRIES, EMPTY_WAIT_S = 3, 5.0
BESIDE = "-wal", "-shm", "-journal"


def read_database(path: Path, ledger: Ledger, report: Report) -> None:
    """The write-ahead log first: what is in it goes into the file, never back."""
    log = path.with_name(f"{path.name}-wal")
    if log.is_file():
        count = _read_pages(pages.frames(log), log.stat().st_size, log.name, ledger, report)
        ledger.looked[log.name] = f"{count:,} pages"
    count = _read_pages(pages.pages(path), path.stat().st_size, path.name, ledger, report)
    ledger.looked[path.name] = f"{count:,} pages, byte by byte"


def _read_pages(found: Iterator[bytes], size: int, name: str, ledger: Ledger, report: Report) -> int:
    done = count = 0
    for number, page in enumerate(found, 1):
        for text in pages.texts(page):
            _note(ledger, name, f"page {number}", text)
        count, done = number, done + len(page)
        if number % 1000 == 0:
            report(name, min(done, size), size)
    report(name, size, size)
    return count


def _note(ledger: Ledger, name: str, where: str, text: str) -> None:
    """Only numbers: between bytes that are no text anything may look like a date."""
    seen = look(text)
    if seen.cards and not seen.digits <= ledger.no_cards:
        ledger.hit(name, where, Seen(seen.cards, digits=seen.digits))


def other_files(home: Path, database: Path | None, files: Path, also: Sequence[Path]) -> list[Path]:
    """What lies in the home folder besides the database and the attachments, and what was named. Raises OSError."""
    found = [path for path in sorted(home.rglob("*")) if path.is_file() and files not in path.parents]
    own = {database.with_name(f"{database.name}{end}") for end in ("", *BESIDE)} if database is not None else set()
    chosen = [path for path in found if path.name not in NOT_READ and path not in own]
    for path in also:
        if not path.exists():
            raise FileNotFoundError(2, "there is no such file", str(path))
        chosen += [each for each in sorted(path.rglob("*")) if each.is_file()] if path.is_dir() else [path]
    return list(dict.fromkeys(chosen))


def read_files(paths: Sequence[Path], ledger: Ledger, report: Report) -> None:
    """Logs, settings, backups and copies."""
    for number, path in enumerate(paths):
        report("other files", number, len(paths))
        if pages.is_database(path):
            _read_pages(pages.pages(path), path.stat().st_size, str(path), ledger, lambda *_: None)
        else:
            read_text(path, ledger)
    ledger.looked["other files"] = f"{len(paths):,} (logs, settings, copies)"


def read_text(path: Path, ledger: Ledger) -> None:
    """A file of text, packed by gzip or not, in pieces that overlap."""
    with _open(path) as file:
        kept = b""
        place = 0
        told: set[int] = set()
        while chunk := file.read(CHUNK):
            data = kept + chunk
            text = data.decode("utf-8", "surrogateescape")
            if pages.MAY_HOLD.search(text):
                _note_text(ledger, path, text, place, told)
            kept = data[-OVERLAP:]
            place += text.count("\n") - kept.count(b"\n")


def _note_text(ledger: Ledger, path: Path, text: str, before: int, told: set[int]) -> None:
    """By lines, where the number stands in one line; those in an overlap are told once."""
    lines = text.split("\n")
    hits = [number for number, line in enumerate(lines, before + 1) if pages.MAY_HOLD.search(line) and look(line).cards]
    for number in hits:
        if number not in told:
            _note(ledger, str(path), f"line {number}", lines[number - before - 1])
    told.update(hits[-100:])
    if not hits:
        _note(ledger, str(path), "over several lines", text)


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb")


def empty_log(database: Path) -> bool:
    """Put the write-ahead log into the database and cut it to nothing; False where somebody is reading from it."""
    for _ in range(EMPTY_TRIES):
        with closing(sqlite3.connect(database, timeout=EMPTY_WAIT_S)) as link:
            (is_busy, _, _) = link.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not is_busy:
            return True
    return False
