"""The OpenAPI document says what the server does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.house import House

from omnibox.web.api import ROUTES
from omnibox.web.openapi import openapi

ROOT = Path(__file__).parents[2]

METHODS = {"get", "post", "put", "patch", "delete"}
TYPES = {"string", "integer", "number", "boolean", "null", "array", "object"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def test_every_typed_route_stands_in_it_and_nothing_else(document: dict[str, Any]) -> None:
    typed = {(entry.method.lower(), entry.path) for entry in ROUTES if entry.is_typed}
    assert {(method, path) for path, method, _ in operations(document)} == typed
    untyped = {entry.path for entry in ROUTES if entry.path.startswith("/api/") and not entry.is_typed}
    assert untyped == {"/api/openapi.json", "/api/files/{key}", "/api/contacts/{id}/picture", "/api/messages/{id}/html"}


def test_it_is_a_document_of_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert {"title", "version"} <= set(document["info"])
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for path, method, operation in operations(document):
        assert method in METHODS
        assert path.startswith("/api/")
        assert all(re.fullmatch(r"[1-5]\d\d|default", status) for status in operation["responses"])
        assert all("description" in response for response in operation["responses"].values())
        in_path = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(p["required"] for p in operation.get("parameters", []) if p["in"] == "path")
        assert "requestBody" not in operation or method not in ("get", "delete")


def test_every_reference_leads_somewhere_and_every_schema_is_json_schema(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "$defs" not in str(document)
    for node in walk(document):
        if isinstance(reference := node.get("$ref"), str):
            assert reference.removeprefix("#/components/schemas/") in schemas
        if isinstance(discriminator := node.get("discriminator"), dict):
            assert all(target.startswith("#/components/schemas/") for target in discriminator["mapping"].values())
        if isinstance(kind := node.get("type"), str) and "properties" in node:
            assert kind in TYPES
            assert set(node.get("required", [])) <= set(node["properties"])
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in schemas)


def test_the_frames_of_the_feed_are_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("ServerFrame", "ClientFrame"):
        members = [schemas[member["$ref"].rpartition("/")[2]] for member in schemas[name]["anyOf"]]
        assert all("const" in member["properties"]["t"] for member in members)
    assert {"Row", "Message", "Channel", "Agent"} <= set(schemas)


def test_a_member_that_is_always_there_is_required_even_where_it_may_be_null(document: dict[str, Any]) -> None:
    row = document["components"]["schemas"]["Row"]
    assert set(row["required"]) == set(row["properties"])


def test_what_needs_signing_in_says_so(document: dict[str, Any]) -> None:
    actions = {(entry.method.lower(), entry.path): entry.may for entry in ROUTES}
    for path, method, operation in operations(document):
        assert operation["security"] == ([] if actions[method, path] == "public" else [{"session": []}])


async def test_the_server_gives_it_to_anyone(house: House, document: dict[str, Any]) -> None:
    assert (await (await house.browser()).get("/api/openapi.json")).json == document


def test_the_build_gets_it_from_a_command_without_a_server(document: dict[str, Any]) -> None:
    done = subprocess.run([sys.executable, "-m", "omnibox.web.openapi"], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == document


def test_the_web_apps_copy_is_the_servers_document() -> None:
    """Made by `python -m omnibox.web.openapi > web/packages/api/openapi.json`."""
    stored = json.loads((ROOT / "web" / "packages" / "api" / "openapi.json").read_text())
    assert stored == json.loads(json.dumps(openapi()))
