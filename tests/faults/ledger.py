"""What changes leave in the database, student by student: all of a change, or nothing of it."""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import text

from ascms.database import engine_for
from tests.faults.stories import STEPS, Story
from tests.support.sql import apart, execute, rows

Rows = Counter[str]
"""How many rows of each table; and the versions of request and case, which count their changes."""

OF_CASE: Final = ("case_status_change", "case_allocation", "event", "comment", "needs_fund_entry", "alert")
OF_REQUEST: Final = (
    "request_barrier", "request_criterion", "request_caregiver_contact", "request_confirmation", "notice_given",
    "alert",
)  # fmt: skip
BY_STUDENT: Final = [
    "SELECT 'request', student_id, count(*) FROM request GROUP BY student_id",
    "SELECT 'version of request', student_id, sum(version) FROM request GROUP BY student_id",
    "SELECT 'case_record', student_id, count(*) FROM case_record GROUP BY student_id",
    "SELECT 'version of case', student_id, sum(version) FROM case_record GROUP BY student_id",
    "SELECT 'change_entry', student_id, count(*) FROM change_entry GROUP BY student_id",
    *(
        f"SELECT '{table} of case', c.student_id, count(*) FROM {table} t JOIN case_record c ON c.id = t.case_id "
        "GROUP BY c.student_id"
        for table in OF_CASE
    ),
    *(
        f"SELECT '{table} of request', r.student_id, count(*) FROM {table} t JOIN request r ON r.id = t.request_id "
        "GROUP BY r.student_id"
        for table in OF_REQUEST
    ),
]


def students(database: str, number: int) -> list[int]:
    """New students of Test College; their keys."""
    before = rows(database, "SELECT max(id) FROM student")[0][0]
    school = "(SELECT id FROM organisation WHERE number = '1234')"
    keys = list(range(before + 1, before + 1 + number))
    execute(
        database,
        *(
            "INSERT INTO student (id, full_name, full_name_folded, gender, protected, school_id, year_level) "
            f"VALUES ({key}, 'Pupil {key}', 'pupil {key}', 'U', false, {school}, 9)"
            for key in keys
        ),
        *(
            f"INSERT INTO enrolment (student_id, school_id, started_on) VALUES ({key}, {school}, '2026-02-02')"
            for key in keys
        ),
    )
    return keys


def left(database: str) -> dict[int, Rows]:
    """The rows that there are, by student."""

    async def read() -> tuple[list[Any], list[Any], list[Any]]:
        engine = engine_for(database)
        try:
            async with engine.connect() as connection:
                counted = await connection.execute(text(" UNION ALL ".join(BY_STUDENT)))
                named = await connection.execute(
                    text(
                        "SELECT number, student_id FROM case_record UNION ALL SELECT reference, student_id FROM request"
                    )
                )
                mails = await connection.execute(text("SELECT payload FROM outbox_message"))
                return list(counted), list(named), list(mails)
        finally:
            await engine.dispose()

    counted, named, mails = apart(read)
    found: dict[int, Rows] = defaultdict(Counter)
    for what, student, number in counted:
        found[student][what] += int(number)
    of = {str(name): student for name, student in named}
    for (payload,) in mails:
        told = payload if isinstance(payload, dict) else json.loads(payload)
        found[of[told["case"] or told["reference"]]]["outbox_message"] += 1
    return found


def keys_kept(database: str) -> set[str]:
    """The `Idempotency-Key`s of changes that the database knows as made."""
    return {key for (key,) in rows(database, 'SELECT "key" FROM idempotency_key')}


class Footprints:
    """What each step leaves, as it was when nothing was in its way."""

    def __init__(self, steps: Mapping[str, Rows]) -> None:
        self._steps = steps

    def after(self, names: Iterable[str]) -> Rows:
        """What these steps leave together."""
        together: Rows = Counter()
        for name in names:
            together.update(self._steps[name])
        return together


def half_made(database: str, stories: Collection[Story], footprints: Footprints) -> list[str]:
    """What of the stories is not there, though acknowledged; or there without the rest of its change."""
    kept, found = keys_kept(database), left(database)
    wrong = []
    for story in stories:
        lost = story.acknowledged() - kept
        if lost:
            wrong.append(f"acknowledged, and lost: {sorted(lost)}")
        made = [step.name for step in STEPS if story.key(step) in kept]
        expected, is_there = footprints.after(made), found.get(story.student, Counter())
        if expected != is_there:
            more, less = is_there - expected, expected - is_there
            wrong.append(f"{story.student} after {made}: too much {dict(more)}, too little {dict(less)}")
    return wrong
