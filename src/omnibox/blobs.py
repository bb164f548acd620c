"""The bytes of attachments, under random names, in a folder."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Protocol


class Blobs(Protocol):
    """A blob's name says nothing of the file; one without a row is swept after a day."""

    async def put(self, content: bytes) -> str:
        """Store bytes durably and return their new name."""

    async def get(self, name: str) -> bytes:
        """The bytes; raises `FileNotFoundError`."""

    async def remove(self, name: str) -> None:
        """Gone afterwards, whether it was there or not."""

    def names(self, older_than: datetime) -> AsyncIterator[str]: ...


class Folder:
    """Blobs as files, 0600, in 256 sub-folders."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes) -> str:
        name = secrets.token_hex(16)
        await asyncio.to_thread(self._write, self._path(name), content)
        return name

    async def get(self, name: str) -> bytes:
        return await asyncio.to_thread(self._path(name).read_bytes)

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def names(self, older_than: datetime) -> AsyncIterator[str]:
        for path in await asyncio.to_thread(lambda: sorted(self._root.glob("??/*"))):
            try:
                written_at = (await asyncio.to_thread(path.stat)).st_mtime
            except FileNotFoundError:
                continue
            if written_at < older_than.timestamp():
                yield path.name

    def _path(self, name: str) -> Path:
        if len(name) != 32 or not name.isalnum():
            raise FileNotFoundError(name)
        return self._root / name[:2] / name

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the name must survive a power cut as well as the bytes
        finally:
            os.close(folder)
