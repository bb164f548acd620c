"""Blobs as objects of an S3-compatible store. Its client is imported with the first bucket that is opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from omnibox.blobs.naming import NAME, new_name, place_of, refuse_unmasked
from omnibox.blobs.place import Place
from omnibox.logs import get_logger
from omnibox.masking import MaskedBytes
from omnibox.store import StoreUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

T = TypeVar("T")
IN_PARTS_FROM = 32_000_000  # bytes; one request is simpler and leaves no parts behind when it breaks off
log = get_logger("omnibox.blobs")

NO_BUCKET = "<Code>NoSuchBucket</Code>"  # the client says of it only that something is not found


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `connect` and `request` are of one attempt, `whole` is of all of them together."""

    connect_s: float = 3.0
    request_s: float = 30.0
    whole_s: float = 40.0


class Bucket:
    """Blobs below a prefix of a bucket, at the paths that a folder would give them."""

    def __init__(self, place: Place, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._client = _open(place, patience)

    async def put(self, content: MaskedBytes) -> str:
        refuse_unmasked(content)
        name = new_name()
        await self.put_as(name, content)
        return name

    async def put_as(self, name: str, content: bytes) -> None:
        """Store what has its name already: a file that is moved here."""
        from obstore import put_async

        in_parts = len(content) >= IN_PARTS_FROM
        await self._answer(put_async(self._client, place_of(name), content, use_multipart=in_parts))

    async def get(self, name: str) -> bytes:
        from obstore import get_async

        return await self._answer(self._read(get_async(self._client, place_of(name))))

    @staticmethod
    async def _read(asked: Awaitable[object]) -> bytes:
        found = await asked
        return bytes(await found.bytes_async())  # type: ignore[attr-defined]

    async def remove(self, name: str) -> None:
        from obstore import delete_async

        try:
            await self._answer(delete_async(self._client, place_of(name)))
        except FileNotFoundError:
            return

    async def names(self, older_than: datetime) -> AsyncIterator[str]:
        pages = aiter(self._client.list(chunk_size=1000))
        while True:
            try:
                page = await self._answer(anext(pages))
            except StopAsyncIteration:
                return
            for each in page:
                name = each["path"].rpartition("/")[2]
                if NAME.fullmatch(name) and each["last_modified"] < older_than:
                    yield name

    async def _answer(self, asked: Awaitable[T]) -> T:
        from obstore.exceptions import BaseError

        try:
            async with asyncio.timeout(self._patience.whole_s):
                return await asked
        except StopAsyncIteration:
            raise
        except (BaseError, TimeoutError, OSError) as error:
            if isinstance(error, FileNotFoundError) and NO_BUCKET not in str(error):
                raise FileNotFoundError("no such file") from None
            word = "no such bucket" if NO_BUCKET in str(error) else type(error).__name__
            log.warning("the file store does not answer", error=word)
            raise StoreUnavailable(word) from None


def _open(place: Place, patience: Patience) -> S3Store:
    from obstore.store import S3Store

    config: S3Config = {
        "region": place.region,
        "virtual_hosted_style_request": False,  # what every other store understands, and Amazon's too
        "disable_bulk_delete": True,
    }
    # Only what was given: an empty value would hide what the machine's own configuration says.
    if place.endpoint:
        config["endpoint"] = place.endpoint
    if place.key_id:
        config |= {"access_key_id": place.key_id, "secret_access_key": place.secret}
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        config=config,
        client_options={
            "allow_http": place.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=patience.connect_s),
            "timeout": timedelta(seconds=patience.request_s),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=patience.whole_s)},
    )
