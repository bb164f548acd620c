"""The command line: one module per family of commands, each of which registers them when it is imported."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from omnibox import __version__
from omnibox.cli.common import Refused, app, fail

# The order of the help:
# isort: off
from omnibox.cli import serving
from omnibox.cli import backups
from omnibox.cli import moving
from omnibox.cli import demo
from omnibox.cli import agents
from omnibox.cli import importing
from omnibox.cli import cards
from omnibox.cli import offline
# isort: on

__all__ = ["agents", "app", "backups", "cards", "demo", "importing", "main", "moving", "offline", "serving"]

INTERRUPTED = 130


def main() -> None:
    """Entry point. Ends with status 0, 1 for a failure, 2 for usage and configuration; never with a trace."""
    gc.disable()  # until the words are read: that imports much and drops little
    # Looking for plugins of the models opens every installed package, and none has a say in ours.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # A file name or a text that is not UTF-8 must not stop a command that only passes it on.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = app(prog_name="omnibox", standalone_mode=False)
        sys.stdout.flush()
    except Refused as error:
        fail(error.message, error.exit_code)
    except typer.TyperException as error:
        fail(f"{error.format_message()} See `omnibox --help`.", error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read has gone; the interpreter would complain once more when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


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
    gc.enable()
