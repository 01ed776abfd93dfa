"""What there is little of: access blocks, corrections, a protection to be lifted, and messages that were sent."""

from typing import Final

from .chance import Chance
from .clock import NOW
from .organisations import School
from .people import People
from .seed_rows import AT, SECOND, FixedRows
from .sinks import Sink
from .stories import DAY, Story
from .students import Roll, Student

BLOCKED: Final = "Second Student 1"
"""The student whom the live access block keeps from `lead@second-school.school.nz`."""


def write(sink: Sink, chance: Chance, fixed: FixedRows, roll: Roll, schools: list[School]) -> None:
    """One live and one lifted access block, two corrections, three messages. `schools` are invented ones."""
    blocked = next(story for story in fixed.stories if story.student.full_name == BLOCKED)
    _live_block(sink, fixed.people, blocked)
    _lifted_block(sink, schools[0], roll.add(chance, schools[0]))
    corrected = next(story.student for story in fixed.stories if story.contact == fixed.people.ids[f"both@{AT}"])
    _corrections(sink, corrected, fixed.people.ids["privacy@ministry.nz"])
    guarded = next(story for story in fixed.stories if story.student.protected)
    _to_be_lifted(sink, guarded, fixed.people)
    for story in fixed.stories[:3]:
        _sent(sink, story)


def _live_block(sink: Sink, people: People, story: Story) -> None:
    sink.add(
        "access_block",
        user_id=people.ids[f"lead@{SECOND}"],
        student_id=story.student.id,
        set_by_id=people.ids[f"deputy@{SECOND}"],
        reason="A close relative of the student.",
        set_at=story.opened_at - 20 * DAY,
    )


def _lifted_block(sink: Sink, school: School, student: Student) -> None:
    lead = school.leads[0]
    sink.add(
        "access_block",
        user_id=school.contacts[0],
        student_id=student.id,
        set_by_id=lead,
        reason="A conflict of interest while a complaint was open.",
        set_at=NOW - 120 * DAY,
        lifted_by_id=lead,
        lifted_at=NOW - 30 * DAY,
    )


def _to_be_lifted(sink: Sink, story: Story, people: People) -> None:
    """Asked for by one person; another one has to decide."""
    sink.add(
        "unprotect_request",
        student_id=story.student.id,
        reason="The family asked for it: what they were afraid of is over.",
        requested_by_id=people.ids[f"lead@{AT}"],
        requested_at=NOW - 2 * DAY,
    )


def _corrections(sink: Sink, student: Student, privacy_officer: int) -> None:
    """One made, and one refused, whose statement stands beside the item."""
    for column, earlier, later, statement in (
        ("known_as", None, student.known_as, None),
        ("address", "1 Former Street, Test Town", None, "We have not lived there since last year."),
    ):
        sink.add(
            "correction",
            student_id=student.id,
            field=column,
            earlier=earlier,
            later=later,
            statement=statement,
            reason="Asked for by a caregiver.",
            recorded_by_id=privacy_officer,
            recorded_at=NOW - 12 * DAY,
        )


def _sent(sink: Sink, story: Story) -> None:
    sink.add(
        "outbox_message",
        deduplication_key=f"case-opened-{story.number}",
        topic="email",
        payload={"case": story.number, "kind": "CASE_OPENED"},
        created_at=story.opened_at,
        attempts=1,
        delivered_at=story.opened_at + DAY / 288,
    )
