"""Every route × who asks × whose it is, and the policy itself."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any, get_args

import pytest
from tests.web.conftest import OpenHouse
from tests.web.house import Answer, House
from tests.web.matrix import CALLERS, CASES, Case

from omnibox.model import Role
from omnibox.team.policy import ROLES, Action, Colleague, Forbidden, Handover, Held, Subject, allows, may
from omnibox.web import routes
from omnibox.web.api import ROUTES

routes.load()
PLACE = re.compile(r"{(\w+)[^}]*}")
USES = [
    pytest.param(method, path, case, id=f"{method} {path} {case.subject} {case.body or ''}")
    for (method, path), cases in CASES.items()
    for case in cases
]


def test_every_route_has_its_rows() -> None:
    assert {(route.method, route.path) for route in ROUTES} == set(CASES)


@pytest.mark.parametrize(("method", "path", "case"), USES)
async def test_a_route_serves_those_who_may_and_no_others(
    build_house: OpenHouse, method: str, path: str, case: Case
) -> None:
    house = await build_house()
    for caller in sorted(CALLERS, key=case.may.__contains__):  # the refused first: they change nothing
        answer = await use(house, method, path, case, caller)
        if caller in case.may:
            assert (caller, answer.status) == (caller, case.ok)
            house = house if method == "GET" else await build_house()
        elif caller in ("anonymous", "removed"):
            assert (caller, answer.status, answer.code) == (caller, 401, "signed_out")
        else:
            may_with_others = any(caller in other.may for other in CASES[method, path])
            code = case.code if may_with_others else "forbidden"
            assert (caller, answer.status, answer.code) == (caller, 403, code)


async def use(house: House, method: str, path: str, case: Case, caller: str) -> Answer:
    """What `caller` hears in this case."""

    def fill(name: str) -> str | int:
        return house.ids.get(f"{name} {caller}", house.ids.get(name, name))

    def fill_value(value: object) -> object:
        if not isinstance(value, str) or not value.startswith("$"):
            return value
        return fill(caller if value == "$me" else value.removeprefix("$"))

    url = PLACE.sub(lambda match: str(fill(case.subject)), path) + case.query
    body = None if case.body is None else {name: fill_value(value) for name, value in case.body.items()}
    form = {"data": {"file": io.BytesIO(b"a file")}} if case.file else {}
    return await (await house.browser(caller)).send(method, url, body, **form)


# ── The policy


@dataclass(frozen=True)
class Person:
    role: Role
    id: int = 1
    is_active: bool = True


MINE, THEIRS = 1, 2
RULES: list[tuple[Action, Subject | None, str]] = [  # who may: o(wner), a(dmin), g = plain agent
    ("account", None, "oag"),
    ("read", None, "oag"),
    ("reply", None, "oag"),
    ("note", None, "oag"),
    ("edit_contact", None, "oag"),
    ("reopen", None, "oag"),
    ("rearrange", None, "oag"),
    ("resolve", Held(MINE), "oag"),
    ("resolve", Held(THEIRS), "oa"),
    ("resolve", Held(None), "oa"),
    ("assign", Handover(None, MINE), "oag"),
    ("assign", Handover(None, THEIRS), "oa"),
    ("assign", Handover(MINE, THEIRS), "oag"),
    ("assign", Handover(MINE, None), "oag"),
    ("assign", Handover(MINE, MINE), "oag"),
    ("assign", Handover(THEIRS, MINE), "oa"),
    ("assign", Handover(THEIRS, None), "oa"),
    ("assign", Handover(None, None), "oa"),
    ("settings", None, "oa"),
    ("agents", None, "oa"),
    ("agents", Colleague("agent"), "oa"),
    ("agents", Colleague("agent", "agent"), "oa"),
    ("agents", Colleague("agent", "admin"), "o"),
    ("agents", Colleague("agent", "owner"), "o"),
    ("agents", Colleague("admin"), "o"),
    ("agents", Colleague("admin", "agent"), "o"),
    ("agents", Colleague("owner"), "o"),
    ("agents", Colleague("owner", "agent"), "o"),
]
ROLE_OF: dict[str, Role] = {"o": "owner", "a": "admin", "g": "agent"}


@pytest.mark.parametrize("letter", "oag")
@pytest.mark.parametrize(("action", "subject", "letters"), RULES)
def test_the_policy_is_the_table(action: Action, subject: Subject | None, letters: str, letter: str) -> None:
    assert allows(Person(ROLE_OF[letter]), action, subject) == (letter in letters)


@pytest.mark.parametrize("role", get_args(Role))
@pytest.mark.parametrize("action", sorted(ROLES))
def test_whoever_was_removed_may_nothing(action: Action, role: Role) -> None:
    with pytest.raises(Forbidden):
        may(Person(role, is_active=False), action)


def test_every_action_stands_in_the_table() -> None:
    assert {action for action, _, _ in RULES} == set(get_args(Action)) - {"public"}


def test_a_subject_without_a_rule_is_a_defect_and_not_a_permission() -> None:
    with pytest.raises(TypeError):
        may(Person("agent"), "reply", Held(1))


def test_a_refusal_says_what_would_be_needed() -> None:
    with pytest.raises(Forbidden) as refused:
        may(Person("agent"), "resolve", Held(THEIRS))
    found: Any = refused.value
    assert (found.code, found.why) == ("may_not_resolve", "Only its assignee, an admin or an owner may resolve it.")
