"""What a storage does, and which one the settings ask for."""

import re
import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final, Protocol

from ascms.settings import Settings, StorageKind

from .incoming import Incoming

KEY: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}")
"""How a key looks: random, and spread over 256 folders."""


class NotStored(LookupError):  # noqa: N818 (named as what is found)
    """Nothing is stored under the key."""


class Storage(Protocol):
    """Keeps contents under keys. Contents never change: a key is put once, and perhaps deleted."""

    async def put(self, key: str, content: AsyncIterator[bytes]) -> None:
        """Store what the stream brings. Returns when it would outlast a power cut; until then nobody sees it.

        Where the stream raises, nothing is stored.
        """

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """The content, a piece at a time. Raises NotStored at once where there is none."""

    async def exists(self, key: str) -> bool:
        """Whether something is stored under the key."""

    async def delete(self, key: str) -> None:
        """Remove what is stored under the key, if anything is."""

    def keys(self, before: datetime) -> AsyncIterator[str]:
        """The keys of what was stored before an instant."""


def new_key() -> str:
    """A key that nobody can guess, and no other content has."""
    digits = secrets.token_hex(16)
    return f"{digits[:2]}/{digits[2:]}"


def open_storage(settings: Settings, incoming: Incoming) -> Storage:
    """The storage that the settings name; `incoming` takes what is not whole yet."""
    # Imported when it is needed: the S3 client is the largest library here.
    if settings.storage is StorageKind.S3:
        from .s3 import S3Storage

        return S3Storage(settings)
    from .local import LocalStorage

    return LocalStorage(settings.state_directory / "files", incoming)
