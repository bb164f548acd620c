"""The command line. Server parts are imported inside the commands: the offline ones start without them."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast, get_args

import typer

from omnibox import __version__

if TYPE_CHECKING:
    from datetime import datetime

    from omnibox.config import Config
    from omnibox.connector import Offline
    from omnibox.model import Role
    from omnibox.store import Store, Transaction

USAGE = 2
INTERRUPTED = 130
Home = Annotated[
    str | None, typer.Option("--home", metavar="FOLDER", help="The home folder, in place of OMNIBOX_HOME.")
]
Channel = Annotated[str, typer.Option("--channel", metavar="NAME", help="The kind of channel, such as email.")]

app = typer.Typer(
    name="omnibox",
    help="One inbox for all channels that customers write on.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
agents = typer.Typer(help="Invite agents, and let them in again.")
app.add_typer(agents, name="agent")


class Refused(typer.TyperException):
    """A command that cannot be done as it was asked; the message names the cure."""

    exit_code = USAGE


def main() -> None:
    """Entry point. Ends with status 0, 1 for a failure, 2 for usage and configuration; never with a trace."""
    # A file name or a text that is not UTF-8 must not stop a command that only passes it on.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = app(prog_name="omnibox", standalone_mode=False)
        sys.stdout.flush()
    except Refused as error:
        _fail(error.message, error.exit_code)
    except typer.TyperException as error:
        _fail(f"{error.format_message()} See `omnibox --help`.", error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read has gone; the interpreter would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _fail(message: str, status: int) -> NoReturn:
    for line in message.splitlines():
        print(f"omnibox: {line}", file=sys.stderr)
    sys.exit(status)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"omnibox {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    pass


# ── The hub


@app.command()
def serve(
    host: Annotated[str | None, typer.Option("--host", help="The address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port to listen on; 0 chooses a free one.")] = None,
    home: Home = None,
) -> None:
    """Run the hub until it is stopped."""
    import gc

    gc.disable()  # until the start is done: importing makes much and drops little
    config = _configuration(home=home, host=host, port=port)

    from omnibox import logs
    from omnibox.config import hold_home, prepare_home

    logs.set_up(config.log_level, config.log_format)
    try:
        prepare_home(config)
        with hold_home(config):
            _run(lambda: _serve(config))
    except Exception as error:
        _explain_end(error, config)


def _explain_end(error: Exception, config: Config) -> NoReturn:
    """Say why the hub could not start or go on; a defect is logged by class and place, never by its message."""
    from omnibox.config import AlreadyServing
    from omnibox.secrets import BadKey
    from omnibox.store import StoreUnavailable
    from omnibox.store.migrations import TooNew

    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    match error:
        case AlreadyServing() | BadKey() | TooNew():
            raise Refused(str(error)) from None
        case StoreUnavailable():
            raise Refused("the database does not answer; run `omnibox check`") from None
        case OSError():
            raise Refused(f"{error.filename or f'{config.host}:{config.port}'}: {error.strerror or error}") from None
    from omnibox.logs import get_logger
    from omnibox.web.errors import raised_at

    get_logger("omnibox").critical("stopped by a defect", error=type(error).__name__, raised=raised_at(error))
    _fail("stopped by a defect; the log names it", 1)


async def _serve(config: Config) -> None:
    from omnibox.app import serve as run

    def greet(url: str, code: str) -> None:
        if code:
            print(f"There is no owner yet: open {url}/ and enter the set-up code {code}")
        print(f"omnibox runs at {url}", flush=True)

    await run(config, greet)


@app.command()
def check(home: Home = None) -> None:
    """Look at everything a start needs; change nothing."""
    config = _configuration(home=home)

    from omnibox.checkup import check_all

    print("ok      configuration")
    is_well = True
    for finding in check_all(config):
        is_well &= not finding.cure
        print(f"{'failed' if finding.cure else 'ok':<8}{finding.name}: {finding.text}")
        if finding.cure:
            print(f"{'':<8}→ {finding.cure}")
    raise typer.Exit(0 if is_well else 1)


@app.command()
def backup(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A folder that does not exist yet.")],
    home: Home = None,
) -> None:
    """Copy database and files; the hub may go on."""
    config = _configuration(home=home)

    from omnibox.backup import BackupRefused, back_up

    try:
        with _progress() as report:
            back_up(config, path, report)
    except BackupRefused as error:
        raise Refused(str(error)) from None
    except OSError as error:
        _fail(f"the backup failed: {error.strerror}: {error.filename or path}", 1)
    print(f"Backup written to {path}")
    where = "OMNIBOX_SECRET_KEY" if config.secret_key.get_secret_value() else str(config.key_file)
    print(f"The secret key is not in it: keep {where} too, elsewhere. Without it all channels must be set up anew.")


@app.command()
def demo(port: Annotated[int, typer.Argument(help="The port of the inbox.")] = 8080) -> None:
    """Run a hub with three live channels and no outside account."""
    from omnibox.testing.world.demo import run

    raise typer.Exit(run(port) or 0)


# ── Agents


@agents.command()
def invite(
    email: Annotated[str, typer.Argument(help="The address they will sign in with.")],
    role: Annotated[str, typer.Option("--role", help="owner, admin or agent.")] = "agent",
    name: Annotated[str, typer.Option("--name", help="Their name; they can change it.")] = "",
    home: Home = None,
) -> None:
    """Print a link by which someone becomes an agent."""
    from omnibox.model import Role
    from omnibox.team import agents, links

    if role not in get_args(Role):
        raise Refused(f"--role: choose one of {', '.join(get_args(Role))}")
    try:
        address = agents.fold_address(email)
        shown = agents.clean_name(name or address.partition("@")[0])
    except (agents.BadAddress, agents.BadName) as error:
        raise Refused(str(error)) from None

    def enter(tx: Transaction, token_hash: str) -> datetime:
        agent_id = agents.invite(tx, name=shown, email=address, role=cast("Role", role))
        return links.make(tx, agent_id, "invite", token_hash)

    try:
        _print_link(home, enter)
    except agents.Taken:
        raise Refused(f"{address} is an agent already; `omnibox agent reset` lets them in again") from None


@agents.command()
def reset(
    email: Annotated[str, typer.Argument(help="The address they sign in with.")],
    home: Home = None,
) -> None:
    """Print a link by which an agent sets a new password."""
    from omnibox.team import agents, links

    try:
        address = agents.fold_address(email)
    except agents.BadAddress as error:
        raise Refused(str(error)) from None

    def enter(tx: Transaction, token_hash: str) -> datetime:
        agent = agents.find_by_address(tx, address)
        if agent is None or agent.password_hash is None:
            raise Refused(f"no agent signs in with {address}; `omnibox agent invite` makes one")
        if not agent.is_active:
            raise Refused(f"{address} is deactivated; an owner can change that under Settings › Agents")
        return links.make(tx, agent.id, "reset", token_hash)

    _print_link(home, enter)


def _print_link(home: str | None, enter: Callable[[Transaction, str], datetime]) -> None:
    import asyncio

    from omnibox.secrets import random_token
    from omnibox.store import StoreUnavailable
    from omnibox.team.sessions import hash_of

    config = _configuration(home=home)
    if config.database_path is not None and not config.database_path.is_file():
        raise Refused(f"there is no database in {config.home} yet; start `omnibox serve` first")
    token = random_token()

    async def write() -> datetime:
        async with _opened(config) as store:
            return (await store.write(lambda tx: enter(tx, hash_of(token)))).result

    try:
        ends_at = asyncio.run(write())
    except StoreUnavailable:
        _fail("the database does not answer; run `omnibox check`", 1)
    print(f"{config.base_url}/inbox/link/{token}")
    print(f"It works once, until {ends_at:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)


# ── Offline


@app.command()
def mask(
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Each line is a JSON string; answer with objects.")] = False,
) -> None:
    """Mask card numbers: standard input to standard output."""
    from omnibox.masking import command

    raise typer.Exit(command.run(sys.stdin.buffer, sys.stdout.buffer, jsonl=jsonl) or 0)


@app.command()
def normalize(
    channel: Channel,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; standard input without one.")
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="Our own id there: events of others are `other`.")
    ] = None,
    mbox: Annotated[bool, typer.Option("--mbox", help="Each input is an mbox: split it.")] = False,
) -> None:
    """Show what the hub makes of raw messages, as JSON Lines."""
    from omnibox import offline

    connector = _offline_connector(channel)
    is_clean = offline.normalize(connector, paths or (), account, sys.stdin.buffer, sys.stdout.buffer, is_mbox=mbox)
    raise typer.Exit(0 if is_clean else 1)


@app.command()
def render(channel: Channel) -> None:
    """Show what a reply would send, as JSON Lines. Nothing is sent."""
    from omnibox import offline

    is_clean = offline.render(_offline_connector(channel), sys.stdin.buffer, sys.stdout.buffer)
    raise typer.Exit(0 if is_clean else 1)


def _offline_connector(name: str) -> type[Offline]:
    from omnibox.registry import find_connector, load_connectors

    found = find_connector(name)
    if found is not None and found.offline is not None:
        return found.offline
    if found is not None and found.error:
        raise Refused(f"--channel: {name} cannot be loaded: {found.error}")
    offered = [other.name for other in load_connectors().values() if other.offline]
    raise Refused(f"--channel: {name!r} has no offline commands; choose one of {', '.join(offered)}")


# ── Common ground


def _configuration(**options: object) -> Config:
    from omnibox.config import ConfigProblems, load

    try:
        return load(options)
    except ConfigProblems as error:
        raise Refused(str(error)) from None


@asynccontextmanager
async def _opened(config: Config) -> AsyncIterator[Store]:
    from omnibox.store import Store

    store = Store(config.store_url)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


def _run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in an event loop, the fast one where it is installed."""
    import asyncio
    from contextlib import suppress

    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Shows how far long work is, on standard error; silent where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress, TaskID

    tasks: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield report


if __name__ == "__main__":
    main()
