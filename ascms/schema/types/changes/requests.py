"""Requests: started, filled in, submitted, withdrawn, declined; and that the family was told."""

import strawberry

from ascms.models import NoticeMethod
from ascms.planning.declare import entity
from ascms.schema.types.cases import Case
from ascms.schema.types.common import Date
from ascms.schema.types.problems import Problem
from ascms.schema.types.requests import Request

from .common import EXPECTED, REFERENCE, case_done, member, optional, problems, request_done

_DETAILS = "That school, contact and e-mail, as the sign-in has them, are right."
_STATEMENT = (
    "That the privacy statement was read, and that a link or a printed copy will be given to the student or caregivers "
    "by the confirming person or another school representative."
)
_VERSION = "The version of the statement confirmed: that of `privacyStatement`."
_AGAIN = "Needed where the viewer has not confirmed the current statement for this request."

# Starting ----------------------------------------------------------------------------------------------------


@strawberry.input(description="Starting a request: school, contact and e-mail are those of the viewer's sign-in.")
class StartRequestInput:
    student: strawberry.ID | None = optional("Whom it is for, of `studentChoices`; may be chosen later.")
    details_confirmed: bool = member(_DETAILS)
    privacy_statement_confirmed: bool = member(_STATEMENT)
    statement_version: str = member(_VERSION)


@entity(description="What came of starting a request.")
class StartRequestPayload:
    request: Request | None = request_done()
    problems: list[Problem] = problems()


# Filling in --------------------------------------------------------------------------------------------------


@strawberry.input(description="The student's attendance as the school states it; what is left out stays.")
class AttendanceInput:
    current_term_percentage: float | None = optional("Half-days present this term, 0 to 100 per cent.")
    previous_term_percentage: float | None = optional("Half-days present in the term before, 0 to 100 per cent.")
    days_absent: int | None = optional("Days absent this term.")
    first_day_absent: Date | None = optional("The first day absent; not in the future.")
    last_day_absent: Date | None = optional("The last day absent; not in the future, nor before the first.")


@strawberry.input(description="What the school has done already; what is left out stays.")
class SchoolActionsInput:
    plan_in_place: bool | None = optional("Whether an individual attendance plan is in place.")
    plan_reviewed_on: Date | None = optional("When the plan was reviewed; not in the future.")
    plan_outcome: str | None = optional("What came of the plan.")
    star_actions: str | None = optional("The steps of the stepped attendance response taken.")
    whanau_contacted: str | None = optional("Whether and how whānau were contacted.")
    factors: list[str] | None = optional(
        "The circumstances that the referral advice weighs, as codes of the set `referral_factor`; all of them."
    )


@strawberry.input(description="An answer to one of the Ministry's criteria; a no advises, none refuses.")
class CriterionInput:
    criterion: str = member("ACTIONS_REVIEWED, BEYOND_SCHOOL or COMPLEX_OR_LONG_STANDING.")
    met: bool = member("Yes or no.")
    note: str | None = optional("A note.")


@strawberry.input(description="How to reach a caregiver.")
class CaregiverContactInput:
    name: str = member("The caregiver's name.")
    relationship: str | None = optional("What they are to the student.")
    phone: str | None = optional("Their phone number.")
    email: str | None = optional("Their e-mail address.")


@strawberry.input(
    description="What a draft is to hold, of any step: what is left out stays, null clears, a list is given whole."
)
class SaveRequestInput:
    reference: str = member(REFERENCE)
    expected_version: int = member(EXPECTED)
    student: strawberry.ID | None = optional(
        "Whom it is for, of `studentChoices`. With another student the contacts of the former's caregivers go."
    )
    caregiver_contacts: list[CaregiverContactInput] | None = optional("How to reach the caregivers; 20 at most.")
    attendance: AttendanceInput | None = optional("The student's attendance.")
    criteria: list[CriterionInput] | None = optional("The Ministry's three criteria, each at most once.")
    school_actions: SchoolActionsInput | None = optional("What the school has done.")
    other_services: str | None = optional("Other services involved.")
    barriers: list[str] | None = optional("What stands in the way of attending, as codes of the set `barrier`.")
    main_barrier: str | None = optional("Which of the barriers is the main one.")
    barrier_notes: str | None = optional("Notes on the barriers.")
    provider: strawberry.ID | None = optional("Who is asked, of `eligibleProviders`.")
    primary_contact: strawberry.ID | None = optional("The school's contact, of `eligibleContacts`.")
    notes: str | None = optional("Notes on the support asked for.")
    advice_reason: str | None = optional("Why the school goes on where the advice is not to refer.")


@entity(description="What came of saving a draft.")
class SaveRequestPayload:
    request: Request | None = request_done()
    problems: list[Problem] = problems()


# Moving on ---------------------------------------------------------------------------------------------------


@strawberry.input(description="Submitting a draft. Whoever submits makes the confirmations themselves.")
class SubmitRequestInput:
    reference: str = member(REFERENCE)
    expected_version: int = member(EXPECTED)
    details_confirmed: bool | None = optional(f"{_DETAILS} {_AGAIN}")
    privacy_statement_confirmed: bool | None = optional(f"{_STATEMENT} {_AGAIN}")
    statement_version: str | None = optional(f"{_VERSION} {_AGAIN}")


@entity(description="What came of submitting a request. The paths of its problems are those of `saveRequest`.")
class SubmitRequestPayload:
    request: Request | None = request_done()
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Taking back a draft, or a request whose case is still in the queue.")
class WithdrawRequestInput:
    reference: str = member(REFERENCE)
    expected_version: int = member(EXPECTED)
    reason: str = member("Why; once it was submitted, the provider reads it on the case's timeline.")


@entity(description="What came of withdrawing a request.")
class WithdrawRequestPayload:
    request: Request | None = request_done()
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="Declining a request whose case is still in the queue.")
class DeclineRequestInput:
    reference: str = member(REFERENCE)
    expected_version: int = member(EXPECTED)
    reason: str = member("Why, as a code of the set `decline_reason`; the school reads it.")
    note: str = member("A note to the school.")


@entity(description="What came of declining a request.")
class DeclineRequestPayload:
    request: Request | None = request_done()
    case: Case | None = case_done()
    problems: list[Problem] = problems()


@strawberry.input(description="That the family was given the privacy statement (IPP 3A); recorded once.")
class RecordNoticeGivenInput:
    reference: str | None = optional(f"{REFERENCE} Exactly one of `reference` and `number` is given.")
    number: str | None = optional("The number of a case that no request led to.")
    given_on: Date = member("When; not in the future.")
    given_to: str = member("To whom.")
    method: NoticeMethod = member("How.")


@entity(description="What came of recording that the notice was given.")
class RecordNoticeGivenPayload:
    request: Request | None = request_done()
    case: Case | None = case_done()
    problems: list[Problem] = problems()
