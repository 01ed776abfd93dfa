"""Questions put to the demo world in SQL, on each kind of database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from ascms.database import engine_for

Ask = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
async def ask(world_url: str) -> AsyncIterator[Ask]:
    """The rows that answer a query; of one column its values."""
    engine = engine_for(world_url)

    async def answer(sql: str, **values: object) -> list[Any]:
        async with engine.connect() as connection:
            rows = (await connection.execute(text(sql), values)).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    yield answer
    await engine.dispose()
