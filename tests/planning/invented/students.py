"""Students and what is held about them: protected ones, ones on no roll, some who came from another school."""

from collections.abc import Mapping
from typing import Any

from ascms.models import Gender, OrganisationKind, fold
from tests.planning.invented.rows import Row, Rows


def students(world: Rows) -> None:
    """A few; perhaps none."""
    for _ in range(world.chance.count(9) + (0 if world.chance.one_in(8) else 3)):
        _student(world)


def _student(world: Rows) -> None:
    chance, number = world.chance, len(world.rows["student"]) + 1
    name, known_as = chance.text(), chance.maybe(chance.text)
    school = chance.maybe(lambda: chance.one(world.of_kind(OrganisationKind.SCHOOL)), 5)
    student = world.add(
        "student",
        nsn=chance.maybe(lambda: f"{number:09}"),
        full_name=name,
        full_name_folded=fold(name),
        known_as=known_as,
        known_as_folded=None if known_as is None else fold(known_as),
        date_of_birth=chance.maybe(chance.day),
        gender=chance.one(tuple(Gender)),
        year_level=chance.maybe(lambda: chance.one((0, 9, 15))),
        address=chance.maybe(chance.text),
        protected=chance.one_in(4),
        school_id=school["id"] if school else None,
    )
    _held_of(world, student)
    _enrolments(world, student)


def _held_of(world: Rows, student: Row) -> None:
    chance, key = world.chance, student["id"]
    for position, group in enumerate(chance.some(world.rows["ethnic_group"], 3), 1):
        world.add("student_ethnicity", student_id=key, position=position, code=group["code"])
    for iwi in chance.some(world.rows["iwi"], 2):
        world.add("student_iwi", student_id=key, code=iwi["code"])
    for _ in range(chance.random.randint(0, 2)):
        world.add("caregiver", student_id=key, **contact(world))
    for number in range(chance.random.randint(0, 2)):
        world.add(
            "attendance_summary",
            student_id=key,
            term=f"2026-T{number + 1}",
            percentage=chance.one((0.0, 100.0, 33.3, 66.66666666666667, 1e-7)),
            days_absent=chance.one((0, 20)),
            last_attended_on=chance.maybe(chance.day),
            as_of=chance.day(),
            is_current=number == 0 and not chance.one_in(4),
        )


def contact(world: Rows) -> Mapping[str, Any]:
    """A caregiver's details."""
    text, maybe = world.chance.text, world.chance.maybe
    return {"name": text(), "relationship": text(), "phone": maybe(text), "email": maybe(text)}


def _enrolments(world: Rows, student: Row) -> None:
    chance = world.chance
    past = [chance.one(world.of_kind(OrganisationKind.SCHOOL))["id"] for _ in range(chance.count(3))]
    for school in [*past, *([student["school_id"]] if student["school_id"] else [])]:
        started = chance.day()
        is_open = school == student["school_id"] and school not in past
        past = [] if is_open else past
        world.add(
            "enrolment",
            student_id=student["id"],
            school_id=school,
            year_level=chance.maybe(lambda: chance.one((1, 13))),
            started_on=started,
            ended_on=None if is_open else chance.days_after(started),
        )
