"""What strikes when, from the seed alone: the lives of the process, how each ends, and the world's troubles in it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from omnibox.testing.world.demo import World
from omnibox.testing.world.graph import Fault

Death = Literal["kill", "kill at start", "crash point"]
LONGEST_S = 4.0  # of a life that waits for what may not come
SIGNS = ("webhook answered", "chat acknowledged", "/api/", "Graph", "SMTP", "IMAP")
PATIENCE_S = [0.05, 0.1, 0.2, *[0.3] * 600]  # how long Meta keeps posting: longer than any of our pauses


@dataclass(frozen=True, slots=True)
class Life:
    """One life of the process. It is killed `after_s` seconds after it listens, after its start, or after the world has
    heard `signs` things of the kind `sign`; or it ends itself at a crash point."""

    death: Death
    after_s: float
    sign: str
    signs: int
    point: int
    troubles: tuple[str, ...]


def lives(seed: str, count: int, *, only_quick: bool = False) -> list[Life]:
    """Mostly short lives: right after a start everything that had piled up is under way. More than
    half are long enough for something to be done, on however slow a machine."""
    chance = random.Random(f"{seed} lives")
    return [_life(chance, only_quick=only_quick or number * 2 > count) for number in range(count)]


def _life(chance: random.Random, *, only_quick: bool) -> Life:
    death: Death = chance.choices(("kill", "kill at start", "crash point"), (7, 1, 2))[0]
    sign = chance.choice(("", "", "", "", *SIGNS)) if death == "kill" else ""
    after_s = chance.uniform(0, 0.6) if death == "kill at start" else min(2.5, chance.expovariate(1.5))
    if sign:
        after_s = chance.expovariate(50)
    names = sorted(QUICK) if only_quick else sorted(TROUBLES)
    troubles = tuple(chance.sample(names, chance.choice((0, 1, 1, 2, 3))))
    return Life(death, after_s, sign, chance.randint(1, 8), chance.randint(1, 90), troubles)


# ── The world's own troubles. In each it is the world that knows whether something was taken


def _graph(fault: Fault) -> Callable[[World, random.Random], None]:
    def trouble(world: World, chance: random.Random) -> None:
        world.graph.fail(replace(fault, times=chance.randint(1, 2)))

    return trouble


def _smtp(stage: str, kind: str, *, keeps: bool) -> Callable[[World, random.Random], None]:
    return lambda world, chance: world.house.smtp.break_at(stage, kind, keeps=keeps)  # type: ignore[arg-type]


def _repeat_hooks(world: World, chance: random.Random) -> None:
    world.graph.hooks.switches.copies = chance.randint(2, 3)


def _mix_hooks(world: World, chance: random.Random) -> None:
    world.graph.hooks.switches.shuffle = random.Random(chance.random())
    world.graph.hooks.switches.batch = chance.randint(2, 6)


def _slow_graph(world: World, chance: random.Random) -> None:
    world.graph.delay_s = chance.uniform(0.05, 0.4)


def _slow_smtp(world: World, chance: random.Random) -> None:
    world.house.smtp.delay_s = chance.uniform(0.02, 0.1)


def _early_echo(world: World, chance: random.Random) -> None:
    world.graph.echo_comes_first = True


QUICK: Mapping[str, Callable[[World, random.Random], None]] = {
    "graph takes and hangs up": _graph(Fault("close", is_taken=True)),
    "graph takes and says half": _graph(Fault("half", status=200, is_taken=True)),
    "graph takes, a gateway says 502": _graph(Fault("html", status=502, is_taken=True)),
    "graph takes and falls silent": _graph(Fault("hang", is_taken=True)),
    "graph hangs up": _graph(Fault("close")),
    "graph says 500": _graph(Fault("error", status=500, code=2)),
    "graph refuses uploads": _graph(Fault("close", edge="message_attachments")),
    "graph is slow": _slow_graph,
    "webhooks come again": _repeat_hooks,
    "webhooks come mixed": _mix_hooks,
    "echoes come before answers": _early_echo,
    "smtp takes and hangs up": _smtp("dot", "close", keeps=True),
    "smtp takes and falls silent": _smtp("dot", "hang", keeps=True),
    "smtp drops at the dot": _smtp("dot", "reset", keeps=False),
    "smtp is slow": _slow_smtp,
    "imap drops": lambda world, chance: world.house.imap.kill_at(chance.randint(1, 12)),
    "imap says bye": lambda world, chance: world.house.imap.say_bye(),
}
TROUBLES: Mapping[str, Callable[[World, random.Random], None]] = {
    **QUICK,  # those below make a mail wait for up to a minute
    "smtp drops amid the mail": _smtp("body", "reset", keeps=False),
    "smtp defers": lambda world, chance: world.house.smtp.refuse("rcpt", 451),
}


def heal(world: World) -> None:
    """The world is well again; what hung is cut."""
    graph, house = world.graph, world.house
    graph.faults.clear()
    graph.delay_s, graph.echo_comes_first = 0.0, False
    switches = graph.hooks.switches
    switches.copies, switches.batch, switches.shuffle, switches.retry_waits_s = 1, 1, None, PATIENCE_S
    house.smtp.heal()
    house.imap.kill_at(-1)
