"""The README says what is so: its connector is the real one and runs, its commands exist, it stays short."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import ModuleType

from omnibox.testing import ConnectorTests
from tests.connectors import test_hook

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def example() -> ModuleType:
    """The README's connector, as a module."""
    code = re.search(r"```python\n(.*?)```", README, re.S)
    assert code is not None
    module = ModuleType("example")
    module.__file__ = str(ROOT / "connectors" / "omnibox_hook" / "__init__.py")
    exec(compile(code[1], "README.md", "exec"), module.__dict__)
    module.Hook.__module__ = "omnibox_hook"  # where the kit looks for its folder
    return module


class TestExample(test_hook.TestHook):
    """The whole conformance kit on the README's connector."""

    connector = example().Hook


def test_the_example_is_the_real_connector_whole() -> None:
    real = (ROOT / "connectors" / "omnibox_hook" / "__init__.py").read_text().split("\n", 2)[2]
    code = re.search(r"```python\n(.*?)```", README, re.S)
    assert code is not None
    assert code[1].strip() == real.strip()
    assert len(code[1].strip().splitlines()) <= 40


def test_the_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert "omnibox" in scripts


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


__all__ = ["ConnectorTests"]
