"""The compose files and the Dockerfile run commands that exist, by settings that exist, pinned and without root."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from omnibox import __version__
from omnibox.cli import app
from omnibox.config import Config, load
from omnibox.secrets import random_key

DEPLOY = Path(__file__).parents[1] / "deploy"
FILES = ["compose.yaml", "compose.scaled.yaml"]
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMMANDS = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
GIVEN = {
    "OMNIBOX_PUBLIC_URL": "https://chat.example.com",
    "POSTGRES_PASSWORD": "secret",
    "OMNIBOX_SECRET_KEY": random_key(),
}


def services(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / name).read_text())["services"]
    return found


EVERY = [(name, service) for name in FILES for service in services(name)]
OURS = [(name, service) for name, service in EVERY if services(name)[service]["image"].startswith("omnibox:")]


def filled(value: str, given: dict[str, str] = GIVEN) -> str:
    """`value` as compose would fill it; a KeyError where a variable has neither a value nor a default."""

    def fill(found: re.Match[str]) -> str:
        return given.get(found["name"]) or (found["default"] if found["how"] == ":-" else given[found["name"]])

    return re.sub(r"\$\{(?P<name>\w+)(?P<how>:[-?])(?P<default>[^}]*)\}", fill, value)


def test_both_forms_are_there() -> None:
    assert {service for _, service in OURS} == {"omnibox", "web", "worker"}
    scaled = services("compose.scaled.yaml")
    assert {scaled[name]["deploy"]["replicas"] for name in ("web", "worker")} == {2}
    assert {"postgres", "redis", "proxy"} <= scaled.keys()


@pytest.mark.parametrize(("name", "service"), OURS)
def test_every_process_of_ours_runs_a_command_that_exists(name: str, service: str) -> None:
    assert services(name)[service]["command"][0] in COMMANDS


@pytest.mark.parametrize(("name", "service"), OURS)
def test_the_environment_is_a_configuration(name: str, service: str) -> None:
    environment = services(name)[service]["environment"]
    assert {key.removeprefix("OMNIBOX_").lower() for key in environment} <= Config.model_fields.keys()
    config = load(environ={key: filled(value) for key, value in environment.items()})
    assert (config.database_path is None) == (service != "omnibox")
    bucket = GIVEN | {"OMNIBOX_S3_BUCKET": "files", "OMNIBOX_S3_ENDPOINT": "https://s3.lan:9000"}
    config = load(environ={key: filled(value, bucket) for key, value in environment.items()})
    assert (config.s3_place is None) == (service == "omnibox")


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_every_service_is_pinned_checked_and_without_root(name: str, service: str) -> None:
    found = services(name)[service]
    assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z]+)?", found["image"])
    assert int(found["user"]) > 0
    assert found["healthcheck"]["test"][0] == "CMD"
    assert "no-new-privileges:true" in found["security_opt"]
    assert found["restart"] == "unless-stopped"


@pytest.mark.parametrize(("name", "service"), EVERY)
def test_no_port_is_open_to_the_network_and_no_secret_stands_in_the_file(name: str, service: str) -> None:
    found = services(name)[service]
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", []))
    for key, value in found.get("environment", {}).items():
        if re.search(r"SECRET|PASSWORD|DATABASE_URL", key):
            assert "${" in value


@pytest.mark.parametrize("name", FILES)
def test_everything_that_is_mounted_or_waited_for_exists(name: str) -> None:
    whole = yaml.safe_load((DEPLOY / name).read_text())
    for service in whole["services"].values():
        assert {volume.partition(":")[0] for volume in service.get("volumes", [])} <= whole["volumes"].keys()
        assert set(service.get("depends_on", {})) <= whole["services"].keys()
        assert {each["source"] for each in service.get("configs", [])} <= whole.get("configs", {}).keys()


def test_the_image_is_pinned_runs_without_root_and_starts_a_command_that_exists() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.M)) == {"python:3.12.8-slim-bookworm"}
    assert re.findall(r"^USER (\d+)", DOCKERFILE, re.M) == ["10001"]
    assert re.search(r'^ENTRYPOINT \["omnibox"\]$', DOCKERFILE, re.M)
    assert re.findall(r'^CMD \["(\w+)"\]', DOCKERFILE, re.M)[0] in COMMANDS
    for key in re.findall(r"\bOMNIBOX_(\w+)=", DOCKERFILE):
        assert key.lower() in Config.model_fields


def test_the_image_has_the_extras_of_the_scaled_form() -> None:
    extras = re.findall(r"/src\[([a-z0-9,]+)\]", DOCKERFILE)[0].split(",")
    assert {"postgres", "redis", "s3"} <= set(extras)


def test_the_images_carry_the_version_of_this_release() -> None:
    assert {services(name)[service]["image"] for name, service in OURS} == {f"omnibox:{__version__}"}
