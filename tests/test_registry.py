"""Finding connectors, and the forms and checks made of the settings they declare."""

import sys
import types
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnibox.connector import Capabilities, Field, Look, Outbound, Request, Sent, Step
from omnibox.fields import check_document, secrets_set, shown_values, to_schema, typed_values
from omnibox.registry import GROUP, find_connector, load_connector, load_connectors


class Pigeon:
    name = "pigeon"
    capabilities = Capabilities(max_text=10)
    settings = (Field("loft", title="Loft", required=True),)
    channel_settings = (Field("ring", kind="secret"),)
    steps = (Step("Feed it", "Twice a day."),)

    def __init__(self, context: Any) -> None: ...
    def verify(self, request: Request) -> None: ...
    def parse(self, request: Request) -> Iterator[Any]:
        yield from ()

    async def send(self, part: Outbound) -> Sent:
        return Sent("1")

    async def check(self) -> Any: ...


def variant(**members: Any) -> type:
    return type("Pigeon", (Pigeon,), members)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An importable package `omnibox_pigeon` without anything in it."""
    folder = tmp_path / "omnibox_pigeon"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    sys.modules.pop("omnibox_pigeon", None)


def point(target: object, name: str = "pigeon") -> EntryPoint:
    """An entry point that leads to `target`."""
    module = types.ModuleType(f"omnibox_pigeon_{id(target)}")
    module.Target = target  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    return EntryPoint(name, f"{module.__name__}:Target", GROUP)


def test_a_connector_is_known_as_data() -> None:
    found = load_connector(point(Pigeon))
    assert found.error is None
    assert found.look == Look(title="Pigeon")
    assert (found.capabilities.max_text, found.steps[0].title) == (10, "Feed it")
    assert (found.has_webhook, found.has_check, found.has_source, found.has_evidence) == (True, True, False, False)
    assert found.offline is None
    assert list(found.connection_schema["properties"]) == ["loft"]
    assert found.channel_schema is not None
    assert list(found.channel_schema["properties"]) == ["ring"]


def test_one_that_declares_no_channel_settings_has_no_form_for_them() -> None:
    assert load_connector(point(variant(channel_settings=None))).channel_schema is None


def test_an_import_that_fails_is_kept_with_its_reason_and_stops_nothing_else() -> None:
    broken = EntryPoint("broken", "omnibox_no_such_package:Broken", GROUP)
    found = load_connectors([broken, point(Pigeon)])
    assert list(found) == ["broken", "pigeon"]
    assert found["broken"].error == "ModuleNotFoundError: No module named 'omnibox_no_such_package'"
    assert (found["broken"].connector, found["broken"].has_webhook) == (None, False)
    assert found["pigeon"].error is None


def test_a_package_that_fails_in_any_way_stops_nothing_else(package: Path) -> None:
    (package / "__init__.py").write_text("1 / 0")
    found = load_connector(EntryPoint("pigeon", "omnibox_pigeon:Pigeon", GROUP))
    assert found.error == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"name": "dove"}, "`name` must be 'pigeon'"),
        ({"send": None}, "no `send`"),
        ({"capabilities": {}}, "`capabilities`"),
        ({"settings": ("loft",)}, "tuple of Field"),
        ({"settings": (Field("a", kind="dial"),)}, "unknown kind 'dial'"),
        ({"settings": (Field("a"), Field("a"))}, "declared twice"),
        ({"steps": ("Feed it",)}, "tuple of Step"),
    ],
)
def test_a_class_that_breaks_the_contract_says_how(members: Mapping[str, Any], reason: str) -> None:
    assert reason in (load_connector(point(variant(**members))).error or "")


def test_the_first_of_two_with_one_name_stands_and_the_other_is_shown() -> None:
    found = load_connectors([point(Pigeon), point(variant(look=Look(title="Other")))])
    assert found["pigeon"].look.title == "Pigeon"
    (other,) = [each for name, each in found.items() if name != "pigeon"]
    assert other.error == "another package already offers a connector named pigeon"


ICON = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path fill="none" d="M1 2h3z"/></svg>'


@pytest.mark.parametrize(
    ("svg", "icon"),
    [
        (ICON, "M1 2h3z"),
        (ICON.replace("0 0 24 24", "0 0 32 32"), None),
        (ICON.replace("M1 2h3z", "M1 2&quot;onload=x"), None),
        (ICON.replace("</svg>", '<path d="M0 0"/></svg>'), None),
        ("no svg", None),
        (None, None),
    ],
)
def test_the_icon_is_one_path_of_the_packages_own_file(package: Path, svg: str | None, icon: str | None) -> None:
    if svg is not None:
        (package / "icon.svg").write_text(svg)
    found = load_connector(point(variant(__module__="omnibox_pigeon")))
    assert (found.error, found.icon) == (None, icon)


def test_every_installed_connector_is_whole() -> None:
    found = load_connectors()
    assert {name: each.error for name, each in found.items()} == dict.fromkeys(found)
    assert len(found) >= 4
    assert all(each.icon for each in found.values())
    assert find_connector("no such") is None
    assert find_connector("hook") == found["hook"]


def test_the_registry_starts_without_any_client_library() -> None:
    """Connectors are loaded to be shown: what they talk with is imported when they talk."""
    import subprocess

    heavy = ("aiohttp", "sqlalchemy", "pymessenger", "requests", "aioimaplib", "aiosmtplib", "cryptography", "pydantic")
    code = (
        "import sys; from omnibox.registry import load_connectors; load_connectors();"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


# ── Forms

SHOP = "https://shop.example.com"
FIELDS = (
    Field("title", title="Title", help="Shown on top", placeholder="Shop", default="Hello"),
    Field("token", kind="secret", required=True, group="Access"),
    Field("made", required=True, makes="token"),
    Field("made_secret", kind="secret", required=True, makes="token"),
    Field("port", kind="number", default=993),
    Field("share", kind="number"),
    Field("on", kind="boolean", default=False),
    Field("side", kind="choice", choices=("left", "right"), default="left"),
    Field("mail", kind="email"),
    Field("url", kind="url"),
    Field("host", kind="host"),
    Field("sites", kind="list", default=("INBOX",)),
    Field("pages", kind="origins"),
    Field("color", kind="color"),
    Field("words", kind="long"),
)


def test_the_form_of_each_kind() -> None:
    schema = to_schema(FIELDS)
    shapes: dict[str, Any] = schema["properties"]
    assert shapes["title"] == {
        "title": "Title",
        "description": "Shown on top",
        "type": "string",
        "maxLength": 2000,
        "default": "Hello",
        "x-ui-placeholder": "Shop",
    }
    assert shapes["token"] == {
        "title": "Token",
        "type": "string",
        "maxLength": 20000,
        "writeOnly": True,
        "x-ui-group": "Access",
    }
    for name in ("made", "made_secret"):
        assert (shapes[name]["readOnly"], shapes[name]["x-ui"], shapes[name].get("writeOnly")) == (True, "copy", None)
    assert (shapes["port"]["type"], shapes["share"]["type"], shapes["on"]["type"]) == ("integer", "number", "boolean")
    assert shapes["side"]["enum"] == ["left", "right"]
    assert [shapes[name]["format"] for name in ("mail", "url", "host")] == ["email", "uri", "hostname"]
    assert (shapes["sites"]["type"], shapes["sites"]["default"]) == ("array", ["INBOX"])
    assert shapes["pages"]["type"] == "array"
    assert [shapes[name]["x-ui"] for name in ("color", "words")] == ["color", "text"]
    assert schema["required"] == ["token"]
    assert schema["additionalProperties"] is False


# ── Checks


def check(given: Mapping[str, Any], stored: Mapping[str, Any] | None = None, *, is_draft: bool = True) -> Any:
    return check_document(FIELDS, given, stored or {}, lambda: "fresh", is_draft=is_draft)


def test_all_faults_are_found_at_once_with_their_paths() -> None:
    found = check(
        {"nope": 1, "port": "x", "side": "up", "mail": "a b@c", "url": "//x", "host": "a/b", "color": "red", "on": 1},
        is_draft=False,
    )
    assert [error.path for error in found.errors] == [
        "settings.nope",
        "settings.port",
        "settings.side",
        "settings.mail",
        "settings.url",
        "settings.host",
        "settings.color",
        "settings.on",
        "settings.token",
    ]


def test_a_draft_may_lack_what_is_required() -> None:
    assert check({}).errors == ()
    assert [error.path for error in check({}, is_draft=False).errors] == ["settings.token"]


def test_absent_settings_stay_and_null_takes_them_back() -> None:
    stored = {"token": "t", "title": "Old", "port": 25, "made": "m", "made_secret": "s"}
    assert check({"port": 26}, stored).values == stored | {"port": 26}
    assert check({"token": "", "title": "", "port": None}, stored).values == {
        "token": "t",
        "title": "",
        "made": "m",
        "made_secret": "s",
    }
    assert "token" not in check({"token": None}, stored).values


def test_values_that_omnibox_makes_are_there_at_once_and_anew_on_null() -> None:
    first = check({})
    assert (first.values, first.made) == ({"made": "fresh", "made_secret": "fresh"}, {"made", "made_secret"})
    again = check({"made": "", "made_secret": "kept"}, {"made": "kept", "made_secret": "kept"})
    assert (again.values, again.made) == ({"made": "kept", "made_secret": "kept"}, frozenset())
    renewed = check({"made": None}, {"made": "kept", "made_secret": "kept"})
    assert (renewed.values["made"], renewed.made) == ("fresh", {"made"})


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("title", "  Shop ", "Shop"),
        ("token", " a b \r\n", " a b "),
        ("port", 993.0, 993),
        ("share", 0.5, 0.5),
        ("mail", " Info@Example.com ", "Info@Example.com"),
        ("mail", "info@münchen.example", "info@münchen.example"),
        ("url", "http://127.0.0.1:8080/a?b=c", "http://127.0.0.1:8080/a?b=c"),
        ("host", "Mail.Example.com", "Mail.Example.com"),
        ("host", "münchen.example", "xn--mnchen-3ya.example"),
        ("host", "[::1]", "::1"),
        ("sites", [" a ", "", "b", "a"], ["a", "b"]),
        ("pages", ["https://Shop.Example.com/", "shop.example.com", "https://shop.example.com:443"], [SHOP]),
        ("pages", [SHOP, "https://shop.example.com:8443/"], [SHOP, f"{SHOP}:8443"]),
        ("pages", ["https://münchen.example"], ["https://xn--mnchen-3ya.example"]),
        ("pages", ["http://localhost:80", "http://LOCALHOST:8000/"], ["http://localhost", "http://localhost:8000"]),
        (
            "pages",
            ["http://shop.localhost", "http://127.8.9.1:5000"],
            ["http://shop.localhost", "http://127.8.9.1:5000"],
        ),
        ("pages", ["http://192.168.1.7:8000", "http://desk.lan"], ["http://192.168.1.7:8000", "http://desk.lan"]),
        ("pages", ["http://[::1]:8000", "localhost:3000"], ["http://[::1]:8000", "http://localhost:3000"]),
        ("color", "#AABBCC", "#aabbcc"),
        ("words", "two\nlines ", "two\nlines "),
    ],
)
def test_a_value_is_kept_in_its_plain_form(name: str, given: Any, kept: Any) -> None:
    found = check({name: given})
    assert (found.errors, found.values[name]) == ((), kept)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("title", "a\r\nBcc: b@c"),
        ("title", "x" * 2001),
        ("title", 5),
        ("title", ["a"]),
        ("port", True),
        ("port", 1.5),
        ("port", float("nan")),
        ("port", 1e300),
        ("on", "yes"),
        ("side", "Left"),
        ("mail", "info"),
        ("mail", "a@b, c@d"),
        ("mail", "Info <a@b>"),
        ("url", "javascript:alert(1)"),
        ("url", "https://"),
        ("url", "https://x:99999/"),
        ("url", "https://a b/"),
        ("host", "a:993"),
        ("host", "-a.example"),
        ("host", "x" * 64),
        ("host", "a..b"),
        ("host", "a" * 250 + "!"),
        ("sites", "a,b"),
        ("sites", ["a\nb"]),
        ("sites", [str(n) for n in range(201)]),
        ("pages", [SHOP, "https://shop.example.com/en/"]),
        ("pages", ["https://shop.example.com/?utm=mail"]),
        ("pages", ["https://shop.example.com#chat"]),
        ("pages", ["http://shop.example.com"]),
        ("pages", ["http://9.9.9.9:8000"]),
        ("pages", ["http://localhost.example.com"]),
        ("pages", ["https://*.example.com"]),
        ("pages", ["https://kim:secret@shop.example.com"]),
        ("pages", ["https://shop.example.com:99999"]),
        ("pages", ["file:///home/kim/shop.html"]),
        ("pages", ["null://x"]),
        ("pages", ["https://"]),
        ("pages", SHOP),
        ("color", "#fff"),
        ("words", "x" * 20001),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name: str, given: Any) -> None:
    (error,) = check({name: given}).errors
    assert error.path == f"settings.{name}"


@pytest.mark.parametrize("name", [field.name for field in FIELDS])
def test_a_refusal_never_repeats_the_value(name: str) -> None:
    (error,) = check({name: "hunter2\0" * 3000}).errors
    assert "hunter2" not in error.message


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([field.name for field in FIELDS]), ANYTHING))
def test_whatever_is_sent_what_is_kept_passes_again_unchanged(given: dict[str, Any]) -> None:
    kept = check(given).values
    again = check(dict(kept), {})
    assert (again.errors, again.values) == ((), kept)


def test_secrets_are_shown_only_where_they_must_be_copied_now() -> None:
    stored = {"title": "Shop", "token": "t", "made": "m", "made_secret": "s"}
    assert shown_values(FIELDS, stored, frozenset()) == {"title": "Shop", "made": "m"}
    assert shown_values(FIELDS, stored, frozenset({"made_secret"})) == {
        "title": "Shop",
        "made": "m",
        "made_secret": "s",
    }
    assert secrets_set(FIELDS, stored) == ["token", "made_secret"]
    assert secrets_set(FIELDS, {"token": ""}) == []


def test_a_connector_sees_every_declared_setting() -> None:
    seen = typed_values(FIELDS, {"port": 25, "gone": 1})
    assert seen["port"] == 25
    assert (seen["title"], seen["sites"], seen["token"]) == ("Hello", ("INBOX",), None)
    assert "gone" not in seen
