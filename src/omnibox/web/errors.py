"""What an agent hears when something could not be done: a status, a code, a sentence, a cure."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from aiohttp import web
from pydantic import ValidationError

from omnibox.metrics import REFUSALS
from omnibox.store import StoreUnavailable
from omnibox.team.passwords import Busy
from omnibox.team.policy import Forbidden

if TYPE_CHECKING:
    from omnibox.connector import BadSettings

log = logging.getLogger("omnibox.web")
E = TypeVar("E", bound=Exception)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one member of a request."""

    path: str
    message: str


class ApiError(Exception):
    """The request's answer is this error. `message` and `cure` are shown: no secrets, no customer's text."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        cure: str | None = None,
        fields: Sequence[Fault | tuple[str, str]] = (),
        *,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message
        self.cure = cure
        self.fields = [field if isinstance(field, Fault) else Fault(*field) for field in fields]
        self.retry_after_s = retry_after_s


def not_found(what: str = "It") -> ApiError:
    return ApiError(404, "not_found", f"{what} does not exist.")


def conflict(message: str, cure: str | None = None) -> ApiError:
    return ApiError(409, "conflict", message, cure)


def invalid(path: str, message: str) -> ApiError:
    return ApiError(422, "invalid", "The request is not valid.", None, [Fault(path, message)])


def at_setting(problem: BadSettings) -> ApiError:
    """What a connector says of a setting, as a sentence at its field. Some connectors write whole ones."""
    words = str(problem).removesuffix(".")
    return invalid(f"settings.{problem.field}" if problem.field else "settings", f"{words[:1].upper()}{words[1:]}.")


def slow_down(wait_s: float) -> ApiError:
    wait_s = max(1, int(wait_s + 0.999))
    wait = f"{wait_s} s" if wait_s < 90 else f"{-(-wait_s // 60)} min"
    return ApiError(429, "slow_down", "Too many tries.", f"Wait {wait}, then try again.", retry_after_s=wait_s)


def signed_out() -> ApiError:
    return ApiError(401, "signed_out", "You are not signed in.", "Sign in.")


_translations: dict[type[Exception], Callable[[Any], ApiError]] = {}


def translate(error: type[E], to: Callable[[E], ApiError]) -> None:
    """From now on routes answer an `error` (or a subclass) that reaches them with `to(error)`."""
    _translations[error] = to


def translated(error: Exception) -> ApiError | None:
    """The answer an exception means, None for a defect."""
    if isinstance(error, ApiError):
        return error
    for kind in type(error).__mro__:
        if to := _translations.get(kind):
            return to(error)
    return None


def of_validation(error: ValidationError) -> ApiError:
    """422 with the path of each member; never the value."""
    faults = [
        Fault(".".join(str(step) for step in fault["loc"]), fault["msg"])
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ApiError(422, "invalid", "The request is not valid.", None, faults)


def respond(error: ApiError) -> web.Response:
    """The error as the contract has it."""
    REFUSALS.add(error.code)
    body = {
        "error": {
            "code": error.code,
            "message": error.message,
            "cure": error.cure,
            "fields": error.fields,
        }
    }
    response = web.Response(status=error.status, body=msgspec.json.encode(body), content_type="application/json")
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def respond_to_defect(error: Exception, place: str) -> web.Response:
    """500 without detail. The log gets the class and where it was raised: a message might quote a customer."""
    log.error("request failed", extra={"error": type(error).__name__, "route": place, "raised": raised_at(error)})
    return respond(ApiError(500, "internal", "omnibox failed to do this.", "Try again; tell whoever runs omnibox."))


def raised_at(error: BaseException) -> str:
    """`file.py:line` of the innermost frame."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _of_http(error: web.HTTPException) -> ApiError:
    return ApiError(error.status, "too_large" if error.status == 413 else "refused", f"{error.reason}.")


translate(web.HTTPException, _of_http)
translate(Forbidden, lambda error: ApiError(403, error.code, error.why))
translate(Busy, lambda _: ApiError(503, "busy", "Too many are signing in.", "Try again in a moment.", retry_after_s=5))

TROUBLES = {
    "full": ("The disk is full: nothing can be stored.", "Free space on it; omnibox then goes on by itself."),
    "read_only": ("The disk cannot be written.", "Look at it and its rights; omnibox then goes on by itself."),
    "failing": ("The disk gives errors: nothing can be stored.", "Look at it; omnibox then goes on by itself."),
    "locked": ("Another program holds the database.", "It is tried again by itself."),
}
NO_ANSWER = "The database does not answer.", "It is tried again by itself."


def _of_store(error: StoreUnavailable) -> ApiError:
    message, cure = TROUBLES.get(str(error), NO_ANSWER)
    return ApiError(503, "store_unavailable", message, cure, retry_after_s=2)


translate(StoreUnavailable, _of_store)
