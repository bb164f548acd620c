"""What the distributions hold: everything the hub needs, and the sources that its licence promises."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist of this checkout, and the wheel made from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    environment = os.environ | {"OMNIBOX_SKIP_WEB": "1"}
    hatchling = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*hatchling, "-t", "sdist"], cwd=ROOT, env=environment, check=True, capture_output=True)
    sdist = next(folder.glob("*.tar.gz"))
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    subprocess.run([*hatchling, "-t", "wheel"], cwd=source, env=environment, check=True, capture_output=True)
    return sdist, next(folder.glob("*.whl"))


def test_the_sdist_holds_the_sources_and_the_built_pages(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in (
        "LICENSE",
        "hatch_build.py",
        "web/package-lock.json",
        "web/packages/inbox/src/main.tsx",
        "web/packages/widget/src/loader.ts",
        "src/omnibox/_web/inbox/index.html",
        "src/omnibox/_web/widget/loader.js",
    ):
        assert wanted in names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_the_wheel_holds_the_connectors_the_pages_and_the_world(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(name for name in names if name.endswith("/METADATA"))).decode()
    for folder in sorted((ROOT / "connectors").glob("omnibox_*")):
        assert f"{folder.name}/__init__.py" in names
        assert f"{folder.name}/icon.svg" in names
    for wanted in ("omnibox/_web/inbox/index.html", "omnibox/testing/world/pages/console.html", "omnibox/py.typed"):
        assert wanted in names
    assert "License-Expression: AGPL-3.0-or-later" in metadata


def test_the_wheel_runs_from_a_folder_of_its_own(built: tuple[Path, Path], tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), str(built[1])]
    subprocess.run(pip, check=True, capture_output=True)
    code = "import omnibox, sys; from omnibox.cli import main; print(omnibox.__file__, file=sys.stderr); main()"
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    shown = subprocess.run(
        [sys.executable, "-c", code, "normalize", "--channel", "email"],
        input=b"From: ana@example.com\nSubject: Hi\n\nHello",
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert str(tmp_path) in shown.stderr.decode()
    assert b'"subject": "Hi"' in shown.stdout or b'"subject":"Hi"' in shown.stdout


def test_lock_files_name_no_host() -> None:
    assert "://" not in (ROOT / "requirements.lock").read_text()
    lock = (ROOT / "web" / "package-lock.json").read_text()
    assert not re.search(r'"resolved": "[a-z]+:', lock)


def test_every_direct_dependency_is_locked() -> None:
    locked = {line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line}
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=;\s]", each)[0].lower() for each in wanted}
    assert names <= {name.strip().lower() for name in locked}
