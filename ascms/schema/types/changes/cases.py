"""The life of a case: assigning, opening, pausing, resuming, handing on, closing, reopening; its contact; merging."""

import strawberry

from ascms.planning.declare import entity
from ascms.schema.types.cases import Case
from ascms.schema.types.common import Date
from ascms.schema.types.problems import Problem

from .common import EXPECTED, NUMBER, case_done, member, optional, problems

# From the queue ----------------------------------------------------------------------------------------------


@strawberry.input(description="Naming a case's manager.")
class AssignCaseManagerInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    manager: strawberry.ID = member("Who works the case from now on: one of its eligibleManagers.")
    open: bool = strawberry.field(
        default=True,
        description="Whether a case in the queue is opened with it. One that is open or paused stays so.",
    )
    reason: str | None = optional(
        "Why, as a code of the set `assign_reason`; needed where another manager is named already."
    )


@entity(description="What came of naming a case manager.")
class AssignCaseManagerPayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Opening a case whose manager is named.")
class OpenCaseInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)


@entity(description="What came of opening a case.")
class OpenCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# Work on it --------------------------------------------------------------------------------------------------


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


@strawberry.input(description="Going on with a paused case.")
class ResumeCaseInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)


@entity(description="What came of resuming a case.")
class ResumeCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Handing a case on to another provider, with its internal record.")
class TransferCaseInput:
    number: str = member(NUMBER)
    expected_version: int | None = optional(f"{EXPECTED} Needed of whoever reads the case.")
    reason: str = member("Why, as a code of the set `transfer_reason`; not shown to the school.")
    hand_over_summary: str = member("What the next provider must know; not shown to the school.")
    provider: strawberry.ID | None = optional(
        "The next provider. Left out: the attendance service of the in-school provider's catchment; from an attendance "
        "service, that of the student's present school. The Ministry Administrator names any."
    )


@entity(description="What came of handing a case on.")
class TransferCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# Its end -----------------------------------------------------------------------------------------------------


@strawberry.input(description="Closing a case on which no task is open.")
class CloseCaseInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    outcome: str = member("How it ended, as a code of the set `outcome`.")
    closing_summary: str = member("What was reached.")


@entity(description="What came of closing a case.")
class CloseCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Going on with a case that was closed within the last 30 days.")
class ReopenCaseInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    reason: str = member("Why, as a code of the set `reopen_reason`.")
    manager: strawberry.ID | None = optional(
        "Who works it from now on: one of its eligibleManagers. Needed where its former manager may no longer be it."
    )


@entity(description="What came of reopening a case.")
class ReopenCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# The school's contact ----------------------------------------------------------------------------------------


@strawberry.input(description="Changing a case's primary contact.")
class ChangePrimaryContactInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    contact: strawberry.ID | None = optional(
        "Who it is from now on: one of its eligibleContacts; null for nobody, which only an Attendance Lead may say."
    )


@entity(description="What came of changing the primary contact.")
class ChangePrimaryContactPayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="What the school notes on how to reach its contact.")
class UpdateSchoolContactNotesInput:
    number: str = member(NUMBER)
    expected_version: int = member(EXPECTED)
    notes: str | None = optional("The notes as they are to be; null or empty for none.")


@entity(description="What came of changing the notes.")
class UpdateSchoolContactNotesPayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


# The Ministry's own ------------------------------------------------------------------------------------------


@strawberry.input(description="A case for a student who has been on no school's roll for 20 school days.")
class OpenNonEnrolledCaseInput:
    nsn: str = member("The student's national student number. It finds the student and is not shown again.")


@entity(description="What came of opening a case for a student on no roll.")
class OpenNonEnrolledCasePayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Two active cases of one type, of two student records that turn out to be one child.")
class MergeCasesInput:
    survivor: str = member("The number of the case that goes on, with its student's record.")
    duplicate: str = member("The number of the case that is closed; what is on it moves, and its number leads on.")
    expected_survivor_version: int | None = optional("The survivor's version that was read, where it can be.")
    expected_duplicate_version: int | None = optional("The duplicate's version that was read, where it can be.")


@entity(description="What came of merging two cases.")
class MergeCasesPayload:
    case: Case | None = case_done()
    problems: list[Problem] = problems()
