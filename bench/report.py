"""Figures, their verdicts, and the lines they are printed as."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

NOISY = 0.25  # spread of the ratios, as a share of their median, from which a figure proves nothing
LIBRARIES = ("aiohttp", "uvloop", "sqlalchemy", "aiosqlite", "msgspec", "pydantic", "structlog", "nh3")
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Goal:
    """`bound` for the ratio of ours to the limit, or for our figure itself; `aim` is where the project wants to be."""

    bound: float
    sign: Literal["≤", "≥"] = "≤"
    of: Literal["ratio", "ours"] = "ratio"
    aim: float | None = None

    def is_met(self, value: float) -> bool:
        return value <= self.bound if self.sign == "≤" else value >= self.bound


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing. `rounds` are pairs of limit and ours, taken alternately; a wrong answer has no ratio."""

    id: str
    name: str
    unit: str
    rounds: tuple[tuple[float, float], ...]
    goal: Goal | None = None
    wrong: str = ""
    note: str = ""

    @property
    def limit(self) -> float:
        return statistics.median(limit for limit, _ in self.rounds)

    @property
    def ours(self) -> float:
        return statistics.median(ours for _, ours in self.rounds)

    @property
    def ratios(self) -> list[float]:
        return sorted(ours / limit for limit, ours in self.rounds if limit)

    @property
    def ratio(self) -> float | None:
        return statistics.median(self.ratios) if self.ratios else None

    @property
    def is_noisy(self) -> bool:
        """Whether the rounds disagree too much to fail a build."""
        ratios = self.ratios
        if len(ratios) < 2 or self.goal is None or self.goal.of == "ours":
            return False
        return (ratios[-1] - ratios[0]) / statistics.median(ratios) > NOISY

    @property
    def verdict(self) -> str:
        """`ok`, `missed` or `wrong`; `noisy` where a miss proves nothing; empty where there is no goal."""
        if self.wrong:
            return "wrong"
        value = self.ours if self.goal is not None and self.goal.of == "ours" else self.ratio
        if self.goal is None or value is None:
            return ""
        if self.goal.is_met(value):
            return "ok, noisy" if self.is_noisy else "ok"
        return "noisy" if self.is_noisy else "missed"

    def line(self) -> str:
        """The figure as one line."""
        if self.wrong:
            return f"{self.id} {self.name} · wrong: {self.wrong}"
        pieces = [f"{self.id} {self.name}"]
        if self.ratio is not None:
            pieces.append(f"limit {shown(self.limit)} {self.unit}")
        pieces.append(f"ours {shown(self.ours)} {self.unit}")
        if self.ratio is not None:
            spread = f" ({self.ratios[0]:.2f}-{self.ratios[-1]:.2f})" if len(self.ratios) > 1 else ""
            pieces.append(f"ratio {self.ratio:.2f}{spread}")
        if self.goal is not None:
            unit = f" {self.unit}" if self.goal.of == "ours" else ""
            aim = f" (aim {self.goal.sign} {shown(self.goal.aim)})" if self.goal.aim is not None else ""
            pieces.append(f"goal {self.goal.sign} {shown(self.goal.bound)}{unit}{aim}")
        return " · ".join(piece for piece in (*pieces, self.verdict, self.note) if piece)

    def record(self) -> dict[str, Any]:
        """The figure for the JSON Lines."""
        medians = {} if self.wrong else {"limit": self.limit, "ours": self.ours, "ratio": self.ratio}
        return asdict(self) | medians | {"verdict": self.verdict}


def wrong(id: str, name: str, why: str) -> Figure:
    """A figure that is not one: the answer was fast and wrong."""
    return Figure(id, name, "", (), wrong=why)


def shown(value: float) -> str:
    """Three digits that matter."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 or value == round(value, 1) else f"{value:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ── What the figures were taken on


def header() -> dict[str, Any]:
    """Commit, versions and machine; the disk's rate is 400 writes of 12 KiB, each brought to the disk."""
    return {
        "commit": _commit(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in LIBRARIES if _has(name)},
        "cores": len(os.sched_getaffinity(0)),
        "load": [round(each, 1) for each in os.getloadavg()],
        "fdatasync_per_s": round(fdatasync_rate()),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def header_lines(facts: dict[str, Any]) -> list[str]:
    libraries = ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())
    return [
        f"omnibox {facts['commit']} · Python {facts['python']} · {libraries}",
        f"{facts['cores']} cores · load {facts['load']} · fdatasync {facts['fdatasync_per_s']:,}/s",
    ]


def fdatasync_rate(writes: int = 400, size: int = 12 * 1024) -> float:
    block = os.urandom(size)
    with tempfile.TemporaryFile() as file:
        began = time.perf_counter()
        for _ in range(writes):
            file.write(block)
            file.flush()
            os.fdatasync(file.fileno())
        return writes / (time.perf_counter() - began)


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    commit = git("rev-parse", "--short", "HEAD") or "unknown"
    return f"{commit}+changes" if git("status", "--porcelain") else commit


def _has(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
