"""Copying what the hub keeps, and the way back from a copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omnibox.cli.common import Home, Refused, app, configuration, fail, opened, progress

if TYPE_CHECKING:
    from omnibox.config import Config


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that does not exist yet.")],
    home: Home = None,
) -> None:
    """Copy database and files; the hub may go on."""
    config = configuration(home=home)

    from omnibox.backup import BackupRefused, back_up

    try:
        with progress() as report:
            back_up(config, path, report)
    except BackupRefused as error:
        raise Refused(str(error)) from None
    except OSError as error:
        fail(f"the backup failed: {error.strerror}: {error.filename or path}", 1)
    print(f"Backup written to {path}")
    where = "OMNIBOX_SECRET_KEY" if config.secret_key.get_secret_value() else str(config.key_file)
    print(f"The secret key is not in it: keep {where} too, elsewhere. Without it all channels must be set up anew.")
    if config.s3_place is not None:
        print(f"The attachments are not in it either: they lie in the bucket {config.s3_bucket}. Keep that one safe.")


@app.command()
def restore(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]", help="A folder that `omnibox backup` wrote.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="The database is a restored copy already (pg_restore, a snapshot of a disk).")
    ] = False,
    home: Home = None,
) -> None:
    """Bring a backup into an empty home folder, or make a copy restored by other means safe to start."""
    if (path is None) == (not here):
        raise Refused("name the folder of a backup, or say --here where the database is restored already")
    config = configuration(home=home)

    from omnibox.backup import BackupRefused
    from omnibox.config import AlreadyServing, hold_home, prepare_home

    try:
        prepare_home(config)
        with hold_home(config):
            waiting = _mark_here(config) if path is None else _bring(config, path)
    except (BackupRefused, AlreadyServing) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        fail(f"the restore failed: {error.strerror}: {error.filename or path}; run it again", 1)
    print(f"Restored. {waiting} replies waited to leave: none is sent again by itself, agents are asked about each.")
    if not config.secret_key.get_secret_value() and not config.key_file.exists():
        print(f"Now bring the secret key to {config.key_file}: without it no channel works.")
    print("Then run `omnibox check`. Everybody signs in anew.")


def _bring(config: Config, path: Path) -> int:
    from omnibox.backup import restore

    with progress() as report:
        return restore(config, path, report)


def _mark_here(config: Config) -> int:
    import asyncio

    from omnibox.clock import now
    from omnibox.inbox.restoring import mark_restored
    from omnibox.store import StoreUnavailable

    if config.database_path is not None and not config.database_path.is_file():
        raise Refused(f"there is no database at {config.database_path}; is the home folder the right one?")

    async def write() -> int:
        async with opened(config) as store:
            return (await store.write(lambda tx: mark_restored(tx, now()))).result

    try:
        return asyncio.run(write())
    except StoreUnavailable:
        fail("the database does not answer; run `omnibox check`", 1)
