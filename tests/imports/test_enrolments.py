"""ENROL's nightly file: what each kind of line does to what is held, on both databases."""

from datetime import date
from typing import Any

import pytest

from ascms.casework.work import Work
from ascms.imports import Enrolments, ImportState
from ascms.models import Case, CaseStatus, CaseType, RequestStatus, Role, RoleAssignment, Student
from tests.imports.conftest import Desk
from tests.imports.files import content, number, student
from tests.models import rows

THE_STUDENT = """SELECT full_name, full_name_folded, known_as, date_of_birth, gender, year_level, address, protected,
    school_id FROM student WHERE nsn = :nsn"""
ENROLMENTS = """SELECT e.school_id, e.year_level, started_on, ended_on FROM enrolment e
    JOIN student s ON s.id = student_id WHERE nsn = :nsn ORDER BY started_on, e.id"""


def day(value: Any) -> str | None:
    """A date as both databases give it to plain SQL."""
    return None if value is None else str(value)


async def enrolments_of(desk: Desk, which: int = 1) -> list[tuple[Any, ...]]:
    found = await desk.ask(ENROLMENTS, nsn=number(which))
    return [(school, year, day(began), day(ended)) for school, year, began, ended in found]


async def codes_of(desk: Desk, table: str, order: str) -> list[str]:
    return [code for (code,) in await desk.ask(f"SELECT code FROM {table} ORDER BY {order}")]


async def test_a_new_student_is_held_with_all_that_the_line_says(desk: Desk) -> None:
    ended = await desk.run(Enrolments(), content(student(known_as="Hem", protected="Y")))
    assert ended.state is ImportState.DONE
    assert ended.changed == {"studentsAdded": 1, "enrolmentsStarted": 1}
    found = await desk.ask(THE_STUDENT, nsn=number(1))
    assert [(*row[:3], day(row[3]), *row[4:]) for row in found] == [
        ("Hēmi Test", "hemi test", "Hem", "2012-03-04", "M", 9, "1 Some Street", True, desk.a)
    ]
    assert await enrolments_of(desk) == [(desk.a, 9, "2025-02-03", None)]
    assert await codes_of(desk, "student_ethnicity", "position") == ["211", "111"]
    assert await codes_of(desk, "student_iwi", "code") == ["0101"]


async def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    file = content(student(1), student(2, school_number="", started_on=""), student(3, ethnicities="", iwi="0303;0202"))
    await desk.run(Enrolments(), file)
    before = await desk.everything()
    ended = await desk.run(Enrolments(), file)
    assert (ended.state, ended.changed) == (ImportState.DONE, {})
    after = await desk.everything()
    assert {**after, "change_entry": []} == {**before, "change_entry": []}


async def test_names_and_details_become_those_of_the_line(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(known_as="Hem")))
    ended = await desk.run(
        Enrolments(), content(student(full_name="Hēmi  Ngata", known_as="", gender="X", address="", date_of_birth=""))
    )
    assert ended.changed == {"studentsChanged": 1}
    found = await desk.ask(THE_STUDENT, nsn=number(1))
    assert [tuple(row) for row in found] == [("Hēmi Ngata", "hemi ngata", None, None, "X", 9, None, False, desk.a)]


async def test_given_names_and_surname_do_instead_of_full_name(desk: Desk) -> None:
    line = {**student(), "given_names": "Aroha Mere", "surname": "Test"}
    del line["full_name"]
    await desk.run(Enrolments(), content(line))
    assert (await desk.ask(THE_STUDENT, nsn=number(1)))[0][0] == "Aroha Mere Test"


async def test_a_changed_school_ends_one_enrolment_and_starts_another(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    ended = await desk.run(Enrolments(), content(student(school_number="1002", started_on="2026-05-04")))
    assert ended.changed == {"studentsChanged": 1, "enrolmentsEnded": 1, "enrolmentsStarted": 1}
    assert await enrolments_of(desk) == [
        (desk.a, 9, "2025-02-03", "2026-05-03"),
        (desk.b, 9, "2026-05-04", None),
    ]
    assert (await desk.ask(THE_STUDENT, nsn=number(1)))[0][-1] == desk.b


async def test_the_day_of_leaving_is_that_of_the_line_and_never_before_the_enrolment_began(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1), student(2)))
    moved = {"school_number": "1002", "started_on": "2026-05-04"}
    await desk.run(
        Enrolments(), content(student(1, **moved, left_on="2026-04-02"), student(2, **moved, left_on="2024-01-01"))
    )
    assert [row[3] for row in await enrolments_of(desk, 1)] == ["2026-04-02", None]
    assert [row[3] for row in await enrolments_of(desk, 2)] == ["2025-02-03", None]


