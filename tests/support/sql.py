"""The database of a running server, read and written beside it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import text

from ascms.database import engine_for, take_turns, writing

T = TypeVar("T")


def rows(database: str, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """What a statement finds."""

    async def read() -> list[tuple[Any, ...]]:
        engine = engine_for(database)
        try:
            async with engine.connect() as connection:
                return [tuple(row) for row in await connection.execute(text(statement), values)]
        finally:
            await engine.dispose()

    return apart(read)


def execute(database: str, *statements: str) -> None:
    """Statements in one transaction, as somebody with the database at hand would make them."""

    async def write() -> None:
        engine = engine_for(database)
        try:
            async with writing(engine).begin() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
            await engine.dispose()

    apart(write)


def apart(action: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What comes of it in a thread of its own, since a test may be running in an event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(action())).result()


@asynccontextmanager
async def changes_wait(database: str) -> AsyncIterator[None]:
    """Every change of the database waits until this is left. Sign in before: the first one of a token is a change."""
    engine = engine_for(database)
    try:
        async with writing(engine).begin() as connection:
            await take_turns(connection, "change_log")
            yield
    finally:
        await engine.dispose()
