"""The OpenAPI document, made from the routes; `python -m omnibox.web.openapi` prints it for the web app's build."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from omnibox import __version__
from omnibox.web import frames, models, routes
from omnibox.web.api import ROUTES, Route, Table

REF = "#/components/schemas/{model}"
PATTERN = re.compile(r"{(\w+)[^}]*}")
JSON = "application/json"


def openapi(table: Table = ROUTES) -> dict[str, Any]:
    """The document of every typed route, OpenAPI 3.1. Needs no running server."""
    routes.load()
    typed = sorted((entry for entry in table if entry.is_typed), key=lambda entry: (entry.path, entry.method))
    schemas, components = _schemas(typed)
    paths: dict[str, Any] = {}
    for entry in typed:
        path = PATTERN.sub(r"{\1}", entry.path)
        paths.setdefault(path, {})[entry.method.lower()] = _operation(entry, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "omnibox", "version": __version__, "license": {"name": "AGPL-3.0-or-later"}},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "omnibox_session"}},
        },
    }


Key = tuple[str, str]
Schemas = dict[tuple[Key, JsonSchemaMode], dict[str, Any]]


def _schemas(typed: list[Route]) -> tuple[Schemas, dict[str, Any]]:
    wanted: list[tuple[Key, JsonSchemaMode, TypeAdapter[Any]]] = [
        (("frame", frame.__name__), "serialization", TypeAdapter(frame)) for frame in frames.ALL
    ]
    wanted.append((("error", ""), "serialization", TypeAdapter(models.Error)))
    for entry in typed:
        plan = entry.plan
        if plan.body is not None:
            wanted.append(((entry.place, "body"), "validation", TypeAdapter(plan.body)))
        if plan.answer_adapter is not None:
            wanted.append(((entry.place, "answer"), "serialization", plan.answer_adapter))
    schemas, definitions = TypeAdapter.json_schemas(wanted, ref_template=REF)
    return schemas, definitions.get("$defs", {})


def _operation(entry: Route, schemas: Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": entry.handler.__name__,
        "summary": (entry.handler.__doc__ or entry.handler.__name__).strip().splitlines()[0],
        "responses": _responses(entry, schemas),
        "x-omnibox-action": entry.may,
    }
    if parameters := _parameters(entry):
        operation["parameters"] = parameters
    if entry.plan.body is not None:
        body = schemas[(entry.place, "body"), "validation"]
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": body}}}
    elif entry.takes is not None:
        file = {"type": "object", "properties": {"file": {"type": "string", "contentMediaType": entry.takes}}}
        operation["requestBody"] = {"required": True, "content": {entry.takes: {"schema": file}}}
    operation["security"] = [] if entry.may == "public" else [{"session": []}]
    return operation


def _responses(entry: Route, schemas: Schemas) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": "Done"}
    if entry.plan.answer_adapter is not None:
        answer["content"] = {JSON: {"schema": schemas[(entry.place, "answer"), "serialization"]}}
    refused = {"description": "Refused", "content": {JSON: {"schema": schemas[("error", ""), "serialization"]}}}
    return {str(entry.plan.status): answer, "default": refused}


def _parameters(entry: Route) -> list[dict[str, Any]]:
    found = []
    for place, model in (("path", entry.plan.in_path), ("query", entry.plan.in_query)):
        if model is None:
            continue
        schema = model.model_json_schema()
        for name, member in schema["properties"].items():
            member.pop("title", None)
            required = place == "path" or name in schema.get("required", [])
            found.append({"name": name, "in": place, "required": required, "schema": member})
    return found


if __name__ == "__main__":
    json.dump(openapi(), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
