"""docs/api.md is about the API that is there: every route, event, frame and code, and none besides."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from aiohttp import web

from omnibox.web import frames, routes
from omnibox.web.api import ROUTES, Route, Wire

ROOT = Path(__file__).parents[1]
CORE = ROOT / "src/omnibox"
PAGE = (ROOT / "docs/api.md").read_text()
METHOD = r"(?:GET|POST|PATCH|PUT|DELETE|OPTIONS)"

routes.load()
TYPED = [route for route in ROUTES if route.is_typed]
DOORS = [route for route in ROUTES if not route.is_typed]


def rows(first_cell: str) -> dict[str, list[str]]:
    """The cells behind the first, of every table row whose first cell is a code of this form."""
    found = re.findall(rf"^\| `({first_cell})` \| (.+) \|$", PAGE, re.M)
    return {name.replace(r"\|", "|"): [cell.strip() for cell in rest.split(" | ")] for name, rest in found}


PLACES = rows(rf"{METHOD} [^`]+")


def answer_of(route: Route) -> str:
    """Status and shape, as the page writes them."""
    status, answer = route.plan.status, route.plan.answer
    if status == 204:
        return "204"
    if isinstance(answer, type) and issubclass(answer, web.StreamResponse):
        return f"{status} a frame"
    if get_origin(answer) is list:
        return f"{status} list of `{get_args(answer)[0].__name__}`"
    return f"{status} `{answer.__name__}`"


def test_every_route_is_documented_and_nothing_else() -> None:
    assert PLACES.keys() == {route.place for route in ROUTES}


@pytest.mark.parametrize("route", TYPED, ids=lambda route: route.place)
def test_a_documented_route_asks_and_answers_as_the_page_says(route: Route) -> None:
    may, asks, answer = PLACES[route.place]
    assert may == f"`{route.may}`"
    assert answer == answer_of(route)
    named = set(re.findall(r"`(\w+)`", asks))
    for model in (route.plan.body, route.plan.in_query):
        assert set(model.model_fields if model else ()) <= named


@pytest.mark.parametrize("route", DOORS, ids=lambda route: route.place)
def test_a_documented_door_is_open_to_whom_the_page_says(route: Route) -> None:
    assert PLACES[route.place][0] == f"`{route.may}`"


# ── Events


def announced() -> set[str]:
    """The type of every event that the code announces."""
    return {
        str(node.args[0].value)
        for path in CORE.rglob("*.py")
        if "testing" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "announce"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }


def test_every_announced_event_is_documented_and_nothing_else() -> None:
    table = PAGE.partition("| event | carries |")[2].partition("\n\n")[0]
    documented = set(re.findall(r"`([a-z]+\.[a-z]+)`", table))
    assert len(announced()) >= 9, "the events are no longer found"
    assert documented == announced()


# ── Frames


def declared(member: str) -> set[str]:
    """The values a member may have in the declared frames of the agents' feed."""
    models = [model for _, model in inspect.getmembers(frames, inspect.isclass) if issubclass(model, Wire)]
    hints = [model.__annotations__[member] for model in models if member in model.__annotations__]
    return {word for hint in hints for word in re.findall(r"'(\w+)'|\"(\w+)\"", str(hint)) for word in word if word}


def said_or_heard(path: Path) -> Iterator[str]:
    """The frame types that a door of ours says, or compares what it heard with."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(attr="say"), keywords=keywords):
                yield from words(each.value for each in keywords if each.arg == "t")
            case ast.Dict(keys=keys, values=values):
                yield from words(v for k, v in zip(keys, values, strict=True) if is_t(k))
            case ast.Compare(left=ast.Subscript(slice=index), comparators=others) if is_t(index):
                yield from words(others)
            case ast.Match(subject=ast.Subscript(slice=index), cases=cases) if is_t(index):
                yield from words(case.pattern.value for case in cases if isinstance(case.pattern, ast.MatchValue))


def is_t(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value == "t"


def words(nodes: Any) -> Iterator[str]:
    yield from (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


SPOKEN = {word for path in (CORE / "web").glob("*.py") for word in said_or_heard(path)} - {""}


@pytest.mark.parametrize("frame", sorted(declared("t") | SPOKEN))
def test_every_frame_is_documented(frame: str) -> None:
    in_table = re.search(rf"^\| (?:`\w+`, )*`{frame}`", PAGE, re.M)
    in_visitors_list = re.search(rf"^- `{frame}`", PAGE, re.M)
    assert in_table or in_visitors_list


def test_the_frames_are_found() -> None:
    assert {"hello", "welcome", "events", "op", "ack", "nack", "at", "hint", "ping", "pong", "reset"} <= (
        declared("t") | SPOKEN
    )


@pytest.mark.parametrize("kind", sorted(declared("kind")))
def test_every_kind_of_op_and_hint_is_documented(kind: str) -> None:
    assert f"`{kind}`" in PAGE.partition("## The feed")[2]


# ── Errors


def raised() -> set[tuple[int, str]]:
    """Status and code of every error that the doors give."""
    found = set()
    for path in (CORE / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="ApiError"),
                    args=[ast.Constant(value=int(status)), ast.Constant(value=str(code)), *_],
                ):
                    found.add((status, code))
    return found


@pytest.mark.parametrize(("status", "code"), sorted(raised()))
def test_every_error_is_documented_at_its_status(status: int, code: str) -> None:
    lines = re.findall(r"^\| ([\d, ]+) \| (.+) \|$", PAGE, re.M)
    assert any(str(status) in statuses.split(", ") and f"`{code}`" in codes for statuses, codes in lines)


def test_the_errors_are_found() -> None:
    assert {(401, "signed_out"), (409, "newer_reply"), (503, "store_unavailable")} <= raised()
