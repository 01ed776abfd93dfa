"""Service-level clocks: by example, and against a count of days that knows nothing of the code's intervals."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from ascms.casework.calendar import is_working_day, local_day
from ascms.casework.service_levels import (
    Clock,
    Course,
    ServiceLevelState,
    StatusChange,
    Target,
    counts_as_first_contact,
    counts_as_plan,
    service_levels,
    target_version,
)
from ascms.casework.work import SYSTEM, Work
from ascms.demo.places import REGIONS
from ascms.models import CaseStatus, EventKind, ServiceLevelTarget
from ascms.settings import Settings

ZONE = ZoneInfo("Pacific/Auckland")
DAY = timedelta(days=1)
QUEUED, OPEN, PAUSED, CLOSED = CaseStatus.PROVIDER_QUEUE, CaseStatus.OPEN, CaseStatus.PAUSED, CaseStatus.CLOSED
UNDER_WAY = {ServiceLevelState.RUNNING, ServiceLevelState.PAUSED, ServiceLevelState.OVERDUE}


def at(day: int, hour: int = 9, month: int = 5) -> datetime:
    """A moment of 2026 on the wall's clock. May 2026: the 1st is a Friday, no public holiday in it."""
    return datetime(2026, month, day, hour, tzinfo=ZONE)


def course(
    opened_at: datetime,
    *changes: tuple[datetime, CaseStatus],
    days: int = 5,
    met_at: datetime | None = None,
    region: str | None = None,
) -> Course:
    targets = [Target(Clock.FIRST_CONTACT, days, "v")]
    history = [StatusChange(opened_at, QUEUED), *(StatusChange(*change) for change in changes)]
    return Course(opened_at, region, targets, history, {Clock.FIRST_CONTACT: met_at})


def clock(given: Course, now: datetime) -> tuple[date, str]:
    [level] = service_levels(given, now)
    return level.due_on, level.state.value


# By example --------------------------------------------------------------------------------------------------


def test_a_clock_runs_until_the_end_of_its_day_in_new_zealand() -> None:
    case = course(at(1))
    assert clock(case, at(8, 23)) == (date(2026, 5, 8), "RUNNING")
    assert clock(case, at(9, 0)) == (date(2026, 5, 8), "OVERDUE")


def test_what_was_reached_on_its_day_is_met_and_a_day_later_missed() -> None:
    assert clock(course(at(1), met_at=at(8, 23)), at(20)) == (date(2026, 5, 8), "MET")
    assert clock(course(at(1), met_at=at(9, 0)), at(20)) == (date(2026, 5, 8), "MISSED")


def test_the_region_of_the_provider_has_its_anniversary_day() -> None:
    opened = datetime(2026, 3, 20, 9, tzinfo=ZONE)
    assert clock(course(opened, days=1), opened)[0] == date(2026, 3, 23)
    assert clock(course(opened, days=1, region="Otago-Southland"), opened)[0] == date(2026, 3, 24)


def test_days_on_which_the_case_was_paused_do_not_count() -> None:
    """Opened on Friday, paused from Tuesday to Thursday: Monday and Friday count, then the next week's first three."""
    case = course(at(1), (at(1), OPEN), (at(5), PAUSED), (at(7), OPEN))
    assert clock(case, at(11)) == (date(2026, 5, 13), "RUNNING")


def test_while_it_is_paused_the_day_moves_on() -> None:
    case = course(at(1), (at(1), OPEN), (at(5), PAUSED))
    assert clock(case, at(5)) == (date(2026, 5, 11), "PAUSED")
    assert clock(case, at(6)) == (date(2026, 5, 12), "PAUSED")
    assert clock(case, at(29)) == (date(2026, 6, 5), "PAUSED")


def test_a_pause_that_begins_on_the_last_day_stops_the_clock() -> None:
    assert clock(course(at(1), (at(1), OPEN), (at(8), PAUSED)), at(25)) == (date(2026, 5, 26), "PAUSED")


def test_a_pause_does_not_hide_that_it_was_overdue_before() -> None:
    assert clock(course(at(1), (at(1), OPEN), (at(11), PAUSED)), at(25)) == (date(2026, 5, 8), "OVERDUE")


def test_what_was_reached_is_not_moved_by_a_later_pause() -> None:
    case = course(at(1), (at(1), OPEN), (at(4, 14), PAUSED), met_at=at(4, 10))
    assert clock(case, at(29)) == (date(2026, 5, 8), "MET")


def test_a_clock_of_a_closed_case_stands_as_it_did_when_it_was_closed() -> None:
    in_time = course(at(1), (at(1), OPEN), (at(7), CLOSED))
    too_late = course(at(1), (at(1), OPEN), (at(11), CLOSED))
    for now in (at(12), at(12, month=11)):
        assert clock(in_time, now) == (date(2026, 5, 8), "ENDED")
        assert clock(too_late, now) == (date(2026, 5, 8), "MISSED")


def test_a_case_that_is_reopened_has_the_days_left_that_it_had() -> None:
    case = course(at(1), (at(1), OPEN), (at(7), CLOSED), (at(19), OPEN))
    assert clock(case, at(20)) == (date(2026, 5, 21), "RUNNING")


def test_a_case_opened_before_there_were_targets_has_no_clocks() -> None:
    assert service_levels(replace(course(at(1)), targets=[]), at(2)) == []


def test_clocks_come_in_the_order_in_which_they_run_out() -> None:
    targets = [Target(kind, 3, "v") for kind in (Clock.PLAN, Clock.ASSIGN, Clock.FIRST_CONTACT)]
    levels = service_levels(replace(course(at(1)), targets=targets), at(2))
    assert [level.kind for level in levels] == ["ASSIGN", "FIRST_CONTACT", "PLAN"]


