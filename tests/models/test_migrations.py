"""The migrations give what the models say, on SQLite and PostgreSQL alike."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, is_current, upgrade
from ascms.models import Base
from tests.support.databases import Databases

CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, collation_name, character_maximum_length, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
"""
CATALOGUE = {
    "sqlite": ["SELECT type, name, tbl_name, sql FROM sqlite_master"],
    "postgresql": [CONSTRAINTS, INDEXES, COLUMNS],
}


def catalogue(connection: Connection) -> set[tuple[str, ...]]:
    """All that the database knows of its tables: columns, keys, checks and indexes, as it words them itself.

    SQLite keeps a table as the text that made it: one entry for each of its lines, whose order does not matter.
    """
    known = set()
    for query in CATALOGUE[connection.dialect.name]:
        for *names, definition in connection.exec_driver_sql(query):
            lines = (line.strip(" \t,") for line in str(definition).replace('"', "").splitlines())
            known |= {(*map(str, names), line) for line in lines if "alembic_version" not in names}
    return known


def create_all(url: str) -> None:
    async def run() -> None:
        engine = engine_for(url)
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await engine.dispose()

    asyncio.run(run())


async def test_alembic_matches_the_models(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), Base.metadata)
        )
    assert differences == []


@pytest.fixture
def created_url(request: pytest.FixtureRequest, database_url: str, databases_of: Callable[[str], Databases]) -> str:
    return databases_of(database_url.partition("+")[0]).copy("created", create_all)


async def test_every_column_key_check_and_index_matches_the_models(engine: AsyncEngine, created_url: str) -> None:
    created = engine_for(created_url)
    async with engine.connect() as migrated_connection, created.connect() as created_connection:
        migrated = await migrated_connection.run_sync(catalogue)
        expected = await created_connection.run_sync(catalogue)
    await created.dispose()
    assert migrated == expected


async def test_uniqueness_among_some_rows_only_is_in_the_database(engine: AsyncEngine) -> None:
    async with engine.connect() as connection:
        known = await connection.run_sync(catalogue)
    partial = {row[1] for row in known if "UNIQUE INDEX" in row[-1] and " WHERE " in row[-1]}
    assert partial == {
        "uq_access_block_live",
        "uq_attendance_summary_current",
        "uq_case_record_active",
        "uq_enrolment_open",
        "uq_role_assignment_live",
        "uq_unprotect_request_waiting",
    }


def test_upgrading_twice_changes_nothing(database_url: str) -> None:
    assert is_current(database_url)
    upgrade(database_url)
    assert is_current(database_url)


def test_a_database_that_does_not_exist_is_not_current_and_is_not_made(tmp_path: Path) -> None:
    assert not is_current(tmp_path / "none.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_an_upgrade_makes_the_file_and_its_folder(tmp_path: Path) -> None:
    upgrade(tmp_path / "var" / "new.sqlite3")
    assert is_current(tmp_path / "var" / "new.sqlite3")
