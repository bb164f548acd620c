"""Serves the built pages: the inbox and the widget. Only files that were there at the start, never a path."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from omnibox.web.api import Ask, door

INBOX_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the component kit sets styles; mail frames inherit this policy
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "frame-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
FOREVER = "public, max-age=31536000, immutable"
SHORT = "no-cache"  # kept, but asked about each time
LOADER = "public, max-age=300"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))  # best first
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".gif": "image/gif",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
ANY_SITE = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>omnibox</title>
<h1>The web app is not built</h1>
<p>This omnibox runs from its source. Build the pages, then start it again:</p>
<pre>cd web
npm ci --ignore-scripts
npm run build</pre>
"""


@dataclass(frozen=True, slots=True)
class Built:
    """One built file and its compressed forms."""

    path: Path
    content_type: str
    cache: str
    etag: str  # of the content; empty where the name says it
    encoded: Mapping[str, Path] = field(default_factory=dict)


FILES = web.AppKey("files", dict[str, dict[str, Built]])


def list_built(root: Path) -> dict[str, dict[str, Built]]:
    """What may be served, per door: `inbox` and `widget`."""
    return {name: _list(root / name) for name in ("inbox", "widget")}


def _list(folder: Path) -> dict[str, Built]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: _describe(name, path, paths)
        for name, path in paths.items()
        if path.suffix in TYPES and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _describe(name: str, path: Path, paths: Mapping[str, Path]) -> Built:
    is_hashed = name.startswith("assets/")
    return Built(
        path,
        TYPES[path.suffix],
        FOREVER if is_hashed else LOADER if name == "loader.js" else SHORT,
        "" if is_hashed else hashlib.sha256(path.read_bytes()).hexdigest()[:32],
        {encoding: paths[name + suffix] for encoding, suffix in ENCODINGS if name + suffix in paths},
    )


# ── Doors


@door("GET", "/", may="public")
async def to_inbox(ask: Ask) -> web.Response:
    """The inbox is the front page."""
    return web.Response(status=302, headers={"Location": "/inbox/"})


@door("GET", "/inbox", may="public")
async def to_inbox_folder(ask: Ask) -> web.Response:
    return web.Response(status=302, headers={"Location": "/inbox/"})


@door("GET", "/inbox/{path:.*}", may="public")
async def read_inbox(ask: Ask, path: str) -> web.StreamResponse:
    """A file of the inbox, or for any of its screens the page that draws them all."""
    files = _files(ask)["inbox"]
    page = files.get("index.html")
    if page is None:
        return web.Response(status=503, text=NOT_BUILT, content_type="text/html")
    found = files.get(path)
    if found is None and ("." in path.rpartition("/")[2] or path.startswith("assets/")):
        return _missing()
    return _send(ask.request, found or page, {"Content-Security-Policy": INBOX_POLICY})


@door("GET", "/w/loader.js", may="public")
async def read_loader(ask: Ask) -> web.StreamResponse:
    """What a site's snippet loads."""
    return _of_widget(ask, "loader.js")


@door("GET", "/w/assets/{path:.*}", may="public")
async def read_widget(ask: Ask, path: str) -> web.StreamResponse:
    """What the loader loads, from any site."""
    return _of_widget(ask, f"assets/{path}")


def _of_widget(ask: Ask, name: str) -> web.StreamResponse:
    found = _files(ask)["widget"].get(name)
    return _missing() if found is None else _send(ask.request, found, ANY_SITE)


def _files(ask: Ask) -> dict[str, dict[str, Built]]:
    return ask.request.app[FILES]


def _missing() -> web.Response:
    return web.Response(status=404, text="There is no such file.\n")


def _send(request: web.Request, built: Built, headers: Mapping[str, str]) -> web.StreamResponse:
    headers = {**headers, "Cache-Control": built.cache, "Vary": "Accept-Encoding"}
    encoding = _choose(request.headers.get("Accept-Encoding", ""), built.encoded)
    if built.etag:
        # Weak: the compressed forms share it.
        headers["ETag"] = f'W/"{built.etag}"'
        if any(tag.value in (built.etag, "*") for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
    path = built.path
    if encoding:
        path, headers["Content-Encoding"] = built.encoded[encoding], encoding
    return web.FileResponse(path, headers={**headers, "Content-Type": built.content_type})


def _choose(accepted: str, encoded: Mapping[str, Path]) -> str:
    """The best compressed form that the browser takes, empty for none."""
    weights: dict[str, bool] = {}
    for entry in accepted.lower().split(","):
        name, _, weight = entry.partition(";")
        weights[name.strip()] = weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return next((name for name, _ in ENCODINGS if name in encoded and weights.get(name)), "")