# By counting -------------------------------------------------------------------------------------------------

HOURS = st.integers(0, 120 * 24)


@st.composite
def courses(draw: st.DrawFn) -> Course:
    opened_at = datetime(2026, 1, 5, tzinfo=UTC) + draw(st.integers(0, 300 * 24)) * timedelta(hours=1)
    moments = sorted(draw(st.lists(HOURS, max_size=8)))
    statuses = st.sampled_from([QUEUED, OPEN, PAUSED, CLOSED])
    changes = [(opened_at + hours * timedelta(hours=1), draw(statuses)) for hours in moments]
    met = draw(st.none() | HOURS)
    return course(
        opened_at,
        *changes,
        days=draw(st.integers(1, 20)),
        met_at=None if met is None else opened_at + met * timedelta(hours=1),
        region=draw(st.sampled_from([None, *REGIONS])),
    )


def end_of_judging(case: Course, now: datetime) -> datetime:
    """Until when something counts: the closing that lasts, or now; or when it was reached, if that was earlier."""
    last = case.changes[-1]
    met_at = case.met[Clock.FIRST_CONTACT]
    until = last.at if last.status is CLOSED else now
    return met_at if met_at is not None else until


def stood_still(changes: Sequence[StatusChange], until: datetime) -> set[date]:
    """The days on which it was paused or closed, hour by hour, both ends included. (Changes are at full hours.)"""
    days = set()
    for number, change in enumerate(changes):
        end = changes[number + 1].at if number + 1 < len(changes) else until
        moment = change.at
        while change.status in {PAUSED, CLOSED} and moment <= min(end, until):
            days.add(local_day(moment))
            moment += timedelta(hours=1)
    return days


@given(courses(), HOURS)
def test_the_day_is_the_one_until_which_the_target_counts_up(case: Course, later: int) -> None:
    now = case.changes[-1].at + later * timedelta(hours=1)
    [level] = service_levels(case, now)
    changes = [*case.changes]
    if changes[-1].status is CLOSED:
        changes.pop()
    still = stood_still(changes, end_of_judging(case, now))
    opened_on = local_day(case.opened_at)
    days = (opened_on + number * DAY for number in range(1, (level.due_on - opened_on).days + 1))
    counted = [day for day in days if is_working_day(day, case.region) and day not in still]
    assert len(counted) == level.working_days
    assert counted[-1] == level.due_on


@given(courses(), HOURS, HOURS)
def test_what_was_met_or_closed_never_changes_again(case: Course, later: int, longer: int) -> None:
    now = case.changes[-1].at + later * timedelta(hours=1)
    [before], [after] = (service_levels(case, moment) for moment in (now, now + longer * timedelta(hours=1)))
    if before.state not in UNDER_WAY:
        assert after == before
    else:
        assert after.due_on >= before.due_on
        assert after.state in UNDER_WAY


@given(courses(), HOURS)
def test_a_pause_never_brings_a_day_forward(case: Course, later: int) -> None:
    now = case.changes[-1].at + later * timedelta(hours=1)
    unpaused = [change for change in case.changes if change.status is not PAUSED]
    [paused], [straight] = service_levels(case, now), service_levels(replace(case, changes=unpaused), now)
    if case.changes[-1].status is not PAUSED:
        assert paused.due_on >= straight.due_on


@given(courses(), HOURS)
def test_a_state_says_what_the_day_says(case: Course, later: int) -> None:
    now = case.changes[-1].at + later * timedelta(hours=1)
    [level] = service_levels(case, now)
    closed = case.changes[-1].status is CLOSED
    reached_on = local_day(level.met_at) if level.met_at is not None else None
    judged_on = reached_on or local_day(case.changes[-1].at if closed else now)
    in_time = judged_on <= level.due_on
    expected = {
        ServiceLevelState.MET: reached_on is not None and in_time,
        ServiceLevelState.MISSED: not in_time and (reached_on is not None or closed),
        ServiceLevelState.ENDED: reached_on is None and closed and in_time,
        ServiceLevelState.OVERDUE: reached_on is None and not closed and not in_time,
    }
    if any(expected.values()):
        assert expected[level.state]
    else:
        paused = case.changes[-1].status is PAUSED
        assert level.state is (ServiceLevelState.PAUSED if paused else ServiceLevelState.RUNNING)


# Milestones and targets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EventKind)
def test_a_contact_counts_once_it_has_happened(kind: EventKind) -> None:
    is_contact = kind not in {EventKind.NOTE, EventKind.CASE_CHANGED, EventKind.REQUEST_RECEIVED}
    assert counts_as_first_contact(kind, at(1), at(1)) is is_contact
    assert counts_as_first_contact(kind, at(1, 10), at(1, 9)) is False


def test_the_first_task_is_the_plan() -> None:
    assert [counts_as_plan(number) for number in (0, 1, 2)] == [True, False, False]


async def test_a_case_gets_the_targets_in_force_on_the_day_it_is_opened(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        for version, valid_from, days in (("b", date(2026, 7, 1), 3), ("a", date(2026, 1, 5), 2)):
            session.add_all(
                ServiceLevelTarget(version=version, kind=kind, working_days=days, valid_from=valid_from)
                for kind in Clock
            )
        await session.flush()
        work = Work(session, SYSTEM, datetime.now(UTC), "test", Settings())
        found = [
            await target_version(work, day)
            for day in (date(2026, 1, 4), date(2026, 1, 5), date(2026, 6, 30), date(2026, 7, 1), date(2030, 1, 1))
        ]
        assert found == [None, "a", "a", "b", "b"]
