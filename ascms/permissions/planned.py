"""The policy's conditions as a plan says them: what is known already is not asked again.

`policy` is the definition, one role after the other. Of several roles one often reaches all that another does, a row
has been reached before its fields are looked at, and what hangs on it is met on the way from it. A property test
compares the two.
"""

from collections.abc import Container, Mapping
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, and_, false, or_, select, true, union_all
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import Role
from ascms.settings import OfficeSupportReading

from .audience import Cell
from .found import Found
from .policy import Decision, Me, Policy
from .scopes import Condition

AMONG: Final = frozenset(
    {
        (Role.PRIMARY_CONTACT, Role.ATTENDANCE_LEAD),
        (Role.OFFICE_SUPPORT, Role.ATTENDANCE_LEAD),
        (Role.CASE_MANAGER, Role.WORKFLOW_LEAD),
        (Role.MINISTRY_ADVISER, Role.PRIVACY_OFFICER),
    }
)
"""Pairs of roles whose first reaches no row that the second, acting for the same organisation, does not."""
AMONG_BY_FIELDS: Final = AMONG | {
    (Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT),
    (Role.ATTENDANCE_LEAD, Role.OFFICE_SUPPORT),
}
"""Those where Office Support reads the rows of an Attendance Lead."""
OF_FEW: Final = frozenset(
    {Role.ATTENDANCE_LEAD, Role.PRIMARY_CONTACT, Role.OFFICE_SUPPORT, Role.WORKFLOW_LEAD, Role.CASE_MANAGER}
)
"""Roles that reach one organisation's cases: few enough to start from when something of theirs is listed."""


class Planned(Me):
    """The viewer while a plan is made."""

    def __init__(self, policy: Policy, roles: frozenset[Role]) -> None:
        super().__init__(policy, roles)
        self._among = AMONG_BY_FIELDS if self.reading is OfficeSupportReading.FIELDS else AMONG
        self._decided: dict[Any, tuple[Any, Decision]] = {}
        """A decision with the row it was taken for, so that no other row can take its identity."""

    # Rows ----------------------------------------------------------------------------------------------------

    def row_scope(self, type_name: str, row: Any, *, under: str | None = None) -> ColumnElement[bool]:
        """Whether the viewer reaches `row`. `under`: the type of a row that is reached, and on which `row` hangs."""
        if not self.policy.rules[type_name].scoped:
            return true()
        roles = self._reaching(type_name)
        if not roles:
            return false()
        parts = [self._part(type_name, role, row, under) for role in self._widest(type_name, roles)]
        return and_(or_(*parts), self._not_blocked(type_name, roles, row))

    def listed(self, type_name: str, row: Any) -> ColumnElement[bool]:
        """As `row_scope`, where rows of the type are listed: from the viewer's cases on where those are few."""
        return self.counted(type_name, row) if self._few(type_name) else self.row_scope(type_name, row)

    def counted(self, type_name: str, row: Any) -> ColumnElement[bool]:
        """As `row_scope`, where all rows of the type are looked at: what they are held against is read once."""
        return self._wholesale().row_scope(type_name, row)

    def searching(self, type_name: str) -> Me:
        """The viewer as a search asks: what it looks for is found first, and once, where their rows are many."""
        return self if self._few(type_name) else self._wholesale()

    def _few(self, type_name: str) -> bool:
        return set(self._reaching(type_name)) <= OF_FEW

    def _wholesale(self) -> "_Wholesale":
        return _Wholesale(self.policy, frozenset(self.roles))

    def _part(self, type_name: str, role: Role, row: Any, under: str | None) -> ColumnElement[bool]:
        """Whether `role` reaches `row`."""
        if under is None or not self._reaches_all(under, role):
            return self._scope(type_name, role, row)
        own = self._cell_condition(type_name, self.policy.cell(type_name, "id", role), row, role)
        return true() if own is None else own

    def _widest(self, type_name: str, roles: list[Role]) -> list[Role]:
        """The roles without those that reach nothing beyond another one of them."""
        left = list(roles)
        for role in roles:
            if any(self._covers(type_name, other, role) for other in left if other is not role):
                left.remove(role)
        return left

    def _covers(self, type_name: str, wide: Role, narrow: Role) -> bool:
        """Whether `narrow` reaches no row of the type that `wide` does not."""
        if wide is narrow:
            return True
        cells = [self.policy.cell(type_name, "id", role) for role in (wide, narrow)]
        return (
            (narrow, wide) in self._among
            and self.policy.has_rows(type_name, wide)
            and (cells[0] is Cell.VISIBLE or cells[0] is cells[1])
        )

    def _reaches_all(self, type_name: str, role: Role) -> bool:
        """Whether `role` reaches every row of the type that the viewer does."""
        return all(self._covers(type_name, role, other) for other in self._reaching(type_name))

    # Fields --------------------------------------------------------------------------------------------------

    def _decide(
        self, type_name: str, cells: Mapping[Role, Cell], unless_protected: Container[Role], row: Any
    ) -> Decision:
        """One condition for all fields of a row that are seen alike."""
        protected = tuple(role in unless_protected for role in cells)
        key = (type_name, tuple(cells.items()), protected, id(row))
        if key not in self._decided:
            self._decided[key] = (row, super()._decide(type_name, cells, unless_protected, row))
        return self._decided[key][1]

    def _by_some_role(
        self, type_name: str, conditions: Mapping[Role, ColumnElement[bool] | None], row: Any
    ) -> ColumnElement[bool]:
        """The row is reached, so of the role that reaches all of them only the condition is asked."""
        rule = self.policy.rules[type_name]
        if not rule.scoped:
            return super()._by_some_role(type_name, conditions, row)
        alone = rule.model in (models.Student, models.Case)  # a request leads to a student by its case too
        me = _Unblocked(self.policy, frozenset(self.roles)) if alone else self
        free = [role for role, condition in conditions.items() if condition is None]
        if any(self._reaches_all(type_name, role) for role in free):
            return true()
        parts = []
        for role, condition in conditions.items():
            if any(self._covers(type_name, other, role) for other in free if other is not role):
                continue
            known = true() if self._reaches_all(type_name, role) else me.reaches(type_name, role, row)
            parts.append(known if condition is None else and_(condition, known))
        return or_(*parts)


class _Wholesale(Planned):
    """Says of rows that they are among those whose keys are read: these are read once, and may be read first."""

    def linked(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]:
        keys = select(column).where(condition).correlate(None)
        there = key.is_not(None)  # a key that is null is linked to nothing, which is known
        return and_(there, key.in_(keys)) if _nullable(key) else key.in_(keys)

    def leads_to(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]:
        if self._few("Case"):
            return Found(key, select(column).where(condition).correlate(None))
        return self.linked(entity, column, key, condition)

    def one_holds(self, row: Any, model: type[models.Base], *conditions: Condition) -> ColumnElement[bool]:
        found = [
            (one := aliased(model), select(cast(Any, one).id).where(condition(one)))[1] for condition in conditions
        ]
        return row.id.in_(union_all(*found))  # type: ignore[no-any-return]


class _Unblocked(Planned):
    """Of a row of a student whom nobody keeps from the viewer: nor is any case of theirs kept."""

    def _not_blocked(self, type_name: str, roles: Any, row: Any) -> ColumnElement[bool]:
        return true()


def _nullable(key: Any) -> bool:
    return any(column.nullable for column in key.base_columns)
