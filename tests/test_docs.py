"""What the documentation promises is what the code does: every setting, every error code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from omnibox.config import Config
from omnibox.errors import ERRORS, as_page, explain

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src/omnibox"
DOCS = ROOT / "docs"
BY_POSITION = {"Temporary", "Rejected", "ChannelDown", "Uncertain", "ReplyRefused"}  # the code comes first
BY_NAME = {"Policy", "move"}  # the code is a keyword


def table_rows(page: str) -> dict[str, list[str]]:
    """The rows of a page's tables, by the name in their first cell."""
    found = re.findall(r"^\| `([^`]+)` \| (.+) \|$", (DOCS / page).read_text(), re.M)
    return {name: rest.split(" | ") for name, rest in found}


def test_every_setting_is_documented_and_nothing_else() -> None:
    rows = table_rows("configuration.md")
    home_folder = {"omnibox.db", "files/", "secret.key", "omnibox.toml", "serve.lock"}
    assert rows.keys() - home_folder == Config.model_fields.keys()


@pytest.mark.parametrize("name", Config.model_fields)
def test_the_documented_default_is_the_real_one(name: str) -> None:
    shown = table_rows("configuration.md")[name][0]
    default = Config.model_fields[name].default
    if shown.startswith("("):  # what an empty setting means
        assert default in ((), "") or default.get_secret_value() == ""
    else:
        assert shown.strip("`").removeprefix("./") == str(default).removeprefix("./")


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_has_help(name: str) -> None:
    assert len(Config.model_fields[name].description or "") > 20


@pytest.mark.parametrize("name", Config.model_fields)
def test_every_setting_does_something(name: str) -> None:
    settings = CORE / "config/settings.py"
    own = settings.read_text()
    others = [path.read_text() for path in CORE.rglob("*.py") if path != settings]
    assert f"self.{name}" in own or f"config.{name}" in own or any(f"config.{name}" in text for text in others)


def test_the_page_of_errors_is_the_catalogue() -> None:
    assert (DOCS / "errors.md").read_text() == as_page(), "python -m omnibox.errors > docs/errors.md"


def codes(path: Path) -> Iterator[str]:
    """The codes that a file gives to errors, refusals and deliveries."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        given = node.args[:1] if name in BY_POSITION else []
        given += [each.value for each in node.keywords if name in BY_NAME and each.arg == "code"]
        yield from (each.value for each in given if isinstance(each, ast.Constant) and isinstance(each.value, str))


USED = sorted({code for path in CORE.rglob("*.py") if "testing" not in path.parts for code in codes(path)})


@pytest.mark.parametrize("code", USED)
def test_every_code_the_core_gives_is_in_the_catalogue(code: str) -> None:
    assert code in ERRORS


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_of_the_catalogue_is_given_somewhere(code: str) -> None:
    others = [path for path in CORE.rglob("*.py") if path.name != "errors.py" and "testing" not in path.parts]
    assert any(f'"{code}"' in path.read_text() for path in others)


def test_the_codes_are_found() -> None:
    assert {"no_connection", "window_closed", "bounced", "empty_reply", "bad_settings"} <= set(USED)


ODD = "http_401", "http_418", "http_502", "raven.eaten", "pigeon.no_answer", "odd"


@pytest.mark.parametrize("code", [*ERRORS, *ODD])
def test_every_code_has_words_for_people(code: str) -> None:
    what, cure = explain(code)
    assert what.endswith(".")
    assert cure.endswith(".")
    assert "support" not in cure.lower()


def test_a_connectors_own_words_go_first() -> None:
    assert explain("no_answer", {"no_answer": ("Own.", "Cure.")}) == ("Own.", "Cure.")
    assert explain("pigeon.no_answer") == ERRORS["no_answer"]
    assert "raven.eaten" in explain("raven.eaten")[0]
    assert explain("http_502") != explain("http_418")
