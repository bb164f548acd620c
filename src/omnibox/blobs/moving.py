"""Brings the files of a folder to a bucket, under the names they have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from omnibox.blobs.bucket import Bucket
from omnibox.blobs.folder import Folder

MOST_AT_ONCE = 8


async def move_files(folder: Path, bucket: Bucket, report: Callable[[str, int, int], None]) -> tuple[int, int]:
    """Copy what the bucket lacks; returns how many that were, and how many files there are. The folder stays as it is.

    Raises `StoreUnavailable`; then the same may be asked again.
    """
    source, always = Folder(folder), datetime.max.replace(tzinfo=UTC)
    names = [name async for name in source.names(always)]
    there = {name async for name in bucket.names(always)}
    missing = [name for name in names if name not in there]
    for start in range(0, len(missing), MOST_AT_ONCE):
        batch = missing[start : start + MOST_AT_ONCE]
        await asyncio.gather(*(_copy(source, bucket, name) for name in batch))
        report("files", start + len(batch), len(missing))
    return len(missing), len(names)


async def _copy(source: Folder, bucket: Bucket, name: str) -> None:
    try:
        content = await source.get(name)
    except FileNotFoundError:
        return  # swept meanwhile
    await bucket.put_as(name, content)
