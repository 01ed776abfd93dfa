"""A real `ascms serve` over a demo's world, with the demo as its identity provider: an installation as it is run."""

import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Self

import httpx

from ascms.database import normalise_url, state_directory
from tests.support.serve import environment
from tests.support.server import DemoServer


class Installation(DemoServer):
    """`ascms serve`. Use it as a context manager while the demo runs; who the demo's people are, they are here.

    `settings` are further ASCMS_… variables, without their prefix. Its log is what it printed, all of it.
    """

    def __init__(self, demo: DemoServer, **settings: str) -> None:
        super().__init__(demo.database, demo.folder, **settings)
        self.demo = demo

    def __enter__(self) -> Self:
        state = self.folder / state_directory(self.database)
        given = {
            "database_url": normalise_url(self.database),
            "state_directory": str(state),
            "issuer": self.demo.url,
            "secret_key_file": str(state / "secret_key"),
            "audit_key_file": str(state / "audit_key"),
            "job_seconds": "0",
            **self.settings,
        }
        command = [sys.executable, "-u", "-m", "ascms.cli", "serve", "--port", str(self.port)]
        with self._output.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment(**given), stdout=log, stderr=log)
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

    def end(self) -> None:
        """Have it end in order, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.end()

    def token(self, email: str, organisation: str | None = None) -> str:
        """A bearer token of the demo's."""
        return self.demo.token(email, organisation)
