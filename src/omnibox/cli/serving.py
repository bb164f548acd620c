"""Running the hub, and looking whether it could run."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from omnibox.cli.common import NOT_NOW, Home, Refused, alone, app, configuration, fail, run

if TYPE_CHECKING:
    from omnibox.config import Config


Host = Annotated[str | None, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int | None, typer.Option("--port", help="The port to listen on; 0 chooses a free one.")]


@app.command()
def serve(host: Host = None, port: Port = None, home: Home = None) -> None:
    """Run the hub until it is stopped."""
    _run_hub("serve", home, host, port)


@app.command()
def web(host: Host = None, port: Port = None, home: Home = None) -> None:
    """Run one process of several that answers browsers, platforms and visitors."""
    _run_hub("web", home, host, port)


@app.command()
def worker(host: Host = None, port: Port = None, home: Home = None) -> None:
    """Run one process of several that reads, sends and does jobs."""
    _run_hub("worker", home, host, port)


def _run_hub(role: str, home: str | None, host: str | None, port: int | None) -> None:
    import gc

    gc.disable()  # until the start is done: importing makes much and drops little
    config = configuration(home=home, host=host, port=port)

    from omnibox import logs
    from omnibox.config import hold_home, prepare_home, require_server, require_writable

    logs.set_up(config.log_level, config.log_format)
    try:
        if role != "serve":
            require_server(config)
        prepare_home(config)
        require_writable(config, alone=role == "serve")
        # The processes of a scaled-out hub may share a home folder; `serve` is alone in it.
        with hold_home(config) if role == "serve" else nullcontext():
            run(lambda: _serve(config, role))
    except Exception as error:
        _explain_end(error, config)


def _explain_end(error: Exception, config: Config) -> NoReturn:
    """Say why the hub could not start or go on; a defect is logged by class and place, never by its message."""
    from sqlalchemy.exc import DatabaseError

    from omnibox.checkup import is_damaged, why_not_listening
    from omnibox.config import AlreadyServing, NeedsServer, NotOurs
    from omnibox.secrets import BadKey
    from omnibox.store import StoreUnavailable
    from omnibox.store.migrations import TooNew
    from omnibox.store.trouble import OF_DISK, trouble_of

    error = alone(error)
    match error:
        case DatabaseError() if is_damaged(error):
            raise Refused(
                f"{config.database_path}: is damaged or no database; keep it aside and restore a backup"
            ) from None
        case AlreadyServing() | BadKey() | NeedsServer() | NotOurs() | TooNew():
            raise Refused(str(error)) from None
        case StoreUnavailable():
            fail(_why(str(error), config), NOT_NOW)
        case OSError() if error.errno in OF_DISK:
            fail(_why(trouble_of(error), config), NOT_NOW)
        case OSError() if words := why_not_listening(error):
            raise Refused(f"{config.host}:{config.port}: {'; '.join(words)}") from None
        case OSError():
            raise Refused(f"{error.filename or f'{config.host}:{config.port}'}: {error.strerror or error}") from None
    from omnibox.logs import get_logger
    from omnibox.web.errors import raised_at

    get_logger("omnibox").critical("stopped by a defect", error=type(error).__name__, raised=raised_at(error))
    fail("stopped by a defect; the log names it", 1)


def _why(word: str, config: Config) -> str:
    """What keeps the hub from starting, and the cure. What SQLite says of a disk without room is not always that."""
    from sqlalchemy import make_url

    from omnibox.store.engine import has_room
    from omnibox.web.errors import TROUBLES

    path = config.database_path
    if path is not None and word not in ("read_only", "locked") and not has_room(make_url(config.store_url)):
        word = "full"
    if word not in TROUBLES:
        return "the database does not answer; run `omnibox check`"
    message, cure = TROUBLES[word]
    return f"{path.parent if path else 'the database server'}: {message} {cure}"


async def _serve(config: Config, role: str) -> None:
    from omnibox import app as hub

    def greet(url: str, code: str) -> None:
        if code and role != "worker":
            print(f"There is no owner yet: open {url}/ and enter the set-up code {code}")
        what = {"serve": "omnibox", "web": "omnibox web", "worker": "omnibox worker"}[role]
        print(f"{what} runs at {url}", flush=True)

    await hub.serve(config, greet, {"serve": hub.SERVE, "web": hub.WEB, "worker": hub.WORKER}[role])


@app.command()
def check(host: Host = None, port: Port = None, home: Home = None) -> None:
    """Look at everything a start needs; change nothing."""
    config = configuration(home=home, host=host, port=port)

    from omnibox.checkup import check_all

    print("ok      configuration")
    is_well = True
    for finding in check_all(config):
        is_well &= not finding.cure
        print(f"{'failed' if finding.cure else 'ok':<8}{finding.name}: {finding.text}")
        if finding.cure:
            print(f"{'':<8}→ {finding.cure}")
    raise typer.Exit(0 if is_well else 1)
