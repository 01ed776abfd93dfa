"""Small random worlds: every table that can be read, with what is rare in life made frequent."""

from collections.abc import Mapping, Sequence

from sqlalchemy import insert

from ascms.database import engine_for, writing
from ascms.models import Base
from tests.planning.invented.cases import cases, requests
from tests.planning.invented.chance import Chance
from tests.planning.invented.papers import papers
from tests.planning.invented.rows import Row, Rows
from tests.planning.invented.sector import sector
from tests.planning.invented.students import students


def invented(seed: int | str) -> Mapping[str, Sequence[Row]]:
    """The rows of a world, by table. The same seed has the same."""
    world = Rows(Chance(f"world {seed}"))
    sector(world)
    students(world)
    cases(world)
    requests(world)
    papers(world)
    return world.rows


async def write(url: str, rows: Mapping[str, Sequence[Row]]) -> None:
    """Put a world into a migrated database that has no rows."""
    engine = engine_for(url)
    try:
        async with writing(engine).begin() as connection:
            for table in Base.metadata.sorted_tables:
                for batch in _alike(rows.get(table.name, ())):
                    await connection.execute(insert(table), batch)
    finally:
        await engine.dispose()


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows in order, cut where other columns are given."""
    batches: list[list[Row]] = []
    for row in rows:
        if not batches or batches[-1][0].keys() != row.keys():
            batches.append([])
        batches[-1].append(row)
    return batches
