"""`python -m bench [P]`: every figure, or those of one goal, as limit, ours, ratio."""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import report, servers

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results"


def names() -> list[str]:
    """The modules that measure, in order: p01 … p13, then the store."""
    return [path.stem for path in sorted(FOLDER.glob("p[0-9][0-9]_*.py"))] + ["store"]


def chosen(word: str | None) -> list[str]:
    """`01`, `1`, `P01`, `p01_webhook` and `store` name one; nothing names all."""
    if not word:
        return names()
    bare = word.lower().removeprefix("p")
    found = [name for name in names() if name == word.lower() or name[1:3] == bare.zfill(2)]
    if not found:
        sys.exit(f"there is no {word}; choose one of {', '.join(names())}")
    return found


def measure(name: str, *, long: bool) -> Iterator[report.Figure]:
    """The figures of one module as they come; one that cannot measure is wrong, and costs the others nothing."""
    module = importlib.import_module(f"bench.{name}")
    takes_long = "long" in inspect.signature(module.run).parameters
    try:
        yield from module.run(long=long) if takes_long else module.run()
    except Exception as error:  # the edge: the others still run
        goal = name[:3].upper() if name[1:3].isdigit() else name
        yield report.wrong(goal, name, f"{type(error).__name__}: {error}"[:300])


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    arguments.add_argument("goal", nargs="?", help="one goal, such as 01; all without it")
    arguments.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed or an answer wrong")
    arguments.add_argument("--long", action="store_true", help="the full sizes, which take minutes")
    options = arguments.parse_args()
    wanted = chosen(options.goal)
    facts = report.header()
    for line in report.header_lines(facts):
        print(line)
    servers.stand_aside()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server stays behind
    RESULTS.mkdir(exist_ok=True)
    verdicts: list[str] = []
    with (RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.jsonl").open("w") as results:
        results.write(json.dumps(facts) + "\n")
        for name in wanted:
            for figure in measure(name, long=options.long):
                print(figure.line(), flush=True)
                results.write(json.dumps(figure.record()) + "\n")
                verdicts.append(figure.verdict)
    return int(options.strict and bool({"missed", "wrong"} & set(verdicts)))


if __name__ == "__main__":
    sys.exit(main())
