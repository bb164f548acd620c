"""A hub that plays with the simulated world."""

from __future__ import annotations

from typing import Annotated

import typer

from omnibox.cli.common import app


@app.command()
def demo(port: Annotated[int, typer.Argument(help="The port of the inbox.")] = 8080) -> None:
    """Run a hub with three live channels and no outside account."""
    from omnibox.testing.world.demo import run

    raise typer.Exit(run(port) or 0)
