"""Worlds that both executions answer from, each with the same rows in every kind of database."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, upgrade
from ascms.models import Base
from ascms.planning.identifiers import encode
from ascms.planning.service import Operations
from ascms.settings import Execution, OfficeSupportReading
from tests.planning.executions import Asked, Said, answered, operations_for
from tests.planning.focus import IDENTIFIED, Foci
from tests.planning.invented.rows import Row
from tests.planning.invented.world import invented, write
from tests.planning.people import People
from tests.planning.values import Pool
from tests.support.databases import Databases


class World:
    """One world: its rows, and its databases by kind."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], urls: Mapping[str, str], runner: asyncio.Runner) -> None:
        self.runner = runner
        # Many worlds are open at once: one connection each, and few of the plain execution's statements kept.
        self.engines: dict[str, AsyncEngine] = {
            kind: engine_for(url, pool_size=1, max_overflow=1, query_cache_size=50) for kind, url in urls.items()
        }
        self.foci = Foci(rows, pool_of(rows))
        self.people = People(rows)
        self._planned: dict[tuple[str, OfficeSupportReading], Operations] = {}

    def planned(self, asked: Asked, kind: str, reading: OfficeSupportReading) -> Said:
        """The planned execution's answer. Plans are kept from one operation to the next, until they are forgotten."""
        if (kind, reading) not in self._planned:
            self._planned[kind, reading] = operations_for(self.engines[kind], Execution.PLANNED, reading)
        return self.runner.run(answered(self._planned[kind, reading], asked))

    def plain(self, asked: Asked, kind: str, reading: OfficeSupportReading) -> Said:
        """The plain execution's answer. It remembers nothing: each time it knows only what it is asked."""
        operations = operations_for(self.engines[kind], Execution.PLAIN, reading)
        try:
            return self.runner.run(answered(operations, asked))
        finally:
            operations.close()

    def forget(self) -> None:
        """Drop the plans: those of many documents need much memory."""
        for operations in self._planned.values():
            operations.close()
        self._planned.clear()

    def close(self) -> None:
        self.forget()
        for engine in self.engines.values():
            self.runner.run(engine.dispose())


class Worlds:
    """The demo world (number 0) and random ones, made when they are first asked for and kept."""

    def __init__(self, databases: Mapping[str, Databases], runner: asyncio.Runner) -> None:
        self.databases = databases
        self.runner = runner
        self._worlds: dict[int, World] = {}

    def __getitem__(self, number: int) -> World:
        if number not in self._worlds:
            self._worlds[number] = self._demo() if number == 0 else self._random(number)
        return self._worlds[number]

    def _demo(self) -> World:
        urls = self._urls("small", build_small)
        rows = self.runner.run(rows_in(next(iter(urls.values()))))
        return World(rows, urls, self.runner)

    def _random(self, number: int) -> World:
        rows = invented(number)
        urls = self._urls("migrated", upgrade)
        for url in urls.values():
            self.runner.run(write(url, rows))
        return World(rows, urls, self.runner)

    def _urls(self, template: str, fill: Callable[[str], None]) -> dict[str, str]:
        return {kind: databases.copy(template, fill) for kind, databases in self.databases.items()}

    def close(self) -> None:
        for world in self._worlds.values():
            world.close()


def build_small(url: str) -> None:
    """Fill `url` with a small demo world."""
    from ascms.demo.world import build

    upgrade(url)
    build(url, schools=6, students=90, cases=60)


async def rows_in(url: str) -> Mapping[str, Sequence[Row]]:
    """All rows of a database, by table."""
    engine = engine_for(url)
    try:
        async with engine.connect() as connection:
            tables = Base.metadata.sorted_tables
            found = {table.name: (await connection.execute(select(table))).mappings().all() for table in tables}
    finally:
        await engine.dispose()
    return {name: [dict(row) for row in rows] for name, rows in found.items()}


def pool_of(rows: Mapping[str, Sequence[Row]]) -> Pool:
    """Values that occur in the rows."""

    def values(table: str, *columns: str) -> Iterable[Any]:
        return (row[column] for row in rows.get(table, ()) for column in columns if row.get(column) is not None)

    texts = [
        *values("student", "full_name", "known_as"), *values("organisation", "name", "number"),
        *values("student_ethnicity", "code"), *values("student_iwi", "code"), *values("case_barrier", "code"),
        *values("case_record", "number", "outcome_code"), *values("request", "reference", "applied_for_full_name"),
    ]  # fmt: skip
    numbers = [*values("case_record", "number"), *values("request", "number", "reference"), "00000000"]
    keys = {name: sorted(values(table, "id"))[:60] or [1] for name, table in IDENTIFIED.items()}
    return Pool(
        texts=[text[:200] for text in dict.fromkeys(texts)] or ["a"],
        numbers=numbers,
        organisations=list(values("organisation", "number")),
        identifiers={name: [encode(name, key) for key in [*found, 10**6]] for name, found in keys.items()},
    )
