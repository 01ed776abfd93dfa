"""The life of a case: assigning, opening, pausing, resuming, handing on, closing, reopening."""

import strawberry

from ascms.planning.declare import entity
from ascms.schema.types.cases import Case
from ascms.schema.types.common import Date
from ascms.schema.types.problems import Problem

from .common import EXPECTED, NUMBER, case_done, member, problems


@strawberry.input(description="Pausing a case until a day.")
class PauseCaseInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    reason: str = member("Why, as a code of the set `pause_reason`.")
    review_on: Date = member("The day on which it is looked at again; the system resumes it then.")


@entity(description="What came of pausing a case.")
class PauseCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()
