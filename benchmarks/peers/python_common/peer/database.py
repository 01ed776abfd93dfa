"""The engines: aiosqlite or asyncpg. Reads run in autocommit, so that a session costs no BEGIN and no ROLLBACK."""

from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

Sessions = async_sessionmaker[AsyncSession]


def sessions_for_reads(database: str) -> Sessions:
    """Sessions that read the SQLite file or the PostgreSQL database, each statement by itself."""
    engine = _engine(
        database, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, pool_reset_on_return=None, pool_size=10
    )
    return async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


def sessions_for_writes(database: str) -> Sessions:
    """Sessions with transactions."""
    return async_sessionmaker(_engine(database), expire_on_commit=False)


def _engine(database: str, **options: Any) -> AsyncEngine:
    if "://" in database:
        return create_async_engine(make_url(database).set(drivername="postgresql+asyncpg"), **options)
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}", **options)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 10000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
