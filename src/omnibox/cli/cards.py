"""Proving that no card number is kept, and applying today's rules to what is old."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omnibox.cli.common import Home, Refused, app, configuration, fail, opened, progress

if TYPE_CHECKING:
    from omnibox.cards.remasking import Counts
    from omnibox.config import Config

TROUBLE = 2
OLD = "the database is of another release than this command; start the hub of this release once"
audit = typer.Typer(help="Prove that no card number is kept.")
app.add_typer(audit, name="audit")


@audit.command()
def cards(
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the report there too.")] = None,
    also: Annotated[
        list[Path] | None, typer.Option("--also", metavar="PATH", help="A log, a backup, a folder to search as well.")
    ] = None,
    home: Home = None,
) -> None:
    """Search all that is kept for card numbers; the hub may go on. Ends with 1 where there is one, 2 in trouble."""
    import asyncio

    from omnibox.cards.auditing import audit as run

    config = _with_database(home)
    with _troubles(config, "run `omnibox check`"):
        with progress() as report:
            audited = asyncio.run(run(config, also or [], report))
        if out is not None:
            out.write_text(audited.page)
    print(audited.page, end="")
    if not audited.is_clean:
        sys.exit(1)


@audit.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report; - is standard input.")],
    home: Home = None,
) -> None:
    """Say whether this installation wrote a report and nobody changed it. Ends with 1 where not, 2 in trouble."""
    from omnibox.cards.ledger import is_genuine
    from omnibox.config import open_secrets
    from omnibox.secrets import BadKey

    config = configuration(home=home)
    if not config.secret_key.get_secret_value() and not config.key_file.is_file():
        raise Refused(f"there is no key at {config.key_file}; is the home folder the right one?")
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        genuine = is_genuine(data.decode("utf-8", "surrogateescape"), open_secrets(config))
    except BadKey as error:
        fail(str(error), TROUBLE)
    except OSError as error:
        fail(f"{file}: {error.strerror}", TROUBLE)
    if not genuine:
        fail("not genuine: the report was changed, or another installation wrote it", 1)
    print("Genuine: this installation wrote the report, and nobody changed it.")


def _with_database(home: str | None) -> Config:
    config = configuration(home=home)
    if config.database_path is not None and not config.database_path.is_file():
        raise Refused(f"there is no database at {config.database_path}; is the home folder the right one?")
    return config


@app.command()
def remask(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be hidden, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
    home: Home = None,
) -> None:
    """Hide card numbers in what was stored before today's rules; the hub may go on. Broken off, it goes on."""
    import asyncio

    config = _with_database(home)
    with _troubles(config, "what is done is kept: run it again"):
        asyncio.run(_remask(config, dry_run=dry_run, asks=sys.stdin.isatty() and not yes))


@contextmanager
def _troubles(config: Config, cure: str) -> Iterator[None]:
    """Ends the command with a sentence for what may go wrong with the database and the files."""
    from omnibox.cards.rules import OldDatabase
    from omnibox.secrets import BadKey
    from omnibox.store import StoreUnavailable

    try:
        yield
    except StoreUnavailable:
        fail(f"the database or the place of the files does not answer; {cure}", TROUBLE)
    except OldDatabase:
        raise Refused(OLD) from None
    except BadKey as error:
        fail(str(error), TROUBLE)
    except OSError as error:
        fail(f"{error.filename or config.home}: {error.strerror or type(error).__name__}", TROUBLE)


async def _remask(config: Config, *, dry_run: bool, asks: bool) -> None:
    from omnibox.cards.remasking import Remasking, is_unfinished
    from omnibox.cards.rules import require_tables
    from omnibox.config import open_blobs

    async with opened(config) as store:
        await store.read(require_tables)
        blobs = open_blobs(config)
        goes_on = not dry_run and await is_unfinished(store)
        if goes_on:
            print("A run was broken off; going on from there.")
        else:
            with progress() as report:
                look = Remasking(store, blobs, report, is_dry=True)
                await look.run()
            _print_counts(look.counts, "would be hidden" if dry_run else "to hide")
            if dry_run or not look.counts.places:
                return
            if asks:
                typer.confirm("Hide them? It cannot be undone.", abort=True)
        with progress() as report:
            work = Remasking(store, blobs, report)
            changed = await work.run()
    print(f"Hidden in {changed:,} rows and files. The hub makes its search index again, the newest messages first.")
    _tell_what_is_left(config)


def _print_counts(counts: Counts, what: str) -> None:
    from omnibox.cards.ledger import count_of, total_of

    for name, place in sorted(counts.places.items()):
        print(f"{name:<34} {count_of(place)}")
    total = count_of(total_of(counts.places.values())) if counts.places else "nothing"
    print(f"{what}: {total}")


def _tell_what_is_left(config: Config) -> None:
    if config.database_path is None:
        print("The server keeps old rows until VACUUM takes them away; `VACUUM FULL` also empties their place.")
    else:
        from omnibox.cards.octets import empty_log

        if not empty_log(config.database_path):
            print("The write-ahead log is in use and could not be emptied: run `omnibox remask` again later.")
    print("Older backups and logs hold what they held. Then run `omnibox audit cards`.")
