"""How the demo world is built: repeatably, all or nothing, into an empty database."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.dialects import sqlite

from ascms.database import engine_for, is_populated, upgrade
from ascms.demo import clock, world
from ascms.demo.invented import shares
from ascms.demo.places import school_name
from ascms.demo.sinks import sqlite_instant
from ascms.models import Base, Organisation, UtcDateTime, fold
from tests.support.databases import Databases

SCHOOLS = 9


async def digest(url: str) -> str:
    """A digest of every row as Python sees it, the same for the same rows in whatever database."""
    engine, summary = engine_for(url), hashlib.sha256()
    async with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in await connection.execute(select(table).order_by(*table.primary_key.columns)):
                summary.update(repr(tuple(row)).encode())
    await engine.dispose()
    return summary.hexdigest()


@pytest.fixture
def built(databases_of: Callable[[str], Databases]) -> Callable[..., str]:
    """Makes a world of the size and seed asked for on a kind of database."""

    def build(kind: str, **options: Any) -> str:
        url = databases_of(kind).copy("migrated", upgrade)
        world.build(url, schools=SCHOOLS, **options)
        return url

    return build


@pytest.fixture
def two(built: Callable[..., str], request: pytest.FixtureRequest) -> tuple[str, str]:
    first, second = request.param
    return built(**first), built(**second)


SQLITE, POSTGRES = {"kind": "sqlite"}, {"kind": "postgresql"}


@pytest.mark.parametrize("two", [(SQLITE, SQLITE), (SQLITE, POSTGRES)], indirect=True)
async def test_the_same_seed_gives_the_same_rows(two: tuple[str, str]) -> None:
    assert await digest(two[0]) == await digest(two[1])


@pytest.mark.parametrize("two", [(SQLITE, {"kind": "sqlite", "seed": 7})], indirect=True)
async def test_another_seed_gives_other_rows(two: tuple[str, str]) -> None:
    assert await digest(two[0]) != await digest(two[1])


@pytest.fixture
def elsewhere(tmp_path: Path) -> str:
    """The same world, built by another process whose sets and dictionaries hash otherwise."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'elsewhere.sqlite3'}"
    upgrade(url)
    code = f"from ascms.demo.world import build; build({url!r}, schools={SCHOOLS})"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONHASHSEED": "12345", "TZ": "America/Lima"})
    return url


@pytest.fixture
def here(built: Callable[..., str]) -> str:
    return built("sqlite")


async def test_another_process_and_time_zone_give_the_same_rows(elsewhere: str, here: str) -> None:
    assert await digest(elsewhere) == await digest(here)


def test_counts_are_those_of_the_database_and_progress_reaches_the_end(database_url: str) -> None:
    seen: list[tuple[str, int, int]] = []
    assert not is_populated(database_url)
    counts = world.build(database_url, schools=SCHOOLS, progress=lambda *step: seen.append(step))
    assert is_populated(database_url)
    assert (counts["case_record"], counts["student"]) == (60, 225)
    assert seen == [("schools", done, SCHOOLS - 2) for done in range(1, SCHOOLS - 1)]


def test_a_full_database_is_left_alone(database_url: str) -> None:
    world.build(database_url, schools=SCHOOLS)
    with pytest.raises(ValueError, match="already holds"):
        world.build(database_url, schools=SCHOOLS)


def test_a_build_that_stops_half_way_leaves_nothing(database_url: str) -> None:
    def stop(_what: str, done: int, _of: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.build(database_url, schools=SCHOOLS, progress=stop)
    assert not is_populated(database_url)


@pytest.mark.parametrize("options", [{"schools": 2}, {"schools": 6, "students": 100, "cases": 101}])
def test_a_size_that_cannot_be_is_refused(database_url: str, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(asked for|got) \d+"):
        world.build(database_url, **options)


async def test_new_rows_get_identifiers_of_their_own(world_url: str) -> None:
    engine = engine_for(world_url)
    async with engine.begin() as connection:
        last = await connection.scalar(select(func.max(Organisation.id)))
        values = {"number": "99999", "name": "Kura Hou", "name_folded": "kura hou", "kind": "SCHOOL"}
        result = await connection.execute(insert(Organisation).values(values))
    await engine.dispose()
    assert result.inserted_primary_key is not None
    assert result.inserted_primary_key[0] == (last or 0) + 1


def test_instants_are_written_as_the_model_would_write_them() -> None:
    process = UtcDateTime().dialect_impl(sqlite.dialect()).bind_processor(sqlite.dialect())
    assert process is not None
    assert sqlite_instant(clock.NOW) == process(clock.NOW)


def test_the_nation_has_names_for_all_its_schools() -> None:
    names = {fold(school_name(index)[0]) for index in range(2_536)}
    assert len(names) == 2_536


def test_shares_add_up() -> None:
    assert shares(10, [1, 1, 1]) == [3, 3, 4]
    assert sum(shares(97, [5, 1, 1, 9])) == 97
