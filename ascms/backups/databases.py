"""The database into a file and back, by its own means: SQLite's VACUUM INTO; PostgreSQL's pg_dump and pg_restore."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, make_url, text

from ascms.database import BUSY_TIMEOUT, alembic_config, engine_for, sqlite_path, sync_url

DEBIAN = Path("/usr/lib/postgresql")


class Copied:
    """What is known of a database that was copied."""

    def __init__(self, kind: str, server: str, revision: str) -> None:
        self.kind = kind
        self.server = server
        self.revision = revision


def copy_out(database: str, target: Path, begin: Callable[[], None]) -> Copied:
    """Write the database as it is at one moment to `target`. `begin` is called just before that moment.

    Raises LookupError where there is no database of ours, OSError where its programs are missing or fail.
    """
    path = sqlite_path(database)
    return _copy_sqlite(path, target, begin) if path is not None else _dump(database, target, begin)


def _copy_sqlite(path: Path, target: Path, begin: Callable[[], None]) -> Copied:
    if not path.exists():
        raise LookupError(f"there is no database {path}; name the one that is to be kept")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        begin()
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.Error as error:
        raise OSError(f"{path} could not be copied ({error})") from error
    finally:
        connection.close()
    target.chmod(0o600)
    return Copied("sqlite", sqlite3.sqlite_version, _on(str(target), _revision))


def _dump(database: str, target: Path, begin: Callable[[], None]) -> Copied:
    """The dump sees what a transaction of ours sees, which begins the moment after `begin`."""

    async def run() -> Copied:
        engine = engine_for(database)
        try:
            async with engine.execution_options(isolation_level="REPEATABLE READ").connect() as connection:
                await connection.execute(text("SELECT 1"))
                await connection.rollback()
                begin()
                snapshot = await connection.scalar(text("SELECT pg_export_snapshot()"))
                server = str(await connection.scalar(text("SHOW server_version")))
                revision = await connection.run_sync(_revision)
                options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
                await asyncio.to_thread(_program, "pg_dump", database, *options, f"--file={target}")
                return Copied("postgresql", server, revision)
        finally:
            await engine.dispose()

    target.touch(mode=0o600)
    return asyncio.run(run())


def copy_in(source: Path, database: str) -> None:
    """Fill the empty `database` from what `copy_out` wrote. Raises OSError."""
    path = sqlite_path(database)
    if path is None:
        options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
        _program("pg_restore", database, *options, str(source))
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        draft = path.with_name(f".{path.name}.part")
        shutil.copyfile(source, draft)
        draft.chmod(0o600)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)


def is_empty(database: str) -> bool:
    """Whether nothing is there: no SQLite file, no table in a PostgreSQL database."""
    path = sqlite_path(database)
    return not path.exists() if path is not None else not _on(database, lambda it: inspect(it).get_table_names())


def kind_of(database: str) -> str:
    """`sqlite` or `postgresql`."""
    return make_url(sync_url(database)).get_backend_name()


def is_known(revision: str) -> bool:
    """Whether this version of ascms has the migration."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return revision in {script.revision for script in scripts.walk_revisions()}


def _revision(connection: Connection) -> str:
    heads = MigrationContext.configure(connection).get_current_heads()
    if len(heads) != 1:
        raise LookupError("the database has no tables of ascms; bring it up to date with `ascms db upgrade`")
    return heads[0]


def _on(database: str, action: Callable[[Connection], Any]) -> Any:
    async def run() -> Any:
        engine = engine_for(database)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(action)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _program(name: str, database: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the database; the password is not among its arguments."""
    url = make_url(sync_url(database))
    password = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    address = url.set(password=None).render_as_string()
    command = [_found(name), f"--dbname={address}", "--no-password", *arguments]
    environment = {**os.environ, **password}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (ours)
    if done.returncode != 0:
        raise OSError(f"{name} failed: {done.stderr.strip()}")


def _found(name: str) -> str:
    """The program: Debian's newest, or that on the PATH."""
    versions = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: int(path.parents[1].name))
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise OSError(f"{name} is missing; on Debian and Ubuntu: apt install postgresql-client")
    return found


@contextmanager
def no_trace(path: Path) -> Iterator[Path]:
    """A folder that is removed at the end, whatever happens."""
    path.mkdir(mode=0o700, parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path)
