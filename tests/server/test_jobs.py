"""Periodic work: by one process at a time, whatever fails; and what is forgotten when."""

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for, turn_if_free, writing
from ascms.models import Code, IdempotencyKey, OutboxMessage, User
from ascms.server.jobs import Job, Jobs, housekeeping
from tests.conftest import build_world
from tests.support.databases import Databases
from tests.support.server import DemoServer
from tests.support.sql import execute, rows

NOW = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


class Counting:
    """A job that counts how often it was run."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.times: list[datetime] = []
        self.fails = fails

    async def __call__(self, now: datetime) -> None:
        self.times.append(now)
        if self.fails is not None:
            raise self.fails


async def test_a_job_that_fails_is_logged_without_data_and_the_next_one_runs(
    engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Counting(ValueError("Test Student Name is the matter")), Counting()
    assert await Jobs(engine, 60, [Job("the bad one", bad), Job("the good one", good)]).round(NOW)
    assert bad.times == good.times == [NOW]
    assert caplog.messages == ["the job 'the bad one' failed (ValueError)"]
    assert "Test Student" not in caplog.text


async def test_two_processes_do_not_work_at_the_same_time(database_url: str) -> None:
    """On PostgreSQL; an SQLite database is served by one process."""
    mine, theirs = engine_for(database_url), engine_for(database_url)
    job = Counting()
    jobs = Jobs(mine, 60, [Job("one", job)])
    try:
        async with turn_if_free(theirs, "jobs"):
            assert await jobs.round(NOW) is (mine.dialect.name == "sqlite")
        job.times.clear()
        assert await jobs.round(NOW)
        assert job.times == [NOW]
    finally:
        await mine.dispose()
        await theirs.dispose()


async def test_work_is_done_again_and_again_also_where_it_fails(engine: AsyncEngine) -> None:
    job = Counting(OSError())
    async with Jobs(engine, 0.01, [Job("one", job)]):
        while len(job.times) < 3:  # noqa: ASYNC110 (a task makes it so)
            await asyncio.sleep(0.01)


async def test_no_seconds_means_never(engine: AsyncEngine) -> None:
    job = Counting()
    async with Jobs(engine, 0, [Job("one", job)]):
        pass
    assert job.times == []


# Housekeeping -------------------------------------------------------------------------------------------------


async def left(engine: AsyncEngine, column: Any) -> list[str]:
    async with engine.connect() as connection:
        return sorted((await connection.scalars(select(column))).all())


async def keep_house(engine: AsyncEngine) -> None:
    assert await Jobs(engine, 60, housekeeping(engine)).round(NOW)


async def test_e_mails_are_forgotten_90_days_after_they_were_settled_and_never_before(engine: AsyncEngine) -> None:
    old, young, very_old = NOW - 90 * DAY, NOW - 90 * DAY + timedelta(seconds=1), NOW - 900 * DAY
    messages: dict[str, dict[str, Any]] = {
        "delivered long ago": {"delivered_at": old},
        "dropped long ago": {"dropped_at": old, "last_error": "refused"},
        "delivered lately": {"delivered_at": young},
        "dropped lately": {"dropped_at": young},
        "waiting": {},
        "tried": {"attempts": 99, "next_attempt_at": old, "last_error": "away"},
    }
    async with writing(engine).begin() as connection:
        for key, more in messages.items():
            row = {"deduplication_key": key, "topic": "email", "payload": {}, "created_at": very_old, **more}
            await connection.execute(insert(OutboxMessage).values(row))
    await keep_house(engine)
    assert await left(engine, OutboxMessage.deduplication_key) == [
        "delivered lately", "dropped lately", "tried", "waiting",
    ]  # fmt: skip


async def test_outcomes_of_retried_requests_are_forgotten_after_seven_days(engine: AsyncEngine) -> None:
    async with writing(engine).begin() as connection:
        user = {"username": "a@b.nz", "email": "a@b.nz", "display_name": "A", "display_name_folded": "a"}
        await connection.execute(insert(User).values(user))
        person = await connection.scalar(select(func.max(User.id)))
        for key, age in (("old", 7 * DAY), ("young", 7 * DAY - timedelta(seconds=1))):
            row = {"acting_id": 0, "position": 0, "body_hash": b"", "outcome": {}, "created_at": NOW - age}
            await connection.execute(insert(IdempotencyKey).values(user_id=person, key=key, **row))
    await keep_house(engine)
    assert await left(engine, IdempotencyKey.key) == ["young"]


async def test_once_a_day_it_is_seen_how_rows_are_spread(engine: AsyncEngine) -> None:
    jobs = Jobs(engine, 60, housekeeping(engine))
    seen = []
    for half_days, number in enumerate(("first", "second", "third")):
        async with writing(engine).begin() as connection:
            await connection.execute(insert(Code).values(code_set="word", code=number, label=number))
        assert await jobs.round(NOW + half_days * DAY / 2)
        seen.append(await _codes_known(engine))
    assert seen == ([1, 1, 3] if engine.dialect.name == "sqlite" else [None, None, None])


async def _codes_known(engine: AsyncEngine) -> int | None:
    """How many codes the database's planner knows of by what we have it do; PostgreSQL sees to that by itself."""
    if engine.dialect.name == "postgresql":
        return None
    async with engine.connect() as connection:
        known = await connection.exec_driver_sql("SELECT stat FROM sqlite_stat1 WHERE tbl = 'code'")
        return int(known.scalars().all()[0].split()[0])


# In a server --------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def own_server(
    request: pytest.FixtureRequest, databases_of: Callable[[str], Databases], tmp_path: Path
) -> Iterator[DemoServer]:
    """A server that looks after periodic work every second."""
    databases = databases_of(request.param)
    url = databases.copy("world", build_world)
    with DemoServer(url, tmp_path, job_seconds="1") as server:
        yield server
    databases.drop(url)


def test_a_server_does_its_periodic_work_and_shows_what_waits_without_saying_of_whom(own_server: DemoServer) -> None:
    key = "SELECT count(*) FROM outbox_message WHERE deduplication_key = 'very-old'"
    long_ago = "2001-01-01 00:00:00.000000"
    execute(
        own_server.database,
        "INSERT INTO outbox_message (deduplication_key, topic, payload, created_at, attempts, delivered_at) "
        f"VALUES ('very-old', 'email', '{{}}', '{long_ago}', 1, '{long_ago}')",
        "INSERT INTO outbox_message (deduplication_key, topic, payload, created_at, attempts) "
        f"VALUES ('waiting', 'email', '{{}}', '{long_ago}', 0)",
    )
    while rows(own_server.database, key) != [(0,)]:
        time.sleep(0.02)
    shown = own_server.client.get("/metrics").text
    assert "ascms_outbox_waiting 1.0" in shown
    [oldest] = [line for line in shown.splitlines() if line.startswith("ascms_outbox_oldest_seconds ")]
    assert float(oldest.split()[1]) > 25 * 365 * 86_400
