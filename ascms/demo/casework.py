"""A case and all that hangs on it, in rows: its history, timeline, comments, files, tasks and alerts."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from ascms.models import AlertKind, CaseStatus, CaseType, EventKind, Visibility

from . import phrases
from .chance import Chance
from .clock import NOW, TODAY_DAY, between, day_of, working_moment
from .files import add_file
from .organisations import School
from .requests import RequestWriter, barriers
from .sinks import Sink
from .stories import DAY, Story

INTERNAL: Final = Visibility.INTERNAL.value
SHARED: Final = Visibility.SHARED.value
CHANGED: Final = EventKind.CASE_CHANGED.value
BUSY: Final = {
    CaseStatus.PROVIDER_QUEUE: ((0, 3), (0, 2), (0, 1)),
    CaseStatus.OPEN: ((6, 17), (11, 22), (1, 5)),
    CaseStatus.PAUSED: ((6, 15), (10, 18), (1, 4)),
    CaseStatus.TRANSITION: ((2, 8), (3, 10), (0, 2)),
    CaseStatus.CLOSED: ((5, 14), (9, 17), (1, 3)),
}
"""Fewest and most comments, contacts and files of a case, by its status."""


class CaseWriter:
    """Writes cases. Invented numbers go up from 00310001, above every fixed one."""

    def __init__(self, sink: Sink, requests: RequestWriter) -> None:
        self.sink = sink
        self.requests = requests
        self.number = 310_000

    def add(self, chance: Chance, story: Story) -> int:
        """The case of a settled story with everything on it; gives its identifier."""
        self._case(chance, story)
        for code in barriers(story.student):
            self.sink.add("case_barrier", case_id=story.id, code=code)
        self._allocations(chance, story)
        self._status_history(story)
        if story.type is CaseType.CHRONIC_ABSENCE:
            self._requests(chance, story)
        else:
            self.requests.notice_on_case(chance, story)
        self._changes(story)
        if not story.quiet:
            comments, contacts, files = (chance.between(*bounds) for bounds in BUSY[story.status])
            self._comments(chance, story, comments)
            self._contacts(chance, story, contacts)
            self._files(chance, story, files)
            self._provider_records(chance, story)
        return story.id

    def _case(self, chance: Chance, story: Story) -> None:
        present, provider = story.present, story.provider
        if story.number is None:
            self.number += 1
            story.number = f"{self.number:08d}"
        notes = chance.pick(phrases.CONTACT_NOTES) if story.contact and chance.likely(0.4) and not story.quiet else None
        carried_over = story.status is CaseStatus.TRANSITION
        closed = story.closed_at is not None
        story.id = self.sink.add(
            "case_record",
            number=story.number,
            type=story.type.value,
            status=story.status.value,
            active=not closed,
            student_id=story.student.id,
            school_id=present.id if present is not None else None,
            provider_id=provider.id,
            catchment_id=provider.catchment_id,
            region=present.catchment.region if present is not None else provider.region,
            case_manager_id=story.manager,
            primary_contact_id=story.contact,
            school_contact_notes=notes,
            opened_at=story.opened_at,
            assigned_at=story.assigned_at,
            first_contact_at=story.first_contact_at,
            planned_at=story.planned_at,
            closed_at=story.closed_at,
            outcome_code=story.outcome,
            closing_summary=chance.pick(phrases.CLOSING) if closed and story.manager else None,
            status_reason_code=story.reason,
            review_on=story.review_on,
            merged_into_id=story.merged_into,
            former_reference=f"ASA-{story.student.id:07d}" if carried_over else None,
            version=1 + sum(moment is not None for moment in (story.assigned_at, story.paused_at, story.closed_at)),
        )

    def _allocations(self, chance: Chance, story: Story) -> None:
        start = story.opened_at
        if story.former is not None:
            self.sink.add(
                "case_allocation",
                case_id=story.id,
                provider_id=story.former.id,
                started_at=start,
                ended_at=story.handed_over_at,
                hand_over_summary=chance.pick(phrases.HAND_OVER),
            )
            start = story.handed_over_at or start
        self.sink.add("case_allocation", case_id=story.id, provider_id=story.provider.id, started_at=start)

    def _status_history(self, story: Story) -> None:
        opened = story.status not in (CaseStatus.PROVIDER_QUEUE, CaseStatus.TRANSITION)
        first = CaseStatus.TRANSITION if story.status is CaseStatus.TRANSITION else CaseStatus.PROVIDER_QUEUE
        steps: list[tuple[CaseStatus, datetime | None, int | None]] = [(first, story.opened_at, story.requester)]
        if story.manager is not None and opened:
            steps.append((CaseStatus.OPEN, story.assigned_at, story.provider.leads[0]))
        if story.paused_at is not None:
            steps.append((CaseStatus.PAUSED, story.paused_at, story.manager))
        if story.closed_at is not None:
            steps.append((CaseStatus.CLOSED, story.closed_at, story.manager or story.provider.leads[0]))
        before: str | None = None
        for status, moment, who in steps:
            last = status is story.status
            self.sink.add(
                "case_status_change",
                case_id=story.id,
                from_status=before,
                to_status=status.value,
                changed_at=moment,
                changed_by_id=who,
                reason_code=(story.reason or story.outcome) if last else None,
            )
            before = status.value

    def _requests(self, chance: Chance, story: Story) -> None:
        self.requests.submitted(chance, story, story.opened_at)
        school = story.school_at(story.opened_at)
        if school is not None:
            self._event(
                story,
                story.opened_at,
                EventKind.REQUEST_RECEIVED.value,
                f"CA Request - {story.student.full_name}",
                by=story.requester,
                organisation=school.id,
                shared=True,
            )
            self._alert(story, AlertKind.CASE_OPENED, story.opened_at, school)
        if story.status is CaseStatus.PROVIDER_QUEUE and story.assigned_at is None:
            for lead in story.provider.leads:
                self._tell(story, AlertKind.REQUEST_SUBMITTED, story.opened_at, lead, story.provider.id)
        later = story.opened_at + 14 * DAY
        if not story.quiet and story.request_ends is None and later < story.end and chance.likely(0.12):
            at = between(chance, later, story.end)
            if story.moved_at is None:
                self.requests.submitted(chance, story, at, joined=True)

    def _event(
        self,
        story: Story,
        at: datetime,
        kind: str,
        subject: str,
        *,
        by: int | None,
        organisation: int | None,
        shared: bool,
        **more: Any,
    ) -> None:
        """An entry of the timeline; shared with the school of that moment, if there was one."""
        school = story.school_at(at) if shared else None
        self.sink.add(
            "event",
            case_id=story.id,
            kind=kind,
            occurs_at=at,
            recorded_by_id=by,
            organisation_id=organisation,
            subject=subject,
            visibility=SHARED if school is not None else INTERNAL,
            shared_with_school_id=school.id if school is not None else None,
            **{"participants": (), "recorded_at": at} | more,
        )

    def _changes(self, story: Story) -> None:
        """Every change of the case as an event that its school sees, without reasons."""
        if story.type is CaseType.NON_ENROLLED:
            notified = "Non-enrolment notified"
            self._event(story, story.opened_at, CHANGED, notified, by=None, organisation=None, shared=True)
        if story.quiet:
            return
        lead, own, former = story.provider.leads[0], story.provider.id, story.former
        changes: list[tuple[datetime | None, str, int | None, int | None]] = [
            (story.moved_at, "Student changed school", None, None),
            (story.assigned_at, "Case manager named", lead, own),
            (story.paused_at, "Case paused", story.manager, own),
            (story.closed_at, "Case closed", story.manager or lead, own),
        ]
        if former is not None:
            changes.append((story.handed_over_at, f"Handed over to {story.provider.name}", former.leads[0], former.id))
        for moment, subject, who, organisation in changes:
            if moment is not None:
                self._event(story, moment, CHANGED, subject, by=who, organisation=organisation, shared=True)
                self._change_alert(story, moment)

    def _change_alert(self, story: Story, at: datetime) -> None:
        school = story.school_at(at)
        if school is None:
            return
        if at == story.assigned_at:
            self._alert(story, AlertKind.CASE_MANAGER_ASSIGNED, at, school)
        elif at == story.moved_at:
            for lead in school.leads:
                self._alert(story, AlertKind.STUDENT_ARRIVED, at, school, to=lead)
        else:
            self._alert(story, AlertKind.STATUS_CHANGED, at, school)

    def _alert(self, story: Story, kind: AlertKind, at: datetime, school: School, to: int | None = None) -> None:
        """To the primary contact, or to the Attendance Leads where there is none."""
        contact = story.contact_at(at)
        for user in (to,) if to is not None else (contact,) if contact is not None else school.leads:
            self._tell(story, kind, at, user, school.id)

    def _tell(self, story: Story, kind: AlertKind, at: datetime, user: int, organisation: int) -> None:
        read = at + timedelta(hours=20)
        self.sink.add(
            "alert",
            user_id=user,
            organisation_id=organisation,
            kind=kind.value,
            case_id=story.id,
            created_at=at,
            read_at=read if read < NOW - 3 * DAY else None,
        )

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
            self._alert(story, AlertKind.COMMENT_SHARED, at, school)
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
        self._event(
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
            self._alert(story, AlertKind.FILE_SHARED, at, school)
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
        who, start = story.manager, story.assigned_at
        if who is None or start is None:
            return
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
        if chance.likely(0.25):
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
        if chance.likely(0.12):
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
