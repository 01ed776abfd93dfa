"""`ascms serve` in a process of its own, as an operator runs it."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.support.postgres import free_port

KEYS = {
    "ASCMS_SECRET_KEY": "Zk3vQ8rT1xW6yB0nM5cJ9hL2pS7dF4gA",
    "ASCMS_AUDIT_KEY": "u7Xq2Lw9Ee4Rt6Yi1Op3As5Df8Gh0Jk2",
}


def environment(**settings: str) -> dict[str, str]:
    """The variables of a process with these settings (named without their prefix) and no others of ours."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("ASCMS_", "OTEL_"))}
    return others | {f"ASCMS_{name.upper()}": value for name, value in settings.items()}


class Serve:
    """A server over `database`, its state in `folder`. Use it as a context manager; it is ended by its process id.

    Nothing is waited for but that it answers. `issuer` is one that nobody is, unless the settings say otherwise.
    """

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.state = folder / "state"
        self._log = folder / f"serve-{self.port}.log"
        self._environment = KEYS | environment(
            **{
                "database_url": database,
                "state_directory": str(self.state),
                "issuer": f"http://127.0.0.1:{free_port()}",
                "job_seconds": "0",
            }
            | settings
        )

    def log(self) -> str:
        """What it has written."""
        return self._log.read_text()

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            command = [sys.executable, "-m", "ascms.cli", "serve", "--port", str(self.port)]
            self.process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=self.url, timeout=None, trust_env=False)
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"ascms serve ended at its start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def _answers(self) -> bool:
        try:
            return self.client.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait()


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """What `ascms` with these arguments says, once it has ended."""
    command = [sys.executable, "-m", "ascms.cli", *arguments]
    return subprocess.run(command, env=environment(**settings), capture_output=True, text=True, check=False)


def settings_of(**given: str) -> dict[str, str]:
    """Settings that are safe but for those given: names without their prefix."""
    keys = {name.removeprefix("ASCMS_").lower(): value for name, value in KEYS.items()}
    return keys | {"issuer": "https://issuer.example.nz", "public_url": "https://attendance.example.nz"} | given
