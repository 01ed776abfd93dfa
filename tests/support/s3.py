"""A real S3 server on this machine, in a thread of the tests."""

import itertools
import logging
import re
from types import TracebackType
from typing import Self

import httpx
from moto.server import ThreadedMotoServer

from ascms.settings import StorageKind


class S3Server:
    """Use it as a context manager; each bucket is a fresh one."""

    def __enter__(self) -> Self:
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        self._server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        self._server.start()
        _, port = self._server.get_host_and_port()
        self.url = f"http://127.0.0.1:{port}"
        self._numbers = itertools.count(1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    def settings(self) -> dict[str, str]:
        """The settings of a storage in a new bucket, as ASCMS_… variables without their prefix."""
        bucket = f"bucket-{next(self._numbers)}"
        httpx.put(f"{self.url}/{bucket}", trust_env=False).raise_for_status()
        return {
            "storage": StorageKind.S3,
            "storage_bucket": bucket,
            "storage_endpoint": self.url,
            "storage_region": "us-east-1",
            "storage_access_key": "key",
            "storage_secret_key": "secret",
        }

    def put(self, bucket: str, name: str) -> None:
        """Somebody else's object."""
        httpx.put(f"{self.url}/{bucket}/{name}", content=b"theirs", trust_env=False).raise_for_status()

    def objects(self, bucket: str) -> set[str]:
        """The names of a bucket's objects, as the server tells them."""
        listed = httpx.get(f"{self.url}/{bucket}?list-type=2", trust_env=False).text
        return set(re.findall(r"<Key>(.*?)</Key>", listed))
