"""Entries of a case's timeline, and the alerts that go with them."""

from datetime import datetime, timedelta
from typing import Any, Final

from ascms.models import AlertKind, Visibility

from .clock import NOW
from .organisations import School
from .sinks import Sink
from .stories import DAY, Story

INTERNAL: Final = Visibility.INTERNAL.value
SHARED: Final = Visibility.SHARED.value


class Timeline:
    """Writes events and alerts. What is shared is shared with the school of that moment, if there was one."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink

    def event(
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

    def alert(self, story: Story, kind: AlertKind, at: datetime, school: School, to: int | None = None) -> None:
        """To the primary contact, or to the Attendance Leads where there is none."""
        contact = story.contact_at(at)
        for user in (to,) if to is not None else (contact,) if contact is not None else school.leads:
            self.tell(story, kind, at, user, school.id)

    def tell(self, story: Story, kind: AlertKind, at: datetime, user: int, organisation: int) -> None:
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
