"""Casework: comments, events, tasks, the needs fund, safety alerts, and marking what was entered in error."""

import strawberry

from ascms import models
from ascms.models import Visibility
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.cases import Case
from ascms.schema.types.casework import Comment
from ascms.schema.types.problems import Problem

from .common import NUMBER, case_done, member, optional, problems


@strawberry.input(description="A comment on a case.")
class AddCommentInput:
    number: str = member(NUMBER)
    body: str = member("The text.")
    visibility: Visibility | None = optional(
        "A school's comment is always shared; a provider's is internal unless it says SHARED."
    )


@entity(description="What came of adding a comment.")
class AddCommentPayload:
    comment: Comment | None = field(Performed("comment", models.Comment), AsPath, "The comment.")
    case: Case | None = case_done()
    problems: list[Problem] = problems()
