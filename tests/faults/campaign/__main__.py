"""`make faults`: the campaign over both databases, then the crash sweep, and a table of what came of it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.campaign import sweep
from tests.faults.campaign.report import sweep_table, table
from tests.faults.campaign.run import Outcome, Plan, carry_out
from tests.faults.campaign.stage import stage
from tests.servers import Postgres, find_postgres

KILLS_A_RUN = 25
STORES = ("sqlite", "postgresql")
REPORT_STEPS = 25


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("--seed", default="1", help="decides every run's traffic and faults")
    parser.add_argument("--run", default="", help="one run alone, by the seed a failing one printed")
    parser.add_argument("--kills", type=int, default=200, help="in all; 0 leaves the campaign out")
    parser.add_argument("--minutes", type=float, default=30, help="after these nothing new begins")
    parser.add_argument("--store", choices=STORES, help="on this database alone")
    parser.add_argument("--hubs", type=int, default=4, help="side by side")
    parser.add_argument("--stride", type=int, default=1, help="of the sweep; 0 leaves it out")
    parser.add_argument("--first", type=int, default=1, help="step of the sweep, where an earlier one was broken off")
    arguments = parser.parse_args()
    arguments.stores = [arguments.store] if arguments.store else STORES
    return arguments


class Clock:
    """Nothing new begins once the minutes are over."""

    def __init__(self, minutes: float) -> None:
        self._began = time.monotonic()
        self._minutes = minutes

    @property
    def is_over(self) -> bool:
        return self.took_s > self._minutes * 60

    @property
    def took_s(self) -> float:
        return time.monotonic() - self._began


async def main(arguments: argparse.Namespace) -> int:
    postgres = find_postgres()
    if postgres is None:
        say("PostgreSQL's programs (initdb, pg_ctl) are not installed: make system")
        return 2
    for name in ("aiohttp.server", "asyncio"):  # the world's: a killed hub's requests end half-way
        logging.getLogger(name).setLevel(logging.CRITICAL)
    clock = Clock(arguments.minutes)
    with postgres:
        outcomes = await campaign(arguments, postgres, clock)
        say(table(outcomes, clock.took_s))
        lived = sum(outcome.deaths.total() for outcome in outcomes)
        if lived < arguments.kills:
            say(f"{lived} of {arguments.kills} lives: the minutes were over, or runs broke off")
        rounds: dict[str, list[sweep.Round]] = {}
        if arguments.stride and not arguments.run:
            rounds = await sweeps(arguments, postgres, clock)
            say(sweep_table(rounds, clock.took_s))
    is_clean = not any(each.problems for each in outcomes)
    is_clean &= not any(each.problems for one in rounds.values() for each in one)
    return 0 if is_clean else 1


def plans(arguments: argparse.Namespace) -> Iterator[Plan]:
    if arguments.run:
        yield Plan(arguments.run, arguments.kills, arguments.stores[0])
        return
    for number in range(-(-arguments.kills // KILLS_A_RUN)):
        kills = min(KILLS_A_RUN, arguments.kills - number * KILLS_A_RUN)
        yield Plan(f"{arguments.seed}.{number}", kills, arguments.stores[number % len(arguments.stores)])


async def campaign(arguments: argparse.Namespace, postgres: Postgres, clock: Clock) -> list[Outcome]:
    """Every run, some side by side; each on a database of its own."""
    outcomes: list[Outcome] = []
    waiting = plans(arguments)

    async def work() -> None:
        for plan in waiting:
            if clock.is_over:
                return
            outcome = await carry_out(plan, new_database(postgres, plan.store))
            outcomes.append(outcome)
            words = f"{outcome.deaths.total()} deaths, {len(outcome.problems) or 'no'} problems"
            tell(f"run {plan.seed} on {plan.store}: {words}", outcome.problems, plan.command)

    await asyncio.gather(*(work() for _ in range(arguments.hubs)))
    return outcomes


async def sweeps(arguments: argparse.Namespace, postgres: Postgres, clock: Clock) -> dict[str, list[sweep.Round]]:
    """Every step inside and outside, each kind on each database; those side by side."""
    found: dict[str, list[sweep.Round]] = {}

    async def one(store: str, kind: str) -> None:
        mine = found[f"{kind}, {store}"] = []
        with tempfile.TemporaryDirectory(prefix="omnibox-sweep-") as folder:
            async with stage(Path(folder), new_database(postgres, store)) as set_up:
                count = len(await sweep.KINDS[kind].count(set_up))
                for number in range(arguments.first, count + 1, arguments.stride):
                    if clock.is_over:
                        say(f"{kind} on {store}: broken off before step {number} of {count}")
                        return
                    if len(mine) % REPORT_STEPS == 0:
                        say(f"{kind} on {store}: step {number} of {count}")
                    mine.append(await sweep.KINDS[kind].strike(set_up, number))
                    if mine[-1].problems:
                        tell(f"{kind} step {mine[-1].struck} on {store}", mine[-1].problems, f"step {number}")

    await asyncio.gather(*(one(store, kind) for store in arguments.stores for kind in sweep.KINDS))
    return found


def new_database(postgres: Postgres, store: str) -> str:
    """The address of an empty database; of none for SQLite, which lies in the run's folder."""
    if store == "sqlite":
        return ""
    name = f"omnibox_{secrets.token_hex(6)}"
    postgres.sql(f'CREATE DATABASE "{name}"')
    return postgres.url(name)


def tell(what: str, problems: list[str], again: str) -> None:
    say(what)
    for problem in problems[:20]:
        say(f"    {problem}")
    if problems:
        say(f"    again: {again}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(read_arguments())))
