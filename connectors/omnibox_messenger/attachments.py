"""Attachments of a message: the files among them, and words for the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from omnibox.connector import File, RemoteFile
from omnibox_messenger.decoding import elements, member, text
from omnibox_messenger.events import Attachment

_DEFAULTS = {
    "image": "image/jpeg",
    "sticker": "image/png",
    "audio": "audio/mp4",
    "video": "video/mp4",
    "file": "application/octet-stream",
}
"""What Meta's own apps upload, where the address does not tell."""

_BY_SUFFIX = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".heic": "image/heic",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".zip": "application/zip",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def files(found: Iterable[Attachment]) -> tuple[File, ...]:
    """The attachments that are files at an address; the core fetches them."""
    return tuple(_file(item) for item in found if _is_file(item))


def words(found: Iterable[Attachment]) -> Iterator[str]:
    """A readable line for every attachment that is no file: nothing a person sent stays unseen."""
    for item in found:
        if not _is_file(item):
            yield _line(item)


def _is_file(item: Attachment) -> bool:
    return item.type in _DEFAULTS and _is_web_address(item.url)


def _is_web_address(url: str | None) -> bool:
    return bool(url) and re.match(r"https?://[^/\s]", url or "", re.IGNORECASE) is not None


def _file(item: Attachment) -> File:
    url, kind = item.url or "", item.type or ""
    name = _name(url)
    guess = _BY_SUFFIX.get(PurePosixPath(name or "").suffix.lower(), "")
    fits = kind == "file" or guess.split("/")[0] == _DEFAULTS[kind].split("/")[0]
    return File(RemoteFile(url), item.title or name, guess if guess and fits else _DEFAULTS[kind])


def _name(url: str) -> str | None:
    """The last piece of the path where it looks like the name of a file."""
    try:
        last = unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        return None
    return last if re.fullmatch(r"[^\x00-\x1f]{1,200}\.[A-Za-z0-9]{1,8}", last) else None


def _line(item: Attachment) -> str:
    kind = item.type or "attachment"
    if kind in _DEFAULTS:
        return f"[{kind}, not available]"
    if kind == "location":
        return _joined("location", item.title, _place(item), item.url)
    if kind == "fallback":
        return _joined("shared", item.title, item.url)
    if kind == "template":
        return _joined("template", item.title, *_template_texts(item.payload), item.url)
    return _joined(kind[:50], item.title, item.url)


def _place(item: Attachment) -> str | None:
    if item.latitude is None or item.longitude is None:
        return None
    return f"{item.latitude}, {item.longitude}"


def _template_texts(payload: object) -> Iterator[str]:
    """What a template says: its text, and the titles of its first elements."""
    yield text(member(payload, "text")) or ""
    shown = member(payload, "elements") or member(member(payload, "product"), "elements")
    for element in elements(shown)[:10]:
        yield text(member(element, "title")) or ""


def _joined(kind: str, *said: str | None) -> str:
    shown = dict.fromkeys(part for part in said if part)
    return f"[{kind}] {' · '.join(shown)}" if shown else f"[{kind}]"
