"""The rows that the presentation shows, and the fixed people's corner of the world, as anyone trying it finds them."""

from datetime import UTC, date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ascms.database import engine_for
from ascms.demo.clock import local
from ascms.models import Case, CaseStatus, CaseType, Event, EventKind, Gender, Request, RequestStatus, Student, User
from tests.demo.conftest import Ask

COLLEGE = "(SELECT id FROM organisation WHERE number = '1234')"
SECOND = "(SELECT id FROM organisation WHERE number = '1235')"
ACTIVE_AT_COLLEGE = f"FROM case_record c WHERE c.active AND c.school_id = {COLLEGE}"


def person(username: str) -> str:
    return f"(SELECT id FROM user_account WHERE username = '{username}')"


async def test_test_college_has_thirty_active_cases_and_one_draft(ask: Ask) -> None:
    types = await ask(f"SELECT c.type, count(*) {ACTIVE_AT_COLLEGE} GROUP BY c.type ORDER BY c.type")
    assert types == [("CHRONIC_ABSENCE", 27), ("NON_ENROLLED", 3)]
    assert await ask(f"SELECT reference FROM request WHERE status = 'DRAFT' AND school_id = {COLLEGE}") == ["152"]


async def test_the_draft_is_as_shown(kept_world: str) -> None:
    async with AsyncSession(engine := engine_for(kept_world)) as session:
        draft = (await session.scalars(select(Request).where(Request.reference == "152"))).one()
        creator = await session.get_one(User, draft.created_by_id)
    await engine.dispose()
    assert (draft.applied_for_full_name, draft.number, draft.primary_contact_id) == ("Test Student 6", None, None)
    assert draft.last_modified_at == datetime(2026, 5, 5, 20, 57, tzinfo=UTC) == local(2026, 5, 6, 8, 57)
    assert (creator.display_name, creator.username) == ("TestSchoolUser1 Paul", "contact@test-college.school.nz")
    assert (creator.email, creator.phone) == ("Primary.Contact@TestCollege.school.nz", None)


async def test_the_three_cases_of_the_list_are_as_shown(ask: Ask, kept_world: str) -> None:
    shown = {
        "00289396": ("Test Student 1", CaseStatus.PROVIDER_QUEUE, local(2026, 5, 10, 10, 15)),
        "00203396": ("Test Student 2", CaseStatus.OPEN, local(2026, 4, 18, 17, 52)),
        "00206415": ("Test Student 3", CaseStatus.TRANSITION, local(2025, 5, 13, 12, 23)),
    }
    async with AsyncSession(engine := engine_for(kept_world)) as session:
        query = select(Case, Student).join(Student, Student.id == Case.student_id).where(Case.number.in_(shown))
        found = {case.number: (case, student) for case, student in await session.execute(query)}
    await engine.dispose()
    assert {n: (s.full_name, c.status, c.opened_at) for n, (c, s) in found.items()} == shown
    assert {(c.type, c.primary_contact_id) for c, _ in found.values()} == {(CaseType.CHRONIC_ABSENCE, None)}
    assert await ask(f"SELECT c.number {ACTIVE_AT_COLLEGE} ORDER BY c.opened_at DESC LIMIT 1") == ["00289396"]


async def test_the_case_of_the_case_view_is_as_shown(kept_world: str) -> None:
    moment = local(2026, 5, 6, 9, 47)
    async with AsyncSession(engine := engine_for(kept_world)) as session:
        case = (await session.scalars(select(Case).where(Case.number == "00307473"))).one()
        student = await session.get_one(Student, case.student_id)
        request = (await session.scalars(select(Request).where(Request.case_id == case.id))).one()
        event = (await session.scalars(select(Event).where(Event.case_id == case.id))).one()
        manager = await session.get_one(User, case.case_manager_id)
        contact = await session.get_one(User, case.primary_contact_id)
    await engine.dispose()
    assert (case.status, case.type, case.opened_at) == (CaseStatus.PROVIDER_QUEUE, CaseType.CHRONIC_ABSENCE, moment)
    assert (case.catchment_id, case.school_contact_notes) == (None, None)
    assert (manager.username, manager.display_name) == ("manager@test-college-isp.school.nz", "Case Manager Name")
    assert contact.display_name == "TestSchoolUser1 Paul"
    assert (student.full_name, student.gender, student.known_as) == ("Test Student Name", Gender.M, None)
    assert (student.date_of_birth, student.year_level, student.protected) == (date(2010, 1, 1), 11, False)
    assert (request.number, request.submitted_at, request.status) == ("152479128", moment, RequestStatus.ACCEPTED)
    assert (event.subject, event.occurs_at) == ("CA Request - Test Student Name", moment)
    assert (event.kind, event.shared_with_school_id) == (EventKind.REQUEST_RECEIVED, case.school_id)


