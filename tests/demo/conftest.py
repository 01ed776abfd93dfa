"""Questions put to the demo world in SQL, on each kind of database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from ascms.database import engine_for, upgrade
from ascms.demo.world import build
from tests.conftest import build_world
from tests.support.databases import Databases

Ask = Callable[..., Awaitable[list[Any]]]


def build_another_world(url: str) -> None:
    upgrade(url)
    build(url, seed=7)


WORLDS = {
    "sqlite": ("sqlite", "world", build_world),
    "postgresql": ("postgresql", "world", build_world),
    "another-seed": ("sqlite", "another-world", build_another_world),
}


@pytest.fixture(scope="session", params=WORLDS)
def kept_world(request: pytest.FixtureRequest, databases_of: Callable[[str], Databases]) -> str:
    """The demo world on each kind of database, and one of another seed; shared by all tests that only read it."""
    kind, template, fill = WORLDS[request.param]
    return databases_of(kind).copy(template, fill)


@pytest.fixture
async def ask(kept_world: str) -> AsyncIterator[Ask]:
    """The rows that answer a query; of one column its values."""
    engine = engine_for(kept_world)

    async def answer(sql: str, **values: object) -> list[Any]:
        async with engine.connect() as connection:
            rows = (await connection.execute(text(sql), values)).all()
        return [row[0] if len(row) == 1 else tuple(row) for row in rows]

    yield answer
    await engine.dispose()
