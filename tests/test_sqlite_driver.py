"""What SQLAlchemy gets of SQLite in one visit to its thread is what it gets in four; and writers take turns."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ascms.database import driver_of, engine_for, normalise_url, writing

WORD = Table("word", MetaData(), Column("id", Integer, primary_key=True), Column("text", String, unique=True))
COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT i FROM n"

STATEMENTS: dict[str, tuple[Any, Any]] = {
    "rows": (select(WORD).order_by(WORD.c.id), None),
    "no rows": (select(WORD).where(WORD.c.id < 0), None),
    "one is added": (insert(WORD), {"text": "kupu"}),
    "several are added": (insert(WORD), [{"text": "rā"}, {"text": "pō"}]),
    "several are added and told": (insert(WORD).returning(WORD.c.id, WORD.c.text), [{"text": "a"}, {"text": "b"}]),
    "some are changed": (update(WORD).where(WORD.c.id <= 2).values(text=WORD.c.text + "!"), None),
    "none is changed": (update(WORD).where(WORD.c.id < 0).values(text="?"), None),
    "by a text": (text("SELECT id AS number FROM word WHERE text LIKE :like"), {"like": "%i%"}),
    "a pragma": (text("PRAGMA user_version = 3"), None),
    "a key that is taken": (insert(WORD), {"id": 1, "text": "tahi again"}),
    "several, one of them taken": (insert(WORD), [{"text": "whā"}, {"text": "tahi"}]),
    "no statement": (text("SELECT FROM"), None),
    "no table": (text("SELECT * FROM nothing"), None),
}


@pytest.fixture
async def engine(tmp_path: Path) -> Any:
    engine = engine_for(tmp_path / "words.sqlite3")
    yield engine
    await engine.dispose()


async def prepare(connection: AsyncConnection) -> None:
    await connection.run_sync(WORD.metadata.create_all)
    await connection.execute(insert(WORD), [{"text": "tahi"}, {"text": "rua"}, {"text": "toru"}])


async def told(engine: AsyncEngine, statement: Any, given: Any) -> Any:
    """All that SQLAlchemy tells of a statement's result. Nothing of it stays."""
    async with engine.connect() as connection:
        await prepare(connection)
        try:
            result = await connection.execute(statement, given)
        except DBAPIError as error:
            return type(error), type(error.orig), str(error.orig)
        added = result.inserted_primary_key if result.is_insert and not isinstance(given, list) else None
        rows = result.all() if result.returns_rows else None
        return result.rowcount, added, list(result.keys()) if rows is not None else None, rows


@pytest.mark.parametrize("name", STATEMENTS)
async def test_a_statement_tells_what_it_tells_by_sqlalchemys_own_way(
    name: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    own = create_async_engine(normalise_url(tmp_path / "own.sqlite3"))
    expected = await told(own, *STATEMENTS[name])
    await own.dispose()
    assert await told(engine, *STATEMENTS[name]) == expected
    # At first each goes to the thread. The second time it is known to be short, where it is.
    for _ in range(2):
        assert await told(writing(engine), *STATEMENTS[name]) == expected


async def test_a_select_that_takes_long_for_once_holds_up_nobody(engine: AsyncEngine) -> None:
    """It took little until now, so it is begun where it is asked for; then it goes to the thread."""
    counting = text(f"SELECT count(*) FROM ({COUNT})")
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with writing(engine).begin() as connection:
        await prepare(connection)
        for _ in range(2):
            assert await connection.scalar(counting, {"most": 3}) == 3
        others = asyncio.create_task(count_turns())
        await asyncio.sleep(0)
        before = turns
        assert await connection.scalar(counting, {"most": 3}) == 3
        assert turns == before, "it was not run where it was asked for"
        assert await connection.scalar(counting, {"most": 1_000_000}) == 1_000_000
        assert turns > before + 1
        others.cancel()
        await connection.execute(insert(WORD), {"text": "whā"})
    async with engine.connect() as connection:
        assert len((await connection.execute(select(WORD))).all()) == 4


async def test_a_statement_that_is_broken_off_leaves_nobody_waiting(engine: AsyncEngine) -> None:
    """Nor does what was done before it stay."""
    async with writing(engine).begin() as connection:
        await prepare(connection)

    async def begin_and_hang() -> None:
        async with writing(engine).begin() as connection:
            await connection.execute(insert(WORD), {"text": "half"})
            begun.set()
            await connection.execute(text(COUNT), {"most": 1_000_000})

    begun = asyncio.Event()
    task = asyncio.create_task(begin_and_hang())
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with writing(engine).begin() as connection:
        assert [row.text for row in await connection.execute(select(WORD).order_by(WORD.c.id))] == [
            "tahi", "rua", "toru"
        ]  # fmt: skip


async def test_writers_take_turns_in_the_order_in_which_they_came(engine: AsyncEngine) -> None:
    async with writing(engine).begin() as connection:
        await prepare(connection)
    order: list[int] = []

    async def write(number: int) -> None:
        async with writing(engine).begin() as connection:
            order.append(number)
            await connection.execute(insert(WORD), {"text": str(number)})
            await asyncio.sleep(0)

    writers = [asyncio.create_task(write(number)) for number in range(40)]
    # One that is waiting goes away, and takes nobody's turn with it.
    await asyncio.sleep(0)
    writers[20].cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    assert order == [number for number in range(40) if number != 20]


async def test_a_writer_waits_for_no_reader_and_no_reader_for_a_writer(engine: AsyncEngine) -> None:
    async with writing(engine).begin() as connection:
        await prepare(connection)
    async with engine.connect() as reader:
        before = (await reader.execute(select(WORD))).all()
        async with writing(engine).begin() as connection:
            await connection.execute(insert(WORD), {"text": "whā"})
            assert (await reader.execute(select(WORD))).all() == before
        assert (await reader.execute(select(WORD))).all() == before
    async with engine.connect() as reader:
        assert len((await reader.execute(select(WORD))).all()) == len(before) + 1


async def test_an_engine_that_is_disposed_of_has_no_writer_left(engine: AsyncEngine) -> None:
    async with writing(engine).begin() as connection:
        await prepare(connection)
        driver: Any = await driver_of(connection)
    await engine.dispose()
    with pytest.raises(ValueError, match="no active connection"):
        await driver.execute("SELECT 1")
