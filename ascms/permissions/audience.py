"""The permission class: which roles see a field, and on which of the rows they reach."""

from collections.abc import Awaitable
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from strawberry.permission import BasePermission
from strawberry.types import Info

from ascms.models import Role


class Cell(StrEnum):
    """One cell of the matrix."""

    VISIBLE = "V"
    """On every row that the role's scope reaches."""
    WHILE_ACTIVE = "A"
    """While the student has an active case in the viewer's scope."""
    SHARED = "S"
    """On what is shared with the acting school, or written for it."""
    OWN = "O"
    """On the viewer's own."""
    HIDDEN = "H"


class FieldReader(Protocol):
    """What the plain execution keeps in its context, so that a permission class can ask about one row."""

    def may_see(self, source: Any, info: Info) -> Awaitable[bool]: ...


class Audience(BasePermission):
    """The roles that see a field. Subclasses name them in sets and say in their docstring why.

    The planner reads the sets when it plans an operation; Strawberry asks `has_permission` where a field is
    resolved by itself. Both go through the same policy, so a field has one rule.
    """

    visible: ClassVar[frozenset[Role] | set[Role]] = frozenset()
    while_active: ClassVar[frozenset[Role] | set[Role]] = frozenset()
    shared: ClassVar[frozenset[Role] | set[Role]] = frozenset()
    own: ClassVar[frozenset[Role] | set[Role]] = frozenset()
    unless_protected: ClassVar[frozenset[Role] | set[Role]] = frozenset()
    """Roles that see the field only of students who are not protected."""
    without_role: ClassVar[bool] = False
    """Whether a signed-in person with no role in effect sees it too."""
    root: ClassVar[bool] = False
    """Whether it guards a root field: there a denial is an error, elsewhere a redaction."""

    @classmethod
    def cell(cls, role: Role) -> Cell:
        """The matrix cell of `role`; what no set names is hidden."""
        for cell, roles in (
            (Cell.VISIBLE, cls.visible),
            (Cell.WHILE_ACTIVE, cls.while_active),
            (Cell.SHARED, cls.shared),
            (Cell.OWN, cls.own),
        ):
            if role in roles:
                return cell
        return Cell.HIDDEN

    @classmethod
    def roles(cls) -> tuple[Role, ...]:
        """The roles that see the field on some row at least, in the matrix' order."""
        return tuple(role for role in Role if cls.cell(role) is not Cell.HIDDEN)

    async def has_permission(self, source: Any, info: Info, **kwargs: Any) -> bool:
        reader: FieldReader = info.context.reader
        return await reader.may_see(source, info)

    def on_unauthorized(self) -> None:
        """A redaction: null, and an entry that the operation's plan has already made."""
        return
