"""Tasks: what is to be done on a case; the provider's own."""

from datetime import date, timedelta
from typing import Final

from sqlalchemy import func, select

from ascms.models import Case, Task

from .eligibility import may_manage_case
from .problems import Problems, not_possible_now
from .service_levels import counts_as_plan
from .texts import LINE, needed
from .work import Work

FURTHEST: Final = timedelta(days=2 * 366)
"""How long before a task is due it may be set."""


async def add(work: Work, case: Case, title: str, due_on: date | None, assignee_id: int | None) -> Task:
    """Set a task; the case's first is its plan. `assignee_id`: the key of no row for somebody who is unknown.

    The case is held, so that it is not closed meanwhile. Raises Refused with all that is wrong with the task.
    """
    problems = Problems()
    title = needed(problems, title, LINE, "title")
    if due_on is not None and not work.today <= due_on <= work.today + FURTHEST:
        problems.add(f"It is {due_on}; give a day from {work.today} on, within two years.", "due_on")
    if assignee_id is not None and not await may_manage_case(work, case, assignee_id):
        problems.add(
            "There is no such person among those who may work on the case: trained, with a role at the provider.",
            "assignee",
        )
    problems.refuse_any()
    if case.planned_at is None and counts_as_plan(await _number_of_tasks(work, case)):
        case.planned_at = work.now
    task = await work.add(
        Task(
            case_id=case.id,
            title=title,
            due_on=due_on,
            assignee_id=assignee_id,
            created_by_id=work.actor.user,
            created_at=work.now,
        )
    )
    work.log(task, case.student_id)
    work.touched_case(case, item=task)
    return task


async def complete(work: Work, case: Case, task: Task) -> None:
    """Mark a task of the case as done. Raises Refused where it is no longer open."""
    if task.done_at is not None:
        closed = "closed as the case was handed over" if task.handed_over else "completed"
        raise not_possible_now(f"The task was {closed} already.")
    task.done_at = work.now
    work.log(task, case.student_id)
    work.touched_case(case, item=task)


async def _number_of_tasks(work: Work, case: Case) -> int:
    return await work.session.scalar(select(func.count()).where(Task.case_id == case.id)) or 0
