"""The former system's cases: what each line becomes, on both databases."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from ascms.imports import Cases, Enrolments, ImportState
from ascms.models import CaseStatus, Student
from tests.imports.conftest import Desk
from tests.imports.files import case, content, number, student
from tests.models import rows

NOWHERE = {"school_number": "", "started_on": ""}


@pytest.fixture
async def enrolled(desk: Desk) -> Desk:
    """Students 1 and 2 at the first school, 3 on no roll."""
    await desk.run(Enrolments(), content(student(1), student(2), student(3, **NOWHERE)))
    return desk


async def cases_of(desk: Desk) -> list[tuple[Any, ...]]:
    return await desk.ask("SELECT number, former_reference, type, status FROM case_record ORDER BY number")


async def test_a_line_becomes_a_case_in_transition(enrolled: Desk) -> None:
    ended = await enrolled.run(Cases(), content(case(1)))
    assert (ended.state, ended.changed) == (ImportState.DONE, {"casesAdded": 1})
    found = await enrolled.ask(
        """SELECT number, type, status, active, s.nsn, c.school_id, provider_id, region, former_reference, version,
        target_version, case_manager_id, primary_contact_id, catchment_id
        FROM case_record c JOIN student s ON s.id = student_id"""
    )
    assert found == [
        ("00000001", "CHRONIC_ABSENCE", "TRANSITION", True, number(1), enrolled.a, enrolled.asp, "North", "ASA-1", 1,
         "2026-03", None, None, None)
    ]  # fmt: skip


async def test_a_case_is_opened_when_its_day_began_in_new_zealand(enrolled: Desk) -> None:
    await enrolled.run(Cases(), content(case(1, opened_on="2026-01-31"), case(2, opened_on="2025-07-01")))
    found = await enrolled.ask("SELECT opened_at, target_version FROM case_record ORDER BY number")
    assert [(str(opened)[:16], version) for opened, version in found] == [
        ("2026-01-30 11:00", "2026-01"),
        ("2025-06-30 12:00", None),
    ]


async def test_its_status_provider_event_and_notes_are_there_from_the_beginning(enrolled: Desk) -> None:
    await enrolled.run(Cases(), content(case(1, notes="Rang.\r\nNobody home."), case(3, type="NE")))
    assert await enrolled.ask("SELECT from_status, to_status FROM case_status_change") == [(None, "TRANSITION")] * 2
    assert await enrolled.ask("SELECT provider_id, ended_at FROM case_allocation") == [(enrolled.asp, None)] * 2
    events = await enrolled.ask(
        """SELECT former_reference, kind, subject, description, visibility, shared_with_school_id
        FROM event JOIN case_record c ON c.id = case_id ORDER BY c.number, event.id"""
    )
    carried_over = "Carried over from the former system"
    assert events == [
        ("ASA-1", "CASE_CHANGED", carried_over, None, "SHARED", enrolled.a),
        ("ASA-1", "NOTE", "Notes of the former system", "Rang.\nNobody home.", "INTERNAL", None),
        ("ASA-3", "CASE_CHANGED", carried_over, None, "INTERNAL", None),
    ]


async def test_a_student_on_no_roll_has_a_case_in_the_providers_region(enrolled: Desk) -> None:
    await enrolled.run(Cases(), content(case(3, type="NON_ENROLLED")))
    assert await enrolled.ask("SELECT school_id, region, type FROM case_record") == [(None, "Provided", "NON_ENROLLED")]


async def test_numbers_go_on_from_the_highest_in_the_files_order(enrolled: Desk) -> None:
    ((student_id,),) = await enrolled.ask("SELECT id FROM student WHERE nsn = :n", n=number(3))
    await enrolled.save(rows.case(Student(id=student_id), rows.organisation(id=enrolled.asp), number="00307473"))
    await enrolled.run(Cases(), content(case(2), case(1)))
    assert [row[:2] for row in await cases_of(enrolled)] == [
        ("00307473", None),
        ("00307474", "ASA-2"),
        ("00307475", "ASA-1"),
    ]
    await enrolled.do("UPDATE counter SET value = 99999999 WHERE name = 'case'")
    await enrolled.run(Cases(), content(case(1, type="NE", former_reference="later")))
    assert [row[:2] for row in await cases_of(enrolled)][-1] == ("100000000", "later")


async def test_the_same_file_again_changes_nothing(enrolled: Desk) -> None:
    file = content(case(1), case(2, type="NE", notes="Notes"))
    await enrolled.run(Cases(), file)
    before = await enrolled.everything()
    ended = await enrolled.run(Cases(), file)
    assert (ended.state, ended.changed, ended.counts["casesHeld"]) == (ImportState.DONE, {}, 2)
    assert ended.problems == []
    after = await enrolled.everything()
    assert {**after, "change_entry": []} == {**before, "change_entry": []}


async def test_a_case_that_is_held_is_left_as_it_became(enrolled: Desk) -> None:
    await enrolled.run(Cases(), content(case(1)))
    await enrolled.do("UPDATE case_record SET status = 'CLOSED', active = :no, closed_at = opened_at", no=False)
    ended = await enrolled.run(Cases(), content(case(1), case(1, former_reference="another")))
    assert ended.changed == {"casesAdded": 1}
    assert [row[1:] for row in await cases_of(enrolled)] == [
        ("ASA-1", "CHRONIC_ABSENCE", "CLOSED"),
        ("another", "CHRONIC_ABSENCE", "TRANSITION"),
    ]


async def test_a_student_with_an_active_case_of_the_type_gets_no_second(enrolled: Desk) -> None:
    await enrolled.run(Cases(), content(case(1)))
    ended = await enrolled.run(
        Cases(), content(case(1, former_reference="again"), case(1, former_reference="other type", type="NE"))
    )
    assert ended.problems == [(2, "the student has an active case of this type already")]
    assert [row[1] for row in await cases_of(enrolled)] == ["ASA-1", "other type"]


class WithoutLooking(Cases):
    """Cases come into being between the comparison and the change."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk

    async def compare(self, connection: AsyncConnection) -> None:
        found = await self.desk.ask("SELECT id FROM student WHERE nsn < :n ORDER BY nsn", n=number(3))
        first, second = (Student(id=key) for (key,) in found)
        provider = rows.organisation(id=self.desk.asp)
        carried_over = {"status": CaseStatus.TRANSITION, "former_reference": "ASA-1"}
        await self.desk.save(
            rows.case(first, provider, number="7", **carried_over), rows.case(second, provider, number="8")
        )


