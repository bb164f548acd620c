"""A hub that plays with the simulated world."""

from __future__ import annotations

import errno
from typing import Annotated

import typer

from omnibox.cli.common import Refused, alone, app


@app.command()
def demo(port: Annotated[int, typer.Argument(help="The port of the inbox.")] = 8080) -> None:
    """Run a hub with three live channels and no outside account."""
    from omnibox.config import AlreadyServing
    from omnibox.testing.world.demo import run

    try:
        run(port)
    except Exception as group:
        match alone(group):
            case AlreadyServing() as error:
                who = str(error).partition(";")[0]
                raise Refused(f"{who}; stop it first, or run the demo in another folder") from None
            case OSError() as error if error.errno == errno.EADDRINUSE:
                raise Refused(f"port {port} is in use; try `omnibox demo {port % 65535 + 1}`") from None
            case OSError() as error:
                raise Refused(f"{error.filename or f'port {port}'}: {error.strerror}") from None
        raise
