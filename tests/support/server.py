"""A real server in a process of its own, and what a person sees of it over HTTP."""

import contextlib
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support.commands import environment
from tests.support.forking import Forked, Zygote, shared_zygote
from tests.support.postgres import free_port

Process = subprocess.Popen[bytes] | Forked


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


class Server(ABC):
    """A command that serves `database`, run in `folder`. Use it as a context manager; it is ended by its process id.

    `settings` are further ASCMS_… variables, without their prefix: `office_support="requests"`. Periodic work is off
    unless they say otherwise: the demo's time stands still, and the server's does not.
    """

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        self.database = database
        self.folder = folder
        self.settings = {"job_seconds": "0"} | settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._output = folder / f"server-{self.port}.log"

    @abstractmethod
    def command(self) -> list[str]:
        """Which command serves, without its port."""

    @abstractmethod
    def token(self, email: str, organisation: str | None = None) -> str:
        """A bearer token for a person of the demo, in `organisation` where they have several."""

    def log(self) -> str:
        """What the server has printed."""
        return self._output.read_text()

    def is_ready(self) -> bool:
        """Whether it accepts requests."""
        return f"ready {self.url}" in self.log()

    def arguments(self) -> list[str]:
        """All that `ascms` is started with."""
        return [*self.command(), "--port", str(self.port)]

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.client = httpx.Client(base_url=self.url, timeout=None, trust_env=False)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.end()

    def start(self) -> None:
        """Start it, and return when it accepts requests."""
        self._output.write_bytes(b"")
        self.process = self.begun()
        while not self.is_ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"ascms ended at its start:\n{self.log()}")
            time.sleep(0.02)

    @property
    def zygote(self) -> Zygote:
        """What it is forked from."""
        return shared_zygote()

    def begun(self) -> Process:
        """The process, started: forked, since there are very many."""
        return self.zygote.start(self.arguments(), environment(**self.settings), self.folder, self._output)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal to end by, and return when it has gone."""
        self.process.send_signal(number)
        self.process.wait()

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
        token = None if email is None else self.token(email, organisation)
        return self.send(token, query, variables, operation, headers)

    def send(
        self,
        token: str | None,
        query: str,
        variables: dict[str, Any] | None = None,
        operation: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """What is answered to who brings this token (None: nobody signed in)."""
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        body = {"query": query, "variables": variables, "operationName": operation}
        response = self.client.post(
            "/graphql",
            json={name: value for name, value in body.items() if value is not None},
            headers={"Accept": "application/graphql-response+json", **authorization, **(headers or {})},
        )
        is_json = "json" in response.headers.get("content-type", "")
        return Answer(response.status_code, response.headers, response.json() if is_json else None, response.text)

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rpartition(" ")[2])
        raise LookupError(name)


class DemoServer(Server):
    """A demo, whose people ask by its own tokens."""

    def __init__(self, database: str, folder: Path, **settings: str) -> None:
        super().__init__(database, folder, **settings)
        self._tokens: dict[tuple[str, str | None], str] = {}

    def command(self) -> list[str]:
        return ["demo", "--database", self.database]

    def token(self, email: str, organisation: str | None = None) -> str:
        from ascms.demo.tokens import issue

        key = (email, organisation)
        if key not in self._tokens:
            # In a thread, since it may start an event loop, which a test may be running in.
            with contextlib.chdir(self.folder), ThreadPoolExecutor(1) as thread:
                self._tokens[key] = thread.submit(issue, self.database, email, organisation).result()
        return self._tokens[key]
