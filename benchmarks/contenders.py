"""Contenders: folders with a `serve`, started as the environment says, left idle while it is another one's turn."""

import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from benchmarks.asking import AUDIENCE, Issuer
from benchmarks.processes import Cpu, cpu_of

PEERS = Path(__file__).parent / "peers"
OURS = ("ascms", "ascms-nolog")
LIMIT = "limit"
PATIENCE = 120
"""Seconds that a contender may take until it is ready."""


QUIET = 0.3
QUIET_AT_MOST = 100
"""Seconds without work after which a contender counts as idle, and how often that is looked for."""


class NotReadyError(Exception):
    """A contender that does not start; the message has the end of what it said."""


@dataclass(frozen=True)
class Contender:
    """A folder below `peers`. Files in it say what it cannot do, beside `serve` and `setup`.

    `databases`: the only ones it serves, one a line. `lacks`: operations it has not, one a line. `own-documents`: it
    has documents of its own in `operations`, whose answers have the same values in another shape.
    """

    name: str

    @property
    def folder(self) -> Path:
        return PEERS / self.name

    def _lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().split() if path.exists() else []

    def serves(self, database: str) -> bool:
        """Whether it can be asked on `sqlite` or `postgresql`."""
        return not (self.folder / "databases").exists() or database in self._lines("databases")

    def lacks(self, operation: str) -> bool:
        """Whether it cannot answer the operation; a mix needs all that is in it."""
        lacking = self._lines("lacks")
        return bool(lacking) if operation == "mix" else operation in lacking

    @property
    def own_documents(self) -> Path | None:
        """Where its own documents are, if it has any."""
        return self.folder / "operations" if (self.folder / "own-documents").exists() else None

    def set_up(self) -> None:
        """Install what it needs, into `benchmarks/.peers`. Raises CalledProcessError."""
        subprocess.run([self.folder / "setup"], check=True)


def all_contenders() -> list[Contender]:
    """All that there are, ours and the limit first."""
    found = sorted(path.parent.name for path in PEERS.glob("*/serve") if not path.parent.name.endswith("_common"))
    first = [name for name in (*OURS, LIMIT) if name in found]
    return [Contender(name) for name in (*first, *(name for name in found if name not in first))]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Running:
    """A contender that serves. A context manager."""

    contender: Contender
    database: str
    issuer: Issuer
    state: Path
    """A folder for what it keeps outside the database, and for what it says."""
    cores: Sequence[int] = (0,)
    workers: int = 1
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    seconds_to_start: float = 0
    cpu_to_start: Cpu = field(default_factory=Cpu)

    @property
    def name(self) -> str:
        return self.contender.name

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/graphql"

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Self:
        self.state.mkdir(parents=True, exist_ok=True)
        given = {
            "BENCH_DATABASE": self.database,
            "BENCH_PORT": str(self.port),
            "BENCH_JWKS": str(self.issuer.jwks.resolve()),
            "BENCH_ISSUER": self.issuer.address,
            "BENCH_AUDIENCE": AUDIENCE,
            "BENCH_TODAY": "",
            "BENCH_WORKERS": str(self.workers),
            "BENCH_STATE": str(self.state.resolve()),
        }
        self._client = httpx.Client(timeout=120)
        self._said = (self.state / f"{self.name}.log").open("wb")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, self.cores)), self.contender.folder / "serve"],
            env={**os.environ, **given, **self.environment},
            stdout=subprocess.PIPE,
            stderr=self._said,
            start_new_session=True,
        )
        try:
            self._wait_until_ready(started + PATIENCE)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        self.seconds_to_start = time.perf_counter() - started
        self.cpu_to_start = cpu_of(self.pid)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)  # workers that outlived a shell or a master
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._said.close()

    def settle(self) -> None:
        """Wait until it is idle, for a while at most: the load leaves requests under way, and they take CPU and locks.

        It is not stopped, for it might hold a lock of the database then.
        """
        for _ in range(QUIET_AT_MOST):
            before = cpu_of(self.pid)
            time.sleep(QUIET)
            if cpu_of(self.pid) == before:
                return

    def _wait_until_ready(self, until: float) -> None:
        output = self._process.stdout
        assert output is not None
        os.set_blocking(output.fileno(), False)
        said = b""
        while not any(line.startswith(b"ready") for line in said.split(b"\n")[:-1]):
            if self._process.poll() is not None or time.perf_counter() > until:
                raise NotReadyError(self._last_words(said))
            if select.select([output], [], [], 0.2)[0]:
                said += output.read() or b""
        while not self._accepts():
            if self._process.poll() is not None or time.perf_counter() > until:
                raise NotReadyError(self._last_words(said))
            time.sleep(0.005)

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _last_words(self, said: bytes) -> str:
        self._said.flush()
        words = said + Path(self._said.name).read_bytes()
        return f"{self.name} did not start; it said last:\n{words.decode(errors='replace')[-1500:]}"

    def ask(self, body: str, who: str) -> httpx.Response:
        """The response to one request."""
        return self._client.post(self.url, content=body, headers=self.issuer.headers(who))