async def test_that_case_has_nothing_else_on_it(ask: Ask) -> None:
    case = "(SELECT id FROM case_record WHERE number = '00307473')"
    for table in ("comment", "file", "task", "needs_fund_entry", "safety_alert"):
        assert await ask(f"SELECT id FROM {table} WHERE case_id = {case}") == []
    groups = await ask(
        "SELECT g.code, g.name, g.level1 FROM ethnic_group g JOIN student_ethnicity e ON e.code = g.code "
        f"WHERE e.student_id = (SELECT student_id FROM case_record WHERE id = {case})"
    )
    assert groups == [("531", "African", "MELAA")]


async def test_people_hold_the_roles_their_names_say(ask: Ask) -> None:
    held = await ask(
        "SELECT u.username, o.number, r.role FROM role_assignment r JOIN user_account u ON u.id = r.user_id "
        "JOIN organisation o ON o.id = r.organisation_id WHERE r.approved_at IS NOT NULL AND u.id <= 16 "
        "ORDER BY 1, 2, 3"
    )
    college, isp, asp = "test-college.school.nz", "test-college-isp.school.nz", "waikato-attendance.nz"
    assert held == sorted([
        (f"lead@{college}", "1234", "ATTENDANCE_LEAD"),
        (f"contact@{college}", "1234", "PRIMARY_CONTACT"),
        (f"office@{college}", "1234", "OFFICE_SUPPORT"),
        (f"authoriser@{college}", "1234", "DELEGATED_AUTHORISER"),
        (f"workflow@{isp}", "78912", "WORKFLOW_LEAD"),
        (f"manager@{isp}", "78912", "CASE_MANAGER"),
        (f"workflow@{asp}", "5001", "WORKFLOW_LEAD"),
        (f"manager@{asp}", "5001", "CASE_MANAGER"),
        ("lead@second-school.school.nz", "1235", "ATTENDANCE_LEAD"),
        ("adviser@ministry.nz", "9001", "MINISTRY_ADVISER"),
        ("analyst@ministry.nz", "9000", "MINISTRY_ANALYST"),
        ("privacy@ministry.nz", "9000", "PRIVACY_OFFICER"),
        ("admin@ministry.nz", "9000", "MINISTRY_ADMINISTRATOR"),
        (f"both@{college}", "1234", "OFFICE_SUPPORT"),
        (f"both@{college}", "1234", "PRIMARY_CONTACT"),
        (f"testperson@{college}", "1234", "ATTENDANCE_LEAD"),
        (f"testperson@{college}", "78912", "WORKFLOW_LEAD"),
        (f"untrained@{asp}", "5001", "CASE_MANAGER"),
    ])  # fmt: skip


async def test_all_provider_people_are_trained_but_one(ask: Ask) -> None:
    untrained = await ask(
        "SELECT DISTINCT u.username FROM user_account u JOIN role_assignment r ON r.user_id = u.id "
        "WHERE r.role IN ('CASE_MANAGER', 'WORKFLOW_LEAD') AND u.training_completed_at IS NULL"
    )
    assert untrained == ["untrained@waikato-attendance.nz"]


async def test_one_role_waits_for_approval_at_the_college_and_one_at_its_attendance_service(ask: Ask) -> None:
    waiting = "SELECT o.number FROM role_assignment r JOIN organisation o ON o.id = r.organisation_id"
    assert await ask(f"{waiting} WHERE r.approved_at IS NULL ORDER BY 1") == ["1234", "5001"]


