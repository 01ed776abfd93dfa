"""What people do on a case, in rows: comments, contacts, files, and the provider's own records."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ascms.models import AlertKind, CaseStatus

from . import phrases
from .chance import Chance
from .clock import NOW, TODAY_DAY, between, day_of, working_moment
from .files import add_file
from .organisations import School
from .sinks import Sink
from .stories import DAY, Story
from .timeline import INTERNAL, SHARED, Timeline

BUSY: Final = {
    CaseStatus.PROVIDER_QUEUE: ((0, 3), (0, 2), (0, 1)),
    CaseStatus.OPEN: ((6, 17), (11, 22), (1, 5)),
    CaseStatus.PAUSED: ((6, 15), (10, 18), (1, 4)),
    CaseStatus.TRANSITION: ((2, 8), (3, 10), (0, 2)),
    CaseStatus.CLOSED: ((5, 14), (9, 17), (1, 3)),
}
"""Fewest and most comments, contacts and files of a case, by its status."""


class Activity:
    """Writes what was done on a case."""

    def __init__(self, sink: Sink, timeline: Timeline) -> None:
        self.sink = sink
        self.timeline = timeline

    def add(self, chance: Chance, story: Story) -> None:
        """As much as is usual for a case of the story's status."""
        comments, contacts, files = (chance.between(*bounds) for bounds in BUSY[story.status])
        self._comments(chance, story, comments)
        self._contacts(chance, story, contacts)
        self._files(chance, story, files)
        self._provider_records(chance, story)

    def _comments(self, chance: Chance, story: Story, count: int) -> None:
        for at in _moments(chance, story, count):
            school = story.school_at(at)
            if school is not None and chance.likely(0.4):
                author = story.contact_at(at) if chance.likely(0.5) else None
                self.school_comment(chance, story, school, author or chance.pick(story.staff_of(school)), at)
            else:
                self.provider_comment(chance, story, at, shared=school is not None and chance.likely(0.4))

    def school_comment(self, chance: Chance, story: Story, school: School, author: int, at: datetime) -> int:
        return self.sink.add(
            "comment",
            case_id=story.id,
            author_id=author,
            organisation_id=school.id,
            visibility=SHARED,
            shared_with_school_id=school.id,
            body=chance.pick(phrases.SCHOOL_COMMENTS),
            created_at=at,
        )

    def provider_comment(self, chance: Chance, story: Story, at: datetime, *, shared: bool) -> int:
        """By who worked on the case then: its manager, or the provider's lead before one was named."""
        provider = story.provider_at(at)
        named = story.manager if story.assigned_at is not None and at >= story.assigned_at else None
        school = story.school_at(at) if shared else None
        edited = at + timedelta(hours=2) if chance.likely(0.04) else None
        if edited is not None and edited > NOW:
            edited = None
        key = self.sink.add(
            "comment",
            case_id=story.id,
            author_id=named or provider.leads[0],
            organisation_id=provider.id,
            visibility=SHARED if school is not None else INTERNAL,
            created_at=at,
            edited_at=edited,
            shared_with_school_id=school.id if school is not None else None,
            body=chance.pick(phrases.SHARED_COMMENTS if school is not None else phrases.INTERNAL_COMMENTS),
            in_error_at=at + timedelta(minutes=20) if edited is None and chance.likely(0.01) else None,
        )
        if edited is not None:
            earlier = chance.pick(phrases.SHARED_COMMENTS if school is not None else phrases.INTERNAL_COMMENTS)
            self.sink.add("comment_revision", comment_id=key, body=earlier, replaced_at=edited)
        if school is not None:
            self.timeline.alert(story, AlertKind.COMMENT_SHARED, at, school)
        return key

    def _contacts(self, chance: Chance, story: Story, count: int) -> None:
        for at in _moments(chance, story, count):
            self._contact(chance, story, at, outcome=True)
        if story.status is CaseStatus.OPEN and chance.likely(0.6):
            at = working_moment(chance, TODAY_DAY + 1, TODAY_DAY + 10)
            self._contact(chance, story, max(at, NOW + DAY), outcome=False)

    def _contact(self, chance: Chance, story: Story, at: datetime, *, outcome: bool) -> None:
        kind, subject, outcomes = chance.pick(phrases.CONTACTS)
        provider = story.provider_at(at)
        named = story.manager if story.assigned_at is not None and at >= story.assigned_at else None
        recorded = min(at, NOW - timedelta(hours=2)) if not outcome else min(at + timedelta(hours=1), NOW)
        more: dict[str, Any] = {}
        if kind in phrases.LONG_KINDS:
            more["ends_at"] = at + timedelta(minutes=chance.between(3, 18) * 5)
            more["participants"] = chance.some(phrases.PARTICIPANTS, chance.between(1, 4))
        self.timeline.event(
            story,
            at,
            kind.value,
            subject,
            by=named or provider.leads[0],
            organisation=provider.id,
            shared=chance.likely(0.35),
            recorded_at=recorded,
            description=chance.pick(phrases.CONTACT_DETAILS),
            outcome=(chance.pick(outcomes) or None) if outcome else None,
            **more,
        )

    def _files(self, chance: Chance, story: Story, count: int) -> None:
        for at in _moments(chance, story, count):
            school = story.school_at(at)
            if school is not None and chance.likely(0.4):
                self.school_file(chance, story, school, chance.pick(story.staff_of(school)), at)
            else:
                self.provider_file(chance, story, at, shared=school is not None and chance.likely(0.5))

    def school_file(self, chance: Chance, story: Story, school: School, who: int, at: datetime) -> int:
        return add_file(
            self.sink,
            chance,
            case_id=story.id,
            visibility=SHARED,
            shared_with_school_id=school.id,
            uploaded_by_id=who,
            organisation_id=school.id,
            uploaded_at=at,
        )

    def provider_file(self, chance: Chance, story: Story, at: datetime, *, shared: bool) -> int:
        provider = story.provider_at(at)
        named = story.manager if story.assigned_at is not None and at >= story.assigned_at else None
        school = story.school_at(at) if shared else None
        if school is not None:
            self.timeline.alert(story, AlertKind.FILE_SHARED, at, school)
        return add_file(
            self.sink,
            chance,
            case_id=story.id,
            visibility=SHARED if school is not None else INTERNAL,
            shared_with_school_id=school.id if school is not None else None,
            uploaded_by_id=named or provider.leads[0],
            organisation_id=provider.id,
            uploaded_at=at,
        )

    def _provider_records(self, chance: Chance, story: Story) -> None:
        """Tasks, the needs fund and safety alerts: the provider's own."""
        if story.manager is None or story.assigned_at is None:
            return
        self._tasks(chance, story, story.manager, story.assigned_at)
        if chance.likely(0.25):
            self._needs_fund(chance, story, story.manager, story.assigned_at)
        if chance.likely(0.12):
            self._safety_alert(chance, story, story.manager, story.assigned_at)

    def _tasks(self, chance: Chance, story: Story, who: int, start: datetime) -> None:
        for at in _moments(chance, story, chance.between(1, 4), since=start):
            due = day_of(at) + chance.between(2, 14)
            over = story.closed_at is not None or (due < TODAY_DAY and chance.likely(0.85))
            done = between(chance, at, min(at + 9 * DAY, story.end)) if over else None
            self.sink.add(
                "task",
                case_id=story.id,
                title=chance.pick(phrases.TASKS),
                due_on=date.fromordinal(due),
                assignee_id=who,
                created_by_id=who,
                created_at=at,
                done_at=done,
            )

    def _needs_fund(self, chance: Chance, story: Story, who: int, start: datetime) -> None:
        at = between(chance, start, story.end)
        self.sink.add(
            "needs_fund_entry",
            case_id=story.id,
            purpose=chance.pick(phrases.NEEDS),
            recorded_at=at,
            amount_cents=chance.between(4, 48) * 500,
            spent_on=date.fromordinal(day_of(at)),
            recorded_by_id=who,
        )

    def _safety_alert(self, chance: Chance, story: Story, who: int, start: datetime) -> None:
        at = between(chance, start, story.end)
        over = chance.likely(0.3)
        self.sink.add(
            "safety_alert",
            case_id=story.id,
            text=chance.pick(phrases.SAFETY),
            raised_by_id=who,
            raised_at=at,
            ended_at=between(chance, at, story.end) if over else None,
        )


def _moments(chance: Chance, story: Story, count: int, since: datetime | None = None) -> Sequence[datetime]:
    start = since or story.opened_at
    return [between(chance, start, story.end) for _ in range(count)]
