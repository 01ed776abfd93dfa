"""Engines and URLs: what a path or a URL means, and what transactions promise on both databases."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms import models
from ascms.database import engine_for, normalise_url, state_directory, sync_url, writing


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("var/demo.sqlite3", "sqlite+aiosqlite:///var/demo.sqlite3"),
        ("/srv/ascms.sqlite3", "sqlite+aiosqlite:////srv/ascms.sqlite3"),
        (Path("var") / "demo.sqlite3", "sqlite+aiosqlite:///var/demo.sqlite3"),
        ("sqlite:///var/demo.sqlite3", "sqlite+aiosqlite:///var/demo.sqlite3"),
        ("postgres://ascms:kupu@host/ascms", "postgresql+asyncpg://ascms:kupu@host/ascms"),
        ("postgresql+psycopg://host/ascms?ssl=require", "postgresql+asyncpg://host/ascms?ssl=require"),
    ],
)
def test_a_path_or_a_url_names_a_database(given: str | Path, url: str) -> None:
    assert normalise_url(given) == url
    assert normalise_url(url) == url


@pytest.mark.parametrize(
    "given", ["mysql://user:kupuhuna@host/ascms", "://user:kupuhuna@host", "post gres://kupuhuna@h"]
)
def test_another_database_is_refused_with_what_would_do_and_without_the_password(given: str) -> None:
    with pytest.raises(ValueError, match="postgresql://user@host/name") as refusal:
        normalise_url(given)
    assert "kupuhuna" not in str(refusal.value)


def test_a_synchronous_url_has_no_driver() -> None:
    assert sync_url("var/demo.sqlite3") == "sqlite:///var/demo.sqlite3"
    assert sync_url("postgresql+asyncpg://host/ascms") == "postgresql://host/ascms"


def test_what_belongs_to_a_database_is_kept_beside_it() -> None:
    assert state_directory("/srv/demo.sqlite3") == Path("/srv/demo.sqlite3.state")
    assert state_directory("postgresql://host/ascms") == Path("var/ascms.state")


async def test_sqlite_keeps_foreign_keys_and_what_it_has_said_is_stored(tmp_path: Path) -> None:
    engine = engine_for(tmp_path / "new" / "database.sqlite3")
    async with engine.connect() as connection:
        pragmas = {}
        for name in ("foreign_keys", "journal_mode", "synchronous"):
            pragmas[name] = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
    await engine.dispose()
    full = 2
    assert pragmas == {"foreign_keys": 1, "journal_mode": "wal", "synchronous": full}


async def test_a_snapshot_does_not_change_while_others_write(engine: AsyncEngine) -> None:
    count = select(models.Iwi.code)
    reading = engine.execution_options(isolation_level="REPEATABLE READ") if _is_postgres(engine) else engine
    async with reading.connect() as reader, engine.connect() as writer:
        before = (await reader.execute(count)).all()
        await writer.execute(insert(models.Iwi).values(code="0601", name="Ngāti Porou"))
        await writer.commit()
        assert (await reader.execute(count)).all() == before
        await reader.rollback()
        assert len((await reader.execute(count)).all()) == len(before) + 1


async def test_two_writers_that_read_first_wait_for_each_other(database_url: str) -> None:
    """On SQLite, of two plain transactions that read and then write one would fail at once, half-way."""
    engine = engine_for(database_url)

    async def add(code: str) -> None:
        async with writing(engine).begin() as connection:
            await connection.execute(select(models.Iwi.code))
            await asyncio.sleep(0)
            await connection.execute(insert(models.Iwi).values(code=code, name=code))

    await asyncio.gather(*(add(f"{number:04}") for number in range(8)))
    async with engine.connect() as connection:
        assert len((await connection.execute(select(models.Iwi.code))).all()) == 8
    await engine.dispose()


def _is_postgres(engine: AsyncEngine) -> bool:
    return engine.dialect.name == "postgresql"
