"""What the long forms measure and print: too much the machine's to be asserted."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from statistics import median
from typing import Protocol

import pytest
from tests.faults.houses import IS_LONG


class Figure(Protocol):
    def __call__(self, what: str, found: Sequence[float], unit: str = "s") -> None: ...


@pytest.fixture
def figure(capfd: pytest.CaptureFixture[str]) -> Figure:
    """Prints what was measured, in the long forms; else nothing."""

    def show(what: str, found: Sequence[float], unit: str = "s") -> None:
        if IS_LONG:
            spread = f"{median(found):.2f} ({min(found):.2f}–{max(found):.2f}), n = {len(found)}"
            with capfd.disabled():
                sys.stdout.write(f"\n{what}: {spread if len(found) > 1 else f'{found[0]:.4g}'} {unit}\n")

    return show
