"""Random nights, one after another, against what must come of them as simply as it can be said."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from ascms.imports import Enrolments, ImportState
from tests.imports.conftest import Desk, opened_desk
from tests.imports.files import content, number
from tests.support.databases import Databases

KURA = ("1001", "1002", "1003")
DAYS = st.dates(date(2026, 1, 28), date(2026, 2, 6))
STUDENTS = 4


# The model ---------------------------------------------------------------------------------------------------


@dataclass
class Held:
    """A student as the model has them: what a line says of them, and their enrolments (school, year, from, to)."""

    says: dict[str, Any]
    enrolments: list[list[Any]] = field(default_factory=list)

    @property
    def present(self) -> list[Any] | None:
        return next((one for one in self.enrolments if one[3] is None), None)


@dataclass
class Model:
    students: dict[str, Held] = field(default_factory=dict)

    def night(self, lines: Sequence[dict[str, Any]]) -> None:
        """What must come of a file."""
        for line in taken(lines):
            self.take(line)

    def take(self, line: dict[str, Any]) -> None:
        held = self.students.setdefault(line["nsn"], Held(dict(line)))
        protected = "Y" in (held.says["protected"], line["protected"])
        held.says = {**line, "protected": "Y" if protected else "N"}
        present = held.present
        if present is not None and present[0] == line["school_number"]:
            present[1], present[2] = line["year_level"], line["started_on"]
            return
        if present is not None:
            before = line["started_on"] - timedelta(days=1) if line["started_on"] else None
            present[3] = max(line["left_on"] or before or date.max, present[2])
        if line["school_number"]:
            held.enrolments.append([line["school_number"], line["year_level"], line["started_on"], None])

    def rows(self) -> list[Any]:
        return sorted(
            (
                nsn,
                *(
                    str(held.says[name])
                    for name in ("full_name", "known_as", "year_level", "protected", "school_number")
                ),
                held.says["ethnicities"],
                sorted(held.says["iwi"]),
                sorted([str(part) for part in one] for one in held.enrolments),
            )
            for nsn, held in self.students.items()
        )


def is_good(line: dict[str, Any]) -> bool:
    """Whether the generated line keeps to the rules."""
    if line["full_name"] is None or line["school_number"] == "9999":
        return False
    if (line["school_number"] is None) != (line["started_on"] is None):
        return False
    return line["school_number"] is None or line["left_on"] is None or line["left_on"] <= line["started_on"]


def taken(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The good lines, but those of which several are for one student."""
    good = [line for line in lines if is_good(line)]
    numbers = [line["nsn"] for line in good]
    return [line for line in good if numbers.count(line["nsn"]) == 1]


# What is given -----------------------------------------------------------------------------------------------

A_LINE = st.fixed_dictionaries(
    {
        "nsn": st.integers(1, STUDENTS).map(number),
        "full_name": st.sampled_from(["Hēmi Test", "Aroha O'Neil", 'Mere "M", Test', None]),
        "known_as": st.sampled_from([None, "Hem"]),
        "year_level": st.sampled_from([None, 9, 10]),
        "protected": st.sampled_from("YN"),
        "ethnicities": st.lists(st.sampled_from(["111", "211", "531"]), unique=True, max_size=3),
        "iwi": st.lists(st.sampled_from(["0101", "0202", "0303"]), unique=True, max_size=3),
        "school_number": st.sampled_from([*KURA, *KURA, None, "9999"]),
        "started_on": st.none() | DAYS,
        "left_on": st.none() | DAYS,
    }
)


def repaired(line: dict[str, Any]) -> dict[str, Any]:
    """Mostly good: a start exactly where there is a school."""
    if line["school_number"] is None:
        return {**line, "started_on": None, "left_on": line["left_on"] or date(2026, 2, 1)}
    return {**line, "started_on": line["started_on"] or date(2026, 2, 2)}


NIGHT = st.lists(A_LINE | A_LINE.map(repaired) | A_LINE.map(repaired), min_size=1, max_size=6)


def written(line: dict[str, Any]) -> dict[str, Any]:
    cells = {**line, "ethnicities": ";".join(line["ethnicities"]), "iwi": ";".join(line["iwi"])}
    return {name: "" if value is None else value for name, value in cells.items()}


# What is held ------------------------------------------------------------------------------------------------


async def rows_held(desk: Desk) -> list[Any]:
    schools = dict(await desk.ask("SELECT id, number FROM organisation"))
    found = []
    for key, nsn, *said, protected, school in await desk.ask(
        "SELECT id, nsn, full_name, known_as, year_level, protected, school_id FROM student"
    ):
        ethnicities = await desk.ask(
            "SELECT code FROM student_ethnicity WHERE student_id = :s ORDER BY position", s=key
        )
        iwi = await desk.ask("SELECT code FROM student_iwi WHERE student_id = :s", s=key)
        enrolments = await desk.ask(
            "SELECT school_id, year_level, started_on, ended_on FROM enrolment WHERE student_id = :s", s=key
        )
        found.append(
            (
                nsn,
                *(str(value) for value in said),
                "Y" if protected else "N",
                str(schools.get(school)),
                [code for (code,) in ethnicities],
                sorted(code for (code,) in iwi),
                sorted([schools[one[0]], *(str(value) for value in one[1:])] for one in enrolments),
            )
        )
    return sorted(found)


async def emptied(desk: Desk) -> None:
    for table in (
        "student_ethnicity",
        "student_iwi",
        "enrolment",
        "import_problem",
        "import_run",
        "change_entry",
        "student",
    ):
        await desk.do(f"DELETE FROM {table}")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_night_leaves_what_the_model_says(
    kind: str, databases_of: Callable[[str], Databases], tmp_path: Path
) -> None:
    with asyncio.Runner() as runner, opened_desk(runner, databases_of(kind), tmp_path) as desk:

        @settings(
            max_examples=(settings.default or settings()).max_examples // 8,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(st.lists(NIGHT, min_size=1, max_size=3))
        def nights(nights: list[list[dict[str, Any]]]) -> None:
            runner.run(live_through(desk, nights))

        nights()


async def live_through(desk: Desk, nights: list[list[dict[str, Any]]]) -> None:
    await emptied(desk)
    model = Model()
    for lines in nights:
        file = content(*map(written, lines))
        before = len(model.students)
        model.night(lines)
        ended = await desk.run(Enrolments(), file)
        good = len(taken(lines))
        assert ended.lines_bad == len(lines) - good
        assert ended.state is (ImportState.DONE if good else ImportState.FAILED)
        assert await rows_held(desk) == model.rows()
        if good:
            assert ended.counts["studentsAdded"] == len(model.students) - before
            again = await desk.run(Enrolments(), file)
            assert again.changed == {}
            assert dataclasses.replace(again, id=0, counts={}) == dataclasses.replace(ended, id=0, counts={})
            assert await rows_held(desk) == model.rows()
