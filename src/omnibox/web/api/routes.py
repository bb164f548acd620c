"""Routes: a decorator that turns a typed function into a door of the application and a page of the OpenAPI document."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

import msgspec
from aiohttp import web
from pydantic import BaseModel

from omnibox.metrics import REQUEST_SECONDS, REQUESTS, door_of
from omnibox.team import policy
from omnibox.team.agents import Agent
from omnibox.team.policy import ACTIONS, Action
from omnibox.team.sessions import Session
from omnibox.web import auth
from omnibox.web.api.arguments import Handler, Plan
from omnibox.web.auth import SignedIn
from omnibox.web.errors import respond, respond_to_defect, signed_out, translated
from omnibox.web.hub import HUB, Hub

H = TypeVar("H", bound=Handler)
access_log = logging.getLogger("omnibox.access")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Ask:
    """One request: what it wants, who asks, and the running parts."""

    request: web.Request
    hub: Hub
    signed_in: SignedIn | None
    status: int = 200
    _response: web.Response | None = None

    @property
    def response(self) -> web.Response:
        """Becomes the answer. A handler may set its status, headers and cookies before it returns the body."""
        if self._response is None:
            self._response = web.Response(status=self.status)
        return self._response

    @property
    def agent(self) -> Agent:
        """Who is signed in."""
        if self.signed_in is None:
            raise signed_out()
        return self.signed_in.agent

    @property
    def session(self) -> Session:
        """By which session."""
        if self.signed_in is None:
            raise signed_out()
        return self.signed_in.session


class Route:
    """One door. Typed ones speak JSON and stand in the OpenAPI document; others have the request to themselves."""

    def __init__(
        self,
        method: str,
        path: str,
        handler: Handler,
        may: Action,
        status: int,
        takes: str | None,
        *,
        is_typed: bool,
        is_quiet: bool = False,
    ) -> None:
        if may not in ACTIONS:
            raise TypeError(f"{method} {path} names no action that the policy knows")
        self.method = method
        self.path = path
        self.handler = handler
        self.may: Action = may
        self.status = status
        self.takes = takes
        self.is_typed = is_typed
        # The pattern, not the path: links, hooks and files have secrets in theirs.
        self.place = f"{method} {path}"
        self._level = logging.DEBUG if is_quiet else logging.INFO
        self._kind = door_of(path)

    @cached_property
    def plan(self) -> Plan:
        return Plan(self.handler, self.path, self.status, is_typed=self.is_typed)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What stands around every door: its errors become answers, its requests lines of the access log."""
        began = time.perf_counter()
        status = 499  # the client left
        try:
            try:
                response = await self._answer(request, request.app[HUB])
            except Exception as error:
                response = self._answer_to(error)
            status = response.status
            return response
        finally:
            took_s = time.perf_counter() - began
            REQUESTS.add(self._kind, str(status))
            REQUEST_SECONDS.observe(took_s, self._kind)
            level = self._level if status < 400 else logging.INFO
            if access_log.isEnabledFor(level):
                facts = {"route": self.place, "status": status, "ms": round(took_s * 1000, 1)}
                access_log.log(level, "request", extra=facts)

    def _answer_to(self, error: Exception) -> web.Response:
        answer = translated(error)
        return respond_to_defect(error, self.place) if answer is None else respond(answer)

    async def _answer(self, request: web.Request, hub: Hub) -> web.StreamResponse:
        if self.may == "public" and self.plan.is_bare:
            words = self.plan.words_of(request)
            return cast("web.StreamResponse", await self.handler(ask=Ask(request, hub, None), **words))
        if self.is_typed and self.method not in SAFE:
            auth.check_same_site(request, hub)
        signed_in = None
        if self.may != "public":
            signed_in = await auth.require(request, hub)
            policy.may(signed_in.agent, self.may)
        ask = Ask(request, hub, signed_in, self.plan.status)
        result = await self.handler(**await self.plan.arguments(ask))
        if isinstance(result, web.StreamResponse):
            response = result
        else:
            response = ask.response
            self._fill(response, result, checks=hub.checks_answers)
        if signed_in is not None and not response.prepared:
            auth.renew(response, request, signed_in)
        return response

    def _fill(self, response: web.Response, result: object, *, checks: bool) -> None:
        if result is None:
            if self.plan.answer_adapter is not None:
                raise TypeError("the answer is missing")
            return
        body = encode(result)
        if checks and self.plan.answer_adapter is not None:
            self.plan.answer_adapter.validate_json(body, strict=True, extra="forbid")
        response.content_type = "application/json"
        response.body = body


class Table:
    """The routes of an application, by method and path."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], Route] = {}

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes.values())

    def add(self, route: Route) -> None:
        """A route of another table."""
        self._routes[route.method, route.path] = route

    def route(
        self, method: str, path: str, *, may: Action, status: int = 200, takes: str | None = None
    ) -> Callable[[H], H]:
        """A typed route under /api. `may` is its action for the policy, asked before the handler runs.

        Parameters by annotation: `ask: Ask`; names in the path; one pydantic model = the JSON body; all others = the
        query. Returns what the annotation says: a model or JSON-ready members (None: 204). A ready `web.Response`
        goes as it is. `takes` names a body that is not JSON, which the handler reads itself.
        """
        return self._register(method, path, may, status, takes, is_typed=True)

    def door(self, method: str, path: str, *, may: Action, is_quiet: bool = False) -> Callable[[H], H]:
        """A route that is not JSON: a socket, a hook, a file. No cross-site check: its handler asks for what it
        needs. A quiet one is for machines that ask thousands of times a minute: their successes are no news."""
        return self._register(method, path, may, 200, None, is_typed=False, is_quiet=is_quiet)

    def _register(
        self,
        method: str,
        path: str,
        may: Action,
        status: int,
        takes: str | None,
        *,
        is_typed: bool,
        is_quiet: bool = False,
    ) -> Callable[[H], H]:
        def register(handler: H) -> H:
            if (method, path) in self._routes:
                raise TypeError(f"{method} {path} has two handlers")
            made = Route(method, path, handler, may, status, takes, is_typed=is_typed, is_quiet=is_quiet)
            self._routes[method, path] = made
            return handler

        return register


ROUTES = Table()
route = ROUTES.route
door = ROUTES.door


# ── Answers


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return msgspec.Raw(value.__pydantic_serializer__.to_json(value))
    if isinstance(value, str):  # Masked
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form on the wire")


_encoder = msgspec.json.Encoder(enc_hook=_plain)


def encode(value: object) -> bytes:
    """JSON of models, dicts, lists and masked texts. Times must be strings already (`moment`)."""
    return _encoder.encode(value)