async def test_cases_that_come_into_being_meanwhile_are_seen_before_anything_is_changed(enrolled: Desk) -> None:
    ended = await enrolled.run(WithoutLooking(enrolled), content(case(1), case(2), case(3)))
    assert (ended.state, ended.counts) == (ImportState.DONE, {"casesAdded": 1, "casesHeld": 1})
    assert ended.problems == [(3, "the student has an active case of this type already")]
    assert ended.lines_bad == 1
    assert [row[1] for row in await cases_of(enrolled)] == ["ASA-3", "ASA-1", None]


async def test_the_change_log_names_each_case_and_the_run(enrolled: Desk) -> None:
    await enrolled.do("DELETE FROM change_entry")
    ended = await enrolled.run(Cases(), content(case(1), case(2)))
    log = await enrolled.ask("SELECT action, subject_type, subject_id FROM change_entry ORDER BY sequence")
    ids = [key for (key,) in await enrolled.ask("SELECT id FROM case_record ORDER BY id")]
    assert log == [*(("importCases", "Case", key) for key in ids), ("importCases", "ImportRun", ended.id)]


async def test_each_providers_queue_is_told_once(enrolled: Desk) -> None:
    bus = enrolled.bus
    await bus.start()
    async with bus.subscribe([("provider", enrolled.asp), ("provider", enrolled.isp)]) as subscription:
        if enrolled.engine.dialect.name == "postgresql":
            assert (await anext(subscription)).kind == "gap"
        await enrolled.run(Cases(), content(case(1), case(2), case(3, provider_number="78001")))
        heard = [(await anext(subscription)).provider_ids for _ in range(2)]
    await bus.aclose()
    assert sorted(heard) == [(enrolled.asp,), (enrolled.isp,)]


BAD = {
    "no reference": (case(former_reference=""), "former_reference is empty"),
    "no such student": (case(9), "nsn is that of no student held here; import the enrolments first"),
    "no type": (case(type="XX"), "type is not CA or NE"),
    "a school as provider": (case(provider_number="1001"), "provider_number is the number of no open provider"),
    "a closed provider": (case(provider_number="5009"), "provider_number is the number of no open provider"),
    "no day": (case(opened_on=""), "opened_on is empty"),
    "opened in the future": (case(opened_on="2999-01-01"), "opened_on is in the future"),
    "long notes": (case(notes="x" * 10_001), "notes has more than 10,000 characters"),
}


@pytest.mark.parametrize("what", BAD)
async def test_a_bad_line_is_told_with_its_number(enrolled: Desk, what: str) -> None:
    line, reason = BAD[what]
    ended = await enrolled.run(Cases(), content(case(2, notes="Two\nlines"), line))
    assert (ended.state, ended.lines_bad, ended.problems) == (ImportState.DONE, 1, [(4, reason)])
    assert [row[1] for row in await cases_of(enrolled)] == ["ASA-2"]


async def test_each_of_many_lines_without_a_student_is_told(enrolled: Desk) -> None:
    ended = await enrolled.run(Cases(), content(case(1), *(case(which) for which in range(10, 20))))
    assert [line for line, _ in ended.problems] == list(range(3, 13))


async def test_lines_that_contradict_each_other_are_not_taken(enrolled: Desk) -> None:
    lines = [
        case(1),
        case(1, former_reference="b"),
        case(2, former_reference="c"),
        case(3, former_reference="c"),
        case(3),
    ]
    ended = await enrolled.run(Cases(), content(*lines))
    assert ended.problems == [
        (2, "a case of the same type for the same nsn is on line 3 as well; none of them is taken"),
        (3, "a case of the same type for the same nsn is on line 2 as well; none of them is taken"),
        (4, "the same former_reference is on line 5 as well; none of them is taken"),
        (5, "the same former_reference is on line 4 as well; none of them is taken"),
    ]
    assert [row[1] for row in await cases_of(enrolled)] == ["ASA-3"]
