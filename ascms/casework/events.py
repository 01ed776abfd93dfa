"""The timeline's entries that people make: contacts, visits and notes, past or upcoming."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ascms.models import Case, Event, EventKind, Visibility

from .comments import shared_with
from .problems import Problems
from .service_levels import counts_as_first_contact
from .texts import LINE, LONG, needed, wanted
from .timeline import Happening, record
from .work import Work

RECORDED_BY_THE_SYSTEM: Final = frozenset({EventKind.REQUEST_RECEIVED, EventKind.CASE_CHANGED})
FURTHEST: Final = timedelta(days=2 * 366)
"""How far before or after now an event may be."""
MOST_PARTICIPANTS: Final = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is given. `occurs_at` None: now."""

    kind: EventKind
    subject: str
    occurs_at: datetime | None = None
    ends_at: datetime | None = None
    description: str | None = None
    outcome: str | None = None
    participants: Sequence[str] = ()
    visibility: Visibility | None = None


async def add(work: Work, case: Case, entry: Entry) -> Event:
    """Record an event on a case; the first contact that has happened stops the clock for it.

    Raises Refused with all that is wrong with the entry.
    """
    event = await record(work, case, _checked(work, case, entry))
    work.log(event, case.student_id)
    if _is_first_contact(work, case, event):
        case.first_contact_at = event.occurs_at
    work.touched_case(case, item=event)
    return event


def _checked(work: Work, case: Case, entry: Entry) -> Happening:
    problems = Problems()
    if entry.kind in RECORDED_BY_THE_SYSTEM:
        problems.add(f"{entry.kind.value} is recorded by the system; give another kind.", "kind")
    occurs_at = entry.occurs_at or work.now
    _check_times(work, occurs_at, entry.ends_at, problems)
    _, school_id = shared_with(work, case, entry.visibility, problems)
    happening = Happening(
        kind=entry.kind,
        subject=needed(problems, entry.subject, LINE, "subject"),
        shared_with=school_id,
        occurs_at=occurs_at,
        ends_at=entry.ends_at,
        description=wanted(problems, entry.description, LONG, "description"),
        outcome=wanted(problems, entry.outcome, LONG, "outcome"),
        participants=_participants(entry.participants, problems),
    )
    problems.refuse_any()
    return happening


def _check_times(work: Work, occurs_at: datetime, ends_at: datetime | None, problems: Problems) -> None:
    earliest, latest = work.now - FURTHEST, work.now + FURTHEST
    for name, instant in (("occurs_at", occurs_at), ("ends_at", ends_at)):
        if instant is not None and not earliest <= instant <= latest:
            problems.add("It is more than two years from now; check the year.", name)
    if ends_at is not None and ends_at < occurs_at:
        problems.add("It ends before it begins; give an end at or after occursAt, or leave it out.", "ends_at")


def _participants(given: Sequence[str], problems: Problems) -> tuple[str, ...]:
    if len(given) > MOST_PARTICIPANTS:
        problems.add(f"There are {len(given)}; {MOST_PARTICIPANTS} at most are kept.", "participants")
        return ()
    return tuple(needed(problems, name, LINE, "participants", str(place)) for place, name in enumerate(given))


def _is_first_contact(work: Work, case: Case, event: Event) -> bool:
    if not counts_as_first_contact(event.kind, event.occurs_at, work.now) or event.occurs_at < case.opened_at:
        return False
    return case.first_contact_at is None or event.occurs_at < case.first_contact_at
