"""The policy: two questions, answered as SQL. Which rows does a viewer reach, and which fields of a row?

With several roles a field is visible on a row only if one and the same role reaches the row and sees the
field. What cannot be decided is hidden.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, String, and_, bindparam, false, func, or_, select, true
from sqlalchemy.orm import aliased

from ascms import models
from ascms.models import Role
from ascms.settings import OfficeSupportReading

from .audience import Audience, Cell
from .scopes import SCOPES, Condition, member_of_acting, not_blocked, own_request, some


class Visibility(Enum):
    """A field's visibility where it does not depend on the row."""

    ALWAYS = "always"
    NEVER = "never"


Decision = Visibility | ColumnElement[bool]
"""ALWAYS, NEVER, or the condition on the row."""

SUBJECT: Final[Mapping[type[models.Base], str]] = {
    models.Student: "id",
    models.Case: "student_id",
    models.Request: "student_id",
    models.AccessBlock: "student_id",
    models.UnprotectRequest: "student_id",
}
"""The column that says which student a row is about."""

UNSCOPED_PAPERS: Final = frozenset({models.Task, models.NeedsFundEntry, models.SafetyAlert, models.UnprotectRequest})
"""What is as visible as the path to it, and about a student; in a payload nobody's row stands above it."""


def subject_of(model: type[models.Base], row: Any) -> ColumnElement[int] | None:
    """The student whom a row is about: its own column's, or that of the case or request it hangs on."""
    if model in SUBJECT:
        return getattr(row, SUBJECT[model])  # type: ignore[no-any-return]
    if model in (models.Comment, models.Event) or model in UNSCOPED_PAPERS:
        return _student_of(models.Case, row.case_id)
    if model is models.File:
        return func.coalesce(_student_of(models.Case, row.case_id), _student_of(models.Request, row.request_id))
    return None


def _student_of(parent: type[models.Case] | type[models.Request], key: Any) -> ColumnElement[int]:
    alias = aliased(parent)
    return select(alias.student_id).where(alias.id == key).correlate_except(alias).scalar_subquery()


@dataclass(frozen=True)
class TypeRule:
    """What the policy knows of a GraphQL type: its table, whether its rows have scopes, its fields' audiences."""

    model: type[models.Base] | None
    scoped: bool
    fields: Mapping[str, type[Audience]]


OFFICE_WITHOUT_CASES: Final = frozenset({"Student", "Case", "Comment", "Event"})
READ_BY_OFFICE_AS_WRITTEN: Final = frozenset({"Organisation", "Mutation", "Subscription"})
"""Types whose rules no reading of Office Support changes: the readings say what may be seen, not done."""
OFFICE_WITHOUT_CASE_EDGES: Final = frozenset(
    {("Query", "case"), ("Query", "cases"), ("Query", "student"), ("Query", "students"),
     ("Request", "case"), ("Request", "student")}
)  # fmt: skip


class Policy:
    """Every rule of the schema in one place, as the permission classes and scopes state it."""

    def __init__(
        self, rules: Mapping[str, TypeRule], reading: OfficeSupportReading = OfficeSupportReading.FIELDS
    ) -> None:
        self.rules = rules
        self.reading = reading

    def audience(self, type_name: str, field: str) -> type[Audience]:
        """The permission class at `type_name.field`. Raises KeyError where there is none: deny by default."""
        return self.rules[type_name].fields[field]

    def cell(self, type_name: str, field: str, role: Role) -> Cell:
        """The effective matrix cell, with the installation's reading of Office Support."""
        audience = self.audience(type_name, field)
        if role is Role.OFFICE_SUPPORT and type_name not in READ_BY_OFFICE_AS_WRITTEN:
            if self.reading is OfficeSupportReading.OWN_REQUESTS:
                return audience.cell(Role.PRIMARY_CONTACT)
            if self.reading is OfficeSupportReading.REQUESTS and (
                type_name in OFFICE_WITHOUT_CASES or (type_name, field) in OFFICE_WITHOUT_CASE_EDGES
            ):
                return Cell.HIDDEN
        return audience.cell(role)

    def visible_to(self, type_name: str, field: str) -> tuple[Role, ...]:
        """The roles that see the field on some row at least."""
        return tuple(role for role in Role if self.cell(type_name, field, role) is not Cell.HIDDEN)

    def has_rows(self, type_name: str, role: Role) -> bool:
        """Whether `role` can reach any row of the type."""
        rule = self.rules[type_name]
        if not rule.scoped:
            return True
        assert rule.model is not None
        return (rule.model, role) in SCOPES and (
            "id" not in rule.fields or self.cell(type_name, "id", role) is not Cell.HIDDEN
        )