async def test_a_student_on_no_roll_any_more_is_only_recorded(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    gone = student(school_number="", started_on="", left_on="2026-04-02")
    ended = await desk.run(Enrolments(), content(gone))
    assert ended.changed == {"studentsChanged": 1, "enrolmentsEnded": 1}
    assert await enrolments_of(desk) == [(desk.a, 9, "2025-02-03", "2026-04-02")]
    assert await desk.ask("SELECT count(*) FROM case_record") == [(0,)]
    assert (await desk.run(Enrolments(), content(gone))).changed == {}


async def test_start_and_year_of_a_present_enrolment_are_corrected(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    ended = await desk.run(Enrolments(), content(student(year_level="10", started_on="2025-02-10")))
    assert ended.changed == {"studentsChanged": 1, "enrolmentsCorrected": 1}
    assert await enrolments_of(desk) == [(desk.a, 10, "2025-02-10", None)]


async def test_a_start_that_alone_is_another_is_corrected(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    await desk.run(Enrolments(), content(student(started_on="2025-02-10")))
    assert await enrolments_of(desk) == [(desk.a, 9, "2025-02-10", None)]


async def test_groups_become_those_of_the_line_in_its_order(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(ethnicities="211;111", iwi="0101;0202")))
    ended = await desk.run(Enrolments(), content(student(ethnicities="111;531", iwi="0202;0101")))
    assert ended.changed == {"studentsChanged": 1}
    assert await codes_of(desk, "student_ethnicity", "position") == ["111", "531"]
    await desk.run(Enrolments(), content(student(ethnicities="", iwi="0303")))
    assert await codes_of(desk, "student_ethnicity", "position") == []
    assert await codes_of(desk, "student_iwi", "code") == ["0303"]


async def test_a_column_that_the_file_does_not_have_is_left_alone(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(known_as="Hem", protected="Y")))
    few = ["nsn", "full_name", "school_number", "started_on"]
    ended = await desk.run(Enrolments(), content(student(full_name="Hēmi Other"), header=few))
    assert ended.changed == {"studentsChanged": 1}
    found = (await desk.ask(THE_STUDENT, nsn=number(1)))[0]
    assert (found[2], found[5], found[6], found[7]) == ("Hem", 9, "1 Some Street", True)
    assert await codes_of(desk, "student_ethnicity", "position") == ["211", "111"]


async def test_a_student_whom_the_file_does_not_name_is_left_alone(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1), student(2)))
    before = await enrolments_of(desk, 2)
    await desk.run(Enrolments(), content(student(1, school_number="1002", started_on="2026-05-04")))
    assert await enrolments_of(desk, 2) == before


async def test_protection_is_set_by_the_file_and_never_lifted(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    assert (await desk.run(Enrolments(), content(student(protected="Y")))).changed == {"studentsChanged": 1}
    assert (await desk.run(Enrolments(), content(student(protected="N")))).changed == {}
    await desk.run(Enrolments(), content(student(protected="N", address="2 Other Street")))
    assert (await desk.ask(THE_STUDENT, nsn=number(1)))[0][7] == 1


# Cases -------------------------------------------------------------------------------------------------------


async def with_case(desk: Desk, which: int, **changes: Any) -> Case:
    """A case of the student."""
    ((student_id, school_id),) = await desk.ask("SELECT id, school_id FROM student WHERE nsn = :n", n=number(which))
    provider = rows.organisation(id=desk.asp)
    case = rows.case(Student(id=student_id), provider, school_id=school_id, region="North", **changes)
    await desk.save(case)
    return case


async def test_active_cases_stand_at_the_present_school_and_in_its_region(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student(1), student(2), student(3)))
    closed = {"status": CaseStatus.CLOSED, "active": False, "closed_at": rows.NOW}
    cases = [
        await with_case(desk, 1),
        await with_case(desk, 1, type=CaseType.NON_ENROLLED, **closed),
        await with_case(desk, 2),
        await with_case(desk, 3),
    ]
    moved = student(1, school_number="1002", started_on="2026-05-04")
    gone = student(2, school_number="", started_on="")
    ended = await desk.run(Enrolments(), content(moved, gone, student(3)))
    assert ended.counts["casesMoved"] == 2
    found = await desk.ask("SELECT id, school_id, region, version FROM case_record ORDER BY id")
    assert found == [
        (cases[0].id, desk.b, "South", 2),
        (cases[1].id, desk.a, "North", 1),
        (cases[2].id, None, "Provided", 2),
        (cases[3].id, desk.a, "North", 1),
    ]


