"""A case in rows: the case itself, its allocations, its status history, its requests, its changes."""

from datetime import datetime
from typing import Final

from ascms.models import AlertKind, CaseStatus, CaseType, EventKind

from . import phrases
from .activity import Activity
from .chance import Chance
from .clock import SERVICE_START, between, instant
from .reference import TARGETS_VERSION
from .requests import RequestWriter, barriers
from .sinks import Sink
from .stories import DAY, Story
from .timeline import Timeline

CHANGED: Final = EventKind.CASE_CHANGED.value
TARGETS_START: Final = instant(SERVICE_START.toordinal(), 0)


class CaseWriter:
    """Writes cases with all that hangs on them. Invented numbers go up from 00310001, above every fixed one."""

    def __init__(self, sink: Sink, requests: RequestWriter) -> None:
        self.sink = sink
        self.requests = requests
        self.timeline = Timeline(sink)
        self.activity = Activity(sink, self.timeline)
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
            self.activity.add(chance, story)
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
            target_version=TARGETS_VERSION if story.opened_at >= TARGETS_START and not carried_over else None,
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
            self.timeline.event(
                story,
                story.opened_at,
                EventKind.REQUEST_RECEIVED.value,
                f"CA Request - {story.student.full_name}",
                by=story.requester,
                organisation=school.id,
                shared=True,
            )
            self.timeline.alert(story, AlertKind.CASE_OPENED, story.opened_at, school)
        if story.status is CaseStatus.PROVIDER_QUEUE and story.assigned_at is None:
            for lead in story.provider.leads:
                self.timeline.tell(story, AlertKind.REQUEST_SUBMITTED, story.opened_at, lead, story.provider.id)
        later = story.opened_at + 14 * DAY
        if not story.quiet and story.request_ends is None and later < story.end and chance.likely(0.12):
            at = between(chance, later, story.end)
            if story.moved_at is None:
                self.requests.submitted(chance, story, at, joined=True)

    def _changes(self, story: Story) -> None:
        """Every change of the case as an event that its school sees, without reasons."""
        if story.type is CaseType.NON_ENROLLED:
            notified = "Non-enrolment notified"
            self.timeline.event(story, story.opened_at, CHANGED, notified, by=None, organisation=None, shared=True)
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
                self.timeline.event(story, moment, CHANGED, subject, by=who, organisation=organisation, shared=True)
                self._change_alert(story, moment)

    def _change_alert(self, story: Story, at: datetime) -> None:
        school = story.school_at(at)
        if school is None:
            return
        if at == story.assigned_at:
            self.timeline.alert(story, AlertKind.CASE_MANAGER_ASSIGNED, at, school)
        elif at == story.moved_at:
            for lead in school.leads:
                self.timeline.alert(story, AlertKind.STUDENT_ARRIVED, at, school, to=lead)
        else:
            self.timeline.alert(story, AlertKind.STATUS_CHANGED, at, school)
