"""From a request to a handler's arguments, by the handler's annotations."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, get_type_hints

from aiohttp import web
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from omnibox.web.api.shapes import Id
from omnibox.web.errors import ApiError, invalid, not_found, of_validation

if TYPE_CHECKING:
    from omnibox.web.api.routes import Ask

Handler = Callable[..., Awaitable[object]]
MOST_BODY = 256 * 1024
BODY_TIMEOUT_S = 20
IN_PATH = re.compile(r"{(\w+)[^}]*}")
NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")  # an escape, not a backslash that happens to precede u0000


class Plan:
    """How a handler is called: which of its parameters come from path, query and body. Made at its first call."""

    def __init__(self, handler: Handler, path: str, status: int, *, is_typed: bool = True) -> None:
        hints = get_type_hints(handler, include_extras=True)
        signature = inspect.signature(handler).parameters
        self.asks = "ask" in signature
        self.answer: Any = hints.get("return")
        self.body_name, self.body = _body_of(hints)
        in_path = IN_PATH.findall(path)
        missing = [name for name in in_path if name not in signature]
        if missing and is_typed:
            raise TypeError(f"{handler.__qualname__} has no parameter for {missing} of its path")
        in_path = [name for name in in_path if name in signature]
        plain = [name for name in signature if name not in ("ask", self.body_name)]
        self.in_path = _model_of("Path", {name: (_as_id(hints[name]), ...) for name in in_path})
        # A door reads its own path: a key, a token. It is compared with what is stored, so any text will do.
        self.has_plain_path = bool(in_path) and all(hints[name] is str for name in in_path)
        self.path_names = tuple(in_path)
        self.in_query = _model_of(
            "Query", {name: _member(hints[name], signature[name]) for name in plain if name not in in_path}
        )
        # A door that takes the request and words of its path: nothing is left to read or check here.
        self.is_bare = (
            not is_typed
            and self.asks
            and self.body is None
            and self.in_query is None
            and _is_response(self.answer)
            and (self.in_path is None or self.has_plain_path)
        )
        self.answer_adapter = None if self.answer in (None, type(None)) else _adapter(self.answer)
        self.status = 204 if self.answer_adapter is None and not _is_response(self.answer) else status

    def words_of(self, request: web.Request) -> dict[str, str]:
        """The words of the path that the handler takes; 404 where one can be nobody's."""
        words = {name: request.match_info[name] for name in self.path_names}
        if "\0" in "".join(words.values()):
            raise not_found()
        return words

    async def arguments(self, ask: Ask) -> dict[str, Any]:
        """Raises `ApiError`: 404 for a path that names nothing, 422 for the rest, 413, 415."""
        arguments: dict[str, Any] = {"ask": ask} if self.asks else {}
        if self.has_plain_path:
            arguments |= self.words_of(ask.request)
        elif self.in_path is not None:
            try:
                arguments |= _members(self.in_path, dict(ask.request.match_info))
            except ApiError:
                raise not_found() from None
        if self.in_query is not None:
            arguments |= _members(self.in_query, dict(ask.request.query))
        if self.body is not None and self.body_name is not None:
            arguments[self.body_name] = await read_body(ask.request, self.body)
        return arguments


async def read_body(request: web.Request, model: type[BaseModel]) -> BaseModel:
    """The request's JSON as `model`."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8":
        raise ApiError(415, "json_only", "The body must be JSON.", "Send Content-Type: application/json.")
    raw = await read_bytes(request)
    if b"\\u0000" in raw and NUL.search(raw):
        raise invalid("", "a text may not contain U+0000")
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise of_validation(error) from None


async def read_bytes(request: web.Request) -> bytes:
    """The body, up to the cap, within the time a body may take."""
    too_large = ApiError(413, "too_large", f"The body is larger than {MOST_BODY // 1024} kB.")
    if (request.content_length or 0) > MOST_BODY:
        raise too_large
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    except TimeoutError:
        raise ApiError(408, "too_slow", "The body did not arrive.", "Send it again.") from None
    except (ValueError, web.RequestPayloadError):  # an encoding that does not decode
        raise ApiError(400, "unreadable", "The body cannot be read.") from None


def _body_of(hints: dict[str, Any]) -> tuple[str | None, type[BaseModel] | None]:
    for name, hint in hints.items():
        if name != "return" and isinstance(hint, type) and issubclass(hint, BaseModel):
            return name, hint
    return None, None


def _model_of(name: str, members: dict[str, Any]) -> type[BaseModel] | None:
    if not members:
        return None
    return create_model(name, __config__=ConfigDict(extra="ignore"), **members)


def _member(hint: Any, parameter: inspect.Parameter) -> tuple[Any, Any]:
    return hint, ... if parameter.default is inspect.Parameter.empty else parameter.default


def _as_id(hint: Any) -> Any:
    return Id if hint is int else hint


def _members(model: type[BaseModel], given: dict[str, str]) -> dict[str, Any]:
    if any("\0" in text for text in given.values()):
        raise invalid("", "a text may not contain U+0000")
    try:
        found = model.model_validate(given)
    except ValidationError as error:
        raise of_validation(error) from None
    return {name: getattr(found, name) for name in model.model_fields}


def _is_response(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, web.StreamResponse)


def _adapter(answer: Any) -> TypeAdapter[Any] | None:
    return None if _is_response(answer) else TypeAdapter(answer)
