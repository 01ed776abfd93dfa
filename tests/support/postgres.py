"""A PostgreSQL cluster of our own for the tests: made in a temporary folder, on a free loopback port, ended with them.

Its collation is ICU's New Zealand English on purpose: what must sort bytewise has to say so itself.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

REQUIRED = "ASCMS_REQUIRE_POSTGRESQL"


class PostgresMissingError(Exception):
    """The server's programs are not on this machine."""


def binaries() -> Path:
    """The folder of `initdb` and `postgres`: the newest of Debian's, or that on the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("initdb")
    found = [folder for folder in folders if (folder / "initdb").exists()]
    if found:
        return found[-1]
    if on_path:
        return Path(on_path).resolve().parent
    raise PostgresMissingError("PostgreSQL's server programs are missing; on Debian and Ubuntu: apt install postgresql")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
"""For tests that never end the cluster but by asking it to."""


class PostgresCluster:
    """A running cluster. Use it as a context manager; the user is `postgres`, without a password.

    `folder` is made where it is not there; one that is not given is removed at the end. `options` are the server's
    settings.
    """

    def __init__(self, folder: Path | None = None, /, **options: str) -> None:
        self.binaries = binaries()
        self.options = options or QUICK
        self.given_folder = folder
        self.port = free_port()
        self.user = "postgres" if os.geteuid() == 0 else None
        """PostgreSQL refuses to run as root."""

    def __enter__(self) -> Self:
        self.folder = self.given_folder or Path(tempfile.mkdtemp(prefix="ascms-postgres-"))
        self.folder.mkdir(exist_ok=True)
        if self.user is not None:
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        data = self.folder / "data"
        self._run(
            "initdb", "--auth=trust", "--encoding=UTF8", "--username=postgres", "--no-sync", "--locale=C.UTF-8",
            "--locale-provider=icu", "--icu-locale=en-NZ", f"--pgdata={data}",
        )  # fmt: skip
        self.start()
        return self

    def start(self) -> None:
        """Start it, after a fault again; returns when it takes connections."""
        data = self.folder / "data"
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.binaries / "postgres"), "-D", str(data), "-p", str(self.port), "-k", str(self.folder),
                    "-c", "listen_addresses=127.0.0.1", *(f"--{name}={value}" for name, value in self.options.items()),
                ],
                stdout=log, stderr=log, cwd=self.folder, user=self.user, group=self.user, extra_groups=self._groups(),
            )  # fmt: skip
        self._wait_until_ready()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        if self.given_folder is None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self, signal_number: signal.Signals) -> None:
        """End it: SIGINT is `pg_ctl stop -m fast`, SIGQUIT `-m immediate`."""
        self.process.send_signal(signal_number)
        self.process.wait()

    def processes(self) -> list[int]:
        """The postmaster and all its children."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [self.process.pid, *map(int, children.split())]

    def signal_all(self, signal_number: signal.Signals) -> None:
        """Send a signal to each process of the cluster: SIGSTOP, SIGCONT."""
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal_number)

    def kill(self) -> None:
        """End every process of it at once, as when the machine goes; nothing is tidied up."""
        self.process.send_signal(signal.SIGSTOP)  # it starts no more of them meanwhile
        self.signal_all(signal.SIGKILL)
        self.process.wait()

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template1") -> str:
        """A new database, a copy of `template`; gives its URL."""
        self.execute(f'CREATE DATABASE "{database}" TEMPLATE "{template}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres").replace("+asyncpg", ""))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(run())

    def _groups(self) -> list[str] | None:
        return None if self.user is None else []

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False,
            cwd=self.folder, user=self.user, group=self.user, extra_groups=self._groups(),
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def _wait_until_ready(self) -> None:
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended at its start:\n{(self.folder / 'log').read_text()}")
            try:
                self.execute("SELECT 1")
            except (OSError, asyncpg.PostgresError):
                time.sleep(0.05)
            else:
                return
