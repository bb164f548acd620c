"""Small routes of every kind, to try the typed layer on."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from omnibox.masking import Masked
from omnibox.store import StoreUnavailable
from omnibox.team.policy import Forbidden
from omnibox.web.api import ApiError, Ask, Limit, Table, Time, Wire, moment, slow_down, translate

SECRET = "what a customer wrote"
TABLE = Table()


class Inner(Wire):
    size: Annotated[int, Field(ge=1)]


class Body(Wire):
    text: str
    inner: Inner | None = None
    many: list[Inner] = Field(default_factory=list)


class Thing(Wire):
    id: int
    text: str
    at: Time | None = None


class OutOfPaper(Exception):
    pass


translate(OutOfPaper, lambda _: ApiError(507, "out_of_paper", "There is no paper.", "Bring some."))


@TABLE.route("GET", "/api/things/{id}", may="public")
async def read_thing(ask: Ask, id: int, limit: Limit = 50, before: str | None = None) -> dict[str, Any]:
    """One thing."""
    return {"id": id, "limit": limit, "before": before}


@TABLE.route("POST", "/api/things", may="public", status=201)
async def make_thing(ask: Ask, body: Body) -> Thing:
    if body.text == "again":
        ask.response.set_status(200)
    return Thing(id=1, text=body.text, at=ask.hub.clock())


@TABLE.route("GET", "/api/things", may="public")
async def list_things(ask: Ask) -> list[Thing]:
    """Dicts, models and masked texts side by side."""
    at = ask.hub.clock()
    return [Thing(id=1, text=Masked("a")), {"id": 2, "text": Masked("b"), "at": moment(at)}]  # type: ignore[list-item]


@TABLE.route("GET", "/api/wrong/{how}", may="public")
async def answer_wrongly(ask: Ask, how: str) -> Thing:
    answers: dict[str, Any] = {
        "missing": {"id": 1, "at": None},
        "unknown": {"id": 1, "text": "a", "at": None, "password_hash": "x"},
        "type": {"id": "1", "text": "a", "at": None},
    }
    found: Thing = answers[how]
    return found


@TABLE.route("DELETE", "/api/things/{id}", may="read")
async def drop_thing(ask: Ask, id: int) -> None:
    return None


@TABLE.route("GET", "/api/raise/{what}", may="public")
async def raise_it(ask: Ask, what: str) -> Thing:
    errors: dict[str, Exception] = {
        "defect": ValueError(SECRET),
        "store": StoreUnavailable(SECRET),
        "forbidden": Forbidden("not_today", "Come back tomorrow."),
        "paper": OutOfPaper(SECRET),
        "slow": slow_down(100.2),
    }
    raise errors[what]


@TABLE.route("GET", "/api/ready", may="public")
async def answer_ready(ask: Ask) -> web.Response:
    return web.Response(text="as it is", headers={"Cache-Control": "max-age=5"})
