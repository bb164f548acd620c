"""The typed layer over aiohttp: routes from annotations, errors of one form, the OpenAPI document for free."""

from omnibox.web.api.routes import ROUTES, Ask, Route, Table, door, encode, route
from omnibox.web.api.shapes import Id, Limit, Time, Wire, moment
from omnibox.web.errors import (
    ApiError,
    Fault,
    at_setting,
    conflict,
    invalid,
    not_found,
    respond,
    signed_out,
    slow_down,
    translate,
)

__all__ = [
    "ROUTES",
    "ApiError",
    "Ask",
    "Fault",
    "Id",
    "Limit",
    "Route",
    "Table",
    "Time",
    "Wire",
    "at_setting",
    "conflict",
    "door",
    "encode",
    "invalid",
    "moment",
    "not_found",
    "respond",
    "route",
    "signed_out",
    "slow_down",
    "translate",
]
