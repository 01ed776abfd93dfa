"""What a user can mend: the problems with which a change is refused, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ascms.models import Role


class ProblemCode(StrEnum):
    """What kind of problem it is, for programs."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    NOT_POSSIBLE_NOW = "NOT_POSSIBLE_NOW"
    DUPLICATE = "DUPLICATE"


@dataclass(frozen=True, slots=True)
class Possible:
    """An action that is possible now, and the roles that may do it."""

    action: str
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `path` names the input's member at fault, outermost first; empty where it is the whole."""

    code: ProblemCode
    message: str
    path: tuple[str, ...] = ()
    current_version: int | None = None
    """For CONFLICT: the version that the row has now."""
    possible: tuple[Possible, ...] = ()
    """For NOT_POSSIBLE_NOW: what is possible instead."""

    @property
    def type_name(self) -> str:
        """The name of its type in the API."""
        return _TYPES[self.code]


_TYPES = {
    ProblemCode.INVALID: "InvalidInput",
    ProblemCode.NOT_FOUND: "NotFound",
    ProblemCode.CONFLICT: "Conflict",
    ProblemCode.NOT_POSSIBLE_NOW: "NotPossibleNow",
    ProblemCode.DUPLICATE: "Duplicate",
}


class Refused(Exception):  # noqa: N818 (named as what happened)
    """The change is not made, for these problems; nothing of it stays."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def invalid(message: str, *path: str) -> Refused:
    """A member of the input does not hold: say what was given, what was expected, what to do."""
    return Refused(Problem(ProblemCode.INVALID, message, path))


def not_found(message: str, *path: str) -> Refused:
    """What the input names does not exist for the one who asks."""
    return Refused(Problem(ProblemCode.NOT_FOUND, message, path))


def conflict(current: int | None, *path: str) -> Refused:
    """The row was changed since it was read. `current` is its version now, where the one who asks may know it."""
    message = "It was changed by somebody else since you read it; read it again and decide anew."
    return Refused(Problem(ProblemCode.CONFLICT, message, path, current_version=current))


def not_possible_now(message: str, possible: Sequence[Possible] = (), *path: str) -> Refused:
    """The rules of the life cycle are against it."""
    return Refused(Problem(ProblemCode.NOT_POSSIBLE_NOW, message, path, possible=tuple(possible)))


def duplicate(message: str, *path: str) -> Refused:
    """It exists already."""
    return Refused(Problem(ProblemCode.DUPLICATE, message, path))


class Problems:
    """Collects what is wrong with an input, so that all of it is told at once."""

    def __init__(self) -> None:
        self._found: list[Problem] = []

    def add(self, message: str, *path: str) -> None:
        """Note an invalid member."""
        self._found.append(Problem(ProblemCode.INVALID, message, path))

    def __bool__(self) -> bool:
        return bool(self._found)

    def refuse_any(self) -> None:
        """Raise Refused where anything was noted."""
        if self._found:
            raise Refused(*self._found)


def with_possible(refused: Refused, possible: Sequence[Possible]) -> Refused:
    """The same refusal, each NOT_POSSIBLE_NOW naming what is possible unless it does already."""
    return Refused(
        *(
            replace(problem, possible=tuple(possible))
            if problem.code is ProblemCode.NOT_POSSIBLE_NOW and not problem.possible
            else problem
            for problem in refused.problems
        )
    )