async def test_a_school_without_a_region_leaves_the_case_in_its_providers(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    await with_case(desk, 1)
    await desk.run(Enrolments(), content(student(school_number="1003", started_on="2026-05-04")))
    assert await desk.ask("SELECT school_id, region FROM case_record") == [(desk.c, "Provided")]


async def test_casework_sees_to_those_who_moved_with_an_active_case_or_a_draft(desk: Desk) -> None:
    await desk.run(Enrolments(), content(*(student(which) for which in range(1, 6))))
    await with_case(desk, 1)
    await with_case(desk, 2)
    await with_case(desk, 3, status=CaseStatus.CLOSED, active=False, closed_at=rows.NOW)
    user = rows.user()
    await desk.save(user)
    ((student_4,),) = await desk.ask("SELECT id FROM student WHERE nsn = :n", n=number(4))
    await desk.save(rows.request(rows.organisation(id=desk.a), user, student_id=student_4, status=RequestStatus.DRAFT))
    told: list[tuple[str | None, int | None, int | None]] = []

    async def moved(work: Work, who: Student, old: int | None, new: int | None) -> None:
        told.append((who.nsn, old, new))
        assert who.school_id == new
        assert work.action == "importEnrolments"

    to_b = {"school_number": "1002", "started_on": "2026-05-04"}
    nowhere = {"school_number": "", "started_on": ""}
    lines = [
        student(1, **to_b),
        student(2, full_name="Hēmi Stays"),
        *(student(which, **nowhere) for which in (3, 4, 5)),
    ]
    await desk.run(Enrolments(moved), content(*lines))
    assert told == [(number(1), desk.a, desk.b), (number(4), desk.a, None)]


async def test_the_old_school_loses_sight_and_the_new_one_is_told(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    contact, lead = rows.user(), rows.user()
    await desk.save(contact, lead)
    at_b = {"user_id": lead.id, "organisation_id": desk.b, "role": Role.ATTENDANCE_LEAD}
    await desk.save(RoleAssignment(**at_b, granted_at=rows.NOW, approved_at=rows.NOW))
    case = await with_case(desk, 1, primary_contact_id=contact.id, school_contact_notes="Ring first.")
    school = rows.organisation(id=desk.a)
    await desk.save(rows.request(school, contact, student_id=case.student_id, status=RequestStatus.DRAFT))
    ended = await desk.run(Enrolments(), content(student(school_number="1002", started_on="2026-05-04")))
    assert ended.counts["casesMoved"] == 1
    found = await desk.ask("SELECT school_id, primary_contact_id, school_contact_notes FROM case_record")
    assert found == [(desk.b, None, None)]
    assert await desk.ask("SELECT status FROM request") == [("WITHDRAWN",)]
    assert await desk.ask("SELECT shared_with_school_id FROM event") == [(desk.b,)]
    assert await desk.ask("SELECT user_id, kind FROM alert") == [(lead.id, "STUDENT_ARRIVED")]
    log = "SELECT action, subject_type FROM change_entry ORDER BY sequence"
    assert (await desk.ask(log))[1:] == [("importEnrolments", name) for name in ("Request", "Case", "ImportRun")]


async def test_what_casework_does_is_of_the_same_transaction(desk: Desk) -> None:
    await desk.run(Enrolments(), content(student()))
    await with_case(desk, 1)
    before = await desk.everything()

    async def fails(work: Work, who: Student, old: int | None, new: int | None) -> None:
        work.session.add(rows.enrolment(who, rows.organisation(id=desk.c)))  # a second open one

    ended = await desk.run(
        Enrolments(fails), content(student(school_number="1002", started_on="2026-05-04"), student(2))
    )
    assert (ended.state, ended.counts) == (ImportState.FAILED, {})
    assert ended.failure == "It failed inside (IntegrityError). Nothing was changed."
    assert await desk.everything() == before


# Bad lines ---------------------------------------------------------------------------------------------------

TOO_LONG = "x" * 201
BAD = {
    "no number": (student(nsn=""), "nsn is empty"),
    "letters in it": (student(nsn="00000A0001"), "nsn is not nine or ten digits"),
    "too short a number": (student(nsn="12345678"), "nsn is not nine or ten digits"),
    "digits of another script": (student(nsn="١٢٣٤٥٦٧٨٩"), "nsn is not nine or ten digits"),
    "no name": (student(full_name=" "), "the name is empty"),
    "too long a name": (student(full_name=TOO_LONG), "full_name has more than 200 characters"),
    "no such school": (student(school_number="9999"), "school_number is the number of no school"),
    "a provider as school": (student(school_number="5001"), "school_number is the number of no school"),
    "a school without a start": (student(started_on=""), "started_on is empty, and school_number is not"),
    "a start without a school": (
        student(school_number=""),
        "started_on is given without a school_number; leave both empty, or neither",
    ),
    "left after the start": (
        student(left_on="2025-02-04"),
        "left_on is after started_on; it is the day on which the school before was left",
    ),
    "no date": (student(date_of_birth="4/03/2012"), "date_of_birth is not a date like 2026-05-06"),
    "a day that is not": (student(started_on="2026-02-30"), "started_on is not a date like 2026-05-06"),
    "a week date": (student(started_on="2026-W01-1"), "started_on is not a date like 2026-05-06"),
    "born in the future": (student(date_of_birth="2999-01-01"), "date_of_birth is in the future"),
    "long ago": (student(date_of_birth="1899-12-31"), "date_of_birth is before 1900-01-01"),
    "starts in years": (student(started_on="2999-01-01"), "started_on is more than a year ahead"),
    "no gender": (student(gender="W"), "gender is not M, F, X or U"),
    "no year": (student(year_level="16"), "year_level is not a whole number from 0 to 15"),
    "neither yes nor no": (student(protected="maybe"), "protected is not Y or N"),
    "no such group": (student(ethnicities="211;999"), "ethnicities has a code that is no ethnic group of the code set"),
    "a group twice": (student(ethnicities="211;211"), "ethnicities has a code twice"),
    "too many groups": (student(ethnicities="111;211;531;111"), "ethnicities has more than 3 codes"),
    "no such iwi": (student(iwi="9999"), "iwi has a code that is no iwi of the code set"),
    "two things at once": (
        student(gender="W", year_level="x"),
        "gender is not M, F, X or U; year_level is not a whole number from 0 to 15",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_line_is_told_with_its_number_and_the_others_are_imported(desk: Desk, what: str) -> None:
    line, reason = BAD[what]
    ended = await desk.run(Enrolments(), content(student(2, address="Two\nlines"), line, student(3)))
    assert (ended.state, ended.lines_read, ended.lines_bad) == (ImportState.DONE, 3, 1)
    assert ended.problems == [(4, reason)]
    assert await desk.ask("SELECT nsn FROM student ORDER BY nsn") == [(number(2),), (number(3),)]


async def test_lines_for_the_same_student_name_each_other_and_none_is_taken(desk: Desk) -> None:
    ended = await desk.run(Enrolments(), content(student(1), student(2), student(1), student(3), student(1)))
    assert ended.problems == [
        (2, "the same nsn is on line 4, 6 as well; none of them is taken"),
        (4, "the same nsn is on line 2, 6 as well; none of them is taken"),
        (6, "the same nsn is on line 2, 4 as well; none of them is taken"),
    ]
    assert ended.lines_bad == 3
    assert await desk.ask("SELECT nsn FROM student ORDER BY nsn") == [(number(2),), (number(3),)]


async def test_unreadable_lines_are_told_too(desk: Desk) -> None:
    file = content(student(1), student(2)).encode() + b"\xff\xfe,x\n" + b"a,b\n" + b'"0000000009,x\n'
    ended = await desk.run(Enrolments(), file)
    assert ended.problems == [
        (4, "is not UTF-8; save the file in that encoding"),
        (5, "has 2 fields, and the header has 13"),
        (6, "a quote is not closed, or something follows a closing one; double the quotes within a field"),
    ]


HEADERS = {
    "no header": (",".join(student().values()), "The header's column 1, 2, 3, 4, 5"),
    "a column missing": ("nsn,full_name,started_on", "The header lacks school_number."),
    "no name": ("nsn,school_number,started_on", "The header needs full_name, or given_names and surname instead."),
    "two kinds of name": (
        "nsn,full_name,surname,school_number,started_on",
        "The header needs full_name, or given_names",
    ),
    "half a name": ("nsn,surname,school_number,started_on", "The header has one of given_names and surname"),
    "a column twice": ("nsn,nsn,full_name,school_number,started_on", "The header has nsn twice."),
    "an empty file": ("", "The file is empty."),
}


@pytest.mark.parametrize("what", HEADERS)
async def test_a_file_whose_header_does_not_do_fails_and_says_why(desk: Desk, what: str) -> None:
    header, why = HEADERS[what]
    ended = await desk.run(Enrolments(), f"{header}\n{','.join(student().values())}\n" if header else "")
    assert ended.state is ImportState.FAILED
    assert (ended.failure or "").startswith(why)
    assert "Hēmi" not in (ended.failure or "")
    assert await desk.ask("SELECT count(*) FROM student") == [(0,)]


async def test_a_header_in_any_order_and_case_with_a_mark_in_front_does(desk: Desk) -> None:
    line = dict(reversed(student().items()))
    file = content({name.upper(): value for name, value in line.items()})
    assert (await desk.run(Enrolments(), file.encode("utf-8-sig"))).changed == {
        "studentsAdded": 1,
        "enrolmentsStarted": 1,
    }


# Files gone wrong --------------------------------------------------------------------------------------------


async def test_too_many_bad_lines_fail_the_whole_and_change_nothing(desk: Desk) -> None:
    bad = [student(which, gender="W") for which in range(1, 102)]
    ended = await desk.run(Enrolments(), content(*bad, student(500)))
    assert ended.state is ImportState.FAILED
    assert ended.failure == "101 of its 102 lines are bad, and 100 at most may be."
    assert len(ended.problems) == 101
    assert await desk.ask("SELECT count(*) FROM student") == [(0,)]


async def test_a_hundred_bad_lines_are_always_borne_with(desk: Desk) -> None:
    bad = [student(which, gender="W") for which in range(1, 101)]
    ended = await desk.run(Enrolments(), content(*bad, student(500)))
    assert (ended.state, ended.lines_bad, ended.changed["studentsAdded"]) == (ImportState.DONE, 100, 1)


async def test_a_file_without_a_good_line_fails(desk: Desk) -> None:
    assert (await desk.run(Enrolments(), content(student(gender="W")))).failure == "None of its 1 lines is good."
    header = content(student()).splitlines()[0]
    assert (await desk.run(Enrolments(), header)).failure == "The file has no line after its header."


async def test_a_file_that_empties_the_rolls_fails(desk: Desk) -> None:
    await desk.run(Enrolments(), content(*(student(which) for which in range(101))))
    before = await desk.everything()
    gone = {"school_number": "", "started_on": ""}
    ended = await desk.run(Enrolments(), content(*(student(which, **gone) for which in range(101))))
    assert ended.state is ImportState.FAILED
    assert (ended.failure or "").startswith("By this file 101 of 101 students would be on no school's roll any more")
    assert await desk.everything() == before
    ended = await desk.run(Enrolments(), content(*(student(which, **gone) for which in range(100))))
    assert ended.state is ImportState.DONE


async def test_the_change_log_names_the_run(desk: Desk) -> None:
    ended = await desk.run(Enrolments(), content(student()))
    assert await desk.ask("SELECT action, subject_type, subject_id FROM change_entry") == [
        ("importEnrolments", "ImportRun", ended.id)
    ]


def test_a_day_is_compared_as_text_on_both() -> None:
    assert day(date(2026, 5, 6)) == day("2026-05-06") == "2026-05-06"
