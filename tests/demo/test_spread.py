"""The invented cases are spread as the sector's figures have it, within the tolerance of a small world."""

import unicodedata

import pytest

from tests.demo.conftest import Ask


async def shares(ask: Ask, column: str) -> dict[str, float]:
    counted = await ask(f"SELECT {column}, count(*) FROM case_record GROUP BY 1")
    whole = sum(number for _, number in counted)
    return {str(value): number / whole for value, number in counted}


async def test_size(ask: Ask) -> None:
    assert await ask("SELECT count(*) FROM organisation WHERE kind = 'SCHOOL'") == [60]
    assert await ask("SELECT count(*) FROM organisation WHERE kind = 'IN_SCHOOL_PROVIDER'") == [4]
    assert await ask("SELECT count(*) FROM catchment") == [12]
    assert await ask("SELECT count(*) FROM student") == [1_500]
    assert await ask("SELECT count(*) FROM case_record") == [400]


async def test_types_and_statuses(ask: Ask) -> None:
    types = {"CHRONIC_ABSENCE": 0.75, "NON_ENROLLED": 0.25}
    assert await shares(ask, "type") == pytest.approx(types, abs=0.04)
    statuses = {"PROVIDER_QUEUE": 0.25, "OPEN": 0.45, "TRANSITION": 0.08, "PAUSED": 0.07, "CLOSED": 0.15}
    assert await shares(ask, "status") == pytest.approx(statuses, abs=0.04)


async def test_a_fifth_of_the_cases_have_no_contact_and_three_in_a_hundred_students_are_protected(ask: Ask) -> None:
    contacts = await shares(ask, "CASE WHEN primary_contact_id IS NULL THEN 'none' ELSE 'some' END")
    assert contacts["none"] == pytest.approx(0.2, abs=0.05)
    protected, whole = (await ask("SELECT sum(CASE WHEN protected THEN 1 ELSE 0 END), count(*) FROM student"))[0]
    assert protected / whole == pytest.approx(0.03, abs=0.01)


async def test_what_hangs_on_a_case(ask: Ask) -> None:
    for table, expected in (("event", 14), ("comment", 8), ("file", 2)):
        assert (await ask(f"SELECT count(*) FROM {table}"))[0] / 400 == pytest.approx(expected, rel=0.25)


async def test_cases_are_uneven_over_schools(ask: Ask) -> None:
    counts = await ask("SELECT count(*) FROM case_record GROUP BY school_id ORDER BY 1 DESC")
    assert counts[0] > 4 * sum(counts) / len(counts)


async def test_some_people_work_for_two_organisations_and_some_hold_two_roles(ask: Ask) -> None:
    held = "SELECT user_id FROM role_assignment GROUP BY user_id"
    assert len(await ask(f"{held} HAVING count(DISTINCT organisation_id) > 1")) >= 5
    assert len(await ask(f"{held}, organisation_id HAVING count(*) > 1")) >= 5


async def test_many_names_carry_marks_and_have_a_key_without(ask: Ask) -> None:
    names = await ask("SELECT full_name, full_name_folded FROM student")
    marked = [name for name, _ in names if unicodedata.normalize("NFD", name) != name]
    assert len(marked) > len(names) / 4
    assert all(key == key.casefold() and unicodedata.normalize("NFD", key) == key for _, key in names)


async def test_every_provider_of_a_catchment_has_cases_open_queued_and_closed(ask: Ask) -> None:
    for status in ("OPEN", "PROVIDER_QUEUE", "CLOSED"):
        held = await ask(
            "SELECT o.number FROM organisation o JOIN case_record c ON c.provider_id = o.id "
            f"WHERE c.status = '{status}' AND o.number IN ('5001', '5002', '78912') GROUP BY o.number ORDER BY 1"
        )
        assert held == ["5001", "5002", "78912"]


async def test_the_other_lists_have_what_people_look_for(ask: Ask) -> None:
    assert len(await ask("SELECT id FROM case_allocation WHERE hand_over_summary IS NOT NULL")) >= 2
    assert set(await ask("SELECT DISTINCT status FROM request")) == {
        "DRAFT", "SUBMITTED", "ACCEPTED", "DECLINED", "WITHDRAWN",
    }  # fmt: skip
    open_and_done = "SELECT DISTINCT CASE WHEN done_at IS NULL THEN 'open' ELSE 'done' END FROM task ORDER BY 1"
    assert await ask(open_and_done) == ["done", "open"]
    assert len(await ask("SELECT id FROM event WHERE occurs_at > '2026-05-12'")) > 20
    assert (await ask("SELECT max(position) FROM student_ethnicity")) == [3]
