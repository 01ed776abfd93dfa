"""A demo that can be killed and started again within a fraction of a second, on the same port and database."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.commands import variables
from tests.support.server import DemoServer

KEPT_TOKENS = 1_200
"""Seconds until tokens are asked for anew."""


class Zygote:
    """Starts servers by forking, in this environment and another's. Use it as a context manager."""

    def __init__(self, **environment: str) -> None:
        self._environment = environment

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], env=os.environ | self._environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def start(self, arguments: list[str], environment: dict[str, str], folder: Path, output: Path) -> int:
        """Start a server; gives its process id."""
        asked = {
            "arguments": arguments, "environment": environment, "folder": str(folder), "output": str(output.absolute())
        }  # fmt: skip
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


class KillableServer(DemoServer):
    """A demo by a zygote. `start` and `kill` take turns; leaving the context ends what runs."""

    def __init__(self, zygote: Zygote, database: str, folder: Path, **settings: str) -> None:
        super().__init__(database, folder, **settings)
        self._zygote = zygote
        self._asked_at = time.monotonic()
        self.pid: int | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.client = httpx.Client(base_url=self.url, timeout=120, trust_env=False)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        if self.pid is not None:
            self.end(signal.SIGTERM)

    def start(self) -> None:
        """Start it, and return when it takes requests."""
        self._output.write_bytes(b"")
        self.pid = self._zygote.start(self.arguments(), variables(**self.settings), self.folder, self._output)
        while not self.is_ready():
            if not self._lives():
                self.pid = None
                raise RuntimeError(f"ascms demo ended at its start:\n{self.log()}")
            time.sleep(0.01)
        if time.monotonic() - self._asked_at > KEPT_TOKENS:
            self._tokens.clear()
            self._asked_at = time.monotonic()

    def end(self, signal_number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, and return when it has gone."""
        assert self.pid is not None
        os.kill(self.pid, signal_number)
        while self._lives():
            time.sleep(0.01)
        self.pid = None

    def _lives(self) -> bool:
        assert self.pid is not None
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True
