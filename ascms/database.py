"""The database: engines, and migrations brought up to date from code.

One of the few places that may ask which database it is. On SQLite an engine's transactions start with `BEGIN`,
so that all statements of one read see one state; those of `writing(engine)` start with `BEGIN IMMEDIATE`, so that
two writers wait for each other instead of failing half-way. `upgrade` and `is_current` are for the command line and
the tests: they start an event loop of their own.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Dialect, Engine, ExceptionContext, Select, event, make_url, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from ascms.models import Base, Organisation
from ascms.settings import Settings
from ascms.sqlite_driver import BEGIN_TO_WRITE, DRIVER

MOST_CONNECTIONS = 10
"""Connections to PostgreSQL of an engine's pool; beside it, as many read (`snapshots`)."""
BUSY_TIMEOUT = 10_000
"""How long a writer waits for another on SQLite, in milliseconds."""

PATIENCE = 10
"""How long a connection to PostgreSQL may take to be made, and a migration waits for a table, in seconds."""

POSTGRESQL: dict[str, Any] = {
    "timeout": PATIENCE,
    # Each statement is planned once for a connection. Else most would be at every run, as a school that is smaller than
    # the average makes PostgreSQL hope for more of it; ours are worded so that one plan is right for all.
    # What is read is small; to compile it would take longer than to read it.
    "server_settings": {"plan_cache_mode": "force_generic_plan", "jit": "off"},
    "statement_cache_size": 500,
    "max_cached_statement_lifetime": 0,
    "max_cacheable_statement_size": 0,
}
"""What the driver is told of a connection to PostgreSQL: statements are kept, however long they and we live."""
SAMPLED = 1_000
"""How many rows of an index are looked at to see how they are spread."""

Result = TypeVar("Result")
Transaction = AsyncConnection | AsyncSession
"""One that is open."""


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
        raise ValueError(f"{without_password(given)} is no database URL; give a path or {_EXAMPLE}") from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    driver = drivers.get(url.drivername.split("+")[0])
    if driver is None:
        raise ValueError(f"{url.drivername} is no database that ascms knows; give an SQLite path or {_EXAMPLE}")
    return url.set(drivername=driver).render_as_string(hide_password=False)


_EXAMPLE = "postgresql://user@host/name"


def without_password(database: str) -> str:
    """A database as it was given, without who signs in to it: it may be no URL that could be read."""
    scheme, separator, rest = database.partition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


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
    if "pool_size" not in options and make_url(normalise_url(settings.database_url)).get_backend_name() != "sqlite":
        options["pool_size"] = settings.database_connections // 2
    return engine_for(settings.database_url, **options)


def engine_for(database: str | Path, **options: Any) -> AsyncEngine:
    """An engine for `database` (path or URL). `options` are SQLAlchemy's."""
    url = normalise_url(database)
    path = sqlite_path(url)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    if make_url(url).get_backend_name() == "postgresql":
        options.setdefault("connect_args", POSTGRESQL)
        if "poolclass" not in options:
            # One that is closed after each use would have the database plan every statement anew.
            options = {"pool_size": MOST_CONNECTIONS, "max_overflow": 0, **options}
    else:
        options.setdefault("module", DRIVER)
    # A failed statement is logged without its parameters: they may be names.
    engine = create_async_engine(url, hide_parameters=True, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        event.listen(engine.sync_engine, "handle_error", _drop_unusable)
    else:
        event.listen(engine.sync_engine, "checkout", _replace_closed)
    _keep_what_is_new(engine.sync_engine)
    return engine


def one_connection(database: str | Path) -> AsyncEngine:
    """An engine for `database` that has one connection, for whatever is asked of it."""
    return engine_for(database, pool_size=1, max_overflow=0, execution_options={"alone": True})


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The engine for reads of several statements: all of them see the database as it was at the first."""
    if engine.dialect.name == "postgresql":
        return engine.execution_options(isolation_level="REPEATABLE READ")
    return engine


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The engine for transactions that write.

    On SQLite, where one at a time can, it has one connection, which they get in the order in which they came: no thread
    sleeps until another has done, and no file is opened for one that waits.
    """
    if engine.dialect.name == "postgresql":
        return engine
    if engine.get_execution_options().get("alone"):
        return engine.execution_options(writes=True)
    writer = _WRITERS.get(engine.sync_engine)
    if writer is None:
        options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": BUSY_TIMEOUT / 1_000}
        url = engine.url.render_as_string(hide_password=False)
        writer = _WRITERS[engine.sync_engine] = engine_for(url, execution_options={"writes": True}, **options)
        # Where SQLAlchemy disposes of an asynchronous engine, it may wait: so may what is called there.
        event.listen(engine.sync_engine, "engine_disposed", lambda _: writer.sync_engine.dispose())
    return writer


_WRITERS: WeakKeyDictionary[Engine, AsyncEngine] = WeakKeyDictionary()


async def driver_of(connection: AsyncConnection) -> Any:
    """The driver's own connection in one of SQLAlchemy's."""
    return (await connection.get_raw_connection()).driver_connection


async def take_turns(transaction: Transaction, name: str) -> None:
    """Wait until no other transaction holds `name`, and hold it until this one ends.

    On SQLite a writing transaction has no other beside it anyway.
    """
    bound = transaction.get_bind() if isinstance(transaction, AsyncSession) else transaction
    if bound.dialect.name == "postgresql":
        await transaction.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"ascms:{name}"})


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


