"""A storage in a bucket of anything that speaks S3: for several machines, and whoever has an object store already.

What was begun and never completed is hidden in a bucket and still paid for: give the bucket a rule that ends
incomplete multipart uploads after a day.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from ascms.settings import Settings

from .interface import KEY, NotStored

if TYPE_CHECKING:
    from obstore.store import S3Config

PREFIX: Final = "files"
"""Where in the bucket; nothing else of it is touched."""
AT_ONCE: Final = 2
"""Parts of a content that are under way at once (of 5 MiB each)."""


class S3Storage:
    """Keeps each content as an object. Raises ValueError where the settings do not suffice."""

    def __init__(self, settings: Settings) -> None:
        if settings.storage_bucket is None:
            raise ValueError("ASCMS_STORAGE is s3, and ASCMS_STORAGE_BUCKET is not set; name the bucket")
        if (settings.storage_access_key is None) != (settings.storage_secret_key is None):
            raise ValueError("give both ASCMS_STORAGE_ACCESS_KEY and ASCMS_STORAGE_SECRET_KEY, or neither")
        endpoint = str(settings.storage_endpoint).rstrip("/") if settings.storage_endpoint is not None else None
        secret = settings.storage_secret_key.get_secret_value() if settings.storage_secret_key is not None else None
        given = {
            "endpoint": endpoint,
            "region": settings.storage_region,
            "access_key_id": settings.storage_access_key,
            "secret_access_key": secret,
        }
        self._store = S3Store(
            settings.storage_bucket,
            prefix=PREFIX,
            config=cast("S3Config", {name: value for name, value in given.items() if value is not None}),
            client_options={"allow_http": endpoint is not None and endpoint.startswith("http://")},
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
        )

    async def put(self, key: str, content: AsyncIterator[bytes]) -> None:
        with _told_as_fault():
            await obstore.put_async(self._store, _checked(key), content, max_concurrency=AT_ONCE)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        try:
            with _told_as_fault():
                found = await obstore.get_async(self._store, _checked(key))
        except FileNotFoundError:
            raise NotStored(key) from None
        return (bytes(piece) async for piece in found.stream())

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._store, _checked(key))
        except (FileNotFoundError, NotStored):
            return False
        return True

    async def delete(self, key: str) -> None:
        await obstore.delete_async(self._store, _checked(key))

    async def keys(self, before: datetime) -> AsyncIterator[str]:
        async for page in obstore.list(self._store):
            for found in page:
                if KEY.fullmatch(found["path"]) and found["last_modified"] < before:
                    yield found["path"]


@contextmanager
def _told_as_fault() -> Iterator[None]:
    """Have a storage that does not answer raise what a network that does not answer raises."""
    try:
        yield
    except BaseError as error:
        raise ConnectionError("the storage of files does not answer as it should") from error


def _checked(key: str) -> str:
    # Whatever a row says, no object but ours is read or removed.
    if KEY.fullmatch(key) is None:
        raise NotStored(key)
    return key
