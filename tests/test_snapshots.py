"""Reads through the driver: short ones at once, long ones in a thread, each of the database as it was when it came."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Integer, bindparam, column, func, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for
from ascms.snapshots import Fetch, Pace, read, read_once
from ascms.statements import Prepared

DIALECT = sqlite.dialect()
COUNT = Prepared(select(func.count()).select_from(text("thing")), (), DIALECT)
GIVEN = Prepared(select(bindparam("number", type_=Integer())), (), DIALECT)
NOWHERE = Prepared(select(column("id")).select_from(text("nowhere")), (), DIALECT)


def _counting(upto: int) -> Prepared:
    """A statement that counts, and takes so long as it is high."""
    numbers = select(bindparam("first", 1).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < upto))
    return Prepared(select(func.count()).select_from(numbers), (), DIALECT)


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    engine = engine_for(tmp_path / "things.sqlite3")
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE thing (id INTEGER PRIMARY KEY)"))
    yield engine
    await engine.dispose()


async def test_a_read_sees_what_was_written_before_it_and_nothing_that_comes_while_it_reads(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    with sqlite3.connect(tmp_path / "things.sqlite3", isolation_level=None) as beside:

        async def twice(fetch: Fetch) -> list[Any]:
            before = await fetch(COUNT, {})
            beside.execute("INSERT INTO thing VALUES (NULL)")
            return [*before, *await fetch(COUNT, {})]

        assert await read(engine, twice) == [(0,), (0,)]
        assert await read_once(engine, COUNT, {}) == [(1,)]


async def test_a_long_read_lets_short_ones_go_first(engine: AsyncEngine) -> None:
    ended: list[str] = []

    async def long(fetch: Fetch) -> Any:
        return await fetch(_counting(3_000_000), {})

    async def reading() -> None:
        assert await read(engine, long, pace) == [(3_000_000,)]
        ended.append("long")

    pace = Pace()
    task = asyncio.create_task(reading())
    await asyncio.sleep(0)  # it has begun, was given up, and waits for its thread
    for number in range(5):
        assert await read_once(engine, GIVEN, {"number": number}) == [(number,)]
    ended.append("short")
    await task
    assert ended == ["short", "long"]
    assert not pace.is_short()


async def test_wherever_a_read_is_given_up_the_next_one_goes_on(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ascms.snapshots.AT_ONCE", -1)
    monkeypatch.setattr("ascms.snapshots.AT_MOST", -1)

    async def work(fetch: Fetch) -> Any:
        return await fetch(GIVEN, {"number": 7})

    # SQLite counts a statement's instructions from run to run: now and then it is BEGIN or ROLLBACK that is given up.
    for _ in range(3_000):
        assert await read(engine, work) == [(7,)]


async def test_many_long_reads_are_all_answered(engine: AsyncEngine) -> None:
    pace = Pace()
    sizes = range(200_000, 1_200_000, 50_000)

    def counting(size: int) -> Any:
        statement = _counting(size)

        async def work(fetch: Fetch) -> Any:
            return await fetch(statement, {})

        return read(engine, work, pace)

    assert await asyncio.gather(*map(counting, sizes)) == [[(size,)] for size in sizes]


def test_after_a_long_read_the_next_ones_are_not_tried_at_once_for_a_while() -> None:
    pace = Pace()
    assert pace.is_short()
    pace.was_long()
    tried = [pace.is_short() for _ in range(150)]
    assert not any(tried[:99])
    assert all(tried[100:])


async def test_what_goes_wrong_in_a_read_is_told_and_the_next_one_goes_on(engine: AsyncEngine) -> None:
    for _ in range(2):
        with pytest.raises((sqlite3.OperationalError, DBAPIError), match="no such table"):
            await read_once(engine, NOWHERE, {})
    assert await read_once(engine, COUNT, {}) == [(0,)]


async def test_a_read_cannot_write(engine: AsyncEngine) -> None:
    written = Prepared(select(column("id")).select_from(text("thing")), (), DIALECT)
    written.text = "INSERT INTO thing VALUES (1)"
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await read_once(engine, written, {})


async def test_a_read_awaits_nothing_else(engine: AsyncEngine) -> None:
    async def sleeping(fetch: Fetch) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited"):
        await read(engine, sleeping)
