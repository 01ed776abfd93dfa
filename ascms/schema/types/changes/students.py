"""What keeps students safe: who must not see them, and whose information is kept private."""

from typing import Any

import strawberry
from sqlalchemy.orm import aliased

from ascms import models
from ascms.permissions.audiences import AsPath
from ascms.permissions.scopes import some
from ascms.planning.declare import entity, field
from ascms.planning.sources import Performed
from ascms.schema.types.problems import Problem
from ascms.schema.types.students import AccessBlock, Student, UnprotectRequest, unprotecting_shown

from .common import member, optional, problems

_STUDENT = "The student's global identifier."


def blocks_shown(block: Any, me: Any) -> Any:
    """Only of a student whom one reaches, as in Student.accessBlocks."""
    student = aliased(models.Student)
    return some(student, student.id == block.student_id, me.row_scope("Student", student))


def _block() -> Any:
    return field(
        Performed("block", models.AccessBlock, blocks_shown),
        AsPath,
        "The block as it is now; null where it is on oneself, since nobody sees those.",
    )


def _student() -> Any:
    return field(
        Performed("student", models.Student), AsPath, "The student as they are now; null where not the viewer's."
    )


@strawberry.input(description="A person who must not see a student: a relative, a conflict of interest, safety.")
class AddAccessBlockInput:
    user: strawberry.ID = member(
        "Who: of the organisation that one acts for, oneself too; the Privacy Officer names anybody."
    )
    student: strawberry.ID = member(_STUDENT)
    reason: str = member("Why. The person does not read it.")


@entity(description="What came of keeping a person and a student apart.")
class AddAccessBlockPayload:
    block: AccessBlock | None = _block()
    problems: list[Problem] = problems()


@strawberry.input(description="A block to be lifted.")
class LiftAccessBlockInput:
    id: strawberry.ID = member("The block's identifier, as Student.accessBlocks gives it.")
    reason: str | None = optional("Why.")


@entity(description="What came of lifting a block.")
class LiftAccessBlockPayload:
    block: AccessBlock | None = _block()
    problems: list[Problem] = problems()


@strawberry.input(description="A student whose information is to be kept private.")
class ProtectStudentInput:
    student: strawberry.ID = member(_STUDENT)


@entity(description="What came of protecting a student.")
class ProtectStudentPayload:
    student: Student | None = _student()
    problems: list[Problem] = problems()


@strawberry.input(description="A protection to be lifted, once a second person agrees.")
class RequestUnprotectStudentInput:
    student: strawberry.ID = member(_STUDENT)
    reason: str = member("Why.")


@entity(description="What came of asking for a protection to be lifted.")
class RequestUnprotectStudentPayload:
    request: UnprotectRequest | None = field(
        Performed("request", models.UnprotectRequest, unprotecting_shown),
        AsPath,
        "What waits for another person's decision.",
    )
    student: Student | None = _student()
    problems: list[Problem] = problems()


@strawberry.input(description="A decision about a protection.")
class DecideUnprotectStudentInput:
    id: strawberry.ID = member("The request's identifier, as viewer.unprotectRequests gives it.")
    lift: bool = member("Whether the protection is lifted; else it stays.")


@entity(description="What came of a decision about a protection.")
class DecideUnprotectStudentPayload:
    student: Student | None = _student()
    problems: list[Problem] = problems()
