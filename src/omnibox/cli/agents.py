"""Inviting agents, and letting them in again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from omnibox.cli.common import Home, Refused, app, configuration, fail, opened

if TYPE_CHECKING:
    from datetime import datetime

    from omnibox.model import Role
    from omnibox.store import Transaction

agents = typer.Typer(help="Invite agents, and let them in again.")
app.add_typer(agents, name="agent")


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

    config = configuration(home=home)
    if config.database_path is not None and not config.database_path.is_file():
        raise Refused(f"there is no database in {config.home} yet; start `omnibox serve` first")
    token = random_token()

    async def write() -> datetime:
        async with opened(config) as store:
            return (await store.write(lambda tx: enter(tx, hash_of(token)))).result

    try:
        ends_at = asyncio.run(write())
    except StoreUnavailable:
        fail("the database does not answer; run `omnibox check`", 1)
    print(f"{config.base_url}/inbox/link/{token}")
    print(f"It works once, until {ends_at:%Y-%m-%d %H:%M} UTC.", file=sys.stderr)