async def test_the_college_s_people_are_contacts_of_some_cases_and_not_of_others(ask: Ask) -> None:
    counts = await ask(
        "SELECT u.username, count(*) FROM case_record c LEFT JOIN user_account u ON u.id = c.primary_contact_id "
        f"WHERE c.active AND c.school_id = {COLLEGE} GROUP BY u.username"
    )
    at = "test-college.school.nz"
    assert dict(counts) == {None: 9, f"both@{at}": 6, f"contact@{at}": 8, f"lead@{at}": 5, f"testperson@{at}": 2}


async def test_the_protected_students_of_the_college_have_an_address_and_caregivers(ask: Ask) -> None:
    contacts = await ask(
        "SELECT u.username FROM case_record c JOIN user_account u ON u.id = c.primary_contact_id "
        "JOIN student s ON s.id = c.student_id WHERE c.active AND s.protected AND s.address IS NOT NULL "
        f"AND EXISTS (SELECT 1 FROM caregiver g WHERE g.student_id = s.id) AND c.school_id = {COLLEGE} ORDER BY 1"
    )
    assert contacts == ["both@test-college.school.nz", "contact@test-college.school.nz"]


async def test_an_access_block_keeps_the_second_school_s_lead_from_one_student(ask: Ask) -> None:
    blocked = await ask(
        "SELECT s.full_name, setter.username FROM access_block b JOIN student s ON s.id = b.student_id "
        "JOIN user_account setter ON setter.id = b.set_by_id JOIN case_record c ON c.student_id = s.id AND c.active "
        f"WHERE b.lifted_at IS NULL AND b.user_id = {person('lead@second-school.school.nz')} AND c.school_id = {SECOND}"
    )
    assert blocked == [("Second Student 1", "deputy@second-school.school.nz")]
    assert len(await ask("SELECT id FROM access_block WHERE lifted_at IS NOT NULL")) == 1


async def test_a_student_who_moved_left_what_was_shared_with_the_old_school(ask: Ask) -> None:
    """From the college to the second school and the other way round: the items still name the old school."""
    moves = await ask(
        "SELECT DISTINCT o.number, s.number FROM comment x JOIN case_record c ON c.id = x.case_id AND c.active "
        "JOIN organisation o ON o.id = x.shared_with_school_id JOIN organisation s ON s.id = c.school_id "
        "WHERE o.id <> s.id AND o.number IN ('1234', '1235') AND s.number IN ('1234', '1235') ORDER BY 1"
    )
    assert moves == [("1234", "1235"), ("1235", "1234")]


async def test_the_catchment_s_manager_has_cases_of_more_than_one_school(ask: Ask) -> None:
    schools = await ask(
        "SELECT DISTINCT school_id FROM case_record WHERE active AND "
        f"case_manager_id = {person('manager@waikato-attendance.nz')}"
    )
    assert len(schools) >= 3


async def test_everyone_at_the_college_has_written_and_uploaded_something(ask: Ask) -> None:
    people = [f"{name}@test-college.school.nz" for name in ("both", "contact", "lead", "office")]
    for table, column in (("comment", "author_id"), ("file", "uploaded_by_id")):
        authors = await ask(
            f"SELECT DISTINCT u.username FROM {table} x JOIN user_account u ON u.id = x.{column} "
            f"JOIN case_record c ON c.id = x.case_id WHERE c.active AND c.school_id = {COLLEGE} "
            f"AND x.organisation_id = {COLLEGE} ORDER BY 1"
        )
        assert set(people) <= set(authors)
        kinds = f"SELECT DISTINCT x.visibility FROM {table} x JOIN case_record c ON c.id = x.case_id"
        provider = f"WHERE c.active AND c.school_id = {COLLEGE} AND x.organisation_id <> {COLLEGE} ORDER BY 1"
        assert await ask(f"{kinds} {provider}") == ["INTERNAL", "SHARED"]
