"""Cases and requests: of every status, merged ones and drafts among them.

A case's `school_id` and `region` follow the student, as the models promise.
"""

from typing import Final

from ascms.casework.statements import PRIVACY_STATEMENT
from ascms.models import (
    AdviceLevel,
    CaseStatus,
    CaseType,
    ConfirmationKind,
    NoticeMethod,
    OrganisationKind,
    RequestStatus,
    fold,
)
from tests.planning.invented.rows import CODES, Rows
from tests.planning.invented.students import contact

NUMBERS: Final = tuple(f"{number:08}" for number in range(1, 400))


def cases(world: Rows) -> None:
    """Cases of the students there are."""
    for _ in range(3 + world.chance.count(16) if world.rows["student"] else 0):
        _case(world)


def requests(world: Rows) -> None:
    """Drafts, and requests of the cases there are."""
    for _ in range(2 + world.chance.count(14)):
        _request(world)


def _case(world: Rows) -> None:
    chance = world.chance
    student, kind = chance.one(world.rows["student"]), chance.one(tuple(CaseType))
    status = chance.one(tuple(CaseStatus))
    busy = {(row["student_id"], row["type"]) for row in world.rows["case_record"] if row["active"]}
    if (student["id"], kind) in busy:
        status = CaseStatus.CLOSED
    closed, opened = status is CaseStatus.CLOSED, chance.instant()
    organisations = {row["id"]: row for row in world.rows["organisation"]}
    providers = (OrganisationKind.IN_SCHOOL_PROVIDER, OrganisationKind.ATTENDANCE_SERVICE_PROVIDER)
    provider, school = chance.one(world.of_kind(*providers)), organisations.get(student["school_id"])
    number = NUMBERS[len(world.rows["case_record"]) * 7]
    world.add(
        "case_record",
        number=number,
        type=kind,
        status=status,
        active=not closed,
        student_id=student["id"],
        school_id=student["school_id"],
        provider_id=provider["id"],
        catchment_id=world.maybe_key("catchment"),
        region=(school or provider)["region"],
        case_manager_id=world.key("user_account") if status is CaseStatus.OPEN else world.maybe_key("user_account"),
        primary_contact_id=world.maybe_key("user_account"),
        school_contact_notes=chance.maybe(chance.text),
        opened_at=opened,
        closed_at=chance.later(opened) if closed else None,
        outcome_code=chance.maybe(lambda: chance.one(CODES)),
        closing_summary=chance.maybe(chance.text),
        status_reason_code=chance.maybe(lambda: chance.one(CODES)),
        review_on=chance.maybe(chance.day),
        merged_into_id=world.maybe_key("case_record") if closed and chance.one_in(2) else None,
        former_reference=chance.maybe(lambda: f"F{number}"),
        target_version=chance.one(("1", "1", "unknown", None)),
        version=chance.one((1, 1, 2**31 - 1)),
        **{name: chance.maybe(lambda: chance.later(opened)) for name in ("assigned_at", "first_contact_at")},
        planned_at=chance.maybe(lambda: chance.later(opened), 2),
    )


def _request(world: Rows) -> None:
    chance, number = world.chance, len(world.rows["request"]) + 1
    status = chance.one(tuple(RequestStatus)) if world.rows["case_record"] else RequestStatus.DRAFT
    submitted = status not in (RequestStatus.DRAFT, RequestStatus.WITHDRAWN) or (
        status is RequestStatus.WITHDRAWN and chance.one_in(2)
    )
    case = chance.one(world.rows["case_record"]) if submitted else None
    student_id = case["student_id"] if case else world.maybe_key("student")
    name = chance.maybe(chance.text, 4)
    texts = (
        "applied_for_known_as", "decline_note", "withdrawal_reason", "plan_outcome", "star_actions",
        "whanau_contacted", "barrier_notes", "other_services", "notes", "advice_reason",
    )  # fmt: skip
    row = world.add(
        "request",
        reference=str(100 + number * 7),
        number=NUMBERS[number * 5] if submitted else None,
        type=chance.one(tuple(CaseType)),
        status=status,
        school_id=_asking(world, student_id),
        student_id=student_id,
        applied_for_full_name=name,
        applied_for_full_name_folded=None if name is None else fold(name),
        applied_for_year_level=chance.maybe(lambda: chance.one((0, 13))),
        created_by_id=world.key("user_account"),
        primary_contact_id=world.maybe_key("user_account"),
        provider_id=world.maybe_key("organisation"),
        case_id=case["id"] if case else None,
        last_modified_at=chance.instant(),
        submitted_at=chance.instant() if submitted else None,
        decided_at=chance.maybe(chance.instant),
        decline_reason_code=chance.maybe(lambda: chance.one(CODES)),
        main_barrier_code=chance.maybe(lambda: chance.one(CODES)),
        days_absent=chance.maybe(lambda: chance.one((0, 10, -1))),
        plan_in_place=chance.maybe(lambda: chance.one((True, False))),
        advice_level=chance.maybe(lambda: chance.one(tuple(AdviceLevel))),
        advice_version=chance.maybe(chance.text),
        **({"advice_reasons": chance.maybe(lambda: chance.some(("", "Ā", "b"), 3))} if chance.one_in(2) else {}),
        **{column: chance.maybe(chance.text) for column in texts},
        **{column: chance.maybe(chance.day) for column in ("first_day_absent", "last_day_absent")},
        plan_reviewed_on=chance.maybe(chance.day),
        **{f"{term}_term_percentage": chance.maybe(lambda: 99.9) for term in ("current", "previous")},
    )
    _form(world, row["id"])


def _asking(world: Rows, student_id: int | None) -> int:
    """The school that asks: often that of the student, who may have moved on."""
    present = [row["school_id"] for row in world.rows["student"] if row["id"] == student_id and row["school_id"]]
    schools = [row["id"] for row in world.of_kind(OrganisationKind.SCHOOL)]
    key: int = world.chance.one(schools if not present or world.chance.one_in(4) else present)
    return key


def _form(world: Rows, key: int) -> None:
    chance = world.chance
    for code in chance.some(CODES, 3):
        world.rows["request_barrier"].append({"request_id": key, "code": code})
    for code in chance.some(CODES, 2):
        world.rows["request_factor"].append({"request_id": key, "code": code})
    for criterion in chance.some(("one", "two", "three"), 3):
        note = chance.maybe(chance.text)
        world.add("request_criterion", request_id=key, criterion=criterion, met=chance.one_in(2), note=note)
    for _ in range(chance.random.randint(0, 2)):
        prefilled = chance.one_in(2)
        world.add("request_caregiver_contact", request_id=key, prefilled=prefilled, **contact(world))
    for kind in chance.some(tuple(ConfirmationKind), 2):
        world.add(
            "request_confirmation",
            request_id=key,
            kind=kind,
            statement_version=chance.one((PRIVACY_STATEMENT.version, "")),
            confirmed_by_id=world.key("user_account"),
            confirmed_at=chance.instant(),
        )
    if chance.one_in(3):
        world.add(
            "notice_given",
            request_id=key,
            given_on=chance.day(),
            given_to=chance.text(),
            method=chance.one(tuple(NoticeMethod)),
            recorded_by_id=world.key("user_account"),
            recorded_at=chance.instant(),
        )
