"""Safety alerts: what a visitor to the home must know; the provider's alone."""

from ascms.models import Case, SafetyAlert

from .problems import Problems
from .texts import LONG, needed
from .work import Work


async def add(work: Work, case: Case, text: str) -> SafetyAlert:
    """Raise a safety alert on a case. Raises Refused for an empty text."""
    problems = Problems()
    text = needed(problems, text, LONG, "text")
    problems.refuse_any()
    alert = await work.add(SafetyAlert(case_id=case.id, text=text, raised_by_id=work.actor.user, raised_at=work.now))
    work.log(alert, case.student_id)
    work.touched_case(case, item=alert)
    return alert
