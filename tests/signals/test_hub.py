"""Who hears which signal, and what becomes of those who do not keep up."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ascms.signals import Signal, Subscription, TooSlow, alert_raised, case_changed, rights_changed
from ascms.signals.hub import Hub

NOW = datetime(2026, 5, 6, 9, 47, tzinfo=UTC)


def waiting(subscription: Subscription) -> list[Signal]:
    """What waits to be taken."""
    return list(subscription._waiting.values())


def test_a_signal_comes_back_from_its_json() -> None:
    for signal in (
        case_changed(7, "pauseCase", NOW, (12, None, 5)),
        case_changed(7, "addComment", NOW, (12,), ("Comment", 4)),
        alert_raised(8, 3, 5, NOW),
        rights_changed("removeRole", NOW, user_id=3),
        Signal("gap", "gap", NOW),
    ):
        assert Signal.from_json(signal.to_json()) == signal


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": "case"}', '{"at": "x"}', '{"at": 3, "kind": "case"}'])
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no signal"):
        Signal.from_json(text)


def test_a_signal_that_is_too_long_does_not_leave() -> None:
    with pytest.raises(ValueError, match="4,000 at most"):
        case_changed(1, "x", NOW, range(2_000)).to_json()


def test_a_signal_is_heard_by_those_whom_it_concerns_and_once() -> None:
    hub = Hub()
    of_case, of_other = hub.subscribe([("case", 7)]), hub.subscribe([("case", 8)])
    of_provider, of_both = hub.subscribe([("provider", 12)]), hub.subscribe([("case", 7), ("provider", 12)])
    of_person = hub.subscribe([("user", 3), ("organisation", 5), ("alerts", 3, 5)])
    changed = case_changed(7, "transferCase", NOW, (12, 13))
    hub.deliver(changed)
    assert [waiting(one) for one in (of_case, of_other, of_provider, of_both)] == [[changed], [], [changed], [changed]]
    alert, rights = alert_raised(1, 3, 5, NOW), rights_changed("removeRole", NOW, user_id=3)
    not_theirs = (alert_raised(2, 4, 5, NOW), alert_raised(2, 3, 6, NOW), rights_changed("x", NOW, user_id=4))
    for signal in (alert, *not_theirs, rights):
        hub.deliver(signal)
    assert waiting(of_person) == [alert, rights]
    closed = rights_changed("saveOrganisation", NOW, organisation_id=5)
    hub.deliver(closed)
    assert waiting(of_person) == [alert, closed]
    assert waiting(of_other) == []


def test_a_gap_is_heard_by_everybody() -> None:
    hub = Hub()
    subscriptions = [hub.subscribe([("case", 7)]), hub.subscribe([("user", 1)]), hub.subscribe([])]
    hub.deliver(Signal("gap", "gap", NOW))
    assert all(len(waiting(one)) == 1 for one in subscriptions)


def test_equal_changes_that_wait_are_one_and_the_latest() -> None:
    hub = Hub()
    subscription = hub.subscribe([("case", 7), ("user", 3)])
    for second in range(10):
        at = NOW + timedelta(seconds=second)
        hub.deliver(case_changed(7, "addComment", at, (12,)))
        hub.deliver(rights_changed("removeRole", at, user_id=3))
        hub.deliver(Signal("gap", "gap", at))
    hub.deliver(case_changed(7, "pauseCase", NOW, (12,)))
    last = NOW + timedelta(seconds=9)
    assert [(one.kind, one.what, one.at) for one in waiting(subscription)] == [
        ("case", "addComment", last),
        ("rights", "removeRole", last),
        ("gap", "gap", NOW),  # since the earliest that may be missing
        ("case", "pauseCase", NOW),
    ]


async def test_a_burst_becomes_one_gap_since_its_first_signal() -> None:
    hub = Hub(most_waiting=3)
    async with hub.subscribe([("provider", 12)]) as subscription:
        for key in range(6):
            hub.deliver(case_changed(key, "importEnrolments", NOW + timedelta(seconds=key), (12,)))
        gap = await anext(subscription)
        assert (gap.kind, gap.at) == ("gap", NOW)
        assert [(await anext(subscription)).case_id for _ in range(2)] == [4, 5]


async def test_a_long_burst_ends_nobody_who_had_no_time_to_take_it() -> None:
    hub = Hub(most_waiting=3)
    async with hub.subscribe([("provider", 12)]) as subscription:
        for key in range(100):
            hub.deliver(case_changed(key, "importEnrolments", NOW, (12,)))
            assert len(waiting(subscription)) <= 3
        assert (await anext(subscription)).kind == "gap"


async def test_who_takes_nothing_of_a_full_queue_for_too_long_is_ended() -> None:
    hub = Hub(most_waiting=3, patience=0)
    async with hub.subscribe([("provider", 12)]) as slow, hub.subscribe([("provider", 12)]) as quick:
        for key in range(100):
            hub.deliver(case_changed(key, "importEnrolments", NOW, (12,)))
            assert len(waiting(slow)) <= 3
            assert (await anext(quick)).case_id == key
        with pytest.raises(TooSlow):
            await anext(slow)


async def test_what_is_closed_comes_to_its_end_and_is_forgotten() -> None:
    hub = Hub()
    subscription = hub.subscribe([("case", 7), ("user", 1)])

    async def take_all() -> list[Signal]:
        return [signal async for signal in subscription]

    taking = asyncio.create_task(take_all())
    await asyncio.sleep(0)
    hub.close()
    assert await taking == []
    assert (hub._all, hub._by_topic) == ({}, {})
    hub.deliver(case_changed(7, "pauseCase", NOW, ()))
    assert waiting(subscription) == []