async def refresh_statistics(engine: AsyncEngine) -> None:
    """Have SQLite see by samples how rows are spread, which its planner goes by. PostgreSQL does so by itself."""
    if engine.dialect.name == "sqlite":
        async with writing(engine).begin() as connection:
            await connection.exec_driver_sql(f"PRAGMA analysis_limit = {SAMPLED}")
            await connection.exec_driver_sql("ANALYZE")


def insert_if_absent(dialect: Dialect, model: type[Base]) -> Any:
    """An INSERT that does nothing where a unique key is taken; both databases have it, each by its own name."""
    insert = sqlite.insert(model) if dialect.name == "sqlite" else postgresql.insert(model)
    return insert.on_conflict_do_nothing()


def may_pass_if_tried_again(error: DBAPIError) -> bool:
    """Whether a transaction failed only because of another one: a row that appeared meanwhile, a deadlock, a wait.

    On SQLite it has waited for the other long enough already.
    """
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in {"40001", "40P01", "55P03"}


def _replace_closed(connection: Any, _record: object, _proxy: object) -> None:
    """Have the pool connect anew, where PostgreSQL has closed a connection while nobody used it."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _keep_what_is_new(engine: Engine) -> None:
    """Have the pool keep a new connection whatever the clock says. Had that been ahead when connections were lost, the
    pool would take each one made since for one of those, and connect anew for every use.
    """

    @event.listens_for(engine, "connect")
    def is_new(_connection: object, record: Any) -> None:
        record.starttime = max(record.starttime, engine.pool._invalidate_time)  # noqa: SLF001 (there is no other way)


def _drop_unusable(context: ExceptionContext) -> None:
    """Have the pool open an SQLite file anew, once it could not be read or written: what was opened may stay so."""
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & 0xFF
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}:
        context.is_disconnect = True


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
        connection.exec_driver_sql(BEGIN_TO_WRITE if options.get("writes") else "BEGIN")


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


class Migrations(StrEnum):
    """How the database stands to the migrations that are known here."""

    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"
    """It has one that a later version brought. What migrations add does not disturb the version before."""


def migrations_of(connection: Connection) -> Migrations:
    """How the database stands to the migrations. For `AsyncConnection.run_sync`."""
    heads, known = _revisions()
    applied = set(MigrationContext.configure(connection).get_current_heads())
    if applied == heads:
        return Migrations.CURRENT
    return Migrations.AHEAD if applied - known else Migrations.BEHIND


@cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """The last migrations, and all."""
    scripts = ScriptDirectory.from_config(alembic_config())
    return frozenset(scripts.get_heads()), frozenset(script.revision for script in scripts.walk_revisions())


def upgrade(database: str | Path) -> None:
    """Create `database`'s tables or bring them up to date; one that a later version has upgraded is left as it is.

    An SQLite file is made where there is none. Several may do so at once. On PostgreSQL a table that others hold is
    waited for a while only: they are not to wait behind the migration. Raises TimeoutError then; nothing is changed.
    """
    try:
        _run(database, _upgrade)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "55P03":
            raise
        raise TimeoutError(
            f"the migration waited {PATIENCE} seconds for a table that others use, and changed nothing; "
            "run it again when there is less to do"
        ) from error


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ascms:upgrade'))"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
    if migrations_of(connection) is Migrations.BEHIND:
        command.upgrade(alembic_config(connection), "head")


def is_current(database: str | Path) -> bool:
    """Whether `database` exists and has every migration that this version knows."""
    path = sqlite_path(database)
    if path is not None and not path.exists():
        return False
    return _run(database, migrations_of) is not Migrations.BEHIND


def is_populated(database: str | Path) -> bool:
    """Whether `database`, whose tables exist, knows any organisation yet."""
    return finds(database, select(Organisation.id))


def finds(database: str | Path, statement: Select[Any]) -> bool:
    """Whether a statement finds any row in `database`, whose tables exist."""
    return _run(database, lambda connection: connection.scalar(select(statement.exists()))) is True


def _run(database: str | Path, action: Callable[[Connection], Result]) -> Result:
    async def run() -> Result:
        engine = engine_for(database)
        try:
            async with writing(engine).begin() as connection:
                return await connection.run_sync(action)
        finally:
            await engine.dispose()

    return asyncio.run(run())
