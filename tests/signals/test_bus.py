"""Signals go out with the commit: within the process on SQLite, to every process on PostgreSQL."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.database import engine_for
from ascms.settings import Settings
from ascms.signals import Bus, Signal, Subscription, case_changed, create_bus
from tests.support.databases import Databases

NOW = datetime(2026, 5, 6, 9, 47, tzinfo=UTC)
CHANGED = case_changed(7, "pauseCase", NOW, (12,))
OTHER = case_changed(8, "pauseCase", NOW, (13,))
LAST = case_changed(7, "resumeCase", NOW, (12,))


@asynccontextmanager
async def running(database: str) -> AsyncIterator[Bus]:
    bus = create_bus(Settings(database_url=database))
    await bus.start()
    yield bus
    await bus.aclose()


async def change(bus: Bus, engine: AsyncEngine, *signals: Signal, fails: bool = False) -> None:
    """A change as mutations make one."""
    async with engine.connect() as connection:
        transaction = await connection.begin()
        await bus.publish_in(connection, signals)
        if fails:
            await transaction.rollback()
            return
        await transaction.commit()
    bus.after_commit(signals)


async def heard_until(subscription: Subscription, last: Signal) -> list[Signal]:
    """What is heard up to `last`, gaps left out."""
    heard: list[Signal] = []
    while last not in heard:
        heard.append(await anext(subscription))
    return [signal for signal in heard if signal.kind != "gap"]


async def test_a_change_is_heard_once_it_is_committed(database_url: str, engine: AsyncEngine) -> None:
    async with running(database_url) as bus, bus.subscribe([("case", 7)]) as subscription:
        if engine.dialect.name == "postgresql":
            assert (await anext(subscription)).kind == "gap"  # it listens from here on
        await change(bus, engine, case_changed(7, "closeCase", NOW, (12,)), fails=True)
        await change(bus, engine, OTHER, CHANGED)
        await change(bus, engine, LAST)
        assert await heard_until(subscription, LAST) == [CHANGED, LAST]


async def test_nothing_to_tell_is_no_statement(database_url: str, engine: AsyncEngine) -> None:
    async with running(database_url) as bus:
        await change(bus, engine)


@pytest.fixture
def postgres_url(databases_of: Callable[[str], Databases]) -> str:
    """A database without tables: signals need none."""
    return databases_of("postgresql").copy("empty", lambda url: None)


async def test_every_process_hears_what_one_does(postgres_url: str) -> None:
    engine = engine_for(postgres_url)
    command = (sys.executable, "-m", "tests.signals.listener", postgres_url, "provider:12")
    listeners = [await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE) for _ in range(2)]
    async with running(postgres_url) as bus:
        for listener in listeners:
            assert listener.stdout is not None
            assert (await listener.stdout.readline()).strip() == b"listening"
        await change(bus, engine, OTHER, CHANGED)
        for listener in listeners:
            assert listener.stdout is not None
            assert Signal.from_json((await listener.stdout.readline()).decode()) == CHANGED
            listener.terminate()
            await listener.wait()
    await engine.dispose()


async def test_a_listener_whose_connection_is_cut_listens_again_and_says_that_something_may_be_missing(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine = engine_for(postgres_url)
    async with running(postgres_url) as bus, bus.subscribe([("case", 7)]) as subscription:
        assert (await anext(subscription)).kind == "gap"
        before = datetime.now(UTC)
        async with engine.connect() as connection:
            ended = await connection.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
                )
            )
            assert ended.all() == [True]
        gap = await anext(subscription)
        assert gap.kind == "gap"
        assert gap.at <= before
        await change(bus, engine, CHANGED)
        assert await anext(subscription) == CHANGED
    assert "connecting again" in caplog.text
    await engine.dispose()


async def test_a_listener_waits_for_a_database_that_cannot_be_reached(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = engine_for(postgres_url, isolation_level="AUTOCOMMIT")
    name = postgres_url.rpartition("/")[2]
    async with running(f"{postgres_url}_later") as bus, bus.subscribe([("case", 7)]) as subscription:
        while "trying again" not in caplog.text:  # noqa: ASYNC110 (a log has no event)
            await asyncio.sleep(0.01)
        async with server.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}_later"'))
        assert (await anext(subscription)).kind == "gap"
    assert postgres_url not in caplog.text
    await server.dispose()


async def test_what_is_no_signal_is_passed_over(postgres_url: str) -> None:
    engine = engine_for(postgres_url)
    async with running(postgres_url) as bus, bus.subscribe([("case", 7)]) as subscription:
        assert (await anext(subscription)).kind == "gap"
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_notify('ascms_signals', 'from a later version')"))
        await change(bus, engine, CHANGED)
        assert await anext(subscription) == CHANGED
    await engine.dispose()
