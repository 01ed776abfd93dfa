"""Service-level clocks of a case: what is due when, and whether it was met."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from .calendar import local_day, working_days_after

TARGET_VERSION: Final = "2026-01"
TARGETS: Final[Mapping[str, int]] = {"ASSIGN": 2, "FIRST_CONTACT": 5, "PLAN": 15}
"""Working days after opening, by kind. Placeholders: the contracts' own figures are not public."""


class ServiceLevelState(StrEnum):
    MET = "MET"
    MISSED = "MISSED"
    RUNNING = "RUNNING"
    OVERDUE = "OVERDUE"


@dataclass(frozen=True)
class ServiceLevel:
    """One clock: due on the end of `due_on`, Pacific/Auckland."""

    kind: str
    working_days: int
    due_on: date
    met_at: datetime | None
    state: ServiceLevelState
    version: str = TARGET_VERSION


def service_levels(opened_at: datetime, met: Mapping[str, datetime | None], now: datetime) -> list[ServiceLevel]:
    """The clocks of a case opened at `opened_at`; `met` says when each kind was reached, None if not yet."""
    levels = []
    for kind, days in TARGETS.items():
        due_on = working_days_after(local_day(opened_at), days)
        met_at = met.get(kind)
        if met_at is not None:
            state = ServiceLevelState.MET if local_day(met_at) <= due_on else ServiceLevelState.MISSED
        else:
            state = ServiceLevelState.RUNNING if local_day(now) <= due_on else ServiceLevelState.OVERDUE
        levels.append(ServiceLevel(kind, days, due_on, met_at, state))
    return levels
