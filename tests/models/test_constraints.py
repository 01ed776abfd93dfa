"""What the database itself keeps, on SQLite and PostgreSQL alike, whatever the code above it does."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import exc, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ascms import models
from ascms.models import Base, CaseStatus, CaseType, OrganisationKind, RequestStatus, Role, Visibility
from tests.models import rows
from tests.models.rows import NOW


@dataclass(frozen=True)
class Setting:
    """A school with a student, a provider with an open queue, and two people."""

    engine: AsyncEngine
    school: models.Organisation
    provider: models.Organisation
    student: models.Student
    user: models.User
    colleague: models.User

    async def save(self, *items: Base) -> None:
        await rows.save(self.engine, *items)

    async def refuses(self, item: Base, by: str) -> None:
        """That the database refuses `item`, and that the constraint `by` (or of that kind) is why."""
        with pytest.raises(exc.IntegrityError, match=f"(?i){by}"):
            await rows.save(self.engine, item)


@pytest.fixture
async def setting(engine: AsyncEngine) -> Setting:
    school, provider = rows.organisation(), rows.organisation(kind=OrganisationKind.ATTENDANCE_SERVICE_PROVIDER)
    student, user, colleague = rows.student(), rows.user(), rows.user()
    await rows.save(engine, school, provider, student, user, colleague)
    return Setting(engine, school, provider, student, user, colleague)


async def test_a_student_has_one_active_case_of_a_type(setting: Setting) -> None:
    await setting.save(rows.case(setting.student, setting.provider))
    await setting.refuses(rows.case(setting.student, setting.provider), by="unique")


async def test_a_student_may_have_active_cases_of_both_types_and_many_closed_ones(setting: Setting) -> None:
    closed = {"status": CaseStatus.CLOSED, "active": False, "closed_at": NOW}
    await setting.save(
        rows.case(setting.student, setting.provider),
        rows.case(setting.student, setting.provider, type=CaseType.NON_ENROLLED),
        rows.case(setting.student, setting.provider, **closed),
        rows.case(setting.student, setting.provider, **closed),
    )


async def test_a_case_is_closed_exactly_when_it_is_not_active_and_has_a_closing_time(setting: Setting) -> None:
    def case(status: CaseStatus, active: bool, closed_at: datetime | None) -> models.Case:
        return rows.case(setting.student, setting.provider, status=status, active=active, closed_at=closed_at)

    await setting.refuses(case(CaseStatus.CLOSED, True, NOW), by="ck_case_record_active_unless_closed")
    await setting.refuses(case(CaseStatus.TRANSITION, False, None), by="ck_case_record_active_unless_closed")
    await setting.refuses(case(CaseStatus.CLOSED, False, None), by="ck_case_record_closed_at_iff_closed")
    await setting.refuses(case(CaseStatus.PAUSED, True, NOW), by="ck_case_record_closed_at_iff_closed")


async def test_an_open_case_has_a_case_manager(setting: Setting) -> None:
    without = rows.case(setting.student, setting.provider, status=CaseStatus.OPEN)
    await setting.refuses(without, by="ck_case_record_open_has_manager")
    await setting.save(
        rows.case(setting.student, setting.provider, status=CaseStatus.OPEN, case_manager_id=setting.user.id)
    )


async def test_case_numbers_are_not_given_twice(setting: Setting) -> None:
    await setting.save(rows.case(setting.student, setting.provider, number="00307473"))
    again = rows.case(setting.student, setting.provider, number="00307473", type=CaseType.NON_ENROLLED)
    await setting.refuses(again, by="unique")


async def test_what_a_row_points_at_exists(setting: Setting) -> None:
    nobody = 999_999
    await setting.refuses(rows.case(setting.student, setting.provider, student_id=nobody), by="foreign key")
    await setting.refuses(rows.case(setting.student, setting.provider, primary_contact_id=nobody), by="foreign key")
    await setting.refuses(rows.request(setting.school, setting.user, created_by_id=nobody), by="foreign key")
    await setting.refuses(
        models.StudentEthnicity(student_id=setting.student.id, position=1, code="999"), by="foreign key"
    )


async def test_what_others_point_at_cannot_be_deleted(setting: Setting) -> None:
    await setting.save(rows.case(setting.student, setting.provider))
    with pytest.raises(exc.IntegrityError, match=r"(?i)foreign key"):
        async with setting.engine.begin() as connection:
            await connection.execute(models.Student.__table__.delete())  # type: ignore[attr-defined]


async def test_a_draft_has_no_number_and_a_submitted_request_has_one(setting: Setting) -> None:
    await setting.save(rows.request(setting.school, setting.user))
    numbered = rows.request(setting.school, setting.user, number="152479128")
    await setting.refuses(numbered, by="ck_request_number_iff_submitted")
    submitted = {"status": RequestStatus.WITHDRAWN, "submitted_at": NOW, "student_id": setting.student.id}
    await setting.refuses(rows.request(setting.school, setting.user, **submitted), by="ck_request_number_iff_submitted")


async def test_a_draft_was_never_submitted(setting: Setting) -> None:
    draft = rows.request(setting.school, setting.user, number="1", submitted_at=NOW, student_id=setting.student.id)
    await setting.refuses(draft, by="ck_request_draft_not_submitted")


async def test_a_submitted_request_has_a_student_and_a_case(setting: Setting) -> None:
    submitted = {"status": RequestStatus.SUBMITTED, "submitted_at": NOW, "number": "152479128"}
    case = rows.case(setting.student, setting.provider)
    await setting.save(case)
    without_student = rows.request(setting.school, setting.user, **submitted, case_id=case.id)
    await setting.refuses(without_student, by="ck_request_submitted_has_student")
    without_case = rows.request(setting.school, setting.user, **submitted, student_id=setting.student.id)
    await setting.refuses(without_case, by="ck_request_submitted_has_case")
    await setting.save(
        rows.request(setting.school, setting.user, **submitted, case_id=case.id, student_id=setting.student.id)
    )


async def test_a_student_is_on_one_roll_at_a_time(setting: Setting) -> None:
    other = rows.organisation()
    await setting.save(other, rows.enrolment(setting.student, setting.school))
    await setting.refuses(rows.enrolment(setting.student, other), by="unique")
    await setting.save(rows.enrolment(setting.student, other, ended_on=date(2026, 3, 1)))


async def test_an_enrolment_does_not_end_before_it_starts(setting: Setting) -> None:
    backwards = rows.enrolment(setting.student, setting.school, ended_on=date(2026, 2, 1))
    await setting.refuses(backwards, by="ck_enrolment_ends_after_start")


async def test_an_internal_item_is_shared_with_no_school(setting: Setting) -> None:
    case = rows.case(setting.student, setting.provider)
    await setting.save(case)
    internal = {"visibility": Visibility.INTERNAL, "shared_with_school_id": setting.school.id}
    comment = rows.comment(case, setting.user, setting.provider, **internal)
    await setting.refuses(comment, by="ck_comment_internal_is_not_shared")
    event = models.Event(
        case_id=case.id, kind=models.EventKind.NOTE, occurs_at=NOW, recorded_at=NOW, subject="Note", **internal
    )
    await setting.refuses(event, by="ck_event_internal_is_not_shared")
    await setting.save(rows.comment(case, setting.user, setting.provider, shared_with_school_id=setting.school.id))


async def test_a_file_belongs_somewhere_and_has_at_most_25_mebibytes(setting: Setting) -> None:
    case = rows.case(setting.student, setting.provider)
    await setting.save(case)

    def file(**changes: object) -> models.File:
        values = {"name": "plan.pdf", "media_type": "application/pdf", "sha256": "0" * 64, "storage_key": "a"}
        links = {"case_id": case.id, "uploaded_by_id": setting.user.id, "organisation_id": setting.school.id}
        size = {"size_bytes": 25 * 1024 * 1024, "visibility": Visibility.SHARED, "uploaded_at": NOW}
        return models.File(**{**values, **links, **size, **changes})

    await setting.refuses(file(case_id=None), by="ck_file_has_parent")
    await setting.refuses(file(size_bytes=25 * 1024 * 1024 + 1), by="ck_file_at_most_25_mib")
    await setting.save(file())


async def test_a_student_has_up_to_three_ethnicities(setting: Setting) -> None:
    codes = ["211", "311", "421", "531"]
    await setting.save(*(models.EthnicGroup(code=code, name=code, level1="Other") for code in codes))

    def ethnicity(position: int, code: str) -> models.StudentEthnicity:
        return models.StudentEthnicity(student_id=setting.student.id, position=position, code=code)

    await setting.save(*(ethnicity(position, code) for position, code in enumerate(codes[:3], start=1)))
    await setting.refuses(ethnicity(4, "531"), by="ck_student_ethnicity_up_to_three")
    await setting.refuses(ethnicity(3, "531"), by="unique")


async def test_a_role_is_held_once_and_not_approved_by_its_holder(setting: Setting) -> None:
    def assignment(**changes: object) -> models.RoleAssignment:
        links = {"user_id": setting.user.id, "organisation_id": setting.school.id}
        return models.RoleAssignment(**{**links, "role": Role.OFFICE_SUPPORT, "granted_at": NOW, **changes})

    own = assignment(approved_by_id=setting.user.id, approved_at=NOW)
    await setting.refuses(own, by="ck_role_assignment_not_approved_by_oneself")
    await setting.save(assignment(approved_by_id=setting.colleague.id, approved_at=NOW))
    await setting.refuses(assignment(), by="unique")
    await setting.save(assignment(ended_at=NOW))


async def test_a_person_is_blocked_from_a_student_once_at_a_time(setting: Setting) -> None:
    def block(**changes: object) -> models.AccessBlock:
        links = {"user_id": setting.user.id, "student_id": setting.student.id, "set_by_id": setting.colleague.id}
        return models.AccessBlock(**{**links, "reason": "relative", "set_at": NOW, **changes})

    await setting.save(block())
    await setting.refuses(block(), by="unique")
    await setting.save(block(lifted_at=NOW, lifted_by_id=setting.colleague.id))


async def test_only_codes_of_a_closed_set_are_stored(setting: Setting) -> None:
    case = rows.case(setting.student, setting.provider)
    await setting.save(case)
    with pytest.raises(exc.IntegrityError, match="ck_case_record_casestatus"):
        async with setting.engine.begin() as connection:
            await connection.exec_driver_sql("UPDATE case_record SET status = 'LOST'")


async def test_instants_are_read_back_as_they_were_with_their_timezone(setting: Setting) -> None:
    await setting.save(rows.case(setting.student, setting.provider))
    async with setting.engine.connect() as connection:
        opened_at = await connection.scalar(select(models.Case.opened_at))
    assert opened_at == NOW
    assert opened_at.tzinfo is UTC


async def test_names_sort_bytewise_whatever_the_locale_of_the_database(setting: Setting) -> None:
    names = ["a", "B", "ā", "Z", "z"]
    await setting.save(*(rows.student(name) for name in names))
    async with setting.engine.connect() as connection:
        ordered = await connection.scalars(
            select(models.Student.full_name)
            .where(models.Student.full_name.in_(names))
            .order_by(models.Student.full_name)
        )
        assert list(ordered) == sorted(names, key=str.encode)
