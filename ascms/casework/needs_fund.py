"""The needs fund: spending on a student's unmet basic needs, per case."""

from datetime import date
from typing import Final

from ascms.models import Case, NeedsFundEntry

from .problems import Problems
from .texts import LINE, needed
from .work import Work

MOST_CENTS: Final = 1_000_000
FIRST_DAY: Final = date(2020, 1, 1)


async def record(work: Work, case: Case, purpose: str, amount_cents: int, spent_on: date) -> NeedsFundEntry:
    """Record spending on a case. Raises Refused with all that is wrong with the entry."""
    problems = Problems()
    purpose = needed(problems, purpose, LINE, "purpose")
    if not 1 <= amount_cents <= MOST_CENTS:
        problems.add(
            f"It is {amount_cents:,}; give New Zealand cents, from 1 to {MOST_CENTS:,} in one entry.", "amount_cents"
        )
    if not FIRST_DAY <= spent_on <= work.today:
        problems.add(f"It is {spent_on}; give a day from {FIRST_DAY} to today, {work.today}.", "spent_on")
    problems.refuse_any()
    entry = await work.add(
        NeedsFundEntry(
            case_id=case.id,
            purpose=purpose,
            amount_cents=amount_cents,
            spent_on=spent_on,
            recorded_by_id=work.actor.user,
            recorded_at=work.now,
        )
    )
    work.log(entry, case.student_id)
    work.touched_case(case, item=entry)
    return entry
