"""Service-level clocks of a case: what is due when, and whether it was met.

A clock counts the working days after the case was opened, and stands still on every day on which the case was paused
or closed, were it for an hour. A case is judged by the targets in force when it was opened, whatever came after them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from ascms.models import CaseStatus, EventKind, ServiceLevelTarget

from .calendar import local_day, working_days_after
from .work import Work


class Clock(StrEnum):
    """What is to be reached: a manager is assigned, the first contact is made, the plan is made."""

    ASSIGN = "ASSIGN"
    FIRST_CONTACT = "FIRST_CONTACT"
    PLAN = "PLAN"


class ServiceLevelState(StrEnum):
    MET = "MET"
    MISSED = "MISSED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    OVERDUE = "OVERDUE"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Target:
    """A target in working days after opening. `version` is that of the whole set."""

    kind: Clock
    working_days: int
    version: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """That the case came into `status`."""

    at: datetime
    status: CaseStatus


@dataclass(frozen=True, slots=True)
class Course:
    """What the clocks of a case are judged by. `changes` are in the order in which they were made.

    `region` is the provider's education region. `met` says when each was reached, None if it was not yet.
    """

    opened_at: datetime
    region: str | None
    targets: Sequence[Target]
    changes: Sequence[StatusChange]
    met: Mapping[Clock, datetime | None]


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One clock: due by the end of `due_on`, Pacific/Auckland.

    While the case is paused `due_on` moves on from day to day, as if it were resumed today.
    """

    kind: str
    working_days: int
    due_on: date
    met_at: datetime | None
    state: ServiceLevelState
    version: str


# Judging -----------------------------------------------------------------------------------------------------

STANDING_STILL: Final = frozenset({CaseStatus.PAUSED, CaseStatus.CLOSED})


def service_levels(course: Course, now: datetime) -> list[ServiceLevel]:
    """The clocks of a case, as they stand at `now`; those of a closed case as they stood when it was closed."""
    changes = list(course.changes)
    status = changes[-1].status if changes else None
    if status is CaseStatus.CLOSED:
        now = changes.pop().at
    return [_judged(course, target, changes, status, now) for target in _in_order(course.targets)]


def _in_order(targets: Sequence[Target]) -> list[Target]:
    return sorted(targets, key=lambda target: list(Clock).index(target.kind))


def _judged(
    course: Course, target: Target, changes: Sequence[StatusChange], status: CaseStatus | None, now: datetime
) -> ServiceLevel:
    met_at = course.met.get(target.kind)
    still = _still(changes, now if met_at is None else met_at)
    due_on = working_days_after(
        local_day(course.opened_at),
        target.working_days,
        course.region,
        counts=lambda day: not any(first <= day <= last for first, last in still),
    )
    state = _state(due_on, met_at, status, now)
    return ServiceLevel(target.kind, target.working_days, due_on, met_at, state, target.version)


def _still(changes: Sequence[StatusChange], until: datetime) -> list[tuple[date, date]]:
    """The stretches of days on which the case stood still until then, first and last day; one may still last."""
    ends = [*(change.at for change in changes[1:]), until]
    return [
        (local_day(change.at), local_day(min(end, until)))
        for change, end in zip(changes, ends, strict=False)
        if change.status in STANDING_STILL and change.at <= until
    ]


def _state(due_on: date, met_at: datetime | None, status: CaseStatus | None, now: datetime) -> ServiceLevelState:
    if met_at is not None:
        return ServiceLevelState.MET if local_day(met_at) <= due_on else ServiceLevelState.MISSED
    in_time = local_day(now) <= due_on
    if status is CaseStatus.CLOSED:
        return ServiceLevelState.ENDED if in_time else ServiceLevelState.MISSED
    if not in_time:
        return ServiceLevelState.OVERDUE
    return ServiceLevelState.PAUSED if status is CaseStatus.PAUSED else ServiceLevelState.RUNNING


# Milestones --------------------------------------------------------------------------------------------------

CONTACTS: Final = frozenset(
    {
        EventKind.PHONE_CALL,
        EventKind.TEXT_MESSAGE,
        EventKind.EMAIL,
        EventKind.HOME_VISIT,
        EventKind.MEETING,
        EventKind.SCHOOL_VISIT,
    }
)


def counts_as_first_contact(kind: EventKind, occurs_at: datetime, now: datetime) -> bool:
    """Whether an event is a contact that has happened, and so sets `first_contact_at` where nothing earlier did."""
    return kind in CONTACTS and occurs_at <= now


def counts_as_plan(tasks_before: int) -> bool:
    """Whether a task that is added is the plan being made, and so sets `planned_at`: the case's first is."""
    return tasks_before == 0


# Targets -----------------------------------------------------------------------------------------------------


async def target_version(work: Work, day: date) -> str | None:
    """The version of the targets in force on `day`, kept on a case that is opened then; None before the first."""
    in_force = (
        select(ServiceLevelTarget.version)
        .where(ServiceLevelTarget.valid_from <= day)
        .order_by(ServiceLevelTarget.valid_from.desc(), ServiceLevelTarget.version.desc())
        .limit(1)
    )
    version: str | None = await work.session.scalar(in_force)
    return version
