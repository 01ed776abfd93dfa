"""What each subscription waits for, and of which rows it may tell.

That something was changed says what was changed: a school hears nothing of what is internal to the provider.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import and_

from ascms import models
from ascms.identity.viewer import Viewer
from ascms.permissions.scopes import not_blocked
from ascms.planning.sources import Outcome, Watch
from ascms.schema.types.viewer import own_alerts
from ascms.signals import Signal, Topic

from .roots import by_number, going_on_first

READS: Final[Mapping[str, str]] = {
    "Comment": "comments",
    "Event": "events",
    "File": "files",
    "Task": "tasks",
    "NeedsFundEntry": "needsFund",
    "SafetyAlert": "safetyAlerts",
    # Where a change does not say which item it is about: as if it were internal.
    **dict.fromkeys(("addComment", "editComment", "addEvent", "addFile", "markInError"), "tasks"),
    "addTask": "tasks",
    "completeTask": "tasks",
    "recordNeedsFund": "needsFund",
    "addSafetyAlert": "safetyAlerts",
    "updateSchoolContactNotes": "schoolContactNotes",
    # Who may see that a family was told is who may see what else is in the way.
    "recordNoticeGiven": "barriers",
}
ITEMS: Final = {"Comment": models.Comment, "Event": models.Event, "File": models.File}


def _acting(viewer: Viewer) -> int:
    assert viewer.acting is not None  # without one there is no role, and the subscription is not theirs
    return viewer.acting.organisation_id


def _change(signal: Signal, case_id: int | None) -> Outcome:
    return Outcome({"case": case_id}, {"what": signal.what, "at": signal.at})


# One case ----------------------------------------------------------------------------------------------------


def _of_case(viewer: Viewer, keys: Sequence[int]) -> Sequence[Topic]:
    return [("case", key) for key in keys]


CASE_CHANGED = Watch(
    "case",
    models.Case,
    topics=_of_case,
    outcome=_change,
    shown=lambda case, me: me.row_scope("Case", case),
    follows=by_number,
    first=going_on_first,
    reads=READS,
    items=ITEMS,
)


# The queue ---------------------------------------------------------------------------------------------------


def _of_provider(viewer: Viewer, keys: Sequence[int]) -> Sequence[Topic]:
    return [("provider", _acting(viewer))]


QUEUE_CHANGED = Watch(
    "case",
    models.Case,
    topics=_of_provider,
    outcome=lambda signal, key: _change(signal, signal.case_id),
    # A case that has left is out of reach, and that it left is told; but never of a student from whom one is kept.
    shown=lambda case, me: not_blocked(case.student_id, me),
)


# Alerts ------------------------------------------------------------------------------------------------------


def _of_alerts(viewer: Viewer, keys: Sequence[int]) -> Sequence[Topic]:
    return [("alerts", viewer.user_id, _acting(viewer))]


ALERT_RAISED = Watch(
    "alert",
    models.Alert,
    topics=_of_alerts,
    outcome=lambda signal, key: Outcome({"alert": signal.alert_id}),
    shown=own_alerts,
    missed=lambda alert, me, since: and_(own_alerts(alert, me), alert.created_at >= since),
)
