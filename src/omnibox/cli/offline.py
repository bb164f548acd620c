"""What needs no hub: masking, reading raw messages, showing what would be sent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from omnibox.cli.common import Refused, app

if TYPE_CHECKING:
    from omnibox.connector import Offline
    from omnibox.registry import Registered

Channel = Annotated[str, typer.Option("--channel", metavar="NAME", help="The kind of channel, such as email.")]


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


@app.command()
def thread(
    channel: Channel,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; standard input without one.")
    ] = None,
) -> None:
    """Show which raw messages belong together by the ids they name, as JSON Lines."""
    from omnibox import offline

    found = _connector(channel, "thread", "chains").chains
    assert found is not None
    is_clean = offline.thread(found, paths or (), sys.stdin.buffer, sys.stdout.buffer)
    raise typer.Exit(0 if is_clean else 1)


def _offline_connector(name: str) -> type[Offline]:
    found = _connector(name, "offline", "offline").offline
    assert found is not None
    return found


def _connector(name: str, commands: str, ability: str) -> Registered:
    """The connector of that name; it has what `ability` names, or the user hears who has."""
    from omnibox.registry import find_connector, load_connectors

    found = find_connector(name)
    if found is not None and getattr(found, ability) is not None:
        return found
    if found is not None and found.error:
        raise Refused(f"--channel: {name} cannot be loaded: {found.error}")
    offered = [other.name for other in load_connectors().values() if getattr(other, ability)]
    raise Refused(f"--channel: {name!r} has no {commands} commands; choose one of {', '.join(offered)}")
