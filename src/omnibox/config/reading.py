"""Puts the settings together: options, environment, then `omnibox.toml`; all that is wrong is told at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from omnibox.config.settings import DEFAULT_HOME, Config

PREFIX = "OMNIBOX_"
NO_SETTINGS = re.compile(r"OMNIBOX_(SKIP_WEB|CRASH_AT|TEST_\w+|BENCH_\w+)")  # switches of builds and tests
FILE_NAME = "omnibox.toml"


class ConfigProblems(Exception):
    """Everything that is wrong with the configuration, one sentence each, by the names the operator typed."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def load(options: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of this start. `options` are those of the command line; None means not given.

    An empty variable counts as not set. Raises `ConfigProblems` with every fault of file, environment and options.
    """
    environ = os.environ if environ is None else environ
    variables = {name.upper(): value for name, value in environ.items() if value}
    typed = {f"--{name}": (name, value) for name, value in (options or {}).items() if value is not None}
    typed |= {
        variable: (name, variables[variable])
        for name in Config.model_fields
        if (variable := PREFIX + name.upper()) in variables
    }
    home = next((value for name, value in typed.values() if name == "home"), DEFAULT_HOME)
    path = Path(home).expanduser() / FILE_NAME
    table, problems = _read(path)
    problems += _unknown_variables(environ)
    for key, value in table.items():
        if key in Config.model_fields and key != "home":
            typed[f"{key} in {path}"] = key, value
        else:
            problems.append(f"{key} in {path}: {_about_key(key)}")
    names: dict[str, str] = {}
    for written, (name, _) in typed.items():
        names.setdefault(name, written)
    try:
        config = Config.model_validate({name: typed[written][1] for name, written in names.items()})
    except ValidationError as error:
        problems += [_describe(fault, names) for fault in error.errors(include_url=False)]
    if problems:
        raise ConfigProblems(problems)
    return config


def _read(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        return tomllib.loads(path.read_text("utf-8")), []
    except FileNotFoundError:
        return {}, []
    except NotADirectoryError:
        return {}, [f"{path.parent}: is not a folder; name another one by {PREFIX}HOME"]
    except OSError as error:
        return {}, [f"{path}: cannot be read ({error.strerror}); let the user that runs omnibox read it"]
    except UnicodeDecodeError:
        return {}, [f"{path}: is not UTF-8 text"]
    except tomllib.TOMLDecodeError as error:
        return {}, [f"{path}: is not TOML: {error}"]


def _unknown_variables(environ: Mapping[str, str]) -> list[str]:
    known = {f"{PREFIX}{name.upper()}" for name in Config.model_fields}
    strays = [
        name
        for name in sorted(environ)
        if name.upper().startswith(PREFIX) and name.upper() not in known and not NO_SETTINGS.fullmatch(name.upper())
    ]
    return [f"{name}: there is no such setting{_perhaps(name.upper(), known)}" for name in strays]


def _about_key(key: str) -> str:
    if key == "home":
        return f"the file lies inside that folder; name the folder by {PREFIX}HOME or --home"
    return f"there is no such setting{_perhaps(key, set(Config.model_fields) - {'home'})}"


def _perhaps(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _describe(fault: Any, names: Mapping[str, str]) -> str:
    """One sentence for one fault, beginning with what the operator typed; never with a value, which may be secret."""
    name = str(fault["loc"][0])
    reason = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"].lower()
    return f"{names.get(name, name)}: {reason}"
