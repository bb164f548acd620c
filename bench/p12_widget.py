"""P12: what a visitor's browser loads, compressed by gzip at its best."""

from __future__ import annotations

import gzip
import json

from bench.report import ROOT, Figure, Goal, wrong

FOLDER = ROOT / "src" / "omnibox" / "_web" / "widget"
LOADER_KB, ALL_KB = 3.0, 17.0


def run() -> list[Figure]:
    manifest = FOLDER / "manifest.json"
    if not manifest.is_file():
        return [wrong("P12", "widget", "it is not built: run `npm run build` in web/")]
    files: dict[str, str] = json.loads(manifest.read_text())
    loader = _kb(files["loader"])
    whole = loader + _kb(files["panel"]) + max(_kb(files[locale]) for locale in ("en", "es", "it"))
    return [
        Figure("P12", "widget, loader", "kB gzip", ((0, loader),), Goal(LOADER_KB, of="ours")),
        Figure("P12", "widget, loader + panel + largest locale", "kB gzip", ((0, whole),), Goal(ALL_KB, of="ours")),
        Figure("P12", "widget, every file", "kB gzip", ((0, sum(map(_kb, set(files.values())))),)),
    ]


def _kb(name: str) -> float:
    return len(gzip.compress((FOLDER / name).read_bytes(), 9, mtime=0)) / 1000
