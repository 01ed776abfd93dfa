"""The subscription root: what is told as it happens."""

from ascms import models
from ascms.permissions.actions import CaseWatchers, QueueWatchers
from ascms.permissions.audiences import AnyRole, AsPath
from ascms.planning.declare import argument, entity, field
from ascms.planning.sources import Given, Performed
from ascms.resolvers import subscriptions

from .types.cases import Case
from .types.common import DateTime
from .types.viewer import Alert


@entity(description="That a case was changed.")
class CaseChange:
    case: Case | None = field(
        Performed("case", models.Case), AsPath, "The case as it is now, while the viewer reaches it."
    )
    what: str = field(
        Given("what"),
        AsPath,
        "The change's name, such as `pauseCase`; `gap` where changes may have been missed, so read again.",
    )
    at: DateTime = field(Given("at"), AsPath, "When it was made.")


@entity(description="What is told as it happens, with the rights held at that moment.")
class Subscription:
    case_changed: CaseChange | None = field(
        subscriptions.CASE_CHANGED,
        CaseWatchers,
        "Each change of a case that the viewer may see. Of a case out of reach, or of none, nothing is ever heard.",
        arguments=(argument(str, "number", "The case number, eight digits.", required=True),),
    )
    queue_changed: CaseChange | None = field(
        subscriptions.QUEUE_CHANGED,
        QueueWatchers,
        "Each change of a case of the acting provider; of one that has left, that it has, and the case is null.",
    )
    alert_raised: Alert | None = field(
        subscriptions.ALERT_RAISED, AnyRole, "Each alert that is raised for the viewer in the acting organisation."
    )
