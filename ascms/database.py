"""The database: engines, and migrations brought up to date from code.

One of the few places that may ask which database it is. On SQLite an engine's transactions start with `BEGIN`,
so that all statements of one read see one state; those of `engine.execution_options(writes=True)` start with
`BEGIN IMMEDIATE`, so that two writers wait for each other instead of failing half-way. PostgreSQL ignores the
option. `upgrade` and `is_current` are for the command line and the tests: they start an event loop of their own.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, event, exists, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ascms.models import Base, Organisation
from ascms.settings import Settings

BUSY_TIMEOUT = 10_000
"""How long a writer waits for another on SQLite, in milliseconds."""

Result = TypeVar("Result")


def normalise_url(database: str | Path) -> str:
    """The SQLAlchemy URL of `database`: the path of an SQLite file, or the URL of a SQLite or PostgreSQL database.

    >>> normalise_url("postgresql://localhost/ascms")
    'postgresql+asyncpg://localhost/ascms'

    Raises ValueError for any other kind of database.
    """
    given = str(database)
    if "://" not in given:
        return f"sqlite+aiosqlite:///{given}"
    try:
        url = make_url(given)
    except ArgumentError as error:
        raise ValueError(f"{_without_password(given)} is no database URL; give a path or {_EXAMPLE}") from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    driver = drivers.get(url.drivername.split("+")[0])
    if driver is None:
        raise ValueError(f"{url.drivername} is no database that ascms knows; give an SQLite path or {_EXAMPLE}")
    return url.set(drivername=driver).render_as_string(hide_password=False)


_EXAMPLE = "postgresql://user@host/name"


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def sync_url(database: str | Path) -> str:
    """The URL of `database` for synchronous use, without a driver's name: `sqlite:///…` or `postgresql://…`."""
    url = make_url(normalise_url(database))
    return url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)


def sqlite_path(database: str | Path) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL, or for a database in memory."""
    url = make_url(normalise_url(database))
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database))


def state_directory(database: str | Path) -> Path:
    """Where the demo keeps what belongs to `database` but must lie outside it: keys, log heads, files."""
    path = sqlite_path(database)
    if path is None:
        return Path("var") / f"{make_url(normalise_url(database)).database or 'memory'}.state"
    return path.with_name(f"{path.name}.state")


def create_engine(settings: Settings, **options: Any) -> AsyncEngine:
    """The engine for `settings.database_url`. The caller disposes of it."""
    return engine_for(settings.database_url, **options)


def engine_for(database: str | Path, **options: Any) -> AsyncEngine:
    """An engine for `database` (path or URL). `options` are SQLAlchemy's."""
    url = normalise_url(database)
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    # A failed statement is logged without its parameters: they may be names.
    engine = create_async_engine(url, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The engine for reads of several statements: all of them see the database as it was at the first."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


async def in_one_go(connection: aiosqlite.Connection, function: Callable[..., Result], *arguments: Any) -> Result:
    """What the function makes of the driver's own connection and the arguments, in one call to its thread.

    The driver has no public way to have several statements run without coming back in between.
    """
    execute: Any = connection._execute  # noqa: SLF001
    result: Result = await execute(function, connection._conn, *arguments)  # noqa: SLF001
    return result


async def take_turns(connection: AsyncConnection, name: str) -> None:
    """Wait until no other transaction holds `name`, and hold it until this one ends.

    On SQLite a writing transaction has no other beside it anyway.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"ascms:{name}"})


@asynccontextmanager
async def turn_if_free(engine: AsyncEngine, name: str) -> AsyncIterator[bool]:
    """Whether no other process holds `name`; if so, this one holds it until the end.

    On SQLite nobody else does: one process serves the database.
    """
    if engine.dialect.name != "postgresql":
        yield True
        return
    async with engine.begin() as connection:
        lock = text("SELECT pg_try_advisory_xact_lock(hashtext(:name))")
        yield bool(await connection.scalar(lock, {"name": f"ascms:{name}"}))


def insert_if_absent(dialect: Dialect, model: type[Base]) -> Any:
    """An INSERT that does nothing where a unique key is taken; both databases have it, each by its own name."""
    insert = sqlite.insert(model) if dialect.name == "sqlite" else postgresql.insert(model)
    return insert.on_conflict_do_nothing()


def may_pass_if_tried_again(error: DBAPIError) -> bool:
    """Whether a transaction failed only because of another one: a row that appeared meanwhile, a deadlock, a wait."""
    if isinstance(error, IntegrityError):
        return True
    code = getattr(error.orig, "sqlstate", None)
    return code in {"40001", "40P01", "55P03"} or "database is locked" in str(error.orig)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def migrations() -> Path:
    """The folder of the migrations: beside the package in a checkout, inside it where it is installed."""
    for folder in (Path(__file__).parents[1] / "migrations", Path(__file__).parent / "_migrations"):
        if (folder / "env.py").exists():
            return folder
    raise LookupError("the migrations are missing from this installation of ascms; install it anew")


def alembic_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, run on `connection` where one is given."""
    config = Config()
    config.set_main_option("script_location", str(migrations()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def revision_is_current(connection: Connection) -> bool:
    """Whether the database has every migration. For `AsyncConnection.run_sync`."""
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


def upgrade(database: str | Path) -> None:
    """Create `database`'s tables or bring them up to date. An SQLite file is made where there is none."""
    _run(database, lambda connection: command.upgrade(alembic_config(connection), "head"))


def is_current(database: str | Path) -> bool:
    """Whether `database` exists and has every migration."""
    path = sqlite_path(database)
    if path is not None and not path.exists():
        return False
    return _run(database, revision_is_current)


def is_populated(database: str | Path) -> bool:
    """Whether `database`, whose tables exist, knows any organisation yet."""
    return _run(database, lambda connection: connection.scalar(select(exists().select_from(Organisation)))) is True


def _run(database: str | Path, action: Callable[[Connection], Result]) -> Result:
    async def run() -> Result:
        engine = engine_for(database)
        try:
            async with engine.execution_options(writes=True).begin() as connection:
                return await connection.run_sync(action)
        finally:
            await engine.dispose()

    return asyncio.run(run())
