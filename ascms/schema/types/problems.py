"""Problems, as mutations tell them: what a user can mend is data, with a code for programs and the member at fault."""

import strawberry

from ascms.casework.problems import ProblemCode
from ascms.models import Role
from ascms.permissions.audiences import AsPath
from ascms.planning.declare import entity, field
from ascms.planning.sources import Given

from .codes import describe

describe(
    ProblemCode,
    "What kind of problem it is.",
    INVALID="A member of the input does not hold; path names it.",
    NOT_FOUND="What the input names does not exist for the viewer.",
    CONFLICT="It was changed since it was read: expectedVersion is stale.",
    NOT_POSSIBLE_NOW="The life cycle, or who may act on this row, is against it.",
    DUPLICATE="It exists already.",
)

_CODE = "What kind of problem it is."
_MESSAGE = "What is wrong and what to do, in words."
_PATH = "The member at fault, from the argument on: `[input, reviewOn]`; empty where it is the whole."


@strawberry.interface(description="Why a change was not made.")
class Problem:
    code: ProblemCode = strawberry.field(description=_CODE)
    message: str = strawberry.field(description=_MESSAGE)
    path: list[str] = strawberry.field(description=_PATH)


@entity(description="An action that is possible now.")
class PossibleAction:
    action: str = field(Given("action"), AsPath, "The mutation's name.")
    roles: list[Role] = field(Given("roles"), AsPath, "The roles that may do it.")


@entity(description="A member of the input does not hold.")
class InvalidInput(Problem):
    code: ProblemCode = field(Given("code"), AsPath, _CODE)
    message: str = field(Given("message"), AsPath, _MESSAGE)
    path: list[str] = field(Given("path"), AsPath, _PATH)


@entity(description="What the input names does not exist for the viewer.")
class NotFound(Problem):
    code: ProblemCode = field(Given("code"), AsPath, _CODE)
    message: str = field(Given("message"), AsPath, _MESSAGE)
    path: list[str] = field(Given("path"), AsPath, _PATH)


@entity(description="It was changed since it was read.")
class Conflict(Problem):
    code: ProblemCode = field(Given("code"), AsPath, _CODE)
    message: str = field(Given("message"), AsPath, _MESSAGE)
    path: list[str] = field(Given("path"), AsPath, _PATH)
    current_version: int | None = field(
        Given("current_version"), AsPath, "The version it has now; null for who may not read it."
    )


@entity(description="The life cycle, or who may act on this row, is against it.")
class NotPossibleNow(Problem):
    code: ProblemCode = field(Given("code"), AsPath, _CODE)
    message: str = field(Given("message"), AsPath, _MESSAGE)
    path: list[str] = field(Given("path"), AsPath, _PATH)
    possible: list[PossibleAction] = field(
        Given("possible"), AsPath, "What is possible now as far as the viewer may know, and who may do it."
    )


@entity(description="It exists already.")
class Duplicate(Problem):
    code: ProblemCode = field(Given("code"), AsPath, _CODE)
    message: str = field(Given("message"), AsPath, _MESSAGE)
    path: list[str] = field(Given("path"), AsPath, _PATH)


PROBLEMS = [InvalidInput, NotFound, Conflict, NotPossibleNow, Duplicate]
