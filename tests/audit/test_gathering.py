"""Entries wait a moment for those that are about to come; never for long, and never for nothing."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms.audit import AccessLog, Report
from ascms.audit.gathering import Gathering
from tests.audit.conftest import World

Checked = Callable[[], Awaitable[Report]]


@pytest.fixture
def for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour is what the first waits at most: nothing ends by time what a test waits for."""
    monkeypatch.setattr("ascms.audit.gathering.LONGEST", 3600)


@pytest.mark.usefixtures("for_ever")
async def test_a_lone_one_does_not_wait(log: AccessLog, world: World, checked: Checked) -> None:
    await log.append(world.record)
    with log.coming() as coming:
        await log.append(world.record, coming)
    assert (await checked()).entries == 2


@pytest.mark.usefixtures("for_ever")
async def test_one_waits_for_another_that_is_under_way(log: AccessLog, world: World, checked: Checked) -> None:
    with log.coming() as first, log.coming() as second:
        waiting = asyncio.create_task(log.append(world.record, first))
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await checked()).entries == 0
        await log.append(world.record, second)
        await waiting
    assert (await checked()).entries == 2


@pytest.mark.usefixtures("for_ever")
@pytest.mark.parametrize("error", [None, ValueError, asyncio.CancelledError])
async def test_one_that_comes_to_nothing_holds_nobody_up(
    log: AccessLog, world: World, checked: Checked, error: type[BaseException] | None
) -> None:
    waiting = None
    try:
        with log.coming():
            waiting = asyncio.create_task(log.append(world.record))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waiting.done()
            if error is not None:
                raise error
    except (ValueError, asyncio.CancelledError):
        pass
    assert waiting is not None
    await waiting
    assert (await checked()).entries == 1


async def test_nobody_waits_for_ever(log: AccessLog, world: World, checked: Checked) -> None:
    with log.coming():
        await log.append(world.record)
        await log.append(world.record)
    assert (await checked()).entries == 2


@pytest.mark.usefixtures("for_ever")
async def test_closing_waits_for_nobody(log: AccessLog, world: World, checked: Checked) -> None:
    with log.coming():
        waiting = asyncio.create_task(log.append(world.record))
        for _ in range(20):
            await asyncio.sleep(0)
        await log.aclose()
        await waiting
    assert (await checked()).entries == 1


@pytest.mark.usefixtures("for_ever")
async def test_who_begins_later_is_not_waited_for() -> None:
    gathering = Gathering()
    earlier, later = gathering.coming(), gathering.coming()
    with earlier:
        gathered = asyncio.create_task(gathering.gather(0.0 + asyncio.get_running_loop().time()))
        await asyncio.sleep(0)
        with later:
            assert not gathered.done()
            earlier.arrived()
            await gathered


@pytest.mark.usefixtures("for_ever")
async def test_what_was_not_waited_for_before_is_waited_for_now() -> None:
    gathering = Gathering()
    now = asyncio.get_running_loop().time()
    first, second = gathering.coming(), gathering.coming()
    with first:
        gathered = asyncio.create_task(gathering.gather(now))
        await asyncio.sleep(0)
        second.__enter__()
    await gathered
    again = asyncio.create_task(gathering.gather(now))
    await asyncio.sleep(0)
    first.arrived()
    assert not again.done()
    second.arrived()
    await again
    await gathering.gather(now)


@pytest.mark.usefixtures("for_ever")
async def test_many_at_once_share_transactions(log: AccessLog, engine: AsyncEngine, world: World) -> None:
    """Each at its own pace: all that were under way when the first arrived are written together."""
    head_at_once = []

    async def operation(steps: int) -> None:
        with log.coming() as coming:
            for _ in range(steps):
                await asyncio.sleep(0)
            await log.append(world.changed(operation_name=f"Q{steps}"), coming)
            assert log._chain is not None
            head_at_once.append(log._chain.head.sequence)

    await asyncio.gather(*(operation(steps) for steps in range(30)))
    assert head_at_once == [30] * 30
