"""Moving what the hub keeps: to PostgreSQL, and files to a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from omnibox.cli.common import Home, Refused, app, configuration, fail, progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    import sqlalchemy as sa

    from omnibox.config import Config
    from omnibox.store.moving import Compared


@app.command("migrate-to")
def migrate_to(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="postgresql://name:password@server/database, an empty one.")
    ],
    home: Home = None,
) -> None:
    """Move the database of the home folder to PostgreSQL; may be run while the hub goes on, then once more."""
    config = configuration(home=home)
    target = _address(url)
    if config.database_path is None:
        raise Refused("database_url names a server: the data is not in the home folder. Take that setting out to move")
    if not config.database_path.is_file():
        raise Refused(f"there is no database at {config.database_path}; is the home folder the right one?")

    from omnibox.config import AlreadyServing, hold_home

    try:
        with hold_home(config):
            _finish(config, _move(config, target, is_last=True))
    except AlreadyServing:
        _move(config, target, is_last=False)
        print("Copied, while the hub goes on. Now stop it and run the same command again:")
        print("it copies what changed since, compares everything and finishes.")


@app.command("migrate-files")
def migrate_files(home: Home = None) -> None:
    """Copy the attachments of the home folder to the bucket that s3_bucket names; may be run again."""
    config = configuration(home=home)
    if config.s3_place is None:
        raise Refused("set s3_bucket (and what belongs to it) first: the files are copied there")

    import asyncio

    from omnibox.blobs.bucket import Bucket
    from omnibox.blobs.moving import move_files
    from omnibox.store import StoreUnavailable

    try:
        with progress() as report:
            copied, total = asyncio.run(move_files(config.files_folder, Bucket(config.s3_place), report))
    except StoreUnavailable as error:
        fail(f"the bucket does not answer ({error}); nothing is lost: run the same command again", 1)
    except OSError as error:
        fail(f"{error.filename or config.files_folder}: {error.strerror}", 1)
    print(f"{total:,} files are in the bucket, {copied:,} of them copied now. The folder is as it was.")


def _address(url: str) -> sa.URL:
    from omnibox.config import ConfigProblems, load

    try:
        shown = load({"database_url": url}, {})
    except ConfigProblems as error:
        raise Refused(str(error).replace("--database_url", "URL")) from None
    if shown.database_path is not None:
        raise Refused("URL: write postgresql://name:password@server/database")
    import sqlalchemy as sa

    return sa.make_url(shown.store_url)


def _move(config: Config, target: sa.URL, *, is_last: bool) -> Sequence[Compared]:
    import asyncio

    import asyncpg
    import sqlalchemy as sa

    from omnibox.store.moving import MoveRefused, NotReached, move

    assert config.database_path is not None
    try:
        with progress() as report:
            return asyncio.run(move(config.database_path, target, report, is_last=is_last))
    except MoveRefused as error:
        raise Refused(str(error)) from None
    except NotReached as error:
        raise Refused(f"{error}; nothing was changed") from None
    except asyncpg.InsufficientPrivilegeError:
        raise Refused(
            "the user may not make a schema in that database; as its owner: GRANT CREATE ON DATABASE … TO …"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, sa.exc.SQLAlchemyError, OSError, TimeoutError) as error:
        fail(f"the move broke off ({type(error).__name__}); nothing is lost: run the same command again", 1)


def _finish(config: Config, compared: Sequence[Compared]) -> None:
    is_equal = True
    for each in compared:
        is_same = each.source == each.target
        is_equal &= is_same
        print(f"{each.table:<16}{each.rows:>12,} rows  {each.source}  {'equal' if is_same else each.target}")
    if not is_equal:
        fail("the two differ, and nothing was put in its place: please report it; the hub may go on as before", 1)
    print(f"All {sum(each.rows for each in compared):,} rows are there. Next, before the hub starts again:")
    print(f"- set database_url in {config.home}/omnibox.toml (or OMNIBOX_DATABASE_URL) to the address you gave;")
    if config.s3_place is None:
        print(f"- leave {config.files_folder} where it is, or see `omnibox migrate-files`: files were not moved;")
    if not config.secret_key.get_secret_value():
        print(
            f"- keep {config.key_file}: the settings of the channels are encrypted with it. Other machines need it too;"
        )
    print(f"- {config.database_path} is as it was: keep it until you are content, then remove it.")
