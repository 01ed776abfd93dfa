"""A real `ascms demo` in a process of its own, and what a person sees of it over HTTP."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.postgres import free_port


@dataclass(frozen=True)
class Answer:
    """A response to a GraphQL request. `body` is the JSON as it came, None where there was none."""

    status: int
    headers: httpx.Headers
    body: Any
    text: str = field(repr=False)

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def errors(self) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = self.body.get("errors", [])
        return errors

    @property
    def codes(self) -> list[str]:
        """`extensions.code` of each error."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def redacted(self) -> dict[str, list[str]]:
        """The paths of each redacted field, by the field's coordinate."""
        entries = self.body.get("extensions", {}).get("access", {}).get("redacted", [])
        return {entry["field"]: entry["paths"] for entry in entries}


class DemoServer:
    """A demo that serves `database` from `folder`. Use it as a context manager; it is ended by its process id.

    `settings` are further ASCMS_… variables, without their prefix: `office_support="requests"`. Periodic work is off
    unless they say otherwise: the demo's time stands still, and the server's does not.
    """

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        self.database = database
        self.folder = folder
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = folder / f"server-{self.port}.log"
        self._tokens: dict[tuple[str, str | None], str] = {}

    def log(self) -> str:
        """What the server has printed."""
        return self._output.read_text()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ASCMS_")}
        environment |= {
            f"ASCMS_{name.upper()}": value for name, value in ({"job_seconds": "0"} | self.settings).items()
        }
        command = [sys.executable, "-u", "-m", "ascms.cli", *self.command(), "--port", str(self.port)]
        with self._output.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        self.client = httpx.Client(base_url=self.url, timeout=None, trust_env=False)
        while not self.is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"ascms ended at its start:\n{self.log()}")
            time.sleep(0.05)
        return self

    def command(self) -> list[str]:
        """Which command serves."""
        return ["demo", "--database", self.database]

    def is_ready(self) -> bool:
        """Whether it accepts requests."""
        return "ready" in self.log()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def token(self, email: str, organisation: str | None = None) -> str:
        """A bearer token for a person of the demo, in `organisation` where they have several."""
        from ascms.demo.tokens import issue

        key = (email, organisation)
        if key not in self._tokens:
            # In a thread, since it may start an event loop, which a test may be running in.
            with contextlib.chdir(self.folder), ThreadPoolExecutor(1) as thread:
                self._tokens[key] = thread.submit(issue, self.database, email, organisation).result()
        return self._tokens[key]

    def ask(
        self,
        email: str | None,
        query: str,
        variables: dict[str, Any] | None = None,
        organisation: str | None = None,
        operation: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """What `email` (None: nobody signed in) is answered to `query`, acting for `organisation`."""
        authorization = {} if email is None else {"Authorization": f"Bearer {self.token(email, organisation)}"}
        body = {"query": query, "variables": variables, "operationName": operation}
        response = self.client.post(
            "/graphql",
            json={name: value for name, value in body.items() if value is not None},
            headers={"Accept": "application/graphql-response+json", **authorization, **(headers or {})},
        )
        is_json = "json" in response.headers.get("content-type", "")
        return Answer(response.status_code, response.headers, response.json() if is_json else None, response.text)
