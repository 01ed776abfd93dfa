"""The timeline: what happens to a case is an event, shared with the school without internal reasons or notes."""

from dataclasses import dataclass
from datetime import datetime

from ascms.models import Case, Event, EventKind, Visibility

from .work import Work


@dataclass(frozen=True, slots=True)
class Happening:
    """What an entry says. `occurs_at` None: now. `shared_with`: the school it is shared with, if any."""

    kind: EventKind
    subject: str
    shared_with: int | None = None
    occurs_at: datetime | None = None
    ends_at: datetime | None = None
    description: str | None = None
    outcome: str | None = None
    participants: tuple[str, ...] = ()


async def record_change(work: Work, case: Case, subject: str, *, school_id: int | None = None) -> Event:
    """A change of the case itself, shared with its present school (or with `school_id`)."""
    return await record(work, case, Happening(EventKind.CASE_CHANGED, subject, school_id or case.school_id))


async def record(work: Work, case: Case, happening: Happening) -> Event:
    """An entry of the case's timeline."""
    signed = work.told_as is None
    event = Event(
        case_id=case.id,
        kind=happening.kind,
        occurs_at=happening.occurs_at or work.now,
        ends_at=happening.ends_at,
        recorded_at=work.now,
        recorded_by_id=work.actor.user_id if signed else None,
        organisation_id=work.actor.organisation_id if signed else None,
        subject=happening.subject,
        description=happening.description,
        outcome=happening.outcome,
        participants=list(happening.participants),
        visibility=Visibility.INTERNAL if happening.shared_with is None else Visibility.SHARED,
        shared_with_school_id=happening.shared_with,
    )
    return await work.add(event)
