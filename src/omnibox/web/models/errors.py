"""What an answer says that is no success."""

from __future__ import annotations

from omnibox.web.api.shapes import Wire


class ErrorField(Wire):
    path: str
    message: str


class ErrorBody(Wire):
    code: str
    message: str
    cure: str | None
    fields: list[ErrorField]


class Error(Wire):
    error: ErrorBody
