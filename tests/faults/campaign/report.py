"""What a campaign came to, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.campaign.books import CHANNELS
from tests.faults.campaign.run import Outcome
from tests.faults.campaign.sweep import Round

ENDS = ("sent", "delivered", "read", "failed", "uncertain")


def table(outcomes: Sequence[Outcome], took_s: float) -> str:
    lines = ["", f"{'':22}{'sqlite':>12}{'postgresql':>12}{'all':>12}"]
    stores = {store: [each for each in outcomes if each.plan.store == store] for store in ("sqlite", "postgresql")}
    columns = [*stores.values(), list(outcomes)]

    def row(name: str, values: Sequence[int]) -> None:
        lines.append(f"{name:22}" + "".join(f"{value:12,}" for value in values))

    row("runs", [len(column) for column in columns])
    for death in ("kill", "kill at start", "crash point"):
        row(f"died: {death}", [sum(each.deaths[death] for each in column) for column in columns])
    row("live feed resumed", [sum(each.feed_breaks for each in column) for column in columns])
    for channel in CHANNELS:
        for way in ("in", "out"):
            values = [sum(each.verdict.messages[channel, way] for each in column) for column in columns]
            row(f"{channel} {way}", values)
    for channel in CHANNELS:
        for end in ENDS:
            values = [sum(each.verdict.ends[channel, end] for each in column) for column in columns]
            if any(values):
                row(f"{channel} parts {end}", values)
    row("replies twice", [sum(len(each.verdict.doubles) for each in column) for column in columns])
    row("problems", [sum(len(each.problems) for each in column) for column in columns])
    reasons = Counter(reason for each in outcomes for reason in each.verdict.doubles.values())
    lines += [f"twice: {count} × {reason}" for reason, count in reasons.items()]
    lines.append(f"took {took_s / 60:.1f} minutes")
    return "\n".join(lines)


def sweep_table(rounds: Mapping[str, Sequence[Round]], took_s: float) -> str:
    lines = ["", f"{'sweep':24}{'steps':>8}{'struck':>8}{'doubles':>9}{'problems':>10}"]
    for name, mine in sorted(rounds.items()):
        struck = sum(each.struck is not None for each in mine)
        doubles = sum(len(each.verdict.doubles) for each in mine)
        problems = sum(len(each.problems) for each in mine)
        lines.append(f"{name:24}{len(mine):8}{struck:8}{doubles:9}{problems:10}")
    lines.append(f"took {took_s / 60:.1f} minutes in all")
    return "\n".join(lines)
