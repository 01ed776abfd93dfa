"""The service-level clocks of a case, read in the statement that reads the case: its history and targets as text."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, String, cast, extract, func, literal_column, select
from sqlalchemy.orm import aliased

from ascms import models
from ascms.casework.service_levels import (
    Clock,
    Course,
    ServiceLevelState,
    StatusChange,
    Target,
    service_levels,
)
from ascms.models import CaseStatus
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.facts import Facts
from ascms.planning.sources import Computed, Given

from .common import Date, DateTime

COMMA: Final[Any] = literal_column("','")
"""Spelt out in the statement: a parameter would have to be put in its text at each run."""


@entity(description="A service-level clock of a case. It stands still on days on which the case is paused or closed.")
class ServiceLevel:
    kind: str = field(Given("kind"), AsPath, "What is to be reached: ASSIGN, FIRST_CONTACT or PLAN.")
    working_days: int = field(Given("working_days"), AsPath, "The target, in working days after opening.")
    due_on: Date = field(
        Given("due_on"), AsPath, "The last day to reach it. While the case is paused, as if it were resumed today."
    )
    met_at: DateTime | None = field(Given("met_at"), AsPath, "When it was reached, null if not yet.")
    state: ServiceLevelState = field(Given("state"), AsPath, "Where the clock stands.")
    version: str = field(Given("version"), AsPath, "The version of the targets it is judged by, that of the opening.")


def _columns(case: Any, me: Any) -> dict[str, Any]:
    provider = aliased(models.Organisation)
    region = select(provider.region).where(provider.id == case.provider_id).correlate_except(provider)
    return {
        "opened_at": case.opened_at,
        "assigned_at": case.assigned_at,
        "first_contact_at": case.first_contact_at,
        "planned_at": case.planned_at,
        "version": case.target_version,
        "region": region.scalar_subquery(),
        "targets": _targets(case),
        "history": _history(case),
    }


def _targets(case: Any) -> Any:
    """`ASSIGN 2,PLAN 15`, in no order."""
    target = aliased(models.ServiceLevelTarget)
    line = target.kind + " " + cast(target.working_days, String)
    lines = select(func.aggregate_strings(line, COMMA)).where(target.version == case.target_version)
    return lines.correlate_except(target).scalar_subquery()


def _history(case: Any) -> Any:
    """`1778000000 17 PAUSED`: second since 1970, key and status of each change, commas between, in no order."""
    change = aliased(models.CaseStatusChange)
    second = cast(extract("epoch", change.changed_at), BigInteger)
    line = cast(second, String) + " " + cast(change.id, String) + " " + cast(change.to_status, String)
    lines = select(func.aggregate_strings(line, COMMA)).where(change.case_id == case.id)
    return lines.correlate_except(change).scalar_subquery()


def _service_levels(rows: Sequence[Mapping[str, Any]], facts: Facts) -> list[Any]:
    return [service_levels(_course(row), facts.now) for row in rows]


def _course(row: Mapping[str, Any]) -> Course:
    return Course(
        opened_at=row["opened_at"],
        region=row["region"],
        targets=_read_targets(row["targets"] or "", row["version"]),
        changes=_read_history(row["history"] or ""),
        met={
            Clock.ASSIGN: row["assigned_at"],
            Clock.FIRST_CONTACT: row["first_contact_at"],
            Clock.PLAN: row["planned_at"],
        },
    )


def _read_targets(text: str, version: str) -> list[Target]:
    pairs = (line.split(" ") for line in text.split(",") if line)
    return [Target(Clock(kind), int(days), version) for kind, days in pairs if kind in Clock.__members__]


def _read_history(text: str) -> list[StatusChange]:
    lines = (line.split(" ") for line in text.split(",") if line)
    # In the order in which they were made: the clock may have gone back in between.
    changes = sorted((int(key), int(second), status) for second, key, status in lines)
    return [StatusChange(datetime.fromtimestamp(second, UTC), CaseStatus(status)) for _, second, status in changes]


SERVICE_LEVELS = Computed(_service_levels, _columns, reads=("Case.openedAt", "Case.status", "Case.closedAt"))