class Me:
    """The viewer while an operation is planned: the roles in effect, and their identifiers as bound parameters.

    Two viewers with the same roles get the same statements.
    """

    def __init__(self, policy: Policy, roles: frozenset[Role]) -> None:
        self.policy = policy
        self.roles = tuple(role for role in Role if role in roles)
        self.reading = policy.reading
        self.user_id: ColumnElement[int] = bindparam("me_user", type_=BigInteger())
        self.organisation_id: ColumnElement[int] = bindparam("me_organisation", type_=BigInteger())
        self.region: ColumnElement[str] = bindparam("me_region", type_=String())

    # Rows ----------------------------------------------------------------------------------------------------

    def reaches(self, type_name: str, role: Role, row: Any) -> ColumnElement[bool]:
        """Whether `role` reaches `row`: its scope, the row condition of the type's `id`, and no access block."""
        return and_(self._scope(type_name, role, row), self._not_blocked(type_name, (role,), row))

    def linked(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]:
        """Whether there is a row of `entity` whose `column` is `key` and for which the condition holds."""
        return some(entity, column == key, condition)

    def leads_to(self, entity: Any, column: Any, key: Any, condition: Any) -> ColumnElement[bool]:
        """The same, of rows that are reached and so lead to others."""
        return self.linked(entity, column, key, condition)

    def one_holds(self, row: Any, model: type[models.Base], *conditions: Condition) -> ColumnElement[bool]:
        """Whether one of the conditions holds for a row of the model."""
        return or_(*(condition(row) for condition in conditions))

    def row_scope(self, type_name: str, row: Any) -> ColumnElement[bool]:
        """Whether the viewer reaches `row` by any role held. False for a type that no role held reaches."""
        if not self.policy.rules[type_name].scoped:
            return true()
        roles = self._reaching(type_name)
        if not roles:
            return false()
        return and_(
            or_(*(self._scope(type_name, role, row) for role in roles)), self._not_blocked(type_name, roles, row)
        )

    def _reaching(self, type_name: str) -> list[Role]:
        return [role for role in self.roles if self.policy.has_rows(type_name, role)]

    def node_scope(self, type_name: str, row: Any) -> ColumnElement[bool]:
        """What `node` finds: what the viewer reaches; of users only oneself and the acting organisation's."""
        if self.policy.rules[type_name].model is models.User:
            return member_of_acting(row, self)
        return self.row_scope(type_name, row)

    def _scope(self, type_name: str, role: Role, row: Any) -> ColumnElement[bool]:
        rule = self.policy.rules[type_name]
        if not self.policy.has_rows(type_name, role):
            return false()
        scope = SCOPES.get((rule.model, role)) if rule.model is not None else None
        if scope is None:
            return true()
        if "id" not in rule.fields:
            return scope(row, self)
        own = self._cell_condition(type_name, self.policy.cell(type_name, "id", role), row, role)
        return scope(row, self) if own is None else and_(own, scope(row, self))  # what asks the row alone comes first

    def _not_blocked(self, type_name: str, roles: Any, row: Any) -> ColumnElement[bool]:
        model = self.policy.rules[type_name].model
        if model not in (models.Student, models.Case, models.Request):
            return true()
        if model is models.Student and Role.PRIVACY_OFFICER not in roles:
            return true()  # their scope goes through cases, which are not blocked
        return not_blocked(getattr(row, SUBJECT[model]), self)

    # Fields --------------------------------------------------------------------------------------------------

    def sees(self, type_name: str, field: str, row: Any) -> Decision:
        """Whether the viewer sees `type_name.field` of a row that they reach."""
        audience = self.policy.audience(type_name, field)
        if not self.roles:
            return Visibility.ALWAYS if audience.without_role else Visibility.NEVER
        cells = {role: self.policy.cell(type_name, field, role) for role in self.roles}
        if audience.root:  # what is one's own of the rows is asked of the row itself
            return Visibility.NEVER if set(cells.values()) <= {Cell.HIDDEN} else Visibility.ALWAYS
        return self._decide(type_name, cells, audience.unless_protected, row)

    def may(self, audience: type[Audience], type_name: str, row: Any) -> Decision:
        """Whether the viewer may do what `audience` guards to a row of `type_name` that they reach."""
        return self._decide(type_name, {role: audience.cell(role) for role in self.roles}, frozenset(), row)

    def _decide(
        self, type_name: str, cells: Mapping[Role, Cell], unless_protected: Container[Role], row: Any
    ) -> Decision:
        reaching = self._reaching(type_name)
        conditions = {
            role: self._condition(type_name, cells[role], role, row, protected=role in unless_protected)
            for role in reaching
            if cells[role] is not Cell.HIDDEN
        }
        if not conditions:
            return Visibility.NEVER
        if len(conditions) == len(reaching) and all(condition is None for condition in conditions.values()):
            return Visibility.ALWAYS
        if len(reaching) == 1:
            only = conditions[reaching[0]]
            assert only is not None
            return only
        if any(condition is None and not self._has_scope(type_name, role) for role, condition in conditions.items()):
            return Visibility.ALWAYS
        return self._by_some_role(type_name, conditions, row)

    def _by_some_role(
        self, type_name: str, conditions: Mapping[Role, ColumnElement[bool] | None], row: Any
    ) -> ColumnElement[bool]:
        """Whether one of the roles reaches `row` and has its condition fulfilled, if it has one."""
        return or_(
            *(
                self.reaches(type_name, role, row)
                if condition is None
                else and_(self.reaches(type_name, role, row), condition)
                for role, condition in conditions.items()
            )
        )

    def _has_scope(self, type_name: str, role: Role) -> bool:
        """Whether `role` reaches only some rows of the type (those of others it meets on other roles' paths)."""
        rule = self.policy.rules[type_name]
        return rule.scoped or (rule.model is not None and (rule.model, role) in SCOPES)

    def _condition(
        self, type_name: str, cell: Cell, role: Role, row: Any, *, protected: bool
    ) -> ColumnElement[bool] | None:
        """What `role` needs of a row beyond reaching it; None for nothing."""
        fields = self.policy.rules[type_name].fields
        conditions = []
        if "id" not in fields or cell is not self.policy.cell(type_name, "id", role):
            own = self._cell_condition(type_name, cell, row, role)
            if own is not None:
                conditions.append(own)
        if protected:
            conditions.append(self._not_protected(type_name, row))
        return and_(*conditions) if conditions else None

    def _cell_condition(self, type_name: str, cell: Cell, row: Any, role: Role) -> ColumnElement[bool] | None:
        model = self.policy.rules[type_name].model
        match cell:
            case Cell.VISIBLE:
                return None
            case Cell.WHILE_ACTIVE:
                assert model is not None
                case = aliased(models.Case)
                return some(
                    case, case.student_id == getattr(row, SUBJECT[model]), case.active, self.reaches("Case", role, case)
                )
            case Cell.SHARED:
                here = self.organisation_id
                return or_(row.shared_with_school_id == here, row.organisation_id == here)
            case Cell.OWN:
                return self._own(model, row)
            case Cell.HIDDEN:
                return false()

    def _own(self, model: type[models.Base] | None, row: Any) -> ColumnElement[bool]:
        if model is models.Request:
            return own_request(row, self)
        if model is models.Comment:
            return and_(row.author_id == self.user_id, row.organisation_id == self.organisation_id)
        if model is models.Event:
            return and_(row.recorded_by_id == self.user_id, row.organisation_id == self.organisation_id)
        if model is models.File:
            return and_(row.uploaded_by_id == self.user_id, row.organisation_id == self.organisation_id)
        if model is models.Organisation:
            return row.id == self.organisation_id  # type: ignore[no-any-return]
        return false()

    def _not_protected(self, type_name: str, row: Any) -> ColumnElement[bool]:
        if type_name == "Student":
            return ~row.protected  # type: ignore[no-any-return]
        student = aliased(models.Student)
        return ~some(student, student.id == row.student_id, student.protected)
