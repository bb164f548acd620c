"""What a connector says of itself."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omnibox import connector as api
from omnibox.testing.context import KitContext
from omnibox.testing.kit.base import Base

LONG_TEXT = "Ein Satz mit Wörtern. 👩‍👩‍👧‍👦 नमस्ते\n" + "x" * 300 + " e\u0301" * 40
PROBE = (
    "import sys, importlib, omnibox.connector; known = set(sys.modules); importlib.import_module(sys.argv[1]); "
    "print(*sorted(set(sys.modules) - known))"
)
FIELD_KINDS = {
    "text",
    "secret",
    "number",
    "boolean",
    "choice",
    "email",
    "url",
    "host",
    "list",
    "origins",
    "color",
    "long",
    "consent",
}
QUALITY_RULES = {
    "kit_passes",
    "fixtures_as_sent",
    "limits_declared",
    "receipts",
    "setup_steps",
    "icon",
    "known_limitations",
    "no_text_in_logs",
}


class Declared(Base):
    def test_it_declares_itself(self) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", self.connector.name)
        assert isinstance(self.connector.capabilities, api.Capabilities)
        for group in (self.connector.settings, getattr(self.connector, "channel_settings", ())):
            names = [field.name for field in group]
            assert len(names) == len(set(names)), "two settings of one name"
            for field in group:
                assert isinstance(field, api.Field)
                assert field.kind in FIELD_KINDS, f"{field.name} is of no known kind"
                assert field.title, f"{field.name} has no title"
                assert bool(field.choices) == (field.kind == "choice"), f"{field.name} and its choices do not fit"
                assert not (field.required and field.default is not None), f"{field.name} is required, with a default"
                assert field.kind not in ("secret", "consent") or field.default is None, f"everybody knows {field.name}"
                for wanted in (field.when, field.required_if):
                    assert set(wanted) <= set(names), f"{field.name} depends on what is not declared"
        look = getattr(self.connector, "look", None)
        assert isinstance(look, api.Look | None)
        if look:
            assert look.title
            assert all(re.fullmatch("#[0-9A-Fa-f]{6}", colour) for colour in (look.light, look.dark))

    def test_its_steps_name_what_exists(self) -> None:
        known = {"hook_url", *(field.name for field in self.connector.settings)}
        for step in getattr(self.connector, "steps", ()):
            named = set(re.findall(r"\{(\w*)\}", step.title + step.text))
            assert named <= known, f"a step names {named - known}"

    def test_capabilities_are_consistent(self) -> None:
        can = self.connector.capabilities
        assert can.max_text is None or can.max_text > 0
        assert can.formats <= {"text", "html"}
        assert "text" in can.formats
        assert can.receipts <= {"delivered", "read", "failed"}
        assert can.files is None or (can.files.count > 0 and can.files.bytes > 0)
        assert all(wait > 0 for wait in can.retry.waits)
        assert can.retry.most > 0
        assert can.max_body > 0
        assert can.send_timeout_s > 0
        switches = {f.name for f in getattr(self.connector, "channel_settings", ()) if f.kind == "boolean"}
        for window in can.windows:
            assert window.until_s > 0
            assert window.authors <= {"agent", "bot", "system"}
            assert not window.needs or window.needs in switches, f"no boolean channel setting {window.needs}"
        named = {field.name: field.kind for field in getattr(self.connector, "channel_settings", ())}
        assert not can.quotes or can.quotes in switches, f"no boolean channel setting {can.quotes}"
        assert not can.acknowledges or named.get(can.acknowledges) in ("text", "long"), f"no text {can.acknowledges}"
        for pace in can.paces:
            assert pace.per_s > 0
            assert named.get(pace.setting) == "number", f"no number channel setting {pace.setting}"
        assert not (can.live and (hasattr(self.connector, "verify") or hasattr(self.connector, "run")))

    async def test_long_text_is_cut_and_kept(self, one: Any) -> None:
        most = self.connector.capabilities.max_text
        text = LONG_TEXT if most is None else LONG_TEXT * (1 + 3 * most // len(LONG_TEXT))
        cut = one.parts(api.Part(text=text)) if hasattr(one, "parts") else None
        parts = api.default_parts(api.Part(text=text), self.connector.capabilities) if cut is None else cut
        assert "".join(part.text for part in parts) == text
        assert most is None or max(len(part.text) for part in parts) <= most
        assert all(part.text or part.files for part in parts)

    async def test_only_declared_settings_are_used(self, one: Any, context: KitContext, platform: Any) -> None:
        declared = {field.name for field in self.connector.settings}
        assert set(self.settings(platform)) <= declared, "the test gives settings that are not declared"
        with contextlib.suppress(api.SendError):
            await one.send(self.outbound())
        assert context.settings.read <= declared, f"reads {context.settings.read - declared} without declaring it"

    async def test_a_missing_setting_is_named(self, platform: Any) -> None:
        for field in self.connector.settings:
            if not field.required and not field.required_if:
                continue
            chosen = {name: values[0] for name, values in {**field.when, **field.required_if}.items()}
            for nothing in (None, ""):
                context = self.new_context(platform, **self._filled(chosen, but=field.name), **{field.name: nothing})
                with pytest.raises(api.BadSettings) as caught:
                    self.connector(context)
                assert caught.value.field == field.name, f"the error does not name {field.name}"
                self._assert_silent(self._told(caught.value), self._secrets(self.settings(platform)), set())
                await context.close()

    def _filled(self, chosen: dict[str, str], *, but: str) -> dict[str, str]:
        """`chosen`, and a word for whatever else has to be filled in with it."""
        needed = (
            field
            for field in self.connector.settings
            for wanted in ((field.required and field.when) or field.required_if,)
            if wanted and all(chosen.get(name) in values for name, values in wanted.items())
        )
        words = {field.name: "https://example.com" if field.kind == "url" else "word" for field in needed}
        return {name: word for name, word in (words | chosen).items() if name != but}

    async def test_an_archive_that_is_not_there_is_refused(self, one: Any, tmp_path: Path) -> None:
        if isinstance(one, api.Archives):
            with pytest.raises((api.NoArchive, OSError)):
                one.open_archive([str(tmp_path / "nowhere")], "address", lambda done, total: None)

    async def test_a_missing_channel_setting_is_named(self, platform: Any) -> None:
        for field in getattr(self.connector, "channel_settings", ()):
            if not field.required:
                continue
            context = self.new_context(platform)
            context.channels = [
                replace(channel, settings={n: v for n, v in channel.settings.items() if n != field.name})
                for channel in context.channels
            ]
            with pytest.raises(api.BadSettings) as caught:
                await self.connector(context).send(self.outbound())
            assert caught.value.field == field.name
            await context.close()

    def test_it_loads_without_its_client_library(self) -> None:
        """It is loaded to be shown, also where it is never used: imports of others belong inside methods."""
        module = self.connector.__module__
        paths = [str(Path(path).resolve()) for path in sys.path]
        run = subprocess.run(
            [sys.executable, "-S", "-c", PROBE, module],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        loaded = {name for name in run.stdout.split() if name.split(".")[0] != module.split(".")[0]}
        foreign = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
        assert not foreign, f"loading it loads {sorted(foreign)[:5]}"

    def test_it_imports_only_the_connector_package(self) -> None:
        for path in self._folder().rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                ours = {name for name in _imported(node) if name.split(".")[0] == "omnibox"}
                assert ours <= {"omnibox.connector"}, f"{path.name} imports {ours}"

    def test_its_icon_is_one_path(self) -> None:
        icon = (self._folder() / "icon.svg").read_text()
        assert 'viewBox="0 0 24 24"' in icon
        assert len(re.findall(r"<path\b", icon)) == 1
        assert re.search(r'\sd="[Mm][^"]+"', icon)
        assert "<script" not in icon

    def test_every_quality_rule_is_done_or_exempt_with_a_reason(self) -> None:
        rules = tomllib.loads((self._folder() / "quality.toml").read_text())["rules"]
        assert set(rules) >= QUALITY_RULES, f"no word on {QUALITY_RULES - set(rules)}"
        for name, state in rules.items():
            assert state == "done" or (isinstance(state, dict) and state.get("exempt")), name
        readme = (self._folder() / "README.md").read_text().lower()
        assert "limitation" in readme, "the README has no known limitations"


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        whole = node.module or ""
        yield from (f"{whole}.{alias.name}" for alias in node.names) if whole == "omnibox" else (whole,)
    elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__"):
        yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))
