"""A demo that can be killed and started again within a fraction of a second, on the same port and database."""

import signal
import time
from pathlib import Path

from tests.support.forking import Zygote
from tests.support.server import DemoServer

KEPT_TOKENS = 1_200
"""Seconds until tokens are asked for anew."""


class KillableServer(DemoServer):
    """A demo by a zygote. `start` and `kill` take turns; leaving the context ends what runs."""

    def __init__(self, zygote: Zygote, database: str, folder: Path, **settings: str) -> None:
        super().__init__(database, folder, **settings)
        self._zygote = zygote
        self._asked_at = time.monotonic()

    @property
    def zygote(self) -> Zygote:
        return self._zygote

    def start(self) -> None:
        super().start()
        if time.monotonic() - self._asked_at > KEPT_TOKENS:
            self._tokens.clear()
            self._asked_at = time.monotonic()

    def kill(self) -> None:
        """End it at once."""
        self.end(signal.SIGKILL)
