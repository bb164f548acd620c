"""What the families of commands share. Server parts are imported inside functions: offline commands start without."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from omnibox.config import Config
    from omnibox.store import Store

USAGE = 2
NOT_NOW = 75  # EX_TEMPFAIL of sysexits.h: whoever supervises us tries again
Home = Annotated[
    str | None, typer.Option("--home", metavar="FOLDER", help="The home folder, in place of OMNIBOX_HOME.")
]

app = typer.Typer(
    name="omnibox",
    help="One inbox for all channels that customers write on.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


class Refused(typer.TyperException):
    """A command that cannot be done as it was asked; the message names the cure."""

    exit_code = USAGE


def alone(error: Exception) -> Exception:
    """What was raised, out of the groups that hold nothing else."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def fail(message: str, status: int) -> NoReturn:
    for line in message.splitlines():
        print(f"omnibox: {line}", file=sys.stderr)
    sys.exit(status)


def configuration(**options: object) -> Config:
    from omnibox.config import ConfigProblems, load

    try:
        return load(options)
    except ConfigProblems as error:
        raise Refused(str(error)) from None


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Store]:
    from omnibox.store import Store

    store = Store(config.store_url)
    await store.start()
    try:
        yield store
    finally:
        await store.stop()


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run in an event loop, the fast one where it is installed."""
    import asyncio
    from contextlib import suppress

    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with suppress(ImportError):
        from uvloop import new_event_loop as factory
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work())


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
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
