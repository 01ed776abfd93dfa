"""A PostgreSQL cluster of the benchmarks' own, kept in a folder and started when it is needed.

Its settings are those of a server that must not lose what it answered for: only memory is more than the default's.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "1GB",
    "random_page_cost": "1.1",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "autovacuum": "off",  # it would run in one contender's rounds and not in another's
}


def binaries() -> Path:
    """The folder of `initdb` and `postgres`: the newest of Debian's, or that on the PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    on_path = shutil.which("postgres")
    if not folders and on_path is None:
        raise LookupError("PostgreSQL's server programs are missing; on Debian and Ubuntu: apt install postgresql")
    return folders[-1] if folders else Path(str(on_path)).resolve().parent


class Cluster:
    """A cluster in `folder`, running while it is a context. The user is `postgres`, without a password."""

    def __init__(self, folder: Path, port: int, cores: Sequence[int] = (0,)) -> None:
        self.folder = folder.resolve()
        self.port = port
        self.cores = cores
        self.user = "postgres" if os.geteuid() == 0 else None
        """PostgreSQL refuses to run as root."""

    def url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def __enter__(self) -> Self:
        if not (self.folder / "data/PG_VERSION").exists():
            self._create()
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [
                    "taskset",
                    "-c",
                    ",".join(map(str, self.cores)),
                    binaries() / "postgres",
                    "-D",
                    self.folder / "data",
                    "-p",
                    str(self.port),
                    "-k",
                    "",
                    *settings,
                ],
                stdout=log,
                stderr=log,
                **self._as_user(),
            )
        while not self._answers():
            if self.process.poll() is not None:
                raise RuntimeError(f"PostgreSQL ended at its start:\n{(self.folder / 'log').read_text()}")
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for the statement, bare."""
        command = [binaries() / "psql", "-XtA", "-v", "ON_ERROR_STOP=1", "-c", statement, self.url(database)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{statement}\n{done.stderr}")
        return done.stdout.strip()

    def databases(self) -> set[str]:
        return set(self.sql("SELECT datname FROM pg_database").splitlines())

    def _create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.user is not None:
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        command = [
            binaries() / "initdb", "--auth=trust", "--encoding=UTF8", "--username=postgres", "--locale=C.UTF-8",
            f"--pgdata={self.folder / 'data'}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False, **self._as_user())
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        ready = [binaries() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _as_user(self) -> dict[str, Any]:
        return {"cwd": self.folder} | ({"user": self.user, "group": self.user, "extra_groups": []} if self.user else {})
