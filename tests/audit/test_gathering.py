"""Entries wait a moment for as many as came together lately; never for long, and never for nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ascms.audit import AccessLog, Report
from ascms.audit.gathering import ENOUGH, Gathering
from tests.audit.conftest import World

Checked = Callable[[], Awaitable[Report]]


@pytest.fixture
def for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour is what the first waits at most: nothing ends by time what a test waits for."""
    for name in ("LONGEST", "LATEST"):
        monkeypatch.setattr(f"ascms.audit.gathering.{name}", 3600)


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.usefixtures("for_ever")
async def test_one_after_another_waits_for_nobody(log: AccessLog, world: World, checked: Checked) -> None:
    for _ in range(3):
        await log.append(world.record)
    assert (await checked()).entries == 3


def written(log: AccessLog) -> int:
    """How many batches were."""
    *_, (_, batches) = log.batches.cumulative()
    return batches


async def together(log: AccessLog, world: World, number: int) -> list[int]:
    """Append so many at once; how many entries the log had when each was answered."""
    entries = []

    async def one() -> None:
        await log.append(world.record)
        assert log._chain is not None
        entries.append(log._chain.head.sequence)

    await asyncio.gather(*(one() for _ in range(number)))
    return entries


@pytest.mark.usefixtures("for_ever")
async def test_where_several_came_together_the_next_wait_for_each_other(log: AccessLog, world: World) -> None:
    assert await together(log, world, 3) == [3] * 3
    first = asyncio.create_task(log.append(world.record))
    second = asyncio.create_task(log.append(world.record))
    await turns()
    assert log.waiting == 2
    await asyncio.gather(first, second, log.append(world.record))
    assert written(log) == 2


@pytest.mark.usefixtures("for_ever")
async def test_what_came_while_others_were_written_counts_with_them(log: AccessLog, world: World) -> None:
    first = asyncio.create_task(log.append(world.record))
    await turns()
    assert log.waiting == 0
    second = asyncio.create_task(log.append(world.record))
    await first
    await turns()
    assert not second.done()
    await asyncio.gather(second, log.append(world.record))


@pytest.mark.parametrize("name", ["LONGEST", "LATEST"])
async def test_nobody_waits_for_ever(
    log: AccessLog, world: World, checked: Checked, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(f"ascms.audit.gathering.{name}", 3600)
    await together(log, world, 3)
    await log.append(world.record)
    assert (await checked()).entries == 4


@pytest.mark.usefixtures("for_ever")
async def test_after_one_that_waited_for_nothing_the_next_does_not(
    log: AccessLog, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await together(log, world, 3)
    with monkeypatch.context() as soon:
        soon.setattr("ascms.audit.gathering.LATEST", 0.001)
        soon.setattr("ascms.audit.gathering.LONGEST", 0.001)
        await log.append(world.record)
    await log.append(world.record)
    assert written(log) == 3


@pytest.mark.usefixtures("for_ever")
async def test_closing_waits_for_nobody(log: AccessLog, world: World, checked: Checked) -> None:
    await together(log, world, 3)
    waiting = asyncio.create_task(log.append(world.record))
    await turns()
    assert not waiting.done()
    await log.aclose()
    await waiting
    assert (await checked()).entries == 4


@pytest.mark.usefixtures("for_ever")
async def test_for_more_than_enough_nobody_waits() -> None:
    waiting: list[int] = []
    gathering = Gathering(waiting)
    gathering.wrote(10 * ENOUGH)
    gathered = asyncio.create_task(gathering.gather())
    for number in range(ENOUGH):
        await turns()
        assert not gathered.done()
        waiting.append(number)
        gathering.arrived()
    await gathered


@pytest.mark.parametrize(
    ("works", "looks"),
    [(0.0, 1), (0.9, 10), (1.0, 20)],
    ids=["a loop that has nothing to do", "one that works mostly", "one that works all the time"],
)
async def test_while_the_loop_works_it_is_waited_for_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch, works: float, looks: int
) -> None:
    """`works`: of how much of the time. The clocks go on by what there is to wait for, each time they are looked at."""
    seconds, number = 0.0, 0

    def clock() -> float:
        nonlocal seconds, number
        if number:
            seconds += 0.001
        number += 1
        return seconds

    monkeypatch.setattr("ascms.audit.gathering.LONGEST", 0.001)
    monkeypatch.setattr("ascms.audit.gathering.LATEST", 0.02)
    monkeypatch.setattr("ascms.audit.gathering.perf_counter", clock)
    monkeypatch.setattr("ascms.audit.gathering.thread_time", lambda: seconds * works)
    gathering = Gathering([1])
    gathering.wrote(1)
    await gathering.gather()
    assert number - 1 == pytest.approx(looks, abs=1)


async def test_many_at_once_share_transactions(log: AccessLog, world: World) -> None:
    assert await together(log, world, 30) == [30] * 30
