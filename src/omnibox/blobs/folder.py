"""Blobs as files, readable by their owner alone."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from omnibox.blobs.naming import NAME, new_name, place_of, refuse_unmasked
from omnibox.durable import flush
from omnibox.logs import get_logger
from omnibox.masking import MaskedBytes
from omnibox.store import StoreUnavailable
from omnibox.store.trouble import trouble_of

T = TypeVar("T")
log = get_logger("omnibox.blobs")


class Folder:
    """Blobs below one folder, 0600, flushed with their names before `put` returns."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: MaskedBytes) -> str:
        refuse_unmasked(content)
        name = new_name()
        await _off_the_loop(lambda: write(self._path(name), content))
        return name

    async def get(self, name: str) -> bytes:
        return await _off_the_loop(self._path(name).read_bytes)

    async def remove(self, name: str) -> None:
        await _off_the_loop(lambda: self._path(name).unlink(missing_ok=True))

    async def names(self, older_than: datetime) -> AsyncIterator[str]:
        limit = older_than.timestamp()
        for sub_folder in await _off_the_loop(lambda: sorted(self._root.glob("[0-9a-f][0-9a-f]"))):
            for name in await _off_the_loop(lambda folder=sub_folder: _older(folder, limit)):  # type: ignore[misc]
                yield name

    def _path(self, name: str) -> Path:
        return self._root / place_of(name)


async def _off_the_loop(work: Callable[[], T]) -> T:
    """What a disk refuses (it is full, it failed) is the store's to say: nothing may be acknowledged on it."""
    try:
        return await asyncio.to_thread(work)
    except FileNotFoundError:
        raise
    except OSError as error:
        log.warning("the folder of files does not answer", error=type(error).__name__, number=error.errno)
        raise StoreUnavailable(trouble_of(error)) from None


def _older(folder: Path, limit: float) -> list[str]:
    """The names in one sub-folder that were written before `limit`, seconds since 1970."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if NAME.fullmatch(entry.name) and entry.stat().st_mtime < limit:
                    found.append(entry.name)
            except FileNotFoundError:
                continue  # removed meanwhile
    return sorted(found)


def write(path: Path, content: bytes) -> None:
    """A new file, durable with its name; what fails half-way leaves none."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)  # half a file would fill a full disk further
        raise
    for folder in (path.parent, path.parent.parent):
        flush(folder)  # the names must survive a power cut as well as the bytes
