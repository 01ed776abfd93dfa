"""What was entered in error: kept for ever, and shown as such from then on."""

from datetime import datetime

from sqlalchemy import func, select

from ascms.models import Case, Comment, Event, File, Request

from .events import RECORDED_BY_THE_SYSTEM
from .problems import not_possible_now
from .service_levels import CONTACTS
from .work import Work

Item = Comment | Event | File


async def mark(work: Work, item: Item) -> int | None:
    """Mark an item as entered in error; on a closed case too. Gives the key of the case that it belongs to, if any.

    Raises Refused where it is marked already, or was recorded by the system.
    """
    if isinstance(item, Event) and item.kind in RECORDED_BY_THE_SYSTEM:
        raise not_possible_now("The system recorded this as it happened; it cannot have been entered in error.")
    if item.in_error_at is not None:
        raise not_possible_now(f"The {type(item).__name__.lower()} is marked as entered in error already.")
    item.in_error_at = work.now
    case = await _case_of(work, item)
    if case is None:
        return None
    if isinstance(item, Event) and item.occurs_at == case.first_contact_at:
        case.first_contact_at = await _first_contact(work, case)
    work.touched_case(case, item=item)
    return case.id


async def _case_of(work: Work, item: Item) -> Case | None:
    """The case of an item, held for an event, which may have stopped one of its clocks; the log names the item."""
    if item.case_id is not None:
        case = await work.get(Case, item.case_id, lock=isinstance(item, Event))
        work.log(item, case.student_id)
        return case
    assert isinstance(item, File)
    request = await work.get(Request, item.request_id)
    work.log(item, request.student_id)
    return await work.get(Case, request.case_id) if request.case_id is not None else None


async def _first_contact(work: Work, case: Case) -> datetime | None:
    """The first contact that still counts, None where there is none."""
    await work.session.flush()
    first = select(func.min(Event.occurs_at)).where(
        Event.case_id == case.id,
        Event.kind.in_(CONTACTS),
        Event.in_error_at.is_(None),
        Event.occurs_at.between(case.opened_at, work.now),
    )
    return await work.session.scalar(first)
