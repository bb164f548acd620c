"""The bytes of attachments, under random names: in a folder, or in a bucket of an S3-compatible store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Protocol

from omnibox.blobs.folder import Folder
from omnibox.masking import MaskedBytes

__all__ = ["Blobs", "Folder"]


class Blobs(Protocol):
    """A blob's name says nothing of the file; one without a row is swept after a day.

    Where the place of the files does not answer, every method raises `StoreUnavailable`, as the database does: whoever
    was about to acknowledge something does not, and is asked again.
    """

    async def put(self, content: MaskedBytes) -> str:
        """Store bytes durably and return their new name. Takes only what has passed the mask."""

    async def get(self, name: str) -> bytes:
        """The bytes; raises `FileNotFoundError`."""

    async def remove(self, name: str) -> None:
        """Gone afterwards, whether it was there or not."""

    def names(self, older_than: datetime) -> AsyncIterator[str]:
        """Every name that was stored before."""
